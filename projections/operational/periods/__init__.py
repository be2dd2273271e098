"""Months of the books: which are closed, by whom, and why one was opened again."""
