"""API keys: what services, and people through services, act with. Never their secrets."""
