"""The permission to send: decided before every message, recorded with the addressee, and used once.

An allow names one message and holds for ten minutes, or until it lapses by law. The hand-over is appended expecting the
version of the stream that it was decided on: where that moved since, it is decided again.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from domain.audience.addressee_events import Because, MessageDispatched, PermissionDecided
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import AboutPerson
from domain.audience.ledger import CampaignType
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import MessageId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.law.by_law import OTHERWISE, ways
from domain.law.facts import Message, Purpose
from domain.law.judging import judge
from domain.law.no_law import about_of, ended_by
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from domain.law.periods import latest_day
from domain.law.turning import turning_points
from domain.law.wanted import with_what_no_entry_clears

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId, BlockId
    from domain.law.by_law import Reason
    from domain.law.facts import Person
    from domain.law.judging import Decision
    from domain.law.pack import Pack

HOLDS_FOR: Final = timedelta(minutes=10)
"""How long an allow may wait for its message to be handed over."""


class AlreadyDispatched(Refusal):
    """A message goes to a person once, and this one went. Give the next one an id of its own."""

    code = "message-already-dispatched"
    field = "/message_id"


class NoAllow(Refusal):
    """No allow stands for this message and person. Authorise it first; what was held or denied is not sent."""

    code = "no-allow"
    field = "/message_id"


class AllowLapsed(Refusal):
    """An allow holds for ten minutes, or until it lapses by law, and this one has. Authorise the message again."""

    code = "allow-lapsed"
    field = "/message_id"


class OfAnotherWorkspace(Refusal):
    """The allow was given to another workspace. Name the one that authorised the message."""

    code = "allow-of-another-workspace"
    field = "/workspace_id"


class AboutMessage(Command):
    """What is to be sent. What nobody says of it is not known.

    `bulk`: as many go out as the recipient's law counts as bulk. `names_referrer`: it says who referred the person.
    `charitable`: the sender is a charity, and the message furthers its charitable purposes.
    """

    workspace_id: WorkspaceId
    purpose: Purpose = Purpose.MARKETING
    campaign_type: CampaignType | None = None
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    names_referrer: bool | None = None
    bulk: bool | None = None
    charitable: bool | None = None


class TellsDecision(AboutPerson):
    """Its answer has a decision, in the words of the packs that it was made by."""

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """As it is told when it was made: by the product's packs."""
        return cls.answer_by(events, load_packs())

    @classmethod
    @abstractmethod
    def answer_by(cls, events: Sequence[Event], packs: Sequence[Pack]) -> dict[str, Any] | None:
        """In the words of these packs, where they have the versions."""


class AuthoriseMessage(
    AboutMessage,
    TellsDecision,
    context="audience",
    stream="addressee",
    permission=Permission.SENDING_AUTHORISE,
):
    """Decide whether one message may go to a person, and record the decision."""

    message_id: MessageId

    @classmethod
    def answer_by(cls, events: Sequence[Event], packs: Sequence[Pack]) -> dict[str, Any] | None:
        """The decision."""
        return next((decision_of(one, packs) for one in events if isinstance(one, PermissionDecided)), None)


class DispatchMessage(
    TellsDecision, context="audience", stream="addressee", permission=Permission.SENDING_AUTHORISE
):
    """Record that a message is handed over now, under its allow; where facts came since, it is decided again first."""

    message_id: MessageId
    workspace_id: WorkspaceId

    @classmethod
    def answer_by(cls, events: Sequence[Event], packs: Sequence[Pack]) -> dict[str, Any] | None:
        """Whether it may go, and the decision where there was a new one."""
        anew = next((decision_of(one, packs) for one in events if isinstance(one, PermissionDecided)), None)
        goes = any(isinstance(one, MessageDispatched) for one in events)
        return {"dispatched": goes, "decision": anew}


def authorised(
    state: Addressee,
    message_id: MessageId,
    workspace_id: WorkspaceId,
    message: Message,
    sender_country: str | None,
    at: datetime,
) -> PermissionDecided:
    """The decision on one message, as it is recorded. `message.workspace` is `workspace_id`.

    It is made after everything that the stream tells, whatever the clock of whoever entered that showed.
    """
    if message_id in state.dispatched:
        raise AlreadyDispatched
    at = max([at, *state.moments_told(), *(one.at for one in state.written)])
    case = _Case(state.person, message, sender_country, at, load_packs())
    return _recorded(state.addressee_id, message_id, workspace_id, case)


def judged_again(
    event: PermissionDecided,
    person: Person,
    packs: Sequence[Pack],
    known: datetime | None = None,
    in_force: datetime | None = None,
) -> PermissionDecided:
    """A past decision as it would have been recorded: of `person`, by these packs, as `judge` takes the moments.

    With the person of then, the packs of then, and nothing said of the moments, it is the same to the byte, as long as
    the conditions that the packs are written in mean to this version of the product what they meant then. A person of
    later was written to by this message, which does not stand against itself.
    """
    if any(one.message_id == event.message_id for one in person.written):
        others = tuple(one for one in person.written if one.message_id != event.message_id)
        person = replace(person, written=others)
    case = _Case(person, event.message, event.sender_country, event.decided_at, packs, known, in_force)
    return _recorded(event.addressee_id, event.message_id, event.workspace_id, case)


class _Case(NamedTuple):
    """What is judged: see `judge`."""

    person: Person
    message: Message
    sender_country: str | None
    at: datetime
    packs: Sequence[Pack]
    known: datetime | None = None
    in_force: datetime | None = None

    def ends(self, decision: Decision) -> datetime:
        """When an allow ends: ten minutes from now, or when it lapses by law.

        That is not only where its own rule says so: another may begin to stand against it. Only a day that begins
        somewhere changes anything meanwhile.
        """
        latest = min(self.at + HOLDS_FOR, decision.expires_at or self.at + HOLDS_FOR)
        laws = dict(decision.packs)
        packs = [pack for pack in self.packs if pack.law in laws]
        zones = ["UTC", *(zone for pack in packs for zone in pack.zones)]
        if all(latest_day(self.at, [zone]) == latest_day(latest, [zone]) for zone in dict.fromkeys(zones)):
            return latest
        turns = turning_points(self.person, self.message, packs, self.at)
        ended = (
            one
            for one in turns
            if one < latest and judge(*self._replace(at=one)).verdict is not Verdict.ALLOW
        )
        return next(ended, latest)


def _recorded(
    addressee_id: AddresseeId, message_id: MessageId, workspace_id: WorkspaceId, case: _Case
) -> PermissionDecided:
    decision = judge(*case)
    return PermissionDecided(
        addressee_id=addressee_id,
        message_id=message_id,
        workspace_id=workspace_id,
        message=case.message,
        sender_country=case.sender_country,
        verdict=decision.verdict,
        decided_at=case.at,
        expires_at=case.ends(decision) if decision.verdict is Verdict.ALLOW else None,
        reasons=tuple([_because(reason, decision) for reason in decision.reasons]),
        packs=dict(decision.packs),
    )


def message_of(command: AboutMessage) -> Message:
    """What a law looks at."""
    return Message(
        purpose=command.purpose,
        workspace=str(command.workspace_id),
        campaign_type=command.campaign_type,
        similar_goods=command.similar_goods,
        role_relevant=command.role_relevant,
        names_referrer=command.names_referrer,
        bulk=command.bulk,
        charitable=command.charitable,
    )


def dispatched(command: DispatchMessage, state: Addressee) -> tuple[Event, ...]:
    """The hand-over; decided again where anything happened since the allow, and then the new decision, if it denies."""
    at, message_id = command.stamp.at, command.message_id
    if message_id in state.dispatched:
        raise AlreadyDispatched
    allow = state.allows.get(message_id)
    if allow is None:
        raise NoAllow
    if allow.workspace_id != command.workspace_id:
        raise OfAnotherWorkspace
    if at >= allow.expires_at:
        raise AllowLapsed
    anew: tuple[PermissionDecided, ...] = ()
    entry = allow.entry
    if state.version != entry:
        again = authorised(state, message_id, command.workspace_id, allow.message, allow.sender_country, at)
        anew, entry = (again,), state.version + 1
        if again.verdict != Verdict.ALLOW:
            return anew
    gone = MessageDispatched(
        addressee_id=state.addressee_id,
        message_id=message_id,
        workspace_id=command.workspace_id,
        allowed_by=entry,
        occurred_at=at,
    )
    return (*anew, gone)


def counted_in(block_id: BlockId | None, events: Sequence[Event]) -> tuple[Event, ...]:
    """The events of a hand-over, its message counted in a block."""
    if block_id is None:
        return tuple(events)
    return tuple(
        event.model_copy(update={"block_id": block_id}) if isinstance(event, MessageDispatched) else event
        for event in events
    )


def _because(reason: Reason, decision: Decision) -> Because:
    return Because(
        reason.verdict,
        reason.law,
        reason.rule,
        reason.missing,
        reason.positions,
        reason.until if decision.verdict is Verdict.ALLOW else None,
        reason.about if reason.composed else None,
    )


def decision_of(event: PermissionDecided, packs: Sequence[Pack]) -> dict[str, Any]:
    """A decision in words, for an answer; words of a rule where the version that judged is among these packs."""
    return {
        "message_id": event.message_id,
        "verdict": event.verdict,
        "expires_at": event.expires_at,
        "reasons": [_in_words(one, event, packs) for one in event.reasons],
        "packs": event.packs,
    }


def _in_words(because: Because, event: PermissionDecided, packs: Sequence[Pack]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "verdict": because.verdict,
        "law": because.law,
        "rule": because.rule,
        "about": because.note or about_of(because.rule),
        "remedy": ended_by(because.rule),
        "missing": because.missing,
        "entries": because.entries,
        "until": because.until,
    }
    version = event.packs.get(because.law or "")
    pack = next((one for one in packs if one.law == because.law and one.version == version), None)
    if pack is not None:
        told |= _words(because, pack, latest_day(event.decided_at, pack.zones), event.message.purpose)
    return told | {"remedy": with_what_no_entry_clears(told["remedy"], because.missing)}


def _words(because: Because, pack: Pack, day: date, purpose: Purpose) -> dict[str, Any]:
    if because.rule == OTHERWISE:
        told = {"about": because.note or pack.otherwise_about, "remedy": ways(pack, day, purpose)}
        if pack.otherwise_cites is None:
            return told
        return told | {"cites": pack.otherwise_cites, "confidence": pack.otherwise_confidence}
    rule = next(
        (one for one in pack.rules if one.id == because.rule and one.stands(day, day)),
        next(one for one in pack.rules if one.id == because.rule),
    )
    return {
        "about": because.note or rule.about,
        "cites": rule.cites,
        "confidence": rule.confidence,
        "basis": rule.basis,
        "remedy": rule.remedy,
    }
