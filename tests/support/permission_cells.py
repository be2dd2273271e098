"""A cell of each report about permission and requests: what a question for the events behind a row names."""

from __future__ import annotations

from typing import Final

_DAY: Final = "cell.day=2026-11-24"
CELLS: Final = {
    "decisions": f"{_DAY}&cell.verdict=deny&cell.law=de&cell.rule=otherwise",
    "denials_by_reason": "cell.verdict=hold&cell.law=none&cell.rule=sender-country-unknown",
    "allows_by_basis": "cell.law=de&cell.basis=none",
    "dispatches": _DAY,
    "lapses": "cell.week=2026-11-23&cell.law=fr&cell.basis=consent&cell.stage=announced",
    "subject_requests": f"{_DAY}&cell.step=received&cell.kind=access&cell.law=none",
    "opt_outs": f"{_DAY}&cell.kind=unsubscribe&cell.channel=page&cell.scope=tenant&cell.law=none",
}
