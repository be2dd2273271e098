"""Members: the people of a tenant, and those who were asked to join."""
