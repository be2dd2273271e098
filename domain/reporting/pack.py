"""A sealed board pack: figures of a period as they stood at a position of the log, kept byte for byte.

The log holds what proves it: the hashes of the PDF and of the figures, and what both were made from. The bytes lie in
the archive under these hashes. A pack is sealed once and never changed; later figures make another pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.money import Currency
from domain.kernel.permissions import Permission

MOST_DAYS: Final = 400
"""A pack is about a month, a quarter, a year, and little more."""
_HASH: Final = r"^[0-9a-f]{64}$"


class PackSealed(Event, name="reporting.pack_sealed", version=2):
    """A board pack was made and kept. `figures` counts the figures in it, `position` is a token.

    `needs` names the permissions that its reports take: who lacks one of them does not read the pack either.
    `currency`: amounts are of this one alone; None: all that there were are of one.
    """

    pack_id: UUID
    definition: str
    definition_version: str
    period_from: date
    period_to: date
    position: str
    as_of: datetime | None
    pdf_sha256: str
    pdf_size: int
    figures_sha256: str
    figures: int
    needs: list[str]
    currency: str | None


@EVENTS.upcaster("reporting.pack_sealed", 1)
def _no_currency_was_asked_for(payload: Payload) -> Payload:
    return {**payload, "currency": None}


PackEvent: TypeAlias = PackSealed


@dataclass(frozen=True, slots=True)
class NoPack:
    """No pack has this id."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it was sealed."""

    sealed: PackSealed


PackState: TypeAlias = NoPack | Pack


class PackAlreadySealed(Refusal):
    """A pack is sealed once. Seal another, under another key, to have later figures."""

    code = "board-pack-already-sealed"
    kind = RefusalKind.CONFLICT


class PeriodBackwards(Refusal):
    """A period ends on its first day or later. Exchange `from` and `to`."""

    code = "board-pack-period-backwards"
    kind = RefusalKind.INVALID
    field = "/to"


class PeriodTooLong(Refusal):
    """A pack is about 400 days at most. Make several packs, of a shorter period each."""

    code = "board-pack-period-too-long"
    kind = RefusalKind.INVALID
    field = "/from"


class PeriodNotBegun(Refusal):
    """A period that has not begun has no figures. Name one that begins today (UTC) or earlier."""

    code = "board-pack-period-not-begun"
    kind = RefusalKind.INVALID
    field = "/from"


class SealPack(
    Command, context="reporting", stream="board_pack", permission=Permission.REPORTS_SEAL, internal=True
):
    """Enter that a pack was made and kept; its bytes lie in the archive already."""

    definition: Annotated[str, Field(max_length=60)]
    definition_version: Annotated[str, Field(max_length=60)]
    period_from: date
    period_to: date
    position: Annotated[str, Field(max_length=100)]
    as_of: datetime | None
    pdf_sha256: Annotated[str, Field(pattern=_HASH)]
    pdf_size: Annotated[int, Field(ge=1)]
    figures_sha256: Annotated[str, Field(pattern=_HASH)]
    figures: Annotated[int, Field(ge=0)]
    needs: list[str]
    currency: Currency | None = None


def period_of(first: date, last: date, today: date) -> None:
    """Refuse a period that nothing can be sealed about; `today` in UTC."""
    if last < first:
        raise PeriodBackwards
    if (last - first).days >= MOST_DAYS:
        raise PeriodTooLong
    if first > today:
        raise PeriodNotBegun


def decide(command: SealPack, state: PackState) -> tuple[Event, ...]:
    """A pack that is none yet is sealed."""
    if isinstance(state, Pack):
        raise PackAlreadySealed
    period_of(command.period_from, command.period_to, command.stamp.at.date())
    fields = {name: getattr(command, name) for name in SealPack.model_fields}
    return (PackSealed(pack_id=command.stamp.target, **fields),)


def evolve(state: PackState, event: PackEvent) -> PackState:
    """The pack after `event`."""
    del state
    match event:
        case PackSealed():
            return Pack(event)
        case _:
            assert_never(event)


PACK: Final[Decider[PackState]] = Decider(
    category="board_pack", initial=NoPack(), evolve=evolve, decide=decide
)
