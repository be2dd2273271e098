"""What happens to an addressee: relations, suppressions, and what was decided and sent.

What they said is in `consent_events`, how it ends in `erasure_events`.

An entry (a consent, a relation, a suppression) is named by the version of its event in the addressee's stream. What is
plain here is no personal data: dates, kinds and countries outlive an erasure, so that past decisions can be judged
again. Words, addresses and whatever proves a consent are evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

from domain.audience.consent_events import ConsentEvent
from domain.audience.erasure_events import ErasureEvent
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import AddresseeId, BlockId, MessageId, SubjectRequestId, WorkspaceId
from domain.kernel.personal import Evidence, Profile, is_hidden
from domain.law.facts import Message

if TYPE_CHECKING:
    from collections.abc import Iterable


class AddresseeRegistered(Event, name="audience.addressee_registered", version=2, subject="addressee_id"):
    """An address was met for the first time in this tenant, or again after an erasure; and what was said of it."""

    addressee_id: AddresseeId
    email: Profile[str]
    workspace_id: WorkspaceId | None = None
    country: str | None = None
    subscriber_type: str | None = None


@EVENTS.upcaster("audience.addressee_registered", 1)
def _nothing_was_said(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None, "country": None, "subscriber_type": None}


class AddresseeDescribed(Event, name="audience.addressee_described", version=1, subject="addressee_id"):
    """A workspace said where somebody is and whose the address is; or, without one, it was settled for the tenant.

    None says nothing. `could_object`: when the address was taken; `told`: what it is for. With a workspace these are of
    the client whose it is, and nobody else relies on them.
    """

    addressee_id: AddresseeId
    workspace_id: WorkspaceId | None = None
    country: str | None = None
    subscriber_type: str | None = None
    generic_address: bool | None = None
    could_object: bool | None = None
    told: bool | None = None


class DescriptionTakenBack(Event, name="audience.description_taken_back", version=1, subject="addressee_id"):
    """A workspace took back what it said of where somebody is or whose the address is; without one, the tenant did.

    What it still says is named: None says nothing, whatever was said before.
    """

    addressee_id: AddresseeId
    workspace_id: WorkspaceId | None = None
    country: str | None = None
    subscriber_type: str | None = None


class RelationRecorded(Event, name="audience.relation_recorded", version=3, subject="addressee_id"):
    """Something between sender and person was entered. `kind`: a `RelationKind`; see `domain.law.facts.Relation`.

    `workspace_id`: of the client who is the sender, and nobody else relies on it; None: the tenant.
    """

    addressee_id: AddresseeId
    kind: str
    occurred_on: date
    ended_on: date | None = None
    refused: bool | None = None
    in_writing: bool | None = None
    note: Evidence[str | None] = None
    workspace_id: WorkspaceId | None = None


@EVENTS.upcaster("audience.relation_recorded", 1)
def _nobody_said_in_writing(payload: Payload) -> Payload:
    return {**payload, "in_writing": None}


@EVENTS.upcaster("audience.relation_recorded", 2)
def _with_the_tenant(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None}


class RelationEnded(Event, name="audience.relation_ended", version=1, subject="addressee_id"):
    """A contract, a subscription, a loan or a membership came to its end."""

    addressee_id: AddresseeId
    entry: int
    ended_on: date


class EntryRetracted(Event, name="audience.entry_retracted", version=1, subject="addressee_id"):
    """A consent or a relation had been entered by mistake. It stays in the history, and counts no more."""

    addressee_id: AddresseeId
    entry: int
    reason: Evidence[str]


class AddresseeSuppressed(Event, name="audience.addressee_suppressed", version=1, subject="addressee_id"):
    """Nothing goes to the address any more, for a reason that is not the person's word. `kind`: a `SuppressionKind`."""

    addressee_id: AddresseeId
    kind: str
    scope: str
    within: str | None = None
    occurred_at: datetime
    reason: Evidence[str | None] = None


class SuppressionLifted(Event, name="audience.suppression_lifted", version=1, subject="addressee_id"):
    """A suppression that was not the person's word was ended."""

    addressee_id: AddresseeId
    entry: int
    occurred_at: datetime
    reason: Evidence[str]


@dataclass(frozen=True, slots=True)
class Because:
    """A reason of a decision. Its words are the rule's in that version of the pack, or `note`.

    `entries`: versions of the events it rests on. `until`: when it lapses.
    """

    verdict: str
    law: str | None
    rule: str
    missing: tuple[str, ...] = ()
    entries: tuple[int, ...] = ()
    until: datetime | None = None
    note: str | None = None


class PermissionDecided(Event, name="audience.permission_decided", version=2, subject="addressee_id"):
    """Whether one message may go to the addressee was decided, at `decided_at`; an allow holds until `expires_at`."""

    addressee_id: AddresseeId
    message_id: MessageId
    workspace_id: WorkspaceId
    message: Message
    sender_country: str | None
    verdict: str
    decided_at: datetime
    expires_at: datetime | None = None
    reasons: tuple[Because, ...]
    packs: dict[str, str]


@EVENTS.upcaster("audience.permission_decided", 1)
def _nobody_said_charitable(payload: Payload) -> Payload:
    return {**payload, "message": {**payload["message"], "charitable": None}}


class MessageDispatched(Event, name="audience.message_dispatched", version=2, subject="addressee_id"):
    """A message is handed over, under the allow whose version is `allowed_by`: nothing can call it back.

    `block_id`: the block of the month's messages that it is counted in; None: the plan had no limit, or none was kept.
    """

    addressee_id: AddresseeId
    message_id: MessageId
    workspace_id: WorkspaceId
    allowed_by: int
    occurred_at: datetime
    block_id: BlockId | None = None


@EVENTS.upcaster("audience.message_dispatched", 1)
def _counted_in_no_block(payload: Payload) -> Payload:
    return {**payload, "block_id": None}


class PermissionLapsing(Event, name="audience.permission_lapsing", version=2, subject="addressee_id"):
    """What allows ordinary advertisements to the person ends at `lapses_at` by itself, if nothing comes before.

    `law`, `rule` and `basis` are those that end, `entries` what they rest on. `workspace_id`: of the client whose
    advertisements they are; None: the tenant's.
    """

    addressee_id: AddresseeId
    law: str | None
    rule: str
    basis: str | None
    entries: tuple[int, ...]
    lapses_at: datetime
    announced_at: datetime
    sender_country: str | None
    packs: dict[str, str]
    workspace_id: WorkspaceId | None = None


class PermissionLapsed(Event, name="audience.permission_lapsed", version=2, subject="addressee_id"):
    """It ended. `verdict`, and the rule and what is missing `since`, are what holds from `lapsed_at` on."""

    addressee_id: AddresseeId
    law: str | None
    rule: str
    basis: str | None
    entries: tuple[int, ...]
    lapsed_at: datetime
    announced_at: datetime
    verdict: str
    rule_since: str
    missing_since: tuple[str, ...] = ()
    sender_country: str | None
    packs: dict[str, str]
    workspace_id: WorkspaceId | None = None


@EVENTS.upcaster("audience.permission_lapsing", 1)
@EVENTS.upcaster("audience.permission_lapsed", 1)
def _of_the_tenant(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None}


class SubjectRequestNoted(Event, name="audience.subject_request_noted", version=1, subject="addressee_id"):
    """The person asked something about their data; the request has a stream of its own."""

    addressee_id: AddresseeId
    request_id: SubjectRequestId
    kind: str


class SaleOptedOut(Event, name="audience.sale_opted_out", version=1, subject="addressee_id"):
    """The person does not want their data sold or shared (11 CCR 7026)."""

    addressee_id: AddresseeId
    occurred_at: datetime


class AddresseeSucceeded(Event, name="audience.addressee_succeeded", version=1, subject="addressee_id"):
    """The address of an erased addressee was entered anew: what they still say is said to the successor too."""

    addressee_id: AddresseeId
    successor_id: AddresseeId


def address_in(events: Iterable[Event]) -> str | None:
    """The address, among events of an addressee whose values are open; None where there was none, or it is gone."""
    told = [one.email for one in events if isinstance(one, AddresseeRegistered)]
    return next((one for one in told if not is_hidden(one)), None)


AddresseeEvent: TypeAlias = (
    AddresseeRegistered
    | AddresseeDescribed
    | DescriptionTakenBack
    | ConsentEvent
    | RelationRecorded
    | RelationEnded
    | EntryRetracted
    | AddresseeSuppressed
    | SuppressionLifted
    | PermissionDecided
    | MessageDispatched
    | PermissionLapsing
    | PermissionLapsed
    | SubjectRequestNoted
    | SaleOptedOut
    | AddresseeSucceeded
    | ErasureEvent
)
