"""Run by alembic: every migration inside the transaction that the caller opened and will commit."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="applied", version_table_schema="migrations")
with context.begin_transaction():
    context.run_migrations()
