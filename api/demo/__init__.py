"""The demo workspace: a living system in the first minute, made through the command path alone."""
