"""Workspaces: where a tenant keeps its clients apart."""
