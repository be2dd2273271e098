"""What a person may ask for, how they ask, and how it can end: the words of requests."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from domain.law.deadlines import Duty


class RequestKind(StrEnum):
    """What is asked for. California's words: to know is access, to delete is erasure, to correct is rectification."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    SALE_OPT_OUT = "sale_opt_out"
    COMPLAINT = "complaint"
    """Of how their data are handled, to whoever handles them (DPA 2018 s.164A). Not a report of spam."""


DUTY: Final = {
    RequestKind.ACCESS: Duty.ACCESS,
    RequestKind.PORTABILITY: Duty.PORTABILITY,
    RequestKind.RECTIFICATION: Duty.CORRECTION,
    RequestKind.ERASURE: Duty.DELETION,
    RequestKind.RESTRICTION: Duty.RESTRICTION,
    RequestKind.OBJECTION: Duty.OBJECTION,
    RequestKind.SALE_OPT_OUT: Duty.SALE_OPT_OUT,
    RequestKind.COMPLAINT: Duty.COMPLAINT_ACKNOWLEDGEMENT,
}
"""What a law calls it, where it says by when. Of a complaint that is its acknowledgement, and the answer follows it."""

AT_ONCE: Final = frozenset({RequestKind.OBJECTION, RequestKind.SALE_OPT_OUT})
"""These take effect when they are received, whoever sent them: stopping harms nobody, and no law is known to us that
wants an identity check for it (GDPR Art. 21(3) has no condition, T; 11 CCR 7026(d), not looked up here, S)."""


class RequestChannel(StrEnum):
    """How it came."""

    EMAIL = "email"
    PAGE = "page"
    """The person's own page, reached by the link in a message."""
    FORM = "form"
    PHONE = "phone"
    LETTER = "letter"
    IN_PERSON = "in_person"
    AGENT = "agent"
    """Somebody whom the person authorised."""
    API = "api"


class Identity(StrEnum):
    """Whether it is known that the person asks."""

    UNCHECKED = "unchecked"
    ASKED = "asked"
    VERIFIED = "verified"
    FAILED = "failed"


class IdentityMethod(StrEnum):
    """How it was found out. What was shown for it is not kept."""

    MAILBOX = "mailbox"
    """They answered, or followed a link, from the address itself."""
    ACCOUNT = "account"
    DOCUMENT = "document"
    KNOWN = "known"
    """Somebody knows them."""
    AUTHORITY = "authority"
    """An agent showed that they may ask."""


class DisclosureForm(StrEnum):
    """In which form what is held was handed over."""

    JSON = "json"
    HTML = "html"
    OTHER = "other"


class Ground(StrEnum):
    """Why a request is refused. The articles are named to find them by; all but 12(5) were not looked up here (S)."""

    IDENTITY = "identity_not_established"
    """GDPR Art. 12(2) and (6); 11 CCR 7060 ff."""
    UNFOUNDED = "manifestly_unfounded"
    """GDPR Art. 12(5)."""
    EXCESSIVE = "excessive"
    """GDPR Art. 12(5)."""
    LEGAL_OBLIGATION = "legal_obligation"
    """GDPR Art. 17(3)(b)."""
    LEGAL_CLAIMS = "legal_claims"
    """GDPR Art. 17(3)(e)."""
    RIGHTS_OF_OTHERS = "rights_of_others"
    """GDPR Art. 15(4), 20(4)."""
    NOT_APPLICABLE = "right_does_not_apply"


class RequestOutcome(StrEnum):
    """How a request ended."""

    FULFILLED = "fulfilled"
    NOTHING_HELD = "nothing_held"
    """Nobody here has their address or had it; nothing of them is held but what they ask."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
