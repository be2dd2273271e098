"""Fixtures and fakes that tests share."""
