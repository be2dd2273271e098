"""Where the alert rules have come to in tenants' access logs."""
