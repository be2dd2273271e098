"""What things cost: entries, estimates and what became of them, and how shared costs are divided."""
