"""How far each tenant's access log was looked through by the alert rules."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make `ops.access_watches`."""
    op.execute("""
        CREATE TABLE ops.access_watches (
            tenant_id uuid NOT NULL PRIMARY KEY,
            epoch int NOT NULL,
            position bigint NOT NULL,
            looked_at timestamptz NOT NULL
        ) WITH (fillfactor = 50)
    """)
