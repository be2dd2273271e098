"""Operational views: what people and programs look at, each a folder with its tables, its handlers and its queries."""
