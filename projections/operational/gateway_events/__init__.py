"""What the payment provider told, and what became of it. Rows are the platform's own."""
