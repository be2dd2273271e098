"""An addressee: the one behind an address, tenant-wide. Consents and opt-outs are theirs, not a contact's.

An opt-out holds at once and everywhere in the tenant. Only the person lifts it: by a later, explicit consent of
which there is proof. Anything else that is recorded, however new, is history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from domain.audience.intake.vocabularies import Source
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId
from domain.kernel.moments import Day, Moment
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence, Profile
from domain.kernel.text import IpText, LineText, LongText

_FIRST_ZONE: Final = timezone(timedelta(hours=14))


class OptOutChannel(StrEnum):
    """How somebody said stop."""

    ONE_CLICK = "one_click"
    PAGE = "page"
    REPLY = "reply"
    COMPLAINT = "complaint"
    REQUEST = "request"
    IMPORT = "import"
    API = "api"


class AddresseeRegistered(Event, name="audience.addressee_registered", version=1, subject="addressee_id"):
    """An address was met for the first time in this tenant, or again after an erasure."""

    addressee_id: AddresseeId
    email: Profile[str]


class ConsentRecorded(Event, name="audience.consent_recorded", version=1, subject="addressee_id"):
    """A consent was entered. `occurred_on` is a civil date; the proof is sealed as evidence."""

    addressee_id: AddresseeId
    occurred_on: date
    basis: str = "opt_in"
    source: str
    source_text: Evidence[str | None] = None
    ip: Evidence[str | None] = None
    wording: Evidence[str | None] = None
    explicit: bool = False
    recorded_by: str


class OptedOut(Event, name="audience.opted_out", version=1, subject="addressee_id"):
    """The person does not want to be written to. `scope` is `tenant`."""

    addressee_id: AddresseeId
    scope: str = "tenant"
    occurred_at: datetime
    channel: str
    reason: Evidence[str | None] = None


class OptOutLifted(Event, name="audience.opt_out_lifted", version=1, subject="addressee_id"):
    """The person asked to be written to again, later than their opt-out and in so many words."""

    addressee_id: AddresseeId
    consented_on: date


class AddresseeErased(Event, name="audience.addressee_erased", version=1, subject="addressee_id"):
    """The person was erased; what they opted out of still holds."""

    addressee_id: AddresseeId


class AddresseeSucceeded(Event, name="audience.addressee_succeeded", version=1, subject="addressee_id"):
    """The address of an erased addressee was entered anew: what they still say is said to the successor too."""

    addressee_id: AddresseeId
    successor_id: AddresseeId


class ProfileKeyDestroyed(Event, name="audience.profile_key_destroyed", version=1, subject="addressee_id"):
    """The key of an erased person's values is gone: from now on nobody can read them, the platform included."""

    addressee_id: AddresseeId


AddresseeEvent: TypeAlias = (
    AddresseeRegistered
    | ConsentRecorded
    | OptedOut
    | OptOutLifted
    | AddresseeErased
    | AddresseeSucceeded
    | ProfileKeyDestroyed
)


@dataclass(frozen=True, slots=True)
class NoAddressee:
    """Nobody has this id."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody who may or may not be written to. `opted_out_at` None: no opt-out holds."""

    addressee_id: AddresseeId
    opted_out_at: datetime | None = None
    lifted_on: date | None = None
    consented_on: date | None = None
    consents: int = 0
    erased: bool = False
    key_destroyed: bool = False
    successor_id: AddresseeId | None = None

    @property
    def contactable(self) -> bool:
        """Whether no opt-out and no erasure stands against writing; each message needs more than that."""
        return self.opted_out_at is None and not self.erased


AddresseeState: TypeAlias = NoAddressee | Addressee


def evolve(state: AddresseeState, event: AddresseeEvent) -> AddresseeState:
    """The addressee after `event`."""
    known = state if isinstance(state, Addressee) else Addressee(event.addressee_id)
    match event:
        case AddresseeRegistered():
            return known
        case ConsentRecorded():
            latest = max(known.consented_on or event.occurred_on, event.occurred_on)
            return replace(known, consented_on=latest, consents=known.consents + 1)
        case OptedOut():
            return replace(known, opted_out_at=event.occurred_at)
        case OptOutLifted():
            return replace(known, opted_out_at=None, lifted_on=event.consented_on)
        case AddresseeErased():
            return replace(known, erased=True)
        case ProfileKeyDestroyed():
            return replace(known, key_destroyed=True)
        case AddresseeSucceeded():
            return replace(known, successor_id=event.successor_id)
        case _:
            assert_never(event)


class NotErased(Refusal):
    """A key is destroyed after its person was erased, never before. Erase the person first."""

    code = "addressee-not-erased"


class AddresseeIsErased(Refusal):
    """Nothing new is kept about an erased person. Enter the address anew if they came back."""

    code = "addressee-erased"


class ConsentInTheFuture(Refusal):
    """A consent lies in the past. Correct the date."""

    code = "consent-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_on"


class OptOutInTheFuture(Refusal):
    """An opt-out lies in the past. Correct the moment, or leave it out for now."""

    code = "opt-out-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class ExplicitConsentNeedsProof(Refusal):
    """Only documented consent lifts an opt-out. Give the wording that the person agreed to."""

    code = "explicit-consent-needs-proof"
    kind = RefusalKind.INVALID
    field = "/wording"


class RecordConsent(Command, context="audience", stream="addressee", permission=Permission.CONTACTS_WRITE):
    """Enter a consent. `explicit`: after an opt-out the person asked, in `wording`, to be written to again."""

    occurred_on: Day
    source: Source
    source_text: Evidence[LineText | None] = None
    ip: Evidence[IpText | None] = None
    wording: Evidence[LongText | None] = None
    explicit: bool = False


class RecordOptOut(Command, context="audience", stream="addressee", permission=Permission.CONTACTS_WRITE):
    """Enter that a person does not want to be written to, from `occurred_at` on (now, if left out)."""

    occurred_at: Moment | None = None
    channel: OptOutChannel
    reason: Evidence[LongText | None] = None


class ConfirmKeyDestroyed(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that an erased person's profile key was destroyed."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent to be entered, whoever enters it."""

    occurred_on: date
    source: Source
    recorded_by: str
    source_text: str | None = None
    ip: str | None = None
    wording: str | None = None
    explicit: bool = False


def consented(
    addressee_id: AddresseeId, state: AddresseeState, consent: Consent, at: datetime
) -> tuple[ConsentRecorded | OptOutLifted, ...]:
    """The events that enter a consent; it lifts an opt-out if it is explicit and later in every time zone."""
    known = state if isinstance(state, Addressee) else Addressee(addressee_id)
    if known.erased:
        raise AddresseeIsErased
    if consent.occurred_on > at.astimezone(_FIRST_ZONE).date():
        raise ConsentInTheFuture
    if consent.explicit and consent.wording is None:
        raise ExplicitConsentNeedsProof
    recorded = ConsentRecorded(
        addressee_id=addressee_id,
        occurred_on=consent.occurred_on,
        source=consent.source,
        source_text=consent.source_text,
        ip=consent.ip,
        wording=consent.wording,
        explicit=consent.explicit,
        recorded_by=consent.recorded_by,
    )
    if known.opted_out_at is None or not consent.explicit:
        return (recorded,)
    earliest = datetime.combine(consent.occurred_on, time(), _FIRST_ZONE)
    if earliest <= known.opted_out_at:
        return (recorded,)
    return (recorded, OptOutLifted(addressee_id=addressee_id, consented_on=consent.occurred_on))


def opted_out(
    addressee_id: AddresseeId,
    state: AddresseeState,
    occurred_at: datetime,
    channel: OptOutChannel,
    reason: str | None = None,
) -> tuple[OptedOut, ...]:
    """The event that enters an opt-out; none if one as late holds, or if a consent surely later lifted it."""
    known = state if isinstance(state, Addressee) else Addressee(addressee_id)
    if known.opted_out_at is not None and occurred_at <= known.opted_out_at:
        return ()
    if known.lifted_on is not None and occurred_at < datetime.combine(known.lifted_on, time(), _FIRST_ZONE):
        return ()
    return (OptedOut(addressee_id=addressee_id, occurred_at=occurred_at, channel=channel, reason=reason),)


def decide(
    command: RecordConsent | RecordOptOut | ConfirmKeyDestroyed, state: AddresseeState
) -> tuple[Event, ...]:
    """What a command enters about an addressee who is there."""
    if isinstance(state, NoAddressee):
        raise NotFound
    at = command.stamp.at
    match command:
        case RecordConsent():
            consent = Consent(
                occurred_on=command.occurred_on,
                source=command.source,
                recorded_by="api",
                source_text=command.source_text,
                ip=command.ip,
                wording=command.wording,
                explicit=command.explicit,
            )
            return consented(state.addressee_id, state, consent, at)
        case RecordOptOut():
            occurred_at = command.occurred_at or at
            if occurred_at > at:
                raise OptOutInTheFuture
            return opted_out(state.addressee_id, state, occurred_at, command.channel, command.reason)
        case ConfirmKeyDestroyed():
            if not state.erased:
                raise NotErased
            return () if state.key_destroyed else (ProfileKeyDestroyed(addressee_id=state.addressee_id),)
        case _:
            assert_never(command)


def carried(former: AddresseeState, addressee_id: AddresseeId) -> tuple[OptedOut, ...]:
    """The opt-out of an erased addressee, said again for who has the address now."""
    if isinstance(former, NoAddressee) or former.opted_out_at is None:
        return ()
    return (OptedOut(addressee_id=addressee_id, occurred_at=former.opted_out_at, channel="carried_over"),)


ADDRESSEE: Final[Decider[AddresseeState]] = Decider(
    category="addressee", initial=NoAddressee(), evolve=evolve, decide=decide
)
