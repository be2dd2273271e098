"""A tenant whose access log was reviewed: a sign-off with a question, and an alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.access.alerts import RaiseAlert
from domain.access.policy import Counted, RuleName
from tests.support.api import Api, TestTenant
from tests.support.projecting import fresh

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OVER = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
RAISED: dict[str, Any] = {
    "rule": RuleName.MANY_EXPORTS,
    "staff": False,
    "counts": Counted.ENTRIES,
    "measured": 20,
    "threshold": 20,
    "minutes": 60,
    "epoch": 1,
    "first_position": 1,
    "last_position": 20,
    "first_at": MOMENT,
    "last_at": MOMENT,
    "quiet_until": OVER,
}


async def reviewed(api: Api, tenant: TestTenant, key: str, mark: str = "A word") -> None:
    """Read something, have it signed off and questioned by whose key it is, and raise an alert about somebody."""
    looked = await api.send("GET", "/v1/history", tenant.key)
    assert looked.status_code == 200, looked.text
    body = {"note": mark, "findings": [{"position": 1, "doubt": "other", "note": mark}]}
    signed = await api.post(f"/v1/access/{tenant.id}/sign-off-access", key, body)
    assert signed.status_code == 200, signed.text
    await api.act(tenant.id, RaiseAlert(reader_id=fresh(), **RAISED), tenant.id)


def of_reviews(tenant: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event of a log's reviews, alerts and outside auditors."""
    stream, who, other = f"access_review:{tenant}", fresh(), fresh()
    counts = {"entries": 5, "own_entries": 1, "staff_entries": 0, "denied_requests": 2, "readers_count": 1}
    period = {"epoch": 1, "after_position": 0, "to_position": 5, "first_at": MOMENT, "last_at": OVER}
    readers = [{"reader_id": who, "entries": 5}]
    review = {"review_id": fresh(), "signed_by": who}
    signed = {**review, **period, **counts, "kinds": {"export": 5}, "readers": readers, "note": "a note"}
    yield stream, "access.period_signed_off", signed
    own = {"review_id": fresh(), "reader_id": who, "signed_by": other, "after_position": 0, "to_position": 5}
    yield stream, "access.own_reads_signed_off", {**own, "entries": 1, "note": None}
    for position, answered in ((1, True), (2, False)):
        asked = {"question_id": fresh(), "position": position, "reader_id": who}
        doubt = {"doubt": "too_much", "asked_by": other, "review_id": None, "note": "Why?"}
        yield stream, "access.read_questioned", {**asked, **doubt}
        if answered:
            told = {"outcome": "justified", "answered_by": other, "explanation": "A move."}
            yield stream, "access.question_answered", {**asked, **told}
    yield stream, "access.review_cadence_set", {"days": 7, "set_by": who}
    stream = f"access_watch:{tenant}"
    for looked_into in (True, False):
        alert = {"alert_id": fresh(), "reader_id": fresh(), **RAISED}
        yield stream, "access.alert_raised", alert
        if looked_into:
            known = {"alert_id": alert["alert_id"], "acknowledged_by": who, "reason": "Known."}
            yield stream, "access.alert_acknowledged", known
    rule = {"rule": "at_night", "enabled": True, "threshold": 1, "minutes": 720, "set_by": who}
    hours = {"hours_from": "07:00", "hours_to": "20:00", "time_zone": "UTC"}
    yield stream, "access.alert_rule_set", {**rule, **hours}
    key, seen = (
        fresh(),
        {"logs": ["events"], "contexts": None, "shows_personal": False, "shows_evidence": False},
    )
    period = {"seen_from": MOMENT, "seen_until": OVER, "expires_at": OVER}
    auditor = {"api_key_id": key, "label": "Audit", "auditor": "Mara Quill", "secret_hmac": "cc"}
    yield f"api_key:{key}", "tenancy.auditor_admitted", {**auditor, **seen, **period}
