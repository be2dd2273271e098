"""E-mail addresses: as written, and in the one form by which two of them are the same.

The match form lower-cases the whole address and writes the domain in ASCII (IDNA 2008). RFC 5321 section 2.4 lets a
server tell `Ann@` from `ann@`; none in use does, and an opt-out must hold however its owner types the address.
`ann+news@` stays apart from `ann@`: what a plus means is the server's business, and merging could mail a stranger.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.audience.intake.errors import Fault
from domain.kernel.text import unseen

if TYPE_CHECKING:
    from domain.audience.intake.ports import DomainNames

MAX_ADDRESS: Final = 254
"""RFC 5321 section 4.5.3.1.3, less the angle brackets."""

MAX_LOCAL_PART: Final = 64
"""RFC 5321 section 4.5.3.1.1."""

_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TLD: Final = r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+{_TLD}")
_PLAIN: Final = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@((?:{_LABEL}\.)+{_TLD})")
_DOT_ATOM: Final = re.compile(rf"[{_ATEXT}\u0080-\U0010ffff]+(?:\.[{_ATEXT}\u0080-\U0010ffff]+)*")
_QUOTED: Final = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])+"')
_NAMED: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<>"]*?))\s*<([^<>]*)>\s*', re.DOTALL)
_PASTED: Final = "\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_INVISIBLE: Final = re.compile(f"[{_PASTED}]")
_EDGES: Final = re.compile(rf"^[\s{_PASTED}]+|[\s{_PASTED}]+$")
"""What comes with an address that is copied from somewhere stands around it."""

_ROLE_WORDS: Final = """
    abuse accounting accounts admin administrator billing buchhaltung careers compliance contact contacto
    datenschutz dpo einkauf enquiries finance hello help helpdesk hostmaster hr info information inquiries
    it jobs kontakt legal mail mailer-daemon marketing media news newsletter no-reply noreply office orders
    personal postmaster press presse privacy purchasing recruiting root rrhh sales security service support
    team tech vendas ventas vertrieb verwaltung webmaster
"""
_ROLES: Final = frozenset(_ROLE_WORDS.split())

MISSING: Final = Fault(
    "email-missing", "The row has no e-mail address.", "Add the address or remove the row."
)
NO_AT: Final = Fault(
    "email-without-at", "The address has no @.", "Write it as name@domain; what is missing cannot be guessed."
)
SPACES: Final = Fault(
    "email-with-spaces", "The address has a space inside.", "Remove the space if that is the address."
)
SEVERAL: Final = Fault(
    "email-several", "The cell holds more than one address.", "Give each address a row of its own."
)
LOCAL_PART: Final = Fault(
    "email-name-invalid",
    "The part before the @ is empty, has a dot too many, or a character that addresses cannot have.",
    "Correct the part before the @.",
)
LOCAL_PART_LONG: Final = Fault(
    "email-name-too-long",
    f"The part before the @ is longer than {MAX_LOCAL_PART} bytes.",
    "Correct the part before the @.",
)
DOMAIN: Final = Fault(
    "email-domain-invalid",
    "The part after the @ is no domain name with a dot in it.",
    "Correct the part after the @.",
)
TOO_LONG: Final = Fault(
    "email-too-long", f"The address is longer than {MAX_ADDRESS} bytes.", "Correct the address."
)
UNSEEN: Final = Fault(
    "email-invisible",
    "The address has a character inside that nobody sees: it looks like another address.",
    "Type the address anew, without copying it.",
)
NO_ADDRESS: Final = frozenset(
    fault.code for fault in (MISSING, NO_AT, SPACES, SEVERAL, LOCAL_PART, LOCAL_PART_LONG, DOMAIN, TOO_LONG)
)
"""What makes a cell no address: a row has at most one of these."""

ROLE: Final = Fault(
    "email-role",
    "This is the address of a function, not of a person.",
    "Check that whoever reads it has agreed; permission is judged before sending.",
)
NEEDS_SMTPUTF8: Final = Fault(
    "email-needs-smtputf8",
    "The part before the @ has letters that many mail servers do not take.",
    "Prefer an address in plain letters, if there is one.",
)


@dataclass(frozen=True, slots=True)
class Address:
    """One e-mail address.

    `written` keeps the owner's spelling, `match` is what makes two the same, `display_name` stood before it.
    """

    written: str
    match: str
    display_name: str = ""

    @property
    def is_role(self) -> bool:
        """Whether the name before the @ is that of a function, as in info@ or sales+eu@."""
        return self.match.partition("@")[0].partition("+")[0] in _ROLES

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only servers with SMTPUTF8 (RFC 6531) take it."""
        return not self.match.isascii()


def read_address(cell: str, domains: DomainNames) -> Address | Fault:
    """The address in a cell: `a@b.org`, `"Ann" <a@b.org>`, quoted local parts, domains in any script.

    Characters that nobody sees are let go around it, and refused within: it would be another than it looks like.
    """
    address = read_known(cell, domains)
    if cell.isascii() or not (isinstance(address, Address) or address is LOCAL_PART or address is DOMAIN):
        return address
    text = _EDGES.sub("", cell)
    named = _NAMED.fullmatch(text)
    within = text if named is None else _EDGES.sub("", named[3])
    return UNSEEN if any(unseen(one) for one in within) else address


def as_seen(cell: str) -> str:
    """A cell without the characters that nobody sees."""
    return "".join(one for one in cell if not unseen(one))


def read_known(cell: str, domains: DomainNames) -> Address | Fault:
    """As `read_address`, of an address that was taken once, whatever is taken now."""
    plain = _PLAIN.fullmatch(cell)
    if plain and len(cell) <= MAX_ADDRESS and len(plain[1]) <= MAX_LOCAL_PART:
        lowered = cell.lower()
        if "xn--" not in lowered:
            return Address(cell, lowered)
    return _read(cell, domains)


def _read(cell: str, domains: DomainNames) -> Address | Fault:
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", cell)).strip()
    name = ""
    named = _NAMED.fullmatch(text)
    if named:
        quoted, bare, text = named.groups()
        name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        text = text.strip()
    if not text:
        return MISSING
    local, at, domain = text.rpartition("@")
    fault = _fault_of_shape(text, local, at)
    if fault:
        return fault
    ascii_domain = _ascii_domain(domain, domains)
    if ascii_domain is None:
        return DOMAIN
    lowered = unicodedata.normalize("NFC", local.lower())
    if _QUOTED.fullmatch(lowered):
        inner = re.sub(r"\\(.)", r"\1", lowered[1:-1])
        lowered = inner if _DOT_ATOM.fullmatch(inner) else lowered  # "ann"@b.org is ann@b.org
    match = f"{lowered}@{ascii_domain}"
    if len(lowered.encode()) > MAX_LOCAL_PART:
        return LOCAL_PART_LONG
    if len(match.encode()) > MAX_ADDRESS or len(text) > MAX_ADDRESS:
        return TOO_LONG
    return Address(text, match, " ".join(name.split()))


def _fault_of_shape(text: str, local: str, at: str) -> Fault | None:
    if not at:
        return NO_AT
    if _QUOTED.fullmatch(local):
        return None
    if text.count("@") > 1 and re.search(r"[,;\s>]", text):
        return SEVERAL
    if any(character.isspace() for character in text):
        return SPACES
    if not _DOT_ATOM.fullmatch(local) or not local.replace(".", "").isprintable():
        return LOCAL_PART
    return None


def _ascii_domain(domain: str, domains: DomainNames) -> str | None:
    lowered = domain.lower()
    if not lowered.isascii() or "xn--" in lowered:
        lowered = domains.to_ascii(domain) or ""
    return lowered if _DOMAIN.fullmatch(lowered) else None
