"""What a message must hold: the elements that each law wants, and which of them are missing.

Judged of a campaign's content once, not of each person. An element that nobody spoke of is missing: what is not known
is not shown to be there. The elements of all laws that may apply add up, so a message that holds them all is right
under each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import Field, model_validator

from domain.kernel.text import wordy
from domain.law.facts import Purpose
from domain.law.periods import latest_day
from domain.law.statements import Confidence, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from domain.law.pack import Pack


class Element(StrEnum):
    """Something that a message holds, or that is so of it."""

    SENDER_NAME = "sender_name"
    ON_WHOSE_BEHALF = "on_whose_behalf"
    SENDER_NOT_CONCEALED = "sender_not_concealed"
    TRUE_HEADERS = "true_headers"
    TRUE_SUBJECT = "true_subject"
    RELATED_SUBJECT = "related_subject"
    POSTAL_ADDRESS = "postal_address"
    CONTACT_CHANNEL = "contact_channel"
    """A telephone number, an e-mail address or a web address: one of them."""
    CONTACT_LIFETIME = "contact_lifetime"
    UNSUBSCRIBE_MECHANISM = "unsubscribe_mechanism"
    """A link or an e-mail address: one of them."""
    UNSUBSCRIBE_EMAIL = "unsubscribe_email"
    STOP_ADDRESS = "stop_address"
    """An address to which a request to stop can be written; a link alone is none (our reading)."""
    UNSUBSCRIBE_NOTICE = "unsubscribe_notice"
    UNSUBSCRIBE_LANGUAGE = "unsubscribe_language"
    UNSUBSCRIBE_LIFETIME = "unsubscribe_lifetime"
    UNSUBSCRIBE_FREE = "unsubscribe_free"
    UNSUBSCRIBE_SAME_MEANS = "unsubscribe_same_means"
    UNSUBSCRIBE_ONE_STEP = "unsubscribe_one_step"
    ADVERTISEMENT_LABEL = "advertisement_label"
    """That it is advertising: by a text that the law gives, in its place, or in any way that is clear."""
    NO_ADVERTISING = "no_advertising"
    PROCESSING_PURPOSE = "processing_purpose"
    DATA_SOURCE = "data_source"
    OBJECTION_NOTICE = "objection_notice"
    CONSENT_PURPOSE = "consent_purpose"
    CONSENT_SEPARATE = "consent_separate"
    WITHDRAWAL_NOTICE = "withdrawal_notice"
    REFERRER_NAME = "referrer_name"


class Place(StrEnum):
    """Where a label stands."""

    SUBJECT_START = "subject_start"


@dataclass(frozen=True, slots=True)
class Content:
    """What a campaign's message holds. None: nobody said, or nothing is there; both are missing.

    Texts are as the recipient sees them. `on_whose_behalf` is the sender's own name, where it sends for itself.
    """

    sender_name: str | None = None
    on_whose_behalf: str | None = None
    headers_true: bool | None = None
    """From, reply and routing name who really sends."""
    subject: str | None = None
    subject_true: bool | None = None
    """It does not mislead about what is in the message."""
    subject_related: bool | None = None
    """It has to do with what is offered."""
    identified_as_advertising: bool | None = None
    """That it is advertising is clear and conspicuous."""
    free_of_advertising: bool | None = None
    first_message: bool | None = None
    """The first to these people. Not known: it may be. False: it is not."""
    bulk: bool | None = None
    """As many as a law counts as bulk. Not known: it may be."""

    postal_address: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    contact_web: str | None = None
    contact_live_days: int | None = None
    """So many days after sending the contact works, at least."""

    unsubscribe_link: str | None = None
    unsubscribe_email: str | None = None
    unsubscribe_notice: bool | None = None
    """It says, clearly and conspicuously, that and how one can opt out."""
    unsubscribe_languages: frozenset[str] = frozenset()
    """Those in which it says so: ISO 639-1 codes."""
    unsubscribe_live_days: int | None = None
    """So many days after sending all ways to opt out work, at least."""
    unsubscribe_free: bool | None = None
    unsubscribe_same_means: bool | None = None
    """One can opt out by the means by which the message came: electronically, without changing to another."""
    unsubscribe_one_step: bool | None = None
    """One reply or one page, and nothing asked but the address and what one wants to opt out of."""

    processing_purpose: str | None = None
    data_source: str | None = None
    objection_told: bool | None = None
    """The right to object is told clearly and apart from everything else."""
    consent_purpose: str | None = None
    consent_separate: bool | None = None
    """It is asked for apart from everything else."""
    withdrawal_told: bool | None = None
    """It says that a consent can be withdrawn."""
    referrer_name: str | None = None


def _said(*texts: str | None) -> bool:
    """Whether there is at least one that names something: blanks, invisible characters and dashes name nobody."""
    return any(wordy(text) for text in texts)


_HELD: Final[Mapping[Element, Callable[[Content], bool | None]]] = {
    Element.SENDER_NAME: lambda one: _said(one.sender_name),
    Element.ON_WHOSE_BEHALF: lambda one: _said(one.on_whose_behalf),
    Element.SENDER_NOT_CONCEALED: lambda one: _said(one.sender_name) and one.headers_true,
    Element.TRUE_HEADERS: lambda one: one.headers_true,
    Element.TRUE_SUBJECT: lambda one: one.subject_true,
    Element.RELATED_SUBJECT: lambda one: one.subject_related,
    Element.POSTAL_ADDRESS: lambda one: _said(one.postal_address),
    Element.CONTACT_CHANNEL: lambda one: _said(one.contact_phone, one.contact_email, one.contact_web),
    Element.UNSUBSCRIBE_MECHANISM: lambda one: _said(one.unsubscribe_link, one.unsubscribe_email),
    Element.UNSUBSCRIBE_EMAIL: lambda one: _said(one.unsubscribe_email),
    Element.STOP_ADDRESS: lambda one: _said(one.unsubscribe_email, one.contact_email),
    Element.UNSUBSCRIBE_NOTICE: lambda one: one.unsubscribe_notice,
    Element.UNSUBSCRIBE_FREE: lambda one: one.unsubscribe_free,
    Element.UNSUBSCRIBE_SAME_MEANS: lambda one: one.unsubscribe_same_means,
    Element.UNSUBSCRIBE_ONE_STEP: lambda one: one.unsubscribe_one_step,
    Element.NO_ADVERTISING: lambda one: one.free_of_advertising,
    Element.PROCESSING_PURPOSE: lambda one: _said(one.processing_purpose),
    Element.DATA_SOURCE: lambda one: _said(one.data_source),
    Element.OBJECTION_NOTICE: lambda one: one.objection_told,
    Element.CONSENT_PURPOSE: lambda one: _said(one.consent_purpose),
    Element.CONSENT_SEPARATE: lambda one: one.consent_separate,
    Element.WITHDRAWAL_NOTICE: lambda one: one.withdrawal_told,
    Element.REFERRER_NAME: lambda one: _said(one.referrer_name),
}
"""How it is seen that an element is there. The others need what a requirement says: days, a language, a text."""

_DETAIL: Final[Mapping[Element, str]] = {
    Element.CONTACT_LIFETIME: "days",
    Element.UNSUBSCRIBE_LIFETIME: "days",
    Element.UNSUBSCRIBE_LANGUAGE: "language",
}
"""What a requirement of one of these says besides. A label has both `text` and `place`, or neither."""


class Requirement(Statement):
    """One element that a law wants in messages of some purposes. `remedy`: what to do where it is missing.

    `unless_consent`: not where the person's affirmative consent is what the message rests on. `only_bulk` and
    `only_first`: of bulk mail alone, and of the first message to a person alone.
    """

    element: Element
    applies_to: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    unless_consent: bool = False
    only_bulk: bool = False
    only_first: bool = False
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    text: Annotated[str, Field(min_length=1)] | None = None
    place: Place | None = None
    remedy: Annotated[str, Field(min_length=10)]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.confidence is Confidence.NOTHING_FOUND:
            raise ValueError("a requirement of which nothing was found (N) is none; leave it out")
        told = {name for name in ("days", "language", "text", "place") if getattr(self, name) is not None}
        if self.element is Element.ADVERTISEMENT_LABEL:
            if told not in (set(), {"text", "place"}):
                raise ValueError("a label has a text and its place, or neither")
            return self
        detail = _DETAIL.get(self.element)
        if told != ({detail} if detail else set()):
            has = f"{detail} alone" if detail else "none"
            raise ValueError(f"of days, language, text and place, {self.element} has {has}")
        return self

    def applies(self, content: Content, purpose: Purpose, *, consented: bool) -> bool:
        """Whether a message of this purpose has to hold the element. What nobody said is taken the stricter way."""
        return (
            purpose in self.applies_to
            and not (self.unless_consent and consented)
            and not (self.only_bulk and content.bulk is False)
            and not (self.only_first and content.first_message is False)
        )

    def is_met(self, content: Content) -> bool:
        """Whether it is there."""
        match self.element:
            case Element.CONTACT_LIFETIME:
                return (content.contact_live_days or 0) >= (self.days or 0)
            case Element.UNSUBSCRIBE_LIFETIME:
                return (content.unsubscribe_live_days or 0) >= (self.days or 0)
            case Element.UNSUBSCRIBE_LANGUAGE:
                return self.language in content.unsubscribe_languages
            case Element.ADVERTISEMENT_LABEL if self.text is not None:
                return (content.subject or "").startswith(self.text)
            case Element.ADVERTISEMENT_LABEL:
                return content.identified_as_advertising is True
            case _:
                return _HELD[self.element](content) is True


@dataclass(frozen=True, slots=True)
class Missing:
    """An element that a law wants and the message does not hold. `requirement`: the id of what says so."""

    law: str
    requirement: str
    element: Element
    about: str
    cites: str
    confidence: Confidence
    remedy: str


def missing_elements(
    content: Content,
    purpose: Purpose,
    countries: Iterable[str],
    packs: Sequence[Pack],
    moment: datetime,
    *,
    consented: bool,
    known: datetime | None = None,
) -> tuple[Missing, ...]:
    """What a message still has to hold under every law that may apply, by law and id; empty: nothing.

    `countries`: ISO codes of all recipients' countries and the sender's. Of a country without a pack nothing is known
    here; `judge` holds its mail. `consented`: every recipient's affirmative consent is what the message rests on.
    Requirements are those in force at `moment` in the zones of their law, as known at `known` (at `moment`, if left
    out). Raises `ValueError` for a moment without a zone.
    """
    known = known or moment
    places = set(countries)
    found = [
        Missing(pack.law, one.id, one.element, one.about, one.cites, one.confidence, one.remedy)
        for pack in packs
        if any(pack.covers(place) for place in places)
        for one in pack.content
        if one.stands(latest_day(moment, pack.zones), latest_day(known, pack.zones))
        and one.applies(content, purpose, consented=consented)
        and not one.is_met(content)
    ]
    return tuple(sorted(found, key=lambda one: (one.law, one.requirement)))
