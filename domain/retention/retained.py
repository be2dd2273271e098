"""One thing that is kept for a time: how it follows from events, when its period ends, and which holds are over it.

The view of what is due and whoever destroys something make it of the same events by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.law.periods import Period, latest_day, over
from domain.retention.kinds import Kind, Over, schedule


class Told(NamedTuple):
    """An event, as far as it matters here: its payload in its current shape, and when the log took it."""

    name: str
    payload: dict[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Retained:
    """Something that is kept. `under`: which holds are over it, as marks that a hold's are compared with.

    `first_day` and `last_day`: what it is about, for holds over a period; None: not known, so that it is in any.
    `ended_at`: what a period is counted from; None: it goes on, or no period of the schedule is over it.
    `promised`: until when an event of its own says that it is kept. `expired`: it is being destroyed.
    """

    kind: Kind
    object_id: UUID
    under: frozenset[str]
    first_day: date | None = None
    last_day: date | None = None
    ended_at: datetime | None = None
    promised: datetime | None = None
    expired: bool = False
    destroyed: bool = False


class Change(NamedTuple):
    """What an event makes of a thing: `values` are fields of `Retained`; `links`: what it belongs to."""

    kind: Kind
    object_id: UUID
    values: dict[str, Any]
    links: Mapping[Over, UUID] = MappingProxyType({})
    begins: bool = False


def due_at(one: Retained, period: Period | None, *, chosen: bool) -> datetime | None:
    """When nothing but a hold keeps it any more; None: that is open. `chosen`: the tenant set the period itself.

    A period is over with its last day everywhere on earth, and one of no time at once. What an event of its own
    promised holds in any case. A period of the schedule that was not chosen adds
    nothing to it.
    """
    if one.ended_at is None or (one.promised is not None and not chosen):
        return one.promised
    if period is None:
        return None
    at_once = period == Period()
    ends = one.ended_at if at_once else over(period.after(counted_from(one.ended_at)), ())
    return ends if one.promised is None else max(ends, one.promised)


def counted_from(ended_at: datetime) -> date:
    """The day that a period is counted from: the latest that it is anywhere."""
    return latest_day(ended_at, ())


def marks(kind: Kind, links: Mapping[Over, UUID]) -> frozenset[str]:
    """The marks of holds that are over a thing of this kind with these links."""
    terms = schedule()[kind]
    told = {Over.TENANT.value, *(f"{one}:*" for one in terms.kept_by)}
    told |= {f"{one}:{links[one]}" for one in terms.divided_by if one in links}
    return frozenset(told)


def held_by(one: Over, subject: UUID | None) -> frozenset[str]:
    """The marks of what a hold over something keeps."""
    if one in (Over.TENANT, Over.PERIOD):
        return frozenset({Over.TENANT.value})
    return frozenset({f"{one}:{subject}", f"{one}:*"})


def within(one: Retained, first: date | None, last: date | None) -> bool:
    """Whether a thing falls into a period that a hold is over; what is not known of either falls into it."""
    begins_in_time = one.first_day is None or last is None or one.first_day <= last
    return begins_in_time and (one.last_day is None or first is None or one.last_day >= first)


def _import_ended(told: Told) -> Change:
    payload = told.payload
    import_id = UUID(payload["import_id"])
    gone_at_once = told.name == "audience.import_expired"
    values = {
        "ended_at": None if gone_at_once else told.recorded_at,
        "promised": _moment(payload["files_until"]),
        "last_day": told.recorded_at.date(),
    }
    links = {Over.IMPORT: import_id, Over.WORKSPACE: UUID(payload["workspace_id"])}
    return Change(Kind.IMPORT_FILES, import_id, values, links, begins=True)


def _asked(told: Told) -> Change:
    subject = told.payload["addressee_id"]
    links = {} if subject is None else {Over.PERSON: UUID(subject)}
    values = {"first_day": _moment(told.payload["received_at"]).date()}
    return Change(Kind.REQUEST_DETAILS, UUID(told.payload["request_id"]), values, links, begins=True)


def _subject_named(told: Told) -> Change:
    links = {Over.PERSON: UUID(told.payload["addressee_id"])}
    return Change(Kind.REQUEST_DETAILS, UUID(told.payload["request_id"]), {}, links)


def _answered(told: Told) -> Change:
    payload = told.payload
    until = _moment(payload["details_until"])
    at = next(
        _moment(payload[one]) for one in ("completed_at", "refused_at", "withdrawn_at") if one in payload
    )
    values = {"ended_at": None if until <= at else at, "promised": until, "last_day": at.date()}
    return Change(Kind.REQUEST_DETAILS, UUID(payload["request_id"]), values)


def _erased(told: Told) -> Change:
    payload = told.payload
    who = UUID(payload["addressee_id"])
    erased_at = told.recorded_at if payload["erased_at"] is None else _moment(payload["erased_at"])
    until = None if payload["evidence_ends"] is None else _moment(payload["evidence_ends"])
    kept = until is None or until > erased_at
    values = {
        "ended_at": erased_at if kept else None,
        "promised": until,
        "last_day": erased_at.date(),
    }
    return Change(Kind.EVIDENCE, who, values, {Over.PERSON: who}, begins=True)


def _sealed(told: Told) -> Change:
    values = {
        "first_day": _day(told.payload["period_from"]),
        "last_day": _day(told.payload["period_to"]),
        "ended_at": told.recorded_at,
    }
    return Change(Kind.BOARD_PACKS, UUID(told.payload["pack_id"]), values, begins=True)


def _dropped(told: Told) -> Change | None:
    dropped = told.payload["dropped"]
    if dropped is None:
        return None
    values = {"ended_at": told.recorded_at, "last_day": told.recorded_at.date()}
    return Change(Kind.DELIVERY_FILES, UUID(told.payload["schedule_id"]), values, begins=True)


def _query_deleted(told: Told) -> Change:
    values = {"ended_at": told.recorded_at, "last_day": told.recorded_at.date()}
    return Change(Kind.SAVED_QUERIES, UUID(told.payload["query_id"]), values, begins=True)


def _actor_gone(told: Told) -> Change:
    field = "member_id" if told.name == "tenancy.member_removed" else "api_key_id"
    who = UUID(told.payload[field])
    values = {"ended_at": told.recorded_at, "last_day": told.recorded_at.date()}
    return Change(Kind.ACTOR_TRACES, who, values, begins=True)


def _gone(kind: Kind, field: str, **values: bool) -> Callable[[Told], Change]:
    def change(told: Told) -> Change:
        return Change(kind, UUID(told.payload[field]), dict(values))

    return change


def _expired(told: Told) -> Change:
    return Change(Kind(told.payload["kind"]), UUID(told.payload["object_id"]), {"expired": True})


def _destroyed(told: Told) -> Change:
    values = {"expired": True, "destroyed": True}
    return Change(Kind(told.payload["kind"]), UUID(told.payload["object_id"]), values)


CHANGES: Final[dict[str, Callable[[Told], Change | None]]] = {
    **dict.fromkeys(
        (
            "audience.import_completed",
            "audience.import_failed",
            "audience.import_cancelled",
            "audience.import_expired",
        ),
        _import_ended,
    ),
    "audience.import_files_destroyed": _gone(Kind.IMPORT_FILES, "import_id", expired=True, destroyed=True),
    "rights.request_received": _asked,
    "rights.subject_named": _subject_named,
    **dict.fromkeys(
        ("rights.request_completed", "rights.request_refused", "rights.request_withdrawn"), _answered
    ),
    "rights.details_destroyed": _gone(Kind.REQUEST_DETAILS, "request_id", expired=True, destroyed=True),
    "audience.addressee_erased": _erased,
    "audience.evidence_expired": _gone(Kind.EVIDENCE, "addressee_id", expired=True),
    "audience.evidence_key_destroyed": _gone(Kind.EVIDENCE, "addressee_id", expired=True, destroyed=True),
    "reporting.pack_sealed": _sealed,
    "reporting.schedule_removed": _dropped,
    "reporting.query_deleted": _query_deleted,
    **dict.fromkeys(("tenancy.member_removed", "tenancy.api_key_revoked"), _actor_gone),
    "retention.object_expired": _expired,
    "retention.object_destroyed": _destroyed,
}
"""What each event makes of which thing."""


def retained_of(kind: Kind, object_id: UUID, events: Iterable[Told]) -> Retained | None:
    """The thing that these events tell of; None: they tell of none."""
    found: Retained | None = None
    for told in events:
        change = CHANGES[told.name](told) if told.name in CHANGES else None
        if change is None or (change.kind, change.object_id) != (kind, object_id):
            continue
        if found is None:
            if not change.begins:
                continue
            found = Retained(kind, object_id, marks(kind, {}))
        found = replace(found, **change.values)
        if change.links:
            found = replace(found, under=marks(kind, change.links))
    return found


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _day(value: str | date) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
