"""The runs of a sweep are looked for every second, by tenant, and those that are open by themselves."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Index `ops.job_runs`, without the columns that a renewed lease changes."""
    op.execute("CREATE INDEX ON ops.job_runs (workflow, tenant_id)")
    op.execute("CREATE INDEX ON ops.job_runs (workflow) WHERE state IN ('sent', 'running', 'waiting')")
