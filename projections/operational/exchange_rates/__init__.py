"""Exchange rates, as they hold."""
