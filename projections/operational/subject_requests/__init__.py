"""Requests of people about their data: by when each is answered, what was done, how it ended."""
