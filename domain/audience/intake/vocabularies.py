"""Closed words for what people write in their own: where consent came from, flags, kinds of subscriber."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from domain.audience.intake.errors import Fault
from domain.audience.intake.text import plain


class Source(StrEnum):
    """Where an address was acquired. The words of the file stay beside it, as evidence."""

    WEBSITE_FORM = "website_form"
    NEWSLETTER = "newsletter"
    EVENT = "event"
    REFERRAL = "referral"
    PURCHASE = "purchase"
    PARTNER = "partner"
    IMPORT = "import"
    API = "api"
    OTHER = "other"
    UNKNOWN = "unknown"


class SubscriberType(StrEnum):
    """Who is behind the address; laws on marketing treat them apart (PECR reg. 22 protects the first two)."""

    INDIVIDUAL = "individual"
    SOLE_TRADER = "sole_trader"
    CORPORATE = "corporate"


_SOURCE_WORDS: Final = (
    (Source.NEWSLETTER, "newsletter subscribe subscription mailing abonnement boletin infolettre rundbrief"),
    (
        Source.EVENT,
        "webinar fair show conference event booth expo meetup workshop messe kongress salon evenement feria evento",
    ),
    (Source.REFERRAL, "referral referred recommendation empfehlung recommandation parrainage recomendacion"),
    (Source.PARTNER, "partner affiliate reseller partenaire socio"),
    (
        Source.PURCHASE,
        "purchase order checkout customer invoice bestellung kauf kunde achat commande compra pedido",
    ),
    (Source.IMPORT, "import imported csv upload migration migrated crm"),
    (Source.API, "api webhook zapier integration"),
    (
        Source.WEBSITE_FORM,
        "form website web landing signup page popup demo download formular webseite formulaire site formulario",
    ),
)
_SOURCES: Final = {word: source for source, words in _SOURCE_WORDS for word in words.split()}
_RANK: Final = {source: rank for rank, (source, _) in enumerate(_SOURCE_WORDS)}

_YES_WORDS: Final = """
    yes y true t 1 x on ja j oui o vrai si sí s verdadero sim verdadeiro wahr tak ✓ ✔
    ☑ unsubscribed opted-out opt-out optout abgemeldet désinscrit désabonné baja
"""
_YES: Final = frozenset(_YES_WORDS.split())
_NO_WORDS: Final = "no n false f 0 off nein non faux não nao falso falsch nie subscribed opted-in"
_NO: Final = frozenset(_NO_WORDS.split())
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[T ,].*)?", re.IGNORECASE)

FLAG_UNKNOWN: Final = Fault(
    "flag-unknown",
    "This is neither a yes nor a no.",
    "Write yes, true, 1, x, ja, oui, si, or a date for unsubscribed; no, false, 0, nein, non or nothing for not.",
)

_TYPES: Final = {
    word: kind
    for kind, words in (
        (
            SubscriberType.INDIVIDUAL,
            "individual person consumer private b2c privat privatperson particulier particular",
        ),
        (
            SubscriberType.SOLE_TRADER,
            "soletrader freelancer selfemployed einzelunternehmer independant autonomo",
        ),
        (
            SubscriberType.CORPORATE,
            "corporate company business organisation organization b2b firma entreprise empresa",
        ),
    )
    for word in words.split()
}
TYPE_UNKNOWN: Final = Fault(
    "subscriber-type-unknown",
    "This is no known kind of subscriber; it is taken as not known.",
    "Write individual, sole_trader or corporate.",
)


@lru_cache(maxsize=4096)
def read_source(text: str) -> Source:
    """The source that the words speak of; the most telling word counts (`newsletter form` is the newsletter)."""
    if not text:
        return Source.UNKNOWN
    found = [_SOURCES[word] for word in re.findall(r"\w+", plain(text)) if word in _SOURCES]
    return min(found, key=_RANK.__getitem__, default=Source.OTHER)


@lru_cache(maxsize=4096)
def read_flag(text: str) -> bool | Fault:
    """Whether a cell says `unsubscribed`. A date says since when, so it says yes; nothing says no."""
    word = text.casefold()
    if not word or word in _NO:
        return False
    if word in _YES or _DATE_LIKE.fullmatch(word):
        return True
    return FLAG_UNKNOWN


def tells_when(text: str) -> bool:
    """Whether a cell that says `unsubscribed` is a date."""
    return _DATE_LIKE.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def read_subscriber_type(text: str) -> SubscriberType | Fault:
    """The kind of subscriber that a cell names."""
    return _TYPES.get(re.sub(r"[\W_]+", "", plain(text)), TYPE_UNKNOWN)
