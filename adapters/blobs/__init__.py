"""Sealed files on this machine's disk."""
