"""Backups of an installation: the events' in one folder, the keys' in another, each with a manifest that proves it."""
