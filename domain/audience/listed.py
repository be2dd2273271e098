"""An entry of a suppression list, and what it enters with an addressee: the same again enters nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.audience.addressee_events import AddresseeSuppressed
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import OptedOut, OptOutToldLate
from domain.law.facts import BOUNCED, OPT_OUTS, Scope, SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from domain.audience.addressee_events import AddresseeEvent
    from domain.audience.addressee_state import AddresseeState
    from domain.kernel.ids import AddresseeId

CHANNEL: Final = "import"
LISTABLE: Final = (
    SuppressionKind.UNSUBSCRIBE,
    SuppressionKind.OBJECTION,
    SuppressionKind.COMPLAINT,
    SuppressionKind.HARD_BOUNCE,
    SuppressionKind.SOFT_BOUNCES,
    SuppressionKind.MANUAL,
)
"""What a list may say."""


class Listed(NamedTuple):
    """Why nothing goes to an address, and since when; in the whole tenant, for one kind of campaign or one workspace.

    `dated`: the list says since when. Else it says that it is so, and `since` is the moment of its import.
    """

    kind: SuppressionKind
    since: datetime
    campaign_type: str | None = None
    dated: bool = False
    workspace: str | None = None

    @property
    def scope(self) -> Scope:
        """How far it goes."""
        if self.workspace is not None:
            return Scope.WORKSPACE
        return Scope.TENANT if self.campaign_type is None else Scope.CAMPAIGN_TYPE

    @property
    def within(self) -> str | None:
        """The workspace, or the kind of campaign, that it is of."""
        return self.workspace or self.campaign_type

    @property
    def about(self) -> tuple[SuppressionKind, Scope, str | None]:
        """All but its moment: of several that are equal in this one stands."""
        return self.kind, self.scope, self.within


def tells_nothing_new_of(known: Iterable[Listed], one: Listed) -> bool:
    """Whether an entry, or one as late, is among those that are known."""
    return any(old.about == one.about and (not one.dated or one.since <= old.since) for old in known)


def is_history(state: AddresseeState, one: Listed) -> bool:
    """Whether it is a word of the person's that a later consent of theirs ended: it holds nothing back."""
    return one.kind in OPT_OUTS and isinstance(state, Addressee) and state.is_history(one.since)


def tells_nothing_new(state: AddresseeState, one: Listed) -> bool:
    """Whether an addressee's own stream says as much already, be it that a later consent of theirs ended it.

    That the address bounced once more, after they had consented anew, it does not.
    """
    if not isinstance(state, Addressee):
        return False
    if one.kind in OPT_OUTS:
        if state.was_narrowed(one.kind, one.scope, one.since):
            return True
        if is_history(state, one):
            return state.remembers(one.kind, one.since, one.scope, one.within)
        same = [old for old in state.own_words() if (old.kind, old.scope, old.within) == one.about]
        return any(one.since <= state.last_said(old).at for old in same)
    return any(
        (old.kind, old.scope, old.within) == one.about
        and (old.ended_at is None or one.since < old.ended_at)
        and not (one.kind in BOUNCED and state.wanted_since(old, one.since))
        for old in state.suppressions
    )


def entered(addressee_id: AddresseeId, state: AddresseeState, one: Listed) -> tuple[AddresseeEvent, ...]:
    """The event that enters it with an addressee; none where that tells nothing new."""
    if tells_nothing_new(state, one):
        return ()
    if one.kind in OPT_OUTS:
        out = (OptOutToldLate if is_history(state, one) else OptedOut)(
            addressee_id=addressee_id,
            scope=one.scope,
            occurred_at=one.since,
            channel=CHANNEL,
            kind=one.kind,
            within=one.within,
        )
        return (out,)
    suppressed = AddresseeSuppressed(
        addressee_id=addressee_id,
        kind=one.kind,
        scope=one.scope,
        within=one.within,
        occurred_at=one.since,
    )
    return (suppressed,)
