"""Webhook endpoints: where a tenant's events are sent, and how that goes. Never their secrets."""
