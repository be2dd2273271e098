"""Tenants: each sees itself, the platform sees the register of all."""
