"""Permissions that end by themselves: announced thirty days ahead, and when they end; those of each client apart.

Nothing hangs on it: what may be sent is decided anew for each message. The announcements are for people, who can ask
for a consent while they still may, and for whoever counts what ends when.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.addressee_events import PermissionLapsed, PermissionLapsing
from domain.audience.standing import ANNOUNCED_AHEAD, standing_of
from domain.kernel.commands import Command
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.law.clients import senders_to
from domain.law.packs import load_packs

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.audience.standing import Phase, Standing
    from domain.kernel.events import Event

MOST_LAPSES: Final = 200
"""Ends that one command looks at: the others should not wait for longer than some ten milliseconds."""
_JUST_BEFORE: Final = timedelta(microseconds=1)


class OneLapse(BaseModel):
    """Somebody whose permission ends at a moment, as a view tells. `workspace_id`: of a client; None: of the tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addressee_id: AddresseeId
    lapses_at: datetime
    workspace_id: WorkspaceId | None = None


class AnnounceLapses(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Announce up to 200 ends that came, or will soon; whoever stands otherwise by now is left alone."""

    lapses: Annotated[tuple[OneLapse, ...], Field(min_length=1, max_length=MOST_LAPSES)]


def announced(
    state: Addressee,
    lapses_at: datetime,
    sender_country: str | None,
    at: datetime,
    workspace: str | None = None,
) -> tuple[Event, ...]:
    """What there is to announce of a permission that should end at `lapses_at`; nothing where it was announced before.

    It is judged again on all that the stream tells: where something was entered meanwhile that moves the end, or takes
    it away, nothing is said of it here. `workspace`: of the client whose it is; one who has nothing any more has none.
    """
    at = max([at, *state.moments_told()])
    if state.erased or workspace not in senders_to(state.person):
        return ()
    if lapses_at <= at:
        return _lapsed(state, lapses_at, sender_country, at, workspace)
    ahead = lapses_at - at <= ANNOUNCED_AHEAD and state.lapses_at.get(workspace) != lapses_at
    standing = standing_of(state.person, sender_country, at, workspace) if ahead else None
    if standing is None or standing.lapses_at != lapses_at:
        return ()
    return _lapsing(state, standing, sender_country, at, workspace)


def _lapsing(
    state: Addressee, standing: Standing, sender_country: str | None, at: datetime, workspace: str | None
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
        workspace_id=_workspace_id(workspace),
    )
    return (event,)


def _lapsed(
    state: Addressee, lapsed_at: datetime, sender_country: str | None, at: datetime, workspace: str | None
) -> tuple[Event, ...]:
    """By what is known now it was allowed until that moment, and from then on it was not."""
    last = state.lapsed_at.get(workspace)
    if last is not None and lapsed_at <= last:
        return ()
    standing = standing_of(state.person, sender_country, lapsed_at - _JUST_BEFORE, workspace)
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
        workspace_id=_workspace_id(workspace),
    )
    return (event,)


def _workspace_id(workspace: str | None) -> WorkspaceId | None:
    return None if workspace is None else WorkspaceId(UUID(workspace))


def _packs(phase: Phase) -> dict[str, str]:
    """The versions of the packs that had a say."""
    laws = {reason.law for reason in phase.reasons}
    return {pack.law: pack.version for pack in load_packs() if pack.law in laws}
