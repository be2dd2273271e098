"""Which tables are in a backup, and why the others are not."""

from __future__ import annotations

from typing import Final, Literal

Log = Literal["events", "access"]
EVENTS: Final[dict[Log, tuple[str, str]]] = {
    "events": ("log.events", "log.heads"),
    "access": ("log.access_events", "log.access_heads"),
}
"""Events and heads of each of a tenant's two logs."""

KEPT: Final = (
    *(table for tables in EVENTS.values() for table in tables),
    "log.receipts",
    "ledger.checkpoints",
    "ledger.cosignatures",
    "ledger.epochs",
    "ledger.keys",
    "ledger.tiles",
    "ledger.trees",
    "ops.job_runs",
    "ops.webhook_runs",
)
LEFT_OUT: Final = {
    "ledger.refusals": "the notary looks at each log anew, and says so again",
    "ops.access_watches": "what was told of an access log stands in the tenant's log, and is not told twice",
    "ops.projection_positions": "views hold values in the clear: they are left out, and made again from the logs",
    "ops.projection_versions": "views hold values in the clear: they are left out, and made again from the logs",
    "ops.rate_limits": "each minute begins anew",
    "ops.snapshots": "they are made again from the logs",
    "ops.tracking": "positions of views",
}
