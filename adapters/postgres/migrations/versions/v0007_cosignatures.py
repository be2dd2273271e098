"""What witnesses signed beneath checkpoints: a line each, beside the checkpoint that it stands under."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make `ledger.cosignatures`."""
    op.execute("""
        CREATE TABLE ledger.cosignatures (
            tenant_id uuid NOT NULL,
            log text COLLATE "C" NOT NULL CHECK (log IN ('events', 'access')),
            epoch int NOT NULL,
            size bigint NOT NULL,
            witness text COLLATE "C" NOT NULL,
            line bytea NOT NULL,
            taken_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, log, epoch, size, witness)
        )
    """)
