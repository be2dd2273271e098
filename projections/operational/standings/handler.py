"""How standings follow from events: the person is folded as the domain folds them, and judged as it judges.

The clock is that of the log, and never one before what the stream tells. What a campaign does with a person (decisions,
messages handed over) changes nothing here and is not even read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.audience.addressee_after import evolve
from domain.audience.addressee_state import Addressee
from domain.audience.lapse import announced
from domain.audience.standing import ANNOUNCED_AHEAD, standing_of
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId
from domain.law.facts import Person
from domain.law.packs import load_packs
from projections.operational.standings.facts import Facts, restored
from projections.operational.standings.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
    from application.ports.log import Recorded
    from domain.audience.standing import Phase, Standing
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows


def _addressee_of(event: Recorded) -> tuple[str, ...] | None:
    category, _, key = event.stream.partition(":")
    return (key,) if category == "addressee" and event.version > 1 else None


def _judge_somebody() -> None:
    """The laws and their zones are read once, and take a tenth of a second."""
    for pack in load_packs():
        standing_of(Person(pack.countries[0]), None, datetime.now(UTC))


STANDINGS: Final = Projection(
    "standings",
    version=19,
    tables=TABLES,
    reveals=False,
    recalls=(
        Recall("standings", ("facts", "due_for", "created_position"), _addressee_of),
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
    known = rows.recall("standings", addressee_id)
    if known is None and event.version > 1:
        return  # erased
    before = (
        Addressee(AddresseeId(addressee_id))
        if known is None
        else restored(addressee_id, event.version - 1, known["facts"])
    )
    after: Any = evolve(before, EVENTS.classes[event.name].model_validate(event.payload))  # type: ignore[arg-type]  # one of an addressee's
    sender = (rows.recall("senders", event.tenant_id) or {}).get("country")
    at = max([event.recorded_at, *after.moments_told()])
    standing = standing_of(after.person, sender, at)
    due_for, due_at = standing.lapses_at, _due_at(after, standing, at)
    ended = None if known is None else known["due_for"]
    if event.name == "audience.permission_lapsed":
        # Nobody may have looked for long: another end may have come since the one that was announced.
        ended = standing_of(after.person, sender, after.lapsed_at).lapses_at
    if ended is not None and ended <= at and announced(after, ended, sender, at):
        due_for = due_at = ended  # it came, and something else was entered before anybody said so
    row = {
        "addressee_id": event.payload["addressee_id"],
        **_row(standing),
        "due_for": due_for,
        "due_at": due_at,
        "facts": Facts(after),
        "created_position": event.position if known is None else known["created_position"],
    }
    if known is None:
        rows.insert("standings", row)
    else:
        rows.upsert("standings", row)


@STANDINGS.on("audience.addressee_erased")
def erased(event: Fact, rows: Rows) -> None:
    """Nobody is there any more who could be written to."""
    rows.delete("standings", {"addressee_id": event.payload["addressee_id"]})


def _due_at(state: Addressee, standing: Standing, at: datetime) -> datetime | None:
    """Ahead of a lapse that nobody announced yet, at once where it is nearer than that; else when it comes."""
    ends = standing.lapses_at
    if ends is None or ends == state.lapses_at:
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
