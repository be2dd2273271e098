"""Postgres: the embedded server, migrations, roles, and the one matrix of who may touch which table."""
