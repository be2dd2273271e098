"""A witness of our own: it runs alone, knows no database, and cosigns the checkpoints of logs that it is told of."""
