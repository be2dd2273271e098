"""What happens to an addressee: consents, opt-outs, relations, suppressions, and what was decided and sent.

How it ends is in `erasure_events`.

An entry (a consent, a relation, a suppression) is named by the version of its event in the addressee's stream. What is
plain here is no personal data: dates, kinds and countries outlive an erasure, so that past decisions can be judged
again. Words, addresses and whatever proves a consent are evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, ConfigDict

from domain.audience.erasure_events import ErasureEvent
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import AddresseeId, MessageId, SubjectRequestId, WorkspaceId
from domain.kernel.personal import Evidence, Profile, is_hidden
from domain.law.facts import Message

if TYPE_CHECKING:
    from collections.abc import Iterable


class ConsentEvidence(BaseModel):
    """What proves a consent: the fields of a consent receipt (Kantara 1.1, ISO/IEC TS 27560), as far as they are known.

    `form_hash`: of the form's code as it was shown. `receipt_id`: the tenant's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str | None = None
    jurisdiction: str | None = None
    collected_at: datetime | None = None
    method: str | None = None
    receipt_id: str | None = None
    language: str | None = None
    principal: str | None = None
    controllers: tuple[str, ...] = ()
    policy_url: str | None = None
    purposes: tuple[str, ...] = ()
    sensitive_categories: tuple[str, ...] = ()
    user_agent: str | None = None
    form_hash: str | None = None


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

    None says nothing. `could_object`: when the address was taken; `told`: what it is for.
    """

    addressee_id: AddresseeId
    workspace_id: WorkspaceId | None = None
    country: str | None = None
    subscriber_type: str | None = None
    generic_address: bool | None = None
    could_object: bool | None = None
    told: bool | None = None


@dataclass(frozen=True, slots=True)
class GoesOn:
    """An opt-out that a consent left standing: its entry, when it was said last, and why it goes on."""

    entry: int
    kind: str
    scope: str
    within: str | None
    said_at: datetime
    why: str


class ConsentRecorded(Event, name="audience.consent_recorded", version=3, subject="addressee_id"):
    """A consent was entered. `occurred_on` is a civil date; `documented`: its wording is kept, as evidence.

    `occurred_at`: the moment, where it is known, and then the date is that of it in UTC. `going_on`: the opt-outs of
    the whole tenant, or of kinds of campaigns, that it left standing.
    """

    addressee_id: AddresseeId
    occurred_on: date
    occurred_at: datetime | None = None
    basis: str = "opt_in"
    source: str
    source_text: Evidence[str | None] = None
    ip: Evidence[str | None] = None
    wording: Evidence[str | None] = None
    explicit: bool = False
    recorded_by: str
    documented: bool = False
    evidence: Evidence[ConsentEvidence | None] = None
    going_on: tuple[GoesOn, ...] = ()


@EVENTS.upcaster("audience.consent_recorded", 1)
def _wording_documents(payload: Payload) -> Payload:
    return {**payload, "documented": payload.get("wording") is not None, "evidence": None}


@EVENTS.upcaster("audience.consent_recorded", 2)
def _of_a_day(payload: Payload) -> Payload:
    return {**payload, "occurred_at": None, "going_on": []}


class ConfirmationRequested(Event, name="audience.confirmation_requested", version=1, subject="addressee_id"):
    """Double opt-in, first step: somebody left the address, and is asked by mail whether they meant it."""

    addressee_id: AddresseeId
    occurred_at: datetime
    source: str
    documented: bool
    ip: Evidence[str | None] = None
    wording: Evidence[str | None] = None
    evidence: Evidence[ConsentEvidence | None] = None


class ConsentConfirmed(Event, name="audience.consent_confirmed", version=2, subject="addressee_id"):
    """Double opt-in, second step: it was confirmed from the address itself. `request`: the first step's version.

    `at_door`: the person did it on a page of ours; else it is what the sender says.
    """

    addressee_id: AddresseeId
    request: int
    occurred_at: datetime
    ip: Evidence[str | None] = None
    user_agent: Evidence[str | None] = None
    at_door: bool = False


@EVENTS.upcaster("audience.consent_confirmed", 1)
def _taken_for_the_persons(payload: Payload) -> Payload:
    return {**payload, "at_door": True}


class ConsentWithdrawn(Event, name="audience.consent_withdrawn", version=1, subject="addressee_id"):
    """A consent was withdrawn; all of them, where no `entry` is named."""

    addressee_id: AddresseeId
    entry: int | None = None
    occurred_at: datetime
    channel: str


class Unsaid(StrEnum):
    """Channels of opt-outs that nobody said anew when they were entered.

    They went over with an address to whoever has it after an erasure, follow from the erasure itself, hold again
    since the consent that had ended them was retracted, or are what the person left of a wider one.
    """

    CARRIED_OVER = "carried_over"
    ERASURE = "erasure"
    REINSTATED = "reinstated"
    NARROWED = "narrowed"


class OptedOut(Event, name="audience.opted_out", version=3, subject="addressee_id"):
    """The person does not want to be written to. `kind`: a `SuppressionKind`; `within`: what a narrower scope names.

    `due_law`: the law of theirs that gives the shortest term for it, which is over at `due_before`. None: no law is
    known to give one, or nobody said it anew.
    """

    addressee_id: AddresseeId
    scope: str = "tenant"
    occurred_at: datetime
    channel: str
    reason: Evidence[str | None] = None
    kind: str = "unsubscribe"
    within: str | None = None
    due_law: str | None = None
    due_before: datetime | None = None


@EVENTS.upcaster("audience.opted_out", 2)
def _no_term_was_kept(payload: Payload) -> Payload:
    return {**payload, "due_law": None, "due_before": None}


@EVENTS.upcaster("audience.opted_out", 1)
def _complaints_by_channel(payload: Payload) -> Payload:
    kind = "complaint" if payload["channel"] == "complaint" else "unsubscribe"
    return {**payload, "kind": kind, "within": None}


class OptOutToldLate(Event, name="audience.opt_out_told_late", version=1, subject="addressee_id"):
    """It became known that the person said stop before a consent that stands and that ended it: history.

    It holds again once that consent is retracted. Its fields are those of `OptedOut`.
    """

    addressee_id: AddresseeId
    scope: str = "tenant"
    occurred_at: datetime
    channel: str
    reason: Evidence[str | None] = None
    kind: str = "unsubscribe"
    within: str | None = None


class OptOutLifted(Event, name="audience.opt_out_lifted", version=2, subject="addressee_id"):
    """The person asked to be written to again, later than their opt-out and in so many words.

    `consented_at`: the moment, where more than the day is known.
    """

    addressee_id: AddresseeId
    consented_on: date
    consented_at: datetime | None = None


@EVENTS.upcaster("audience.opt_out_lifted", 1)
def _by_the_day(payload: Payload) -> Payload:
    return {**payload, "consented_at": None}


class OptOutNarrowed(Event, name="audience.opt_out_narrowed", version=1, subject="addressee_id"):
    """The person wants less to be stopped than all mail: what they unsubscribed from in the whole tenant ends.

    What is left of it (`scope`, `within`) is the opt-out right before this. `entry`: when they had said it last.
    """

    addressee_id: AddresseeId
    entry: int
    scope: str
    within: str
    occurred_at: datetime
    ip: Evidence[str | None] = None
    user_agent: Evidence[str | None] = None


class RelationRecorded(Event, name="audience.relation_recorded", version=2, subject="addressee_id"):
    """Something between sender and person was entered. `kind`: a `RelationKind`; see `domain.law.facts.Relation`."""

    addressee_id: AddresseeId
    kind: str
    occurred_on: date
    ended_on: date | None = None
    refused: bool | None = None
    in_writing: bool | None = None
    note: Evidence[str | None] = None


@EVENTS.upcaster("audience.relation_recorded", 1)
def _nobody_said_in_writing(payload: Payload) -> Payload:
    return {**payload, "in_writing": None}


class RelationEnded(Event, name="audience.relation_ended", version=1, subject="addressee_id"):
    """A contract, a subscription or a membership came to its end."""

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


class MessageDispatched(Event, name="audience.message_dispatched", version=1, subject="addressee_id"):
    """A message is handed over, under the allow whose version is `allowed_by`: nothing can call it back."""

    addressee_id: AddresseeId
    message_id: MessageId
    workspace_id: WorkspaceId
    allowed_by: int
    occurred_at: datetime


class PermissionLapsing(Event, name="audience.permission_lapsing", version=1, subject="addressee_id"):
    """What allows ordinary advertisements to the person ends at `lapses_at` by itself, if nothing comes before.

    `law`, `rule` and `basis` are those that end, `entries` what they rest on.
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


class PermissionLapsed(Event, name="audience.permission_lapsed", version=1, subject="addressee_id"):
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
    | ConsentRecorded
    | ConfirmationRequested
    | ConsentConfirmed
    | ConsentWithdrawn
    | OptedOut
    | OptOutToldLate
    | OptOutLifted
    | OptOutNarrowed
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
