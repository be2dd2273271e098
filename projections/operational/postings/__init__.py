"""Postings of checkpoints, and what became of the latest due time of each."""
