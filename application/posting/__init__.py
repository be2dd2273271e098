"""Checkpoints posted outside, on a schedule."""
