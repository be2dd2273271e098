"""What a row becomes: somebody who may become a contact, or the reasons why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from domain.audience.intake.addresses import Address
    from domain.audience.intake.errors import RowProblem
    from domain.audience.intake.rows import Row
    from domain.audience.intake.vocabularies import Source, SubscriberType

MAX_LENGTHS: Final = {
    "first_name": 100,
    "last_name": 100,
    "full_name": 200,
    "title": 255,
    "company": 255,
    "phone": 40,
    "opt_in_source": 255,
    "opt_in_ip": 45,
    "notes": 10_000,
    "tags": 100,
    "attribute": 1_000,
}
"""Characters that a field may have (for tags: each); longer is a problem of the row, nothing is cut."""

MAX_TAGS: Final = 50

MAX_ATTRIBUTES: Final = 50


@dataclass(slots=True)
class Candidate:
    """Somebody in the file, normalised. Treat it as frozen: freezing it would double the time it takes to make.

    Texts are None where the row has none. Moments are in UTC. `phone` is as written, `phone_e164` where it is valid.
    `country` is ISO alpha-2, None if not known. `source` is the one word for `opt_in_source`, which is evidence.
    `unsubscribed` False says nothing: only the recipient's own act ends a withdrawal.
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
    tags: tuple[str, ...]
    notes: str | None
    attributes: tuple[tuple[str, str], ...]
    warnings: tuple[RowProblem, ...]


@dataclass(slots=True)
class Rejected:
    """A row that cannot be imported, with its cells as they stand in the file and every reason.

    `withdrawal` is the address of a row that says `unsubscribed` in spite of its other faults: who said stop has said
    it, whatever is wrong with the rest of the row. Nothing else of the row is to be kept.
    """

    row: Row
    problems: tuple[RowProblem, ...]
    withdrawal: Address | None = None


@dataclass(slots=True)
class Repeat:
    """A row whose address an earlier row of the file has.

    What the mapping's `duplicates` says happens to it, with one exception for the caller to keep: `unsubscribed`
    counts even in a row that is skipped.
    """

    candidate: Candidate
    first_row: int
