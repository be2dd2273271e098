"""What the product keeps about its own running: where projections stand, how much of a rate is used up."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the schema `ops`."""
    op.execute("CREATE SCHEMA ops")
    op.execute("""
        CREATE TABLE ops.projection_versions (
            name text PRIMARY KEY,
            version int NOT NULL,
            schema_name text NOT NULL,
            swapped_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE ops.projection_positions (
            projection text NOT NULL,
            version int NOT NULL,
            tenant_id uuid NOT NULL,
            epoch int NOT NULL,
            position bigint NOT NULL,
            state text NOT NULL DEFAULT 'live',
            error text,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (projection, version, tenant_id)
        ) WITH (fillfactor = 50)
    """)
    # Unlogged: after a crash everyone's minute begins anew, which is cheaper than a write to disk a command.
    op.execute("""
        CREATE UNLOGGED TABLE ops.rate_limits (
            tenant_id uuid NOT NULL,
            window_start timestamptz NOT NULL,
            used bigint NOT NULL,
            PRIMARY KEY (tenant_id, window_start)
        ) WITH (fillfactor = 50)
    """)
