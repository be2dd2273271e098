"""One row an endpoint, removed ones included; one a run (see `application.ports.webhooks`); one a secret, by its id."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "webhook_endpoints",
        key=("endpoint_id",),
        columns={
            "endpoint_id": "uuid",
            "url": "text",
            "events": "jsonb",
            "description": "text",
            "state": "text",
            "pause_reason": "text",
            "era": "bigint",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
    Table(
        "webhook_runs",
        key=("run_id",),
        columns={
            "run_id": "uuid",
            "endpoint_id": "uuid",
            "after_position": "bigint",
            "last_position": "bigint",
        },
        indexes=(("endpoint_id",),),
    ),
    Table(
        "webhook_secrets",
        key=("secret_id",),
        columns={"secret_id": "uuid", "endpoint_id": "uuid", "retires_at": "timestamptz"},
        indexes=(("endpoint_id",),),
    ),
)
