"""Letters about usage, trials, payments and access, to a tenant's owners and to those who read its bills."""
