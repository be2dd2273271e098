"""Sending webhooks over HTTP, to addresses of the open internet alone."""
