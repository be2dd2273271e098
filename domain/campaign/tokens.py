"""The tokens of a campaign's texts: which there are, and what a template may do with them.

A template is Liquid, read by `application.templates`; the rules here judge what that found. There are no loops, no
assignments and no includes: every token is one value, so that a text is as long as its template and a little more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterable

UNSUBSCRIBE: Final = "unsubscribe_url"
COMPANY_NAME: Final = "company.name"
COMPANY_ADDRESS: Final = "company.address"
REFERRER: Final = "referrer_name"

OF_THE_CONTACT: Final = frozenset({"first_name", "last_name", "title", "email", "employer", REFERRER})
LINKS: Final = frozenset({UNSUBSCRIBE, "preferences_url"})
"""Links, each to a page of ours that is the recipient's."""
OF_THE_SENDER: Final = {
    "sender.name": "sender_name",
    COMPANY_NAME: "on_whose_behalf",
    COMPANY_ADDRESS: "postal_address",
    "company.phone": "contact_phone",
    "company.email": "contact_email",
    "company.web": "contact_web",
    "unsubscribe_email": "unsubscribe_email",
    "notice.processing_purpose": "processing_purpose",
    "notice.data_source": "data_source",
    "notice.consent_purpose": "consent_purpose",
}
"""Tokens that stand for what the campaign itself says, and where it says it."""
KNOWN: Final = OF_THE_CONTACT | LINKS | OF_THE_SENDER.keys()
"""Every token there is."""
REQUIRED: Final = (UNSUBSCRIBE, COMPANY_NAME, COMPANY_ADDRESS)
"""What every body shows to everybody, under no condition and through no filter; the link so that it can be followed."""

TAGS: Final = frozenset({"if", "elsif", "else", "unless", "case", "when", "comment"})
FILTERS: Final = frozenset(
    {
        "capitalize",
        "default",
        "downcase",
        "escape",
        "strip",
        "truncate",
        "truncatewords",
        "upcase",
        "url_encode",
    }
)
"""None makes a text longer than three times what it gets."""

MOST_MARKS: Final = 500
LONGEST_MARK: Final = 500
MOST_LOOKED_AT: Final = 2_500_000
"""Characters of an HTML body, times its branches that hold markup."""
DEEPEST: Final = 5


@dataclass(frozen=True, slots=True)
class Use:
    """Something that a template names, and the line where it stands."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one template holds. `shown`: tokens that everybody sees, under no condition and through no filter."""

    tokens: tuple[Use, ...] = ()
    tags: tuple[Use, ...] = ()
    filters: tuple[Use, ...] = ()
    shown: frozenset[str] = frozenset()


class TemplateBroken(Refusal):
    """A text that cannot be read as Liquid is not taken. Correct the line that is named."""

    code = "template-broken"
    kind = RefusalKind.INVALID


class TemplateTooLarge(Refusal):
    """A text has at most 500 tokens and tags of 500 characters, nested five deep, and few branches if it is long.

    The length of an HTML body, times the branches of its conditions that hold markup, is at most 2,500,000. Write it
    simpler.
    """

    code = "template-too-large"
    kind = RefusalKind.INVALID


class UnknownToken(Refusal):
    """A text names only tokens that there are, each as it is called. Take one of `known`."""

    code = "unknown-token"
    kind = RefusalKind.INVALID


class TagNotAllowed(Refusal):
    """Texts may ask (`if`, `unless`, `case`) and hold comments: no loops, assignments or includes. Write it out."""

    code = "tag-not-allowed"
    kind = RefusalKind.INVALID


class FilterNotAllowed(Refusal):
    """A text uses only the filters that are named in `known`. Take one of these, or leave it out."""

    code = "filter-not-allowed"
    kind = RefusalKind.INVALID


def blaming(refusal: type[Refusal], pointer: str, line: int, words: str, **extra: object) -> Refusal:
    """The refusal of one text, at one line of it."""
    detail = f"Line {line}: {words}"
    errors = [{"pointer": pointer, "code": refusal.code, "detail": detail}]
    return refusal(f"{detail} {refusal.rule()}", line=line, errors=errors, **extra)


def usable(found: Found, pointer: str) -> None:
    """What a template holds is all allowed; the first thing that is not, is named with its line."""
    for use in _strangers(found.tags, TAGS):
        raise blaming(TagNotAllowed, pointer, use.line, f"'{use.name}' is not taken here.")
    for use in _strangers(found.filters, FILTERS):
        words = f"there is no filter '{use.name}' here."
        raise blaming(FilterNotAllowed, pointer, use.line, words, known=sorted(FILTERS))
    for use in _strangers(found.tokens, KNOWN):
        words = f"there is no token '{use.name}'."
        raise blaming(UnknownToken, pointer, use.line, words, known=sorted(KNOWN))


def _strangers(uses: Iterable[Use], known: frozenset[str]) -> list[Use]:
    return sorted((use for use in uses if use.name not in known), key=lambda use: use.line)


def shown_in_all(bodies: Iterable[Found]) -> frozenset[str]:
    """The tokens that every body shows; none where there is no body."""
    sets = [found.shown for found in bodies]
    return frozenset.intersection(*sets) if sets else frozenset()
