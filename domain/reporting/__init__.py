"""Reporting: what analysts keep for themselves and each other."""
