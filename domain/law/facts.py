"""What a decision is made from: everything known of one person, of one message, and of who sends it.

Facts carry the position of the event that told them, and a decision names those that it rests on. A person as known
at an earlier moment is the same stream folded up to there. Nothing here is personal: dates, kinds and countries stay
when a person is erased, so that past decisions can be judged again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime

    from domain.kernel.ids import MessageId


class Subscriber(StrEnum):
    """Whose the address is. Sole traders and ordinary partnerships are individuals where a law protects those."""

    INDIVIDUAL = "individual"
    SOLE_TRADER = "sole_trader"
    CORPORATE = "corporate"


class Purpose(StrEnum):
    """What a message is for."""

    MARKETING = "marketing"
    CONSENT_REQUEST = "consent_request"
    REFERRAL = "referral"
    """The first message after somebody referred the person, naming who did."""
    TRANSACTIONAL = "transactional"


class ConsentKind(StrEnum):
    """How a consent was given."""

    SINGLE = "single"
    DOUBLE = "double"
    """Confirmed from the address itself."""


class RelationKind(StrEnum):
    """What there was between sender and person."""

    PURCHASE = "purchase"
    NEGOTIATION = "negotiation"
    INQUIRY = "inquiry"
    CONTRACT = "contract"
    SUBSCRIPTION = "subscription"
    LOAN = "loan"
    DONATION = "donation"
    VOLUNTEERING = "volunteering"
    """The person worked for the sender without pay, on that day."""
    MEMBERSHIP = "membership"
    PUBLISHED_ADDRESS = "published_address"
    DISCLOSED_ADDRESS = "disclosed_address"
    CONTACT = "contact"
    """The person turned to the sender: a click or a reply; an opened message is none."""
    ASKED = "asked"
    """The person was asked whether to go on."""
    CONSENT_CHECKED = "consent_checked"
    """The person was reminded of a consent, as some laws want from time to time."""


GOES_ON: Final = frozenset(
    {RelationKind.CONTRACT, RelationKind.SUBSCRIPTION, RelationKind.LOAN, RelationKind.MEMBERSHIP}
)
"""Relations that go on until they end; all others are of one day."""
ADDRESSES: Final = frozenset({RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS})
"""How an address was come by: beside a notice, maybe, that it is not for advertising."""
BUSINESS: Final = GOES_ON | {
    RelationKind.PURCHASE,
    RelationKind.NEGOTIATION,
    RelationKind.INQUIRY,
    RelationKind.DONATION,
    RelationKind.VOLUNTEERING,
}
"""What a message that is no advertising can be about: something bought, agreed, asked for or given, over or not."""


class SuppressionKind(StrEnum):
    """Why somebody is not written to."""

    UNSUBSCRIBE = "unsubscribe"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    MANUAL = "manual"
    ABUSE = "abuse"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    """The data are kept, and used only with the person's consent: as they say, or ask for (GDPR Art. 18(2))."""


OPT_OUTS: Final = frozenset(
    {SuppressionKind.UNSUBSCRIBE, SuppressionKind.OBJECTION, SuppressionKind.COMPLAINT}
)
"""The person's own word, said of advertising: nobody else lifts them. The others are of the address or the person."""


BOUNCED: Final = frozenset({SuppressionKind.HARD_BOUNCE, SuppressionKind.SOFT_BOUNCES})
"""The address took no mail. A consent of after it, of which there is proof, says that it does again."""


class Scope(StrEnum):
    """How far a suppression goes."""

    PLATFORM = "platform"
    TENANT = "tenant"
    WORKSPACE = "workspace"
    CAMPAIGN_TYPE = "campaign_type"


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent. `on`: the civil day it was given; `at`: the moment, where that is known, and then it alone counts.

    `documented`: its wording is kept. `withdrawn_at`: it ended then. `workspace`: of the client to whom it was given;
    None: to the tenant. `asks_since`: given to a client, it asks provably to be written to, whatever was said before
    this moment; what was given to the tenant ends an opt-out by an event of its own.
    """

    on: date
    kind: ConsentKind
    documented: bool
    position: int
    withdrawn_at: datetime | None = None
    at: datetime | None = None
    workspace: str | None = None
    asks_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Something between sender and person. `ended_on` None: it goes on (`GOES_ON`), or is of one day.

    `refused`: a published address stood beside a notice that it is not for advertising; None: nobody looked.
    `in_writing`: an address was given to the sender in writing; None: nobody said how. `workspace`: of the client who
    is the sender; None: the tenant.
    """

    kind: RelationKind
    on: date
    position: int
    ended_on: date | None = None
    refused: bool | None = None
    in_writing: bool | None = None
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why somebody is not written to from `since` on, until `ended_at`. `within`: the workspace or campaign type.

    `said_at`: when they said it last, where that was later than `since`.
    """

    kind: SuppressionKind
    scope: Scope
    since: datetime
    position: int
    within: str | None = None
    ended_at: datetime | None = None
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A message that was handed over. `purpose` None: nobody knows what it was for. `workspace`: whose it was."""

    message_id: MessageId
    purpose: Purpose | None
    at: datetime
    workspace: str | None = None


class Collected(NamedTuple):
    """How one client came by an address: what `Person` tells of it for the tenant."""

    workspace: str
    could_object: bool | None
    told: bool | None


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of an addressee. None: not known.

    `could_object`: they could say no when the address was taken; `told`: they were told what it is for. `written`: of
    each workspace the first message that went to them, and each that asked for a consent. `contradicted`: of `country`
    and `subscriber` those that are not known because different things are said of them. `collected`: what is told of
    single clients.
    """

    country: str | None = None
    subscriber: Subscriber | None = None
    generic_address: bool | None = None
    could_object: bool | None = None
    told: bool | None = None
    consents: tuple[Consent, ...] = ()
    relations: tuple[Relation, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    written: tuple[Written, ...] = ()
    contradicted: tuple[str, ...] = ()
    collected: tuple[Collected, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent. None: nobody said. `bulk`: as many as a law counts as bulk.

    `charitable`: the sender is a charity, and the message furthers its charitable purposes.
    """

    purpose: Purpose = Purpose.MARKETING
    workspace: str | None = None
    campaign_type: str | None = None
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    names_referrer: bool | None = None
    bulk: bool | None = None
    charitable: bool | None = None
