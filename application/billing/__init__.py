"""What billing does besides deciding: it asks the payment provider, and enters what the provider tells."""
