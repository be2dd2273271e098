"""Break-glass grants: when staff may look into a tenant, why, and until when."""
