"""The platform's own log: which tenants there are, the slugs they hold, and the staff."""
