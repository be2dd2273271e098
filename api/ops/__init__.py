"""Running an installation: its processes, their health, logs, metrics and traces."""
