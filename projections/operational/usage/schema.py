"""One row a meter of what stands, whose `period` is empty, and one a month (UTC) of what flows.

`beyond`: how much of it went beyond the limit; `reported`: how much of that is billed by use, for `amount` in minor
units of `currency`.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "usage",
        key=("meter", "period"),
        columns={
            "meter": "text",
            "period": "text",
            "used": "bigint",
            "beyond": "bigint",
            "reported": "bigint",
            "amount": "bigint",
            "currency": "text",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
