"""What else is entered about an addressee: who they are, what there was between them and the sender, suppressions.

Corrections are entries too. What is the person's own word is not corrected here: an opt-out, an objection and a
complaint end by the person's later consent alone.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import AfterValidator, Field

from domain.audience.addressee_events import (
    AddresseeSuppressed,
    EntryRetracted,
    RelationEnded,
    RelationRecorded,
    SuppressionLifted,
)
from domain.audience.addressee_state import FIRST_ZONE, Addressee, AddresseeState
from domain.audience.consent_commands import AboutPerson, Entry
from domain.audience.consent_events import OptedOut, Unsaid
from domain.audience.consent_refusals import (
    AddresseeIsErased,
    DateSaysNone,
    LiftedNotRetracted,
    OnlyThePersonTakesBack,
    TooMuchGiven,
)
from domain.audience.intake.dates import tells_no_day
from domain.audience.intake.vocabularies import SubscriberType
from domain.audience.ledger_refusals import (
    EndsBeforeItBegins,
    IsOfOneDay,
    LiftedByItsRequest,
    LiftNeedsConsent,
    NoSuchEntry,
    NotGivenInWriting,
    NotOfThisRelation,
    OneScope,
    OnlyThePersonLifts,
    OnlyThePlatformLifts,
    ProcessingIsRestricted,
    RelationInTheFuture,
)
from domain.audience.settling import settled
from domain.kernel.events import Event
from domain.kernel.ids import WorkspaceId
from domain.kernel.moments import Day
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.places import CountryCode
from domain.kernel.text import LongText
from domain.law.facts import BOUNCED, GOES_ON, OPT_OUTS, RelationKind, Scope, SuppressionKind

_OF_AN_ADDRESS: Final = frozenset({RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS})
"""What a notice may stand beside that it is not for advertising."""


def _said(value: bool | None) -> bool:  # noqa: FBT001 - the value that was sent
    if value is None:
        raise ValueError(
            "say true or false, or leave it out: null takes back a country or a subscriber type alone"
        )
    return value


YesOrNo = Annotated[bool | None, AfterValidator(_said)]
CampaignType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A word of the tenant's for a kind of campaign: newsletter, offers."""


class SuppressionReason(StrEnum):
    """Why nothing goes to an address, besides the person's word."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    MANUAL = "manual"


class DescribeAddressee(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Settle where somebody is and whose the address is, for the whole tenant; what is left out stays as it is.

    Null takes back what was settled of country or subscriber: what workspaces say of them counts again.
    `workspace_id`: of the client who came by the address; `could_object` and `told` are then of that client alone.
    """

    country: CountryCode | None = None
    subscriber_type: SubscriberType | None = None
    generic_address: YesOrNo = None
    could_object: YesOrNo = None
    told: YesOrNo = None
    workspace_id: WorkspaceId | None = None

    def holds_everywhere(self) -> bool:
        """It settles what workspaces say differently; unless it is of one client."""
        return self.workspace_id is None


class RecordRelation(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Enter something between sender and person: a purchase, an inquiry, a contract, a published address.

    `refused`: the published address stood beside a notice that it is not for advertising; left out: nobody looked.
    `in_writing`: a disclosed address was given in writing, a mail or a form included; left out: nobody said how.
    `workspace_id`: of the client who is the sender, and it counts for that client alone; left out: the tenant itself.
    """

    kind: RelationKind
    occurred_on: Day
    ended_on: Day | None = None
    refused: bool | None = None
    in_writing: bool | None = None
    note: Evidence[LongText | None] = None
    workspace_id: WorkspaceId | None = None


class EndRelation(AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE):
    """Enter that a contract, a subscription, a loan or a membership ended. `entry`: the version of its event."""

    entry: Entry
    ended_on: Day


class RetractEntry(AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE):
    """Take back a consent, a first step that waits, or a relation, entered by mistake: it counts no more.

    It stays in the history, and the link of a first step confirms nothing then.

    An opt-out or a withdrawal stays, whoever entered it: only the person's own later consent ends that.
    """

    entry: Entry
    reason: Evidence[LongText]

    def holds_everywhere(self) -> bool:
        """An entry is everybody's, whoever made it."""
        return True


class SuppressAddressee(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Let nothing go to an address any more: it bounced, or somebody decides so.

    Without a scope in the whole tenant; `workspace_id` or `campaign_type` narrow it.
    """

    kind: SuppressionReason
    workspace_id: WorkspaceId | None = None
    campaign_type: CampaignType | None = None
    reason: Evidence[LongText | None] = None

    def holds_everywhere(self) -> bool:
        """Unless it is of one workspace."""
        return self.workspace_id is None


class LiftSuppression(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """End a suppression that was not the person's word. `entry`: the version of its event.

    Of one that bounced once the person consented since, of which there is proof.
    """

    entry: Entry
    reason: Evidence[LongText]

    def holds_everywhere(self) -> bool:
        """What others rely on ends."""
        return True


LedgerCommand: TypeAlias = (
    DescribeAddressee | RecordRelation | EndRelation | RetractEntry | SuppressAddressee | LiftSuppression
)


def decide(command: LedgerCommand, state: Addressee) -> tuple[Event, ...]:
    """What is entered about an addressee."""
    at = command.stamp.at
    if not isinstance(command, SuppressAddressee | LiftSuppression):
        unrestricted(state)
    match command:
        case DescribeAddressee():
            return settled(command, state)
        case RecordRelation():
            return (_relation(command, state, at),)
        case EndRelation():
            return _ended(command, state)
        case RetractEntry():
            _retractable(state, command.entry)
            retracted = EntryRetracted(
                addressee_id=state.addressee_id, entry=command.entry, reason=command.reason
            )
            return (retracted, *_reinstated(state, command.entry))
        case SuppressAddressee():
            return _suppressed(command, state, at)
        case LiftSuppression():
            return _lifted(command, state, at)
        case _:
            assert_never(command)


def _retractable(state: Addressee, entry: int) -> None:
    """A consent, a first step whose link still counts, or a relation. Of all else it is told how it ends."""
    known = {one.position for one in state.consents} | {one.position for one in state.relations}
    if entry in known | state.asked.keys() | state.confirmed.keys():
        return
    if entry in state.said_no:
        raise OnlyThePersonTakesBack
    one = next((one for one in state.suppressions if one.position == entry), None)
    if one is None or one.kind is SuppressionKind.ERASURE:
        raise NoSuchEntry
    raise OnlyThePlatformLifts if one.scope is Scope.PLATFORM else LiftedNotRetracted


def _reinstated(state: Addressee, entry: int) -> tuple[OptedOut, ...]:
    """What the person had said, and a consent that is retracted had lifted: it holds again, since when it was said."""
    lift = state.lifts.get(entry)
    if lift is None:
        return ()
    others = [one.ended_at for known, one in state.lifts.items() if known != entry]
    return tuple(
        OptedOut(
            addressee_id=state.addressee_id,
            scope=one.scope,
            occurred_at=one.since,
            channel=Unsaid.REINSTATED,
            kind=one.kind,
            within=one.within,
        )
        for one in lift.suppressions
        if not any(one.since < ended_at for ended_at in others)
        and not state.was_narrowed(one.kind, one.scope, one.since)
    )


def unrestricted(state: AddresseeState) -> None:
    """Their data may be used for more than to be kept."""
    if isinstance(state, Addressee) and state.restricted is not None:
        raise ProcessingIsRestricted


def _today(at: datetime) -> date:
    """The latest day that it is anywhere."""
    return at.astimezone(FIRST_ZONE).date()


def _relation(command: RecordRelation, state: Addressee, at: datetime) -> RelationRecorded:
    if state.erased:
        raise AddresseeIsErased
    if state.is_full(command.workspace_id, at):
        raise TooMuchGiven
    if tells_no_day(command.occurred_on):
        raise DateSaysNone
    if command.occurred_on > _today(at):
        raise RelationInTheFuture
    if command.refused is not None and command.kind not in _OF_AN_ADDRESS:
        raise NotOfThisRelation
    if command.in_writing is not None and command.kind is not RelationKind.DISCLOSED_ADDRESS:
        raise NotGivenInWriting
    if command.ended_on is not None:
        if command.kind not in GOES_ON:
            raise IsOfOneDay
        if command.ended_on < command.occurred_on:
            raise EndsBeforeItBegins
    return RelationRecorded(
        addressee_id=state.addressee_id,
        kind=command.kind,
        occurred_on=command.occurred_on,
        ended_on=command.ended_on,
        refused=command.refused,
        in_writing=command.in_writing,
        note=command.note,
        workspace_id=command.workspace_id,
    )


def _ended(command: EndRelation, state: Addressee) -> tuple[Event, ...]:
    relation = next((one for one in state.relations if one.position == command.entry), None)
    if relation is None or relation.kind not in GOES_ON:
        raise NoSuchEntry
    if command.ended_on < relation.on:
        raise EndsBeforeItBegins
    if relation.ended_on == command.ended_on:
        return ()
    ended = RelationEnded(addressee_id=state.addressee_id, entry=command.entry, ended_on=command.ended_on)
    return (ended,)


def _suppressed(command: SuppressAddressee, state: Addressee, at: datetime) -> tuple[Event, ...]:
    if command.workspace_id is not None and command.campaign_type is not None:
        raise OneScope
    scope, within = Scope.TENANT, None
    if command.workspace_id is not None:
        scope, within = Scope.WORKSPACE, str(command.workspace_id)
    elif command.campaign_type is not None:
        scope, within = Scope.CAMPAIGN_TYPE, command.campaign_type
    kind = SuppressionKind(command.kind)
    for one in state.suppressions:
        same = one.ended_at is None and (one.kind, one.scope, one.within) == (kind, scope, within)
        if same and not (kind in BOUNCED and state.wanted_since(one)):
            return ()
    suppressed = AddresseeSuppressed(
        addressee_id=state.addressee_id,
        kind=kind,
        scope=scope,
        within=within,
        occurred_at=at,
        reason=command.reason,
    )
    return (suppressed,)


def _lifted(command: LiftSuppression, state: Addressee, at: datetime) -> tuple[Event, ...]:
    one = next((one for one in state.suppressions if one.position == command.entry), None)
    if one is None or one.kind is SuppressionKind.ERASURE:
        raise NoSuchEntry
    if one.scope is Scope.PLATFORM:
        raise OnlyThePlatformLifts
    if one.kind in OPT_OUTS:
        raise OnlyThePersonLifts
    if one.kind is SuppressionKind.RESTRICTION:
        raise LiftedByItsRequest
    if one.ended_at is not None:
        return ()
    if one.kind in BOUNCED and not state.wanted_since(one):
        raise LiftNeedsConsent
    lifted = SuppressionLifted(
        addressee_id=state.addressee_id, entry=command.entry, occurred_at=at, reason=command.reason
    )
    return (lifted,)
