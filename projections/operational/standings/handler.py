"""How standings follow from events: the person is folded as the domain folds them, and judged as it judges.

The clock is that of the log, and never one before what the stream tells. What a campaign does with a person (decisions,
messages handed over) changes nothing here and is not even read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from domain.audience.addressee_after import evolve
from domain.audience.addressee_state import Addressee
from domain.audience.lapse import announced
from domain.audience.standing import ANNOUNCED_AHEAD, standing_of
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId
from domain.law.clients import senders_to
from domain.law.facts import Person
from domain.law.packs import load_packs
from projections.operational.standings.facts import Facts, restored
from projections.operational.standings.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from application.ports.log import Recorded
    from domain.audience.standing import Phase, Standing
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows


def _addressee_of(event: Recorded) -> tuple[str, ...] | None:
    category, _, key = event.stream.partition(":")
    return (key, str(event.tenant_id)) if category == "addressee" and event.version > 1 else None


def _judge_somebody() -> None:
    """The laws and their zones are read once, and take a tenth of a second."""
    for pack in load_packs():
        standing_of(Person(pack.countries[0]), None, datetime.now(UTC))


STANDINGS: Final = Projection(
    "standings",
    version=23,
    tables=TABLES,
    reveals=False,
    recalls=(
        Recall("standings", ("facts", "of_clients", "due_for", "created_position"), _addressee_of),
        Recall("senders", ("country",), lambda event: (str(event.tenant_id),)),
    ),
    warm=_judge_somebody,
)
PACKS: Final = "684b7ecc38474cdd"
"""The packs by which this version judges, hashed. Other packs make other rows of the same events: a new version."""


@STANDINGS.on("tenancy.tenant_opened")
def opened(event: Fact, rows: Rows) -> None:
    """From where it is sent."""
    rows.insert("senders", {"sender_id": event.payload["tenant_id"], "country": event.payload["country"]})


@STANDINGS.on(
    "audience.addressee_registered",
    "audience.addressee_described",
    "audience.description_taken_back",
    "audience.consent_recorded",
    "audience.confirmation_requested",
    "audience.consent_confirmed",
    "audience.consent_withdrawn",
    "audience.opted_out",
    "audience.opt_out_lifted",
    "audience.opt_out_narrowed",
    "audience.relation_recorded",
    "audience.relation_ended",
    "audience.entry_retracted",
    "audience.addressee_suppressed",
    "audience.suppression_lifted",
    "audience.permission_lapsing",
    "audience.permission_lapsed",
)
def told(event: Fact, rows: Rows) -> None:
    """Something was entered about somebody, or announced: they stand anew."""
    addressee_id = UUID(event.payload["addressee_id"])
    tenant = str(event.tenant_id)
    known = rows.recall("standings", addressee_id, tenant)
    if known is None and event.version > 1:
        return  # erased
    before = (
        Addressee(AddresseeId(addressee_id))
        if known is None
        else restored(addressee_id, event.version - 1, known["facts"])
    )
    after: Any = evolve(before, EVENTS.classes[event.name].model_validate(event.payload))  # type: ignore[arg-type]  # one of an addressee's
    country = (rows.recall("senders", tenant) or {}).get("country")
    now = _Known(event, after, after.person, country, max([event.recorded_at, *after.moments_told()]))
    senders = senders_to(now.person)
    due_for, clients = (None, None) if known is None else (known["due_for"], known["of_clients"])
    in_order = _nothing_came(now, due_for, clients or {})
    concerned = _concerned(event) if in_order else None
    waiting = dict(known["facts"].waiting) if known is not None and isinstance(known["facts"], Facts) else {}
    for client in senders if concerned is None else concerned:
        if client is not None:
            waiting[client] = (event, now.at)
    if rows.is_followed(event) and in_order:
        # What follows soon makes the rows anew: of a thousand entries at once the last is judged.
        row = {"due_for": due_for, "facts": Facts(after, waiting)}
        clients = _there(now, senders, rows, clients or {})
    else:
        row = _towards(now, None, due_for)
        if None not in senders:
            # Nobody relies on its end, so nobody is told of it.
            row |= {"due_for": None, "due_at": None, "for_the_rest": True}
        if clients or senders != _ALONE:
            clients = _of_clients(now, senders, rows, clients or {}, waiting)
        row |= {"facts": Facts(after)}
    row |= {
        "addressee_id": event.payload["addressee_id"],
        "sender_id": tenant,
        "of_clients": clients,
        "created_position": event.position if known is None else known["created_position"],
    }
    if known is None:
        rows.insert("standings", row)
    else:
        rows.upsert("standings", row)


@STANDINGS.on("audience.addressee_erased")
def erased(event: Fact, rows: Rows) -> None:
    """Nobody is there any more who could be written to."""
    addressee_id = event.payload["addressee_id"]
    tenant = str(event.tenant_id)
    known = rows.recall("standings", addressee_id, tenant)
    clients = () if known is None else known["of_clients"] or ()
    for sender in (tenant, *clients):
        rows.delete("standings", {"addressee_id": addressee_id, "sender_id": sender})


_ALONE: Final = (None,)
"""The senders towards whom most people stand: the tenant."""


class _Known(NamedTuple):
    """What is known of somebody after an event, and when; `country`: from where they are written to."""

    event: Fact
    state: Addressee
    person: Person
    country: str | None
    at: datetime


def _nothing_came(now: _Known, due_for: datetime | None, clients: dict[str, Any]) -> bool:
    """Whether no end that was to be announced came until now, so that none is to be said of it."""
    ends = [due_for, *(datetime.fromisoformat(due) for due, _ in clients.values() if due is not None)]
    announced_now = now.event.name in ("audience.permission_lapsing", "audience.permission_lapsed")
    return not announced_now and all(one is None or one > now.at for one in ends)


def _there(
    now: _Known, senders: tuple[str | None, ...], rows: Rows, before: dict[str, Any]
) -> dict[str, Any] | None:
    """Which clients there are, and since when; the rows of those who have nothing any more go."""
    there = {one: before.get(one, [None, now.event.position]) for one in senders if one is not None}
    for client in before.keys() - there.keys():
        rows.delete("standings", {"addressee_id": now.event.payload["addressee_id"], "sender_id": client})
    return there or None


_OF_ONE: Final = frozenset(
    {
        "audience.consent_recorded",
        "audience.confirmation_requested",
        "audience.consent_confirmed",
        "audience.relation_recorded",
    }
)
"""Events that name the one client for whom they change something."""


def _concerned(event: Fact) -> set[str] | None:
    """The client towards whom alone a person stands otherwise by an event; None: towards all.

    A notice beside a published address refuses the mail of all.
    """
    if event.name not in _OF_ONE or event.payload.get("refused"):
        return None
    client: str | None = event.payload["workspace_id"]
    return None if client is None else {client}


def _of_clients(
    now: _Known,
    senders: tuple[str | None, ...],
    rows: Rows,
    before: dict[str, Any],
    anew: Mapping[str, tuple[Fact, datetime]],
) -> dict[str, Any] | None:
    """Write the rows of clients, take away those of clients who have nothing any more, and tell which there are.

    `anew`: who is judged, by which event and as of when, as if each had been taken in alone; the rows of others stay as
    they are.
    """
    there: dict[str, Any] = {}
    addressee_id = now.event.payload["addressee_id"]
    for client in senders:
        if client is None:
            continue
        if client in before and client not in anew:
            there[client] = before[client]
            continue
        due_for, created = before.get(client, (None, now.event.position))
        by, at = anew.get(client, (now.event, now.at))
        then = now._replace(event=by, at=at)
        rows.at(by)
        row = {
            **_towards(then, client, None if due_for is None else datetime.fromisoformat(due_for)),
            "addressee_id": addressee_id,
            "sender_id": client,
            "created_position": created,
        }
        if client in before:
            rows.upsert("standings", row)
        else:
            rows.insert("standings", row)
        there[client] = [None if row["due_for"] is None else row["due_for"].isoformat(), created]
    rows.at(now.event)
    for client in before.keys() - there.keys():
        rows.delete("standings", {"addressee_id": addressee_id, "sender_id": client})
    return there or None


def _towards(now: _Known, client: str | None, ended: datetime | None) -> dict[str, Any]:
    """How they stand towards a client, or the tenant; `ended`: the end that was to be announced until now."""
    event, state, person, country, at = now
    standing = standing_of(person, country, at, client)
    due_for, due_at = standing.lapses_at, _due_at(standing, state.lapses_at.get(client), at)
    if event.name == "audience.permission_lapsed" and event.payload["workspace_id"] == client:
        # Nobody may have looked for long: another end may have come since the one that was announced.
        ended = standing_of(person, country, state.lapsed_at[client], client).lapses_at
    if ended is not None and ended <= at and announced(state, ended, country, at, client):
        due_for = due_at = ended  # it came, and something else was entered before anybody said so
    return {**_row(standing), "due_for": due_for, "due_at": due_at}


def _due_at(standing: Standing, announced_for: datetime | None, at: datetime) -> datetime | None:
    """Ahead of a lapse that nobody announced yet, at once where it is nearer than that; else when it comes."""
    ends = standing.lapses_at
    if ends is None or ends == announced_for:
        return ends
    return max(ends - ANNOUNCED_AHEAD, at)


def _row(standing: Standing) -> dict[str, Any]:
    """The columns of a standing; many people share one."""
    known = _ROWS.get(id(standing))
    if known is None:
        if len(_ROWS) >= _MOST_ROWS:
            _ROWS.clear()
        known = _ROWS[id(standing)] = (standing, _columns(standing))
    return known[1]


_MOST_ROWS: Final = 4_096
_ROWS: Final[dict[int, tuple[Standing, dict[str, Any]]]] = {}
"""By the identity of a standing, which is held and so stays its own."""


def _columns(standing: Standing) -> dict[str, Any]:
    return {
        **_phase(standing.now),
        "turns_at": standing.turns_at,
        "ahead": [{"begins_at": one.begins_at, **_phase(one)} for one in standing.phases[1:]] or None,
        "lapses_at": standing.lapses_at,
    }


def _phase(phase: Phase) -> dict[str, Any]:
    leading = phase.leading
    return {
        "verdict": phase.verdict,
        "law": None if leading is None else leading.law,
        "rule": None if leading is None else leading.rule,
        "basis": None if leading is None else leading.basis,
        "entries": () if leading is None else leading.positions,
        "missing": () if leading is None else leading.missing,
        "provided": phase.provided,
        "laws": [
            {
                "verdict": one.verdict,
                "law": one.law,
                "rule": one.rule,
                "basis": one.basis,
                "entries": one.positions,
                "missing": one.missing,
            }
            for one in phase.reasons
        ],
    }
