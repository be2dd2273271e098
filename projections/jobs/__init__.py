"""Jobs: the list of what is due because an event says so, and the machinery that sees each one done."""
