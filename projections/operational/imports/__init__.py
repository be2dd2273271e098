"""Imports: files of contacts on their way in, what became of each row, and which contacts they touched."""
