"""Campaigns: where each stands, what it lacks, and who said yes to it."""
