"""Directions: where a figure is heading, how sure that is, since when, and what explains it: functions of series."""
