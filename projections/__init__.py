"""What can be seen: each projection is a function of the log, with its position kept beside its rows."""
