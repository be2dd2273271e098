"""How exchange rates follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.exchange_rates.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

EXCHANGE_RATES: Final = Projection("exchange_rates", version=1, tables=TABLES, reveals=False)


@EXCHANGE_RATES.on("finance.exchange_rate_recorded")
def exchange_rate_recorded(event: Fact, rows: Rows) -> None:
    """It holds from now on; recorded again, it keeps its place."""
    told = {**event.payload, "recorded_times": event.recorded.version}
    if event.recorded.version == 1:
        made = {"created_position": event.position, "created_at": event.recorded_at}
        rows.insert("exchange_rates", {**told, **made})
    else:
        rows.update("exchange_rates", told)
