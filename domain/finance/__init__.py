"""The books: which months are closed, and what was aimed at."""
