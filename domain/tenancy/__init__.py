"""A customer and its people: the tenant, workspaces, members, owners, API keys and break-glass grants."""
