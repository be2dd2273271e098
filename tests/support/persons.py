"""Somebody as the laws see them, and what these say of a message to them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.ids import MessageId
from domain.law.facts import (
    Consent,
    ConsentKind,
    Message,
    Person,
    Purpose,
    Relation,
    RelationKind,
    Subscriber,
    Suppression,
    Written,
)
from domain.law.judging import Decision, judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.given import uid

PACKS = load_packs()
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ALLOW, HOLD, DENY = Verdict.ALLOW, Verdict.HOLD, Verdict.DENY
OWN_GOODS = Message(similar_goods=True)
CHARITABLE = Message(charitable=True)


def person(country: str | None, *facts: object, **known: Any) -> Person:
    """Somebody of whom these facts are known; an individual unless said otherwise."""
    told: dict[str, Any] = {"subscriber": Subscriber.INDIVIDUAL, **known}
    return Person(
        country=country,
        consents=tuple(one for one in facts if isinstance(one, Consent)),
        relations=tuple(one for one in facts if isinstance(one, Relation)),
        suppressions=tuple(one for one in facts if isinstance(one, Suppression)),
        **told,
    )


def consent(on: date, kind: ConsentKind = ConsentKind.SINGLE, *, documented: bool = True) -> Consent:
    """A consent of that day."""
    return Consent(on, kind, documented, position=1)


def relation(
    kind: RelationKind,
    on: date,
    ended: date | None = None,
    *,
    refused: bool | None = None,
    in_writing: bool | None = None,
) -> Relation:
    """What a person has to do with the sender."""
    return Relation(kind, on, position=2, ended_on=ended, refused=refused, in_writing=in_writing)


def at(year: int, month: int, day: int, hour: int = 12, zone: str = "UTC", second: int = 0) -> datetime:
    """A moment by the clocks of a zone."""
    return datetime(year, month, day, hour, 0, second, tzinfo=ZoneInfo(zone))


def decided(who: Person, moment: datetime = NOON, message: Message = Message()) -> Decision:  # noqa: B008 - frozen
    """Judged by the recipient's law alone: the sender sits in the same country."""
    return judge(who, message, who.country or "US", moment, PACKS)


def verdict(who: Person, moment: datetime = NOON, message: Message = Message()) -> Verdict:  # noqa: B008 - frozen
    """What becomes of it, in a word."""
    return decided(who, moment, message).verdict


ROLE = Message(role_relevant=True)
ASKING = Message(purpose=Purpose.CONSENT_REQUEST)


def went(moment: datetime, purpose: Purpose = Purpose.MARKETING) -> tuple[Written, ...]:
    """A message that was handed over."""
    return (Written(MessageId(uid(50)), purpose, moment),)


def clicked(on: date) -> Relation:
    """The person turned to the sender."""
    return relation(CONTACT, on)


PURCHASE, INQUIRY, CONTACT = RelationKind.PURCHASE, RelationKind.INQUIRY, RelationKind.CONTACT
