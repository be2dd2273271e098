"""Folders of this machine that files are delivered to."""
