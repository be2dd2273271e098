"""Decisions: what was decided on each message to each person, why, and whether it was handed over."""
