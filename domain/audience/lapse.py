"""Permissions that end by themselves: announced thirty days ahead, and when they end.

Nothing hangs on it: what may be sent is decided anew for each message. The announcements are for people, who can ask
for a consent while they still may, and for whoever counts what ends when.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.addressee_events import PermissionLapsed, PermissionLapsing
from domain.audience.standing import ANNOUNCED_AHEAD, standing_of
from domain.kernel.commands import Command
from domain.kernel.ids import AddresseeId
from domain.kernel.permissions import Permission
from domain.law.packs import load_packs

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.audience.standing import Phase, Standing
    from domain.kernel.events import Event

MOST_LAPSES: Final = 200
"""People whom one command looks at: the others should not wait for longer than some ten milliseconds."""
_JUST_BEFORE: Final = timedelta(microseconds=1)


class OneLapse(BaseModel):
    """Somebody whose permission ends at a moment, as a view tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addressee_id: AddresseeId
    lapses_at: datetime


class AnnounceLapses(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Announce what ends, or will soon, for up to 200 people; whoever stands otherwise by now is left alone."""

    lapses: Annotated[tuple[OneLapse, ...], Field(min_length=1, max_length=MOST_LAPSES)]


def announced(
    state: Addressee, lapses_at: datetime, sender_country: str | None, at: datetime
) -> tuple[Event, ...]:
    """What there is to announce of a permission that should end at `lapses_at`; nothing where it was announced before.

    It is judged again on all that the stream tells: where something was entered meanwhile that moves the end, or takes
    it away, nothing is said of it here.
    """
    at = max([at, *state.moments_told()])
    if state.erased:
        return ()
    if lapses_at <= at:
        return _lapsed(state, lapses_at, sender_country, at)
    ahead = lapses_at - at <= ANNOUNCED_AHEAD and state.lapses_at != lapses_at
    standing = standing_of(state.person, sender_country, at) if ahead else None
    if standing is None or standing.lapses_at != lapses_at:
        return ()
    return _lapsing(state, standing, sender_country, at)


def _lapsing(
    state: Addressee, standing: Standing, sender_country: str | None, at: datetime
) -> tuple[Event, ...]:
    before = standing.lapsing
    if before is None or before.leading is None or standing.lapses_at is None:
        return ()
    event = PermissionLapsing(
        addressee_id=state.addressee_id,
        law=before.leading.law,
        rule=before.leading.rule,
        basis=before.leading.basis,
        entries=before.leading.positions,
        lapses_at=standing.lapses_at,
        announced_at=at,
        sender_country=sender_country,
        packs=_packs(before),
    )
    return (event,)


def _lapsed(
    state: Addressee, lapsed_at: datetime, sender_country: str | None, at: datetime
) -> tuple[Event, ...]:
    """By what is known now it was allowed until that moment, and from then on it was not."""
    if state.lapsed_at is not None and lapsed_at <= state.lapsed_at:
        return ()
    standing = standing_of(state.person, sender_country, lapsed_at - _JUST_BEFORE)
    before, after = standing.now, standing.lapsed
    if standing.lapses_at != lapsed_at or before.leading is None or after is None or after.leading is None:
        return ()
    event = PermissionLapsed(
        addressee_id=state.addressee_id,
        law=before.leading.law,
        rule=before.leading.rule,
        basis=before.leading.basis,
        entries=before.leading.positions,
        lapsed_at=lapsed_at,
        announced_at=at,
        verdict=after.verdict,
        rule_since=after.leading.rule,
        missing_since=after.leading.missing,
        sender_country=sender_country,
        packs=_packs(before),
    )
    return (event,)


def _packs(phase: Phase) -> dict[str, str]:
    """The versions of the packs that had a say."""
    laws = {reason.law for reason in phase.reasons}
    return {pack.law: pack.version for pack in load_packs() if pack.law in laws}
