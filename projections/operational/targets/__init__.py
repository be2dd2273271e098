"""Targets, as they stand."""
