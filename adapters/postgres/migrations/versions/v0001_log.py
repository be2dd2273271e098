"""The tenant log, its second log `access`, and the receipts of accepted commands.

Unique keys and row locks carry its correctness: no function, trigger, sequence or advisory lock, so that it
also stands on a distributed Postgres that shards by `tenant_id`.
"""

from alembic import op

revision = "0001"
down_revision = None

_EVENTS = """
    tenant_id uuid NOT NULL,
    position bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    schema_version smallint NOT NULL,
    payload bytea NOT NULL,
    metadata bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, stream, version),
    UNIQUE (tenant_id, position)
"""
# Room in each page, so that moving a head rewrites no index.
_HEADS = """
    tenant_id uuid PRIMARY KEY,
    epoch int NOT NULL,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    auth_epoch bigint NOT NULL
"""


def upgrade() -> None:
    """Make the schema `log`."""
    op.execute("CREATE SCHEMA log")
    _make_events("log.events")
    op.execute(f"CREATE TABLE log.heads ({_HEADS}) WITH (fillfactor = 50)")
    _make_events("log.access_events")
    op.execute(f"CREATE TABLE log.access_heads ({_HEADS}) WITH (fillfactor = 50)")
    op.execute("""
        CREATE TABLE log.receipts (
            tenant_id uuid NOT NULL,
            key_hmac bytea NOT NULL,
            body_hmac bytea NOT NULL,
            command_id uuid NOT NULL,
            command text NOT NULL,
            first_position bigint NOT NULL,
            last_position bigint NOT NULL,
            recorded_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, key_hmac)
        )
    """)


def _make_events(table: str) -> None:
    """Events stay in their row, as they are: sealed values do not compress, and trying takes half of an insert."""
    op.execute(f"CREATE TABLE {table} ({_EVENTS}) WITH (toast_tuple_target = 8160)")
    for column in ("payload", "metadata"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
