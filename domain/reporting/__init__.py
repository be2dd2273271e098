"""Reporting: what analysts keep for themselves and each other, and reports that are kept as they were given."""
