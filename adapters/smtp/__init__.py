"""Mail that this installation sends to its own people, over SMTP."""
