"""What is read: the events of a tenant's second log."""
