"""Stops that a list or a file tells of somebody without saying since when: each counts from when it first named them.

It may have been said at any time before that, also after what the person agreed to until then: so it ends that, in
whichever order the two are entered. A list that comes again, every week, tells the same: who asks for mail after it had
named them is not stopped by it anew. As an entry by a hash, which stands since it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.audience.addressee_state import Addressee
from domain.audience.consent import opted_out
from domain.audience.consent_commands import OptOutChannel
from domain.audience.consent_events import ListedUndated, OptedOut
from domain.audience.intake.kinds import FileKind
from domain.audience.listed import entered, tells_nothing_new
from domain.audience.own_word import is_stopped
from domain.law.clients import clients_of
from domain.law.facts import OPT_OUTS, Scope, SuppressionKind

ASKED_SINCE: Final = "asked-since-listed"
"""The warning of a row that stops nobody anew, of somebody who may be written to: they may have stopped once more."""

if TYPE_CHECKING:
    from datetime import datetime

    from domain.audience.addressee_events import AddresseeEvent
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.listed import Listed
    from domain.kernel.ids import AddresseeId, WorkspaceId


def told_nothing_new(state: AddresseeState, one: Listed, workspace_id: WorkspaceId) -> bool:
    """Whether an entry of a workspace's list by name says as much as is known: one without a day, as it said before."""
    if one.dated or one.kind not in OPT_OUTS:
        return tells_nothing_new(state, one)
    told = (*one.about, str(workspace_id), FileKind.SUPPRESSIONS)
    return isinstance(state, Addressee) and told in state.listed


def entered_by_name(
    addressee_id: AddresseeId, state: AddresseeState, one: Listed, workspace_id: WorkspaceId
) -> tuple[AddresseeEvent, ...]:
    """What enters an entry of a workspace's list by name; of a word of the person's without a day, that it was told."""
    if one.dated or one.kind not in OPT_OUTS:
        return entered(addressee_id, state, one)
    if told_nothing_new(state, one, workspace_id):
        return ()
    told = ListedUndated(
        addressee_id=addressee_id,
        kind=one.kind,
        scope=one.scope,
        within=one.within,
        occurred_at=one.since,
        workspace_id=workspace_id,
        file=FileKind.SUPPRESSIONS,
    )
    return (*entered(addressee_id, state, one), told)


def unsubscribed(
    addressee_id: AddresseeId,
    state: AddresseeState,
    at: datetime,
    workspace_id: WorkspaceId,
    *,
    of_client: bool,
) -> tuple[AddresseeEvent, ...]:
    """What enters that a workspace's file of contacts calls somebody unsubscribed, and not since when.

    It stops the whole tenant, as every stop does. Where something stops that already, and the workspace is a client, it
    stops this one alone besides: what others were given since then is nothing to this file.
    """
    known = state if isinstance(state, Addressee) else Addressee(addressee_id)
    kind, workspace = SuppressionKind.UNSUBSCRIBE, str(workspace_id)
    if (kind, Scope.TENANT, None, workspace, FileKind.CONTACTS) in known.listed:
        return ()
    told = ListedUndated(
        addressee_id=addressee_id,
        kind=kind,
        scope=Scope.TENANT,
        occurred_at=at,
        workspace_id=workspace_id,
        file=FileKind.CONTACTS,
    )
    if not of_client or known.opted_out_at is None:
        return (*opted_out(addressee_id, state, at, OptOutChannel.IMPORT), told)
    of_one = OptedOut(
        addressee_id=addressee_id,
        scope=Scope.WORKSPACE,
        occurred_at=at,
        channel=OptOutChannel.IMPORT,
        within=workspace,
    )
    return (of_one, told)


def asked_since(state: AddresseeState, client: WorkspaceId | None) -> bool:
    """Whether nothing that a person said stops a client's mail, or, None, anybody's: since they asked for it."""
    if not isinstance(state, Addressee):
        return True
    senders = (None, *clients_of(state.person)) if client is None else (str(client),)
    return not all(is_stopped(state, sender) for sender in senders)


def is_open(state: AddresseeState, one: Listed) -> bool:
    """Whether what an entry of a list stops, a word without a day that was told before, is stopped no more."""
    if one.dated or one.kind not in OPT_OUTS or not isinstance(state, Addressee):
        return False
    if one.scope is Scope.CAMPAIGN_TYPE:
        return one.about not in [(word.kind, word.scope, word.within) for word in state.own_words()]
    return asked_since(state, None) if one.within is None else not is_stopped(state, one.within)
