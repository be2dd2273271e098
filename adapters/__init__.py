"""The outside: databases, keys, brokers and other systems, each behind a port of the application."""
