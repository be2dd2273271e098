"""How far the sending of webhooks has come: one row a run of an endpoint, not one a message."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make `ops.webhook_runs`."""
    op.execute("""
        CREATE TABLE ops.webhook_runs (
            tenant_id uuid NOT NULL,
            run_id uuid NOT NULL,
            endpoint_id uuid NOT NULL,
            epoch int NOT NULL,
            position bigint NOT NULL,
            reached_at timestamptz,
            era bigint NOT NULL,
            attempts int NOT NULL DEFAULT 0,
            failures int NOT NULL DEFAULT 0,
            given_up bigint NOT NULL DEFAULT 0,
            next_at timestamptz NOT NULL,
            last_status int,
            last_error text COLLATE "C",
            last_at timestamptz,
            worker uuid,
            lease_until timestamptz,
            PRIMARY KEY (tenant_id, run_id)
        ) WITH (fillfactor = 50)
    """)
