"""How much of what a plan has is used."""
