"""Why something cannot run here and now, told to a person."""


class CannotRun(Exception):
    """The installation, or a part of it, does not start or cannot be reached; the message says what to do."""
