"""What a person said to be written to or not: consents with both steps, opt-outs, and what ended them.

What is plain here is no personal data, as in `addressee_events`; words, addresses and whatever proves a consent are
evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.kernel.personal import Evidence


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


@dataclass(frozen=True, slots=True)
class GoesOn:
    """An opt-out that a consent left standing: its entry, when it was said last, and why it goes on."""

    entry: int
    kind: str
    scope: str
    within: str | None
    said_at: datetime
    why: str


class ConsentRecorded(Event, name="audience.consent_recorded", version=4, subject="addressee_id"):
    """A consent was entered. `occurred_on` is a civil date; `documented`: its wording is kept, as evidence.

    `occurred_at`: the moment, where it is known, and then the date is that of it in UTC. `going_on`: the opt-outs of
    the whole tenant, or of kinds of campaigns, that it left standing. `workspace_id`: of the client to whom it was
    given, and nobody else relies on it; None: to the tenant. `ends_for_client`: it ended opt-outs for that client.
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
    workspace_id: WorkspaceId | None = None
    ends_for_client: bool = False


@EVENTS.upcaster("audience.consent_recorded", 1)
def _wording_documents(payload: Payload) -> Payload:
    return {**payload, "documented": payload.get("wording") is not None, "evidence": None}


@EVENTS.upcaster("audience.consent_recorded", 2)
def _of_a_day(payload: Payload) -> Payload:
    return {**payload, "occurred_at": None, "going_on": []}


@EVENTS.upcaster("audience.consent_recorded", 3)
def _given_to_the_tenant(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None, "ends_for_client": False}


class ConfirmationRequested(Event, name="audience.confirmation_requested", version=2, subject="addressee_id"):
    """Double opt-in, first step: somebody left the address, and is asked by mail whether they meant it.

    `workspace_id`: of the client to whom it was left; None: to the tenant.
    """

    addressee_id: AddresseeId
    occurred_at: datetime
    source: str
    documented: bool
    ip: Evidence[str | None] = None
    wording: Evidence[str | None] = None
    evidence: Evidence[ConsentEvidence | None] = None
    workspace_id: WorkspaceId | None = None


@EVENTS.upcaster("audience.confirmation_requested", 1)
def _left_to_the_tenant(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None}


class ConsentConfirmed(Event, name="audience.consent_confirmed", version=3, subject="addressee_id"):
    """Double opt-in, second step: it was confirmed from the address itself. `request`: the first step's version.

    `at_door`: the person did it on a page of ours; else it is what the sender says. `workspace_id`: as in that step.
    """

    addressee_id: AddresseeId
    request: int
    occurred_at: datetime
    ip: Evidence[str | None] = None
    user_agent: Evidence[str | None] = None
    at_door: bool = False
    workspace_id: WorkspaceId | None = None


@EVENTS.upcaster("audience.consent_confirmed", 2)
def _confirmed_to_the_tenant(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None}


@EVENTS.upcaster("audience.consent_confirmed", 1)
def _nobody_told_where(payload: Payload) -> Payload:
    return {**payload, "at_door": False}  # what it lifted, its own event says


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

    `due_law`: the law, theirs or the sender's, that gives the shortest term for it, which is over at `due_before`.
    None: no law is known to give one, or nobody said it anew to the sender.
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


class ListedUndated(Event, name="audience.listed_undated", version=1, subject="addressee_id"):
    """A workspace's file or list that does not say since when named the person for the first time: it counts from then.

    Also when it comes again: who asks for mail after that is not stopped by it anew. `kind`, `scope` and `within` are
    what it says; `file`: a `FileKind`, contacts or suppressions.
    """

    addressee_id: AddresseeId
    kind: str
    scope: str
    within: str | None = None
    occurred_at: datetime
    workspace_id: WorkspaceId
    file: str


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


ConsentEvent: TypeAlias = (
    ConsentRecorded
    | ConfirmationRequested
    | ConsentConfirmed
    | ConsentWithdrawn
    | OptedOut
    | OptOutToldLate
    | ListedUndated
    | OptOutLifted
    | OptOutNarrowed
)
