"""What a tenant pays for, and what it may use for that."""
