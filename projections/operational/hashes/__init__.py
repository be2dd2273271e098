"""Hashes: what stands on a tenant's suppression list by a hash of an address alone. Whose they are nobody knows."""
