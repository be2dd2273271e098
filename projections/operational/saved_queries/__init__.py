"""Saved queries: SQL that analysts keep."""
