"""What the product keeps about its own running: where projections stand, how much of a rate is used up."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the schema `ops`."""
    op.execute("CREATE SCHEMA ops")
    # One row a build: a version of a projection's tables, filled once from the logs. Readers take the live one.
    op.execute("""
        CREATE TABLE ops.projection_versions (
            name text NOT NULL,
            build int NOT NULL,
            version int NOT NULL,
            schema_name text NOT NULL UNIQUE,
            state text NOT NULL CHECK (state IN ('filling', 'live', 'retired', 'scratch')),
            changed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (name, build)
        )
    """)
    op.execute("CREATE UNIQUE INDEX ON ops.projection_versions (name) WHERE state = 'live'")
    op.execute("""
        CREATE TABLE ops.projection_positions (
            projection text NOT NULL,
            build int NOT NULL,
            tenant_id uuid NOT NULL,
            epoch int NOT NULL,
            position bigint NOT NULL,
            state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'poisoned')),
            error text,
            error_position bigint,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (projection, build, tenant_id)
        ) WITH (fillfactor = 50)
    """)
    # Apart from the list of jobs due, which can be rebuilt: who runs a job, and how often it was tried.
    op.execute("""
        CREATE TABLE ops.job_runs (
            job_id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            workflow text NOT NULL,
            state text NOT NULL CHECK (state IN ('sent', 'running', 'waiting', 'done', 'failed')),
            attempts int NOT NULL DEFAULT 0,
            worker uuid,
            until timestamptz NOT NULL,
            error text,
            updated_at timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 50)
    """)
    # Unlogged: after a crash everyone's minute begins anew, which is cheaper than a write to disk a command.
    op.execute("""
        CREATE UNLOGGED TABLE ops.rate_limits (
            tenant_id uuid NOT NULL,
            bucket text NOT NULL,
            window_start timestamptz NOT NULL,
            used bigint NOT NULL,
            granted bigint NOT NULL,
            PRIMARY KEY (tenant_id, bucket)
        ) WITH (fillfactor = 50)
    """)
