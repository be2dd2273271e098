"""What is true: pure decisions. Standard library and pydantic only."""
