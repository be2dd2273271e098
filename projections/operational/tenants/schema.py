"""A tenant as its own log tells it, one row in its own rows; and the platform's register, one row a registration."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "tenants",
        key=("id",),
        columns={
            "id": "uuid",
            "name": "text",
            "slug": "text",
            "plan": "text",
            "status": "text",
            "country": "text",
            "sends_for": "text",
            "commands_a_minute": "int",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
    ),
    Table(
        "registrations",
        key=("id",),
        columns={
            "id": "uuid",
            "name": "text",
            "slug": "text",
            "plan": "text",
            "status": "text",
            "country": "text",
            "sends_for": "text",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",), ("slug",)),
    ),
)
