"""Erasures of people: how far each is, its certificate, and the legal holds on their proof."""
