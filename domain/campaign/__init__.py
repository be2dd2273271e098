"""Campaigns: what is to be sent to whom, what its law wants of it, and who said yes to it."""
