"""What is kept how long and why, what holds keep beyond that, and what is destroyed by plan."""
