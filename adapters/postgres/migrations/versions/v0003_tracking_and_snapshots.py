"""What can be thrown away and made again from the logs: positions of the library's processes, and snapshots."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make `ops.tracking` and `ops.snapshots`."""
    op.execute("""
        CREATE TABLE ops.tracking (
            recorder text COLLATE "C" NOT NULL,
            application text COLLATE "C" NOT NULL,
            notification_id bigint NOT NULL,
            PRIMARY KEY (recorder, application)
        ) WITH (fillfactor = 50)
    """)
    # One per stream: the newest replaces the one before it.
    op.execute("""
        CREATE TABLE ops.snapshots (
            tenant_id uuid NOT NULL,
            stream text COLLATE "C" NOT NULL,
            version bigint NOT NULL,
            schema text COLLATE "C" NOT NULL,
            state bytea NOT NULL,
            PRIMARY KEY (tenant_id, stream)
        )
    """)
