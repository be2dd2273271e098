"""The words every context is written in: events, commands, personal fields, refusals, permissions."""
