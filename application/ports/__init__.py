"""Ports: what the product needs of the outside, each a Protocol named for the need."""
