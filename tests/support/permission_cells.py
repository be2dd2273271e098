"""A cell of each report about permission, requests and the books: what a question for the events behind a row names."""

from __future__ import annotations

from typing import Final

_DAY: Final = "cell.day=2026-11-24"
_COST: Final = "cell.month=2026-10-01&cell.currency=USD&cell.accuracy=exact"
CELLS: Final = {
    "decisions": f"{_DAY}&cell.verdict=deny&cell.law=de&cell.rule=otherwise",
    "denials_by_reason": "cell.verdict=hold&cell.law=none&cell.rule=sender-country-unknown",
    "allows_by_basis": "cell.law=de&cell.basis=none",
    "dispatches": _DAY,
    "lapses": "cell.week=2026-11-23&cell.law=fr&cell.basis=consent&cell.stage=announced",
    "subject_requests": f"{_DAY}&cell.step=received&cell.kind=access&cell.law=none",
    "costs_by_category": f"{_COST}&cell.category=server",
    "costs_by_workspace": f"{_COST}&cell.share=whole",
    "cost_variance": "cell.month=2026-10-01&cell.category=server&cell.provider=Hostwinds&cell.currency=USD",
    "targets": "cell.metric=mrr&cell.period_kind=standing&cell.comparison=at_least&cell.value=1&cell.unit=USD",
    "usage": "cell.month=2026-11-01&cell.meter=emails",
    "opt_outs": f"{_DAY}&cell.kind=unsubscribe&cell.channel=page&cell.scope=tenant&cell.law=none",
}
