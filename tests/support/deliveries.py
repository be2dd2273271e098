"""Schedules in tests: one to make, a due time that is given up, and all that happens to one in a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from domain.kernel.ids import DeliveryId
from domain.reporting.delivery import FailDelivery, FailureReason, delivery_of
from tests.support.api import Api, TestTenant

SCHEDULE: Final = {
    "title": "Every day",
    "items": [{"report": "activity", "period": "yesterday"}],
    "frequency": "daily",
    "folder": "daily",
}


async def give_up(api: Api, tenant: TestTenant, schedule_id: UUID) -> DeliveryId:
    """Settle what a schedule has due, which did not work; the id of the delivery."""
    state = await api.parts.commands.state(tenant.id, "schedule", schedule_id)
    delivery_id = delivery_of(schedule_id, state.due)
    failed = FailDelivery(delivery_id=delivery_id, reason=FailureReason.ERROR)
    await api.act(tenant.id, failed, schedule_id)
    return delivery_id


def of_schedules(
    schedule: UUID, member: UUID, deliveries: list[UUID]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event: five deliveries, each of which ends in another way."""
    stream, which = f"schedule:{schedule}", {"schedule_id": schedule}
    item: dict[str, Any] = {
        "name": "mrr",
        "report": "mrr",
        "pack": None,
        "parameters": {},
        "form": "csv",
        "decimal": "comma",
        "period": "last_month",
    }
    terms = {
        "title": "Books",
        "items": [item],
        "frequency": "daily",
        "weekday": None,
        "at": "06:00",
        "time_zone": "Europe/Berlin",
        "folder": "books",
        "recipients": [member],
    }
    then = {"next_at": "2126-03-02T05:00:00Z", "next_day": "2126-03-02"}
    day = {"day": "2026-03-01", "due_at": "2026-03-01T05:00:00Z"}
    file = {
        "name": "mrr.csv",
        "of": "mrr",
        "definition": "0" * 12,
        "period_from": "2026-02-01",
        "period_to": "2026-02-28",
        "position": "1.1",
        "as_of": "2026-03-01T05:00:00Z",
        "rows": 1,
        "complete": True,
        "size": 9,
        "sha256": "0" * 64,
    }
    kept = {"position": "1.1", "as_of": "2026-03-01T05:00:00Z", "files": [file], "refused": []}
    made, partly, failed, dropped, skipped = deliveries
    withheld = [{"member_id": member, "reason": "removed"}]
    yield stream, "reporting.schedule_created", {**which, "author_id": member, "terms": terms, **then}
    for delivery in (made, partly, failed, dropped):
        yield stream, "reporting.delivery_prepared", {**which, "delivery_id": delivery, **day, **kept}
    for delivery, left in ((made, []), (partly, withheld)):
        told = {
            **which,
            "delivery_id": delivery,
            **day,
            "folder": "books",
            "mailed": 1,
            "withheld": left,
            "refused": [],
            "folder_failed": None,
        }
        yield stream, "reporting.delivery_made", {**told, **then}
    gone = {**which, "delivery_id": failed, **day, "reason": "error", "prepared": True, "mailed": 0}
    gone |= {"withheld": withheld, "refused": []}
    away = {**which, "delivery_id": failed, "member_id": member}
    yield stream, "reporting.letter_refused", away
    yield stream, "reporting.delivery_failed", {**gone, **then}
    over = {**which, "delivery_id": skipped, **day, "last_day": "2026-03-02", "skipped": 2}
    yield stream, "reporting.deliveries_skipped", {**over, **then}
    yield stream, "reporting.delivery_mailed", {**which, "delivery_id": dropped, "member_id": member}
    changed = {**which, "author_id": member, "terms": {**terms, "title": "All books"}, "dropped": dropped}
    yield stream, "reporting.schedule_changed", {**changed, **then}
    yield stream, "reporting.schedule_paused", {**which, "dropped": None}
    yield stream, "reporting.schedule_resumed", {**which, **then}
    yield stream, "reporting.schedule_removed", {**which, "dropped": None}


def of_packs(pack: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A pack that was sealed."""
    told = {"definition": "finance", "definition_version": "0" * 12, "period_from": "2026-01-01"}
    made = {"period_to": "2026-03-31", "position": "1.1", "as_of": "2026-04-01T00:00:00Z", "figures": 7}
    files = {"pdf_sha256": "0" * 64, "pdf_size": 9, "figures_sha256": "1" * 64}
    needs = {"needs": ["costs.read", "reports.read"], "currency": "USD"}
    yield f"board_pack:{pack}", "reporting.pack_sealed", {"pack_id": pack, **told, **made, **files, **needs}
