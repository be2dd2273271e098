"""Consents: the register of what people said and of what else decides whether they may be written to."""
