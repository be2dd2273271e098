"""Consents and opt-outs: what a person said, and who may say it for them.

An opt-out holds at once and everywhere in the tenant. Only the person lifts it: by a later, explicit consent of
which there is proof. Anything else that is recorded, however new, is history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, assert_never
from uuid import UUID

from domain.audience.addressee_state import FIRST_ZONE, Addressee, AddresseeState, Asked
from domain.audience.consent_commands import (
    ConfirmConsent,
    ConsentCommand,
    EvidenceGiven,
    OptOutChannel,
    OptOutKind,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.consent_events import (
    ConfirmationRequested,
    ConsentConfirmed,
    ConsentEvidence,
    ConsentRecorded,
    ConsentWithdrawn,
    OptedOut,
    OptOutLifted,
    OptOutToldLate,
)
from domain.audience.consent_refusals import (
    AddresseeIsErased,
    ConfirmedBeforeAsked,
    ConfirmedTooLate,
    ConsentDatedTwice,
    ConsentInTheFuture,
    ConsentWithoutDate,
    DateSaysNone,
    ExplicitConsentNeedsProof,
    FirstStepOver,
    MomentInTheFuture,
    NoSuchConsent,
    NotAsked,
    OptOutInTheFuture,
    TooMuchGiven,
    WithdrawnBeforeGiven,
)
from domain.audience.going_on import going_on
from domain.audience.intake.dates import tells_no_day
from domain.audience.intake.vocabularies import Source
from domain.audience.opt_out_term import OptOutTerm, term_of
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Scope, SuppressionKind

if TYPE_CHECKING:
    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId
    from domain.law.facts import Consent


@dataclass(frozen=True, slots=True)
class Consented:
    """A consent to be entered, whoever enters it."""

    occurred_on: date
    source: Source
    recorded_by: str
    source_text: str | None = None
    ip: str | None = None
    wording: str | None = None
    explicit: bool = False
    evidence: ConsentEvidence | None = None
    occurred_at: datetime | None = None
    workspace_id: WorkspaceId | None = None


def consented(
    addressee_id: AddresseeId, state: AddresseeState, consent: Consented, at: datetime
) -> tuple[ConsentRecorded | OptOutLifted, ...]:
    """The events that enter a consent; it lifts an opt-out if it is explicit and later, by its day in every zone.

    One that was given to a client lifts none: it ends them for that client, where a message of theirs is judged.
    """
    known = state if isinstance(state, Addressee) else Addressee(addressee_id)
    if known.erased:
        raise AddresseeIsErased
    if known.is_full(consent.workspace_id, at):
        raise TooMuchGiven
    if consent.occurred_on > at.astimezone(FIRST_ZONE).date():
        raise ConsentInTheFuture
    if consent.explicit and consent.wording is None:
        raise ExplicitConsentNeedsProof
    since = consent.occurred_at or datetime.combine(consent.occurred_on, time(), FIRST_ZONE)
    of_client = consent.workspace_id is not None
    lifting = consent.explicit and (of_client or _lifts(known, since))
    recorded = ConsentRecorded(
        addressee_id=addressee_id,
        occurred_on=consent.occurred_on,
        occurred_at=consent.occurred_at,
        source=consent.source,
        source_text=consent.source_text,
        ip=consent.ip,
        wording=consent.wording,
        explicit=consent.explicit,
        recorded_by=consent.recorded_by,
        documented=consent.wording is not None,
        evidence=consent.evidence,
        going_on=going_on(known, consent, since, lifting=lifting),
        workspace_id=consent.workspace_id,
        ends_for_client=lifting and of_client and _ends_for(known, str(consent.workspace_id), since),
    )
    if not lifting or of_client:
        return (recorded,)
    lifted = OptOutLifted(
        addressee_id=addressee_id, consented_on=consent.occurred_on, consented_at=consent.occurred_at
    )
    return (recorded, lifted)


def _lifts(known: Addressee, moment: datetime) -> bool:
    """Whether a consent of this moment is later than what the person said, of which something holds."""
    if known.opted_out_at is not None and moment <= known.opted_out_at:
        return False
    return any(known.last_said(one).at < moment for one in known.own_words())


def _ends_for(known: Addressee, client: str, moment: datetime) -> bool:
    """Whether any word that stops this client's mail was said before its consent; others' mail is not told of."""
    words = [one for one in known.own_words() if one.scope is not Scope.WORKSPACE or one.within == client]
    return any(known.last_said(one).at < moment for one in words)


def opted_out(
    addressee_id: AddresseeId,
    state: AddresseeState,
    occurred_at: datetime,
    channel: OptOutChannel,
    reason: str | None = None,
    kind: OptOutKind | None = None,
    sender_country: str | None = None,
) -> tuple[OptedOut | OptOutToldLate, ...]:
    """The event that enters an opt-out; none if one of its kind and as late holds or is remembered.

    One from surely before a consent that stands is history, and remembered: the consent may be retracted. So is one of
    all mail from before the person wanted less to be stopped.
    """
    known = state if isinstance(state, Addressee) else Addressee(addressee_id)
    by_channel = OptOutKind.COMPLAINT if channel is OptOutChannel.COMPLAINT else OptOutKind.UNSUBSCRIBE
    said = {one.kind for one in known.own_words() if one.scope is Scope.TENANT}
    as_late = known.opted_out_at is not None and occurred_at <= known.opted_out_at
    if as_late and SuppressionKind(kind or by_channel) in said:
        return ()
    word = SuppressionKind(kind or by_channel)
    narrowed = known.was_narrowed(word, Scope.TENANT, occurred_at)
    if narrowed and occurred_at <= known.said_last[word, Scope.TENANT, None].at:
        return ()
    late = narrowed or known.is_history(occurred_at)
    if late and not narrowed and known.remembers(word, occurred_at):
        return ()
    if known.proof.expired:
        reason = None  # nothing is left to seal it with, and the word counts
    told: dict[str, Any] = {
        "addressee_id": addressee_id,
        "occurred_at": occurred_at,
        "channel": channel,
        "reason": reason,
        "kind": kind or by_channel,
    }
    if late:
        return (OptOutToldLate(**told),)
    term = OptOutTerm()
    if channel is not OptOutChannel.IMPORT:  # what a file tells was said to somebody else, or long ago
        term = term_of(known.person.country, sender_country, word, occurred_at)
    return (OptedOut(**told, due_law=term.due_law, due_before=term.due_before),)


def decide(command: ConsentCommand, state: Addressee, sender_country: str | None = None) -> tuple[Event, ...]:
    """What is entered of what an addressee said."""
    at = command.stamp.at
    match command:
        case RecordConsent():
            consent = Consented(
                occurred_on=_day_of(command, at),
                occurred_at=command.occurred_at,
                source=command.source,
                recorded_by="api",
                source_text=command.source_text,
                ip=command.ip,
                wording=command.wording,
                explicit=command.explicit,
                evidence=_kept(command.evidence),
                workspace_id=command.workspace_id,
            )
            return consented(state.addressee_id, state, consent, at)
        case RequestConfirmation():
            return (_asked(command, state, at),)
        case ConfirmConsent():
            occurred_at = _past(command.occurred_at, at)
            return (confirmation(state, command.request, occurred_at, command.ip, command.user_agent),)
        case WithdrawConsent():
            return _withdrawn(command, state, at, sender_country)
        case RecordOptOut():
            occurred_at = command.occurred_at or at
            if occurred_at > at:
                raise OptOutInTheFuture
            return opted_out(
                state.addressee_id,
                state,
                occurred_at,
                command.channel,
                command.reason,
                command.kind,
                sender_country,
            )
        case _:
            assert_never(command)


def _kept(evidence: EvidenceGiven | str | None) -> ConsentEvidence | None:
    return evidence.kept() if isinstance(evidence, EvidenceGiven) else None


def _day_of(command: RecordConsent, at: datetime) -> date:
    """The day that is given, or that of the moment in UTC. One of both is given."""
    if command.occurred_at is None:
        if command.occurred_on is None:
            raise ConsentWithoutDate
        if tells_no_day(command.occurred_on):
            raise DateSaysNone
        return command.occurred_on
    if command.occurred_on is not None:
        raise ConsentDatedTwice
    return _past(command.occurred_at, at).astimezone(UTC).date()


def _past(moment: datetime | None, at: datetime) -> datetime:
    if moment is not None and moment > at:
        raise MomentInTheFuture
    return moment or at


def _asked(command: RequestConfirmation, state: Addressee, at: datetime) -> ConfirmationRequested:
    if state.erased:
        raise AddresseeIsErased
    if state.is_full(command.workspace_id, at):
        raise TooMuchGiven
    occurred_at, documented = _past(command.occurred_at, at), command.wording is not None
    if Asked(documented, occurred_at).is_over(at):
        raise FirstStepOver
    return ConfirmationRequested(
        addressee_id=state.addressee_id,
        occurred_at=occurred_at,
        source=command.source,
        documented=documented,
        ip=command.ip,
        wording=command.wording,
        evidence=_kept(command.evidence),
        workspace_id=command.workspace_id,
    )


def confirmation(
    state: Addressee,
    request: int,
    occurred_at: datetime,
    ip: str | None,
    user_agent: str | None,
    *,
    at_door: bool = False,
) -> ConsentConfirmed:
    """The event that enters the second step of a double opt-in; by the link also after the sender told the same."""
    if state.erased:
        raise AddresseeIsErased
    asked = state.at_link(request) if at_door else state.asked.get(request)
    if asked is None:
        raise NotAsked
    if occurred_at < asked.at:
        raise ConfirmedBeforeAsked
    if asked.is_over(occurred_at):
        raise ConfirmedTooLate
    return ConsentConfirmed(
        addressee_id=state.addressee_id,
        request=request,
        occurred_at=occurred_at,
        ip=ip,
        user_agent=user_agent,
        at_door=at_door,
        workspace_id=None if asked.workspace is None else WorkspaceId(UUID(asked.workspace)),
    )


def lifted_by(state: Addressee, request: int) -> bool:
    """Whether an opt-out would be lifted by the person who confirms this now: its wording is kept, and is newer.

    What was left to a client lifts none for the tenant, and ends it for that client.
    Who was asked, said stop, and then pressed the old link, was asked before they said stop: that is asked anew.
    """
    asked = state.at_link(request)
    if asked is None or not asked.documented or state.said_since(request, asked.at):
        return False
    return _lifts(state, asked.at)


def _withdrawn(
    command: WithdrawConsent, state: Addressee, at: datetime, sender_country: str | None
) -> tuple[Event, ...]:
    """The withdrawal, and the opt-out that it is; before any consent, the opt-out alone.

    It takes back also what was given later on the same day: who enters a withdrawal saw the consent, and of two clocks
    the one that keeps mail back is believed. A stop that is no withdrawal is told by `RecordOptOut`, to the minute.
    """
    occurred_at = _past(command.occurred_at, at)
    standing = [one for one in state.consents if one.withdrawn_at is None]
    given = [one for one in standing if one.on <= occurred_at.astimezone(FIRST_ZONE).date()]
    if command.entry is not None:
        standing = [one for one in standing if one.position == command.entry]
        if not standing:
            raise NoSuchConsent
        if standing[0] not in given:
            raise WithdrawnBeforeGiven
    taken_back = [one for one in standing if one in given]
    # It takes back what lifted, so it was said after that, whatever the clock of who enters it showed.
    if any(one.position in state.lifts for one in taken_back):
        occurred_at = max(occurred_at, state.lifted_at or occurred_at)
    clients = {one.workspace for one in taken_back if one.asks_since is not None}
    asked_for = [one.asks_since for one in state.consents if one.workspace in clients]
    occurred_at = max([occurred_at, *(one for one in asked_for if one is not None)])
    said = (state.addressee_id, state, occurred_at, command.channel, command.reason)
    out = opted_out(*said, sender_country=sender_country)
    return (*_taken_back(command, state, taken_back, occurred_at), *out)


def _taken_back(
    command: WithdrawConsent, state: Addressee, consents: list[Consent], at: datetime
) -> list[ConsentWithdrawn]:
    """The withdrawal of all at once, or of those that were given by then."""
    everything = [one for one in state.consents if one.withdrawn_at is None] == consents
    entries: list[int | None] = [one.position for one in consents]
    if not consents:
        return []
    if everything and command.entry is None:
        entries = [None]
    return [
        ConsentWithdrawn(
            addressee_id=state.addressee_id, entry=entry, occurred_at=at, channel=command.channel
        )
        for entry in entries
    ]
