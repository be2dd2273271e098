"""Undo with consequences: what would take an event back, what that would do, and what rests on it since."""
