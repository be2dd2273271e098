"""Outgoing webhooks: where a tenant wants to be told of its events."""
