"""What is kept how long, what of it is due, which holds keep it, and the plans by which it goes."""
