"""How what happened is undone: a line for each stored event, by its name."""
