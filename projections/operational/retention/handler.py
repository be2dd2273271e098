"""How what is kept, what is due and what is held follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.ids import derived_id
from domain.retention.kinds import Over, schedule
from domain.retention.policy import AGREED_ABOVE
from domain.retention.retained import CHANGES, Told, counted_from, held_by, marks
from projections.operational.retention.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from datetime import datetime

    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

RETENTION: Final = Projection("retention", version=1, tables=TABLES, reveals=False)


@RETENTION.on("tenancy.tenant_opened")
def opened(event: Fact, rows: Rows) -> None:
    """The tenant begins with the schedule."""
    for number, (kind, terms) in enumerate(schedule().items()):
        told = terms.model_dump(mode="json", exclude={"kind", "period"})
        rows.insert(
            "rules",
            {
                "kind": kind.value,
                "number": number,
                "terms": {**told, "default_period": _period(terms.period)},
                "agreed_above": AGREED_ABOVE,
                "chosen": False,
                "period": _period(terms.period),
                "changed_at": None,
                "created_position": event.position,
            },
        )


@RETENTION.on("retention.period_changed")
def changed(event: Fact, rows: Rows) -> None:
    """Things of a kind are kept for another period."""
    rule = {"kind": event.payload["kind"], "chosen": True, "period": event.payload["after"]}
    rows.update("rules", {**rule, "changed_at": event.recorded_at})


@RETENTION.on("retention.agreement_changed")
def agreement_changed(event: Fact, rows: Rows) -> None:
    """Plans of more than so many things take a second person."""
    for kind in schedule():
        rows.update("rules", {"kind": kind.value, "agreed_above": event.payload["after"]})


@RETENTION.on(*CHANGES)
def kept(event: Fact, rows: Rows) -> None:
    """Something is kept for a time, or goes."""
    change = CHANGES[event.name](Told(event.name, event.payload, event.recorded_at))
    if change is None:
        return
    values: dict[str, Any] = {"kind": change.kind.value, "object_id": change.object_id, **change.values}
    ended_at: datetime | None = change.values.get("ended_at")
    if ended_at is not None:
        values["ended_on"] = counted_from(ended_at)
    if change.values.get("destroyed"):
        values["destroyed_at"] = event.recorded_at
    if change.begins:
        under = sorted(marks(change.kind, change.links))
        begun = {"expired": False, "destroyed": False, "created_position": event.position}
        rows.upsert("retained", {**begun, **values, "under": under})
        return
    if change.links:
        values["under"] = sorted(marks(change.kind, change.links))
    rows.update("retained", values)


@RETENTION.on("retention.hold_placed")
def hold_placed(event: Fact, rows: Rows) -> None:
    """A matter keeps things; of people, their own streams tell."""
    payload = event.payload
    for number, one in enumerate(payload["over"]):
        if one["kind"] != Over.PERSON:
            keeps = sorted(held_by(Over(one["kind"]), _id(one["subject"])))
            rows.insert(
                "holds",
                {
                    "placing_id": derived_id(UUID(payload["hold_id"]), number),
                    "hold_id": payload["hold_id"],
                    "matter": payload["matter"],
                    "over_what": one["kind"],
                    "subject": one["subject"],
                    "keeps": keeps,
                    "first_day": one["first_day"],
                    "last_day": one["last_day"],
                    **_placed(event, number),
                },
            )


@RETENTION.on("retention.hold_released")
def hold_released(event: Fact, rows: Rows) -> None:
    """A matter is settled."""
    payload = event.payload
    rows.upsert("settled", {"hold_id": payload["hold_id"], "released_at": payload["occurred_at"]})


@RETENTION.on("audience.legal_hold_placed")
def person_held(event: Fact, rows: Rows) -> None:
    """The proof about somebody is kept, for a matter or by a hold over them alone."""
    payload = event.payload
    who = UUID(payload["addressee_id"])
    rows.insert(
        "holds",
        {
            "placing_id": derived_id(who, "hold", event.version),
            "hold_id": payload["hold_id"],
            "addressee_id": who,
            "entry": event.version,
            "over_what": Over.PERSON.value,
            "subject": who,
            "keeps": sorted(held_by(Over.PERSON, who)),
            **_placed(event, 0),
        },
    )


@RETENTION.on("audience.legal_hold_released")
def person_released(event: Fact, rows: Rows) -> None:
    """A hold over somebody ended."""
    payload = event.payload
    placing = derived_id(UUID(payload["addressee_id"]), "hold", payload["entry"])
    rows.update("holds", {"placing_id": placing, "released_at": payload["occurred_at"]})


@RETENTION.on("retention.disposal_planned")
def planned(event: Fact, rows: Rows) -> None:
    """Things are to be destroyed."""
    payload = event.payload
    rows.insert(
        "plans",
        {
            **{name: payload[name] for name in ("plan_id", "planned_by", "objects", "counts")},
            "status": "waiting" if payload["run_at"] is None else "running",
            "planned_at": event.recorded_at,
            "created_position": event.position,
        },
    )


@RETENTION.on("retention.disposal_agreed")
def agreed(event: Fact, rows: Rows) -> None:
    """A second person agreed."""
    told = {name: event.payload[name] for name in ("plan_id", "agreed_by")}
    rows.update("plans", {**told, "status": "running"})


@RETENTION.on("retention.disposal_cancelled")
def cancelled(event: Fact, rows: Rows) -> None:
    """Nothing of it is destroyed."""
    rows.update("plans", {"plan_id": event.payload["plan_id"], "status": "cancelled"})


@RETENTION.on("retention.disposal_done")
def done(event: Fact, rows: Rows) -> None:
    """It was carried out."""
    told = {name: event.payload[name] for name in ("plan_id", "destroyed", "left_out")}
    rows.update("plans", {**told, "status": "done", "done_at": event.recorded_at})


def _placed(event: Fact, number: int) -> dict[str, Any]:
    actor = event.actor or {}
    return {
        "placed_at": event.payload["occurred_at"],
        "placed_by": actor.get("member") or actor.get("id"),
        "created_position": event.position,
        "number": number,
    }


def _period(period: Any) -> dict[str, int] | None:
    return None if period is None else period.model_dump()


def _id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
