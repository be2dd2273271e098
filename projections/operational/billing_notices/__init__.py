"""Letters that billing owes, and what became of them."""
