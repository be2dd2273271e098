"""Contacts: the people a tenant may write to, by workspace."""
