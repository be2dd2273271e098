"""Costs as they stand, and the rules by which shared ones are divided."""
