"""The audit ledger: each log's Merkle tree, its tiles, its signed checkpoints; and which epochs a restore opened."""

from alembic import op

revision = "0006"
down_revision = "0005"

_LOG = "log text COLLATE \"C\" NOT NULL CHECK (log IN ('events', 'access'))"


def upgrade() -> None:
    """Make the schema `ledger`."""
    op.execute("CREATE SCHEMA ledger")
    # What a restore says of each log, in the transaction that raises its head: the last position that was kept.
    op.execute(f"""
        CREATE TABLE ledger.epochs (
            tenant_id uuid NOT NULL,
            {_LOG},
            epoch int NOT NULL,
            kept bigint NOT NULL,
            opened_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, log, epoch)
        )
    """)
    # The tree as it is: its complete subtrees, and the latest checkpoint as it was signed.
    op.execute(f"""
        CREATE TABLE ledger.trees (
            tenant_id uuid NOT NULL,
            {_LOG},
            epoch int NOT NULL,
            size bigint NOT NULL,
            frontier bytea NOT NULL,
            note bytea NOT NULL,
            signed_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, log)
        ) WITH (fillfactor = 50)
    """)
    op.execute(f"""
        CREATE TABLE ledger.tiles (
            tenant_id uuid NOT NULL,
            {_LOG},
            level smallint NOT NULL,
            tile bigint NOT NULL,
            hashes bytea NOT NULL,
            PRIMARY KEY (tenant_id, log, level, tile)
        )
    """)
    op.execute("ALTER TABLE ledger.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.execute(f"""
        CREATE TABLE ledger.checkpoints (
            tenant_id uuid NOT NULL,
            {_LOG},
            epoch int NOT NULL,
            size bigint NOT NULL,
            note bytea NOT NULL,
            signed_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, log, epoch, size)
        )
    """)
    # Logs that the notary signs no more, since what the database tells of them is not what was signed.
    op.execute(f"""
        CREATE TABLE ledger.refusals (
            tenant_id uuid NOT NULL,
            {_LOG},
            since timestamptz NOT NULL,
            words text NOT NULL,
            PRIMARY KEY (tenant_id, log)
        )
    """)
    # The public keys that checkpoints are signed by; their secret halves are in the key store.
    op.execute("""
        CREATE TABLE ledger.keys (
            number int PRIMARY KEY,
            name text NOT NULL,
            public_key bytea NOT NULL,
            signs_from timestamptz NOT NULL,
            signs_until timestamptz
        )
    """)
