"""What a row becomes: somebody who may become a contact, or the reasons why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.kernel import limits

if TYPE_CHECKING:
    from datetime import datetime

    from domain.audience.intake.addresses import Address
    from domain.audience.intake.errors import RowProblem
    from domain.audience.intake.rows import Row
    from domain.audience.intake.suppressions import Entry
    from domain.audience.intake.vocabularies import Source, SubscriberType

MAX_LENGTHS: Final = {
    "first_name": limits.SHORT,
    "last_name": limits.SHORT,
    "full_name": 2 * limits.SHORT,
    "title": limits.LINE,
    "company": limits.LINE,
    "phone": limits.PHONE,
    "opt_in_source": limits.LINE,
    "opt_in_ip": limits.IP,
    "notes": limits.ATTRIBUTE,
    "tags": 100,
    "attribute": limits.ATTRIBUTE,
}
"""Characters that a field may have (for tags: each); longer is a problem of the row, nothing is cut.

They are those of commands, so that no import makes a contact that a command would refuse.
"""

MAX_TAGS: Final = 50

KEPT_AS_ATTRIBUTES: Final = ("tags", "notes", "last_purchase_at")
"""Fields of a file that a contact keeps among its attributes, under these names."""


@dataclass(slots=True)
class Candidate:
    """Somebody in the file, normalised. Treat it as frozen: freezing it would double the time it takes to make.

    Texts are None where the row has none. Moments are in the zone they are written in. `phone` is as written,
    `phone_e164` where it is valid. `country` is ISO alpha-2, None if not known. `source` is the one word for
    `opt_in_source`, which is evidence. `unsubscribed` False says nothing: only the recipient ends a withdrawal.
    `unsubscribed_at` None: the row does not say when, or not so that it can be read.
    """

    row: int
    line: int
    email: Address
    first_name: str | None
    last_name: str | None
    full_name: str | None
    title: str | None
    company: str | None
    phone: str | None
    phone_e164: str | None
    country: str | None
    subscriber_type: SubscriberType | None
    opted_in_at: datetime | None
    source: Source
    opt_in_source: str | None
    opt_in_ip: str | None
    last_purchase_at: datetime | None
    unsubscribed: bool
    unsubscribed_at: datetime | None
    tags: tuple[str, ...]
    notes: str | None
    attributes: tuple[tuple[str, str], ...]
    warnings: tuple[RowProblem, ...]


def split_name(full: str) -> tuple[str, str | None]:
    """First and last name of a whole one: its first word, and the rest."""
    first, _, rest = full.partition(" ")
    return first, rest.strip() or None


@dataclass(slots=True)
class Rejected:
    """A row that cannot be imported, with its cells as they stand in the file and every reason.

    `withdrawal` is the address of a row that says `unsubscribed` in spite of its other faults: who said stop has said
    it, at `withdrawn_at` if the row tells, whatever is wrong with the rest. Nothing else of the row is to be kept.
    `stop` is the same of a row of a suppression list: who stands on it is not written to, whatever is wrong with why
    and since when.
    """

    row: Row
    problems: tuple[RowProblem, ...]
    withdrawal: Address | None = None
    stop: Entry | None = None
    withdrawn_at: datetime | None = None


@dataclass(slots=True)
class Repeat:
    """A row whose address an earlier row of the file has.

    What the mapping's `duplicates` says happens to it, with one exception for the caller to keep: `unsubscribed`
    counts even in a row that is skipped.
    """

    candidate: Candidate
    first_row: int
