"""Staff: who works for the platform. Rows are the platform's own."""
