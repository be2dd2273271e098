"""What a chunk needs to know of a row: made where the file is read, so that nothing is left but to decide."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.audience.intake.candidate import split_name
from domain.audience.intake.dates import is_exact
from domain.audience.intake.rows import Row
from domain.audience.intake.vocabularies import Source

if TYPE_CHECKING:
    from datetime import date, datetime

    from domain.audience.contact import Contact
    from domain.audience.intake import Candidate, Rejected


class Taken(NamedTuple):
    """A row that says something, repeats of earlier ones included. `match` is the address's match form.

    `details` are a contact's personal fields, all of them. `opted_in_on` with its source is a consent: the civil date
    as it is written in the row, or of the moment `opted_in_at`, in UTC, where the row names that with its offset.
    `unsubscribed_at` None: the row does not say when.
    """

    number: int
    line: int
    cells: list[str]
    match: str
    email: str
    details: dict[str, Any]
    country: str | None
    subscriber_type: str | None
    source: str
    opted_in_on: date | None
    opted_in_at: datetime | None
    consent_source: Source
    opt_in_source: str | None
    opt_in_ip: str | None
    unsubscribed: bool
    unsubscribed_at: datetime | None
    warnings: tuple[str, ...]

    @property
    def row(self) -> Row:
        """The row as it stands in the file."""
        return Row(self.number, self.line, self.cells)


if TYPE_CHECKING:
    Decidable = Taken | Rejected
    Slice = list[Decidable]


def taken(row: Row, candidate: Candidate) -> Taken:
    """What is taken from a row."""
    opted_in_at = candidate.opted_in_at
    exact = None if opted_in_at is None or not is_exact(opted_in_at) else opted_in_at
    kind = candidate.subscriber_type
    return Taken(
        row.number,
        row.line,
        row.cells,
        candidate.email.match,
        candidate.email.written,
        details(candidate),
        candidate.country,
        None if kind is None else kind.value,
        (Source.IMPORT if candidate.source is Source.UNKNOWN else candidate.source).value,
        None if opted_in_at is None else (opted_in_at if exact is None else exact.astimezone(UTC)).date(),
        exact,
        candidate.source,
        candidate.opt_in_source,
        candidate.opt_in_ip,
        candidate.unsubscribed,
        candidate.unsubscribed_at,
        tuple([warning.code for warning in candidate.warnings]),
    )


def details(candidate: Candidate) -> dict[str, Any]:
    """A new contact's personal fields."""
    first, last = candidate.first_name, candidate.last_name
    if first is None and last is None and candidate.full_name is not None:
        first, last = split_name(candidate.full_name)
    return {
        "first_name": first,
        "last_name": last,
        "company": candidate.company,
        "title": candidate.title,
        "phone": candidate.phone_e164 or candidate.phone,
        "attributes": _attributes(candidate),
    }


def wanted(taken: Taken, contact: Contact) -> dict[str, Any]:
    """What an update asks for: an empty cell says nothing and clears nothing."""
    asked = {name: value for name, value in taken.details.items() if value is not None}
    asked["attributes"] = {**contact.attributes, **taken.details["attributes"]}
    if taken.country is not None:
        asked["country"] = taken.country
    if taken.subscriber_type is not None:
        asked["subscriber_type"] = taken.subscriber_type
    return asked


def _attributes(candidate: Candidate) -> dict[str, str]:
    attributes = dict(candidate.attributes)
    if candidate.tags:
        attributes["tags"] = "; ".join(candidate.tags)
    if candidate.notes is not None:
        attributes["notes"] = candidate.notes
    if candidate.last_purchase_at is not None:
        attributes["last_purchase_at"] = candidate.last_purchase_at.astimezone(UTC).isoformat()
    return attributes
