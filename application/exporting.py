"""The suppression list going out: every address that nothing goes to, as it is or hashed for who must not learn it.

It is as of one position of the log. Addresses are opened as they are written, so that who is erased meanwhile is not in
it any more. What cannot be in it is counted in its last line: without that line a file is not whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from uuid import UUID

from application.completeness import in_words
from domain.audience.addressee import ADDRESSEE
from domain.audience.email import match_form
from domain.audience.intake import escape_formula
from domain.kernel.commands import stream_name
from domain.law.facts import SuppressionKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from collections.abc import Set as AbstractSet

    from application.completeness import Signed
    from application.ports.positions import Position
    from application.unit import Streams

_AT_ONCE: Final = 500
"""People whose streams are looked at together."""
NOT_KEPT: Final = "address-not-kept"
BY_HASH: Final = "known-by-hash-alone"
"""What cannot be in the list, as its certificate names it."""
COLUMNS: Final = ("algorithm", "kind", "scope", "within", "since", "position")
"""What stands beside the address, or its hash."""


class Written(StrEnum):
    """How addresses are written."""

    ADDRESS = "address"
    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"


class Held(NamedTuple):
    """An entry that stands against an addressee, and the position of its event."""

    addressee_id: UUID
    kind: str
    scope: str
    within: str | None
    since: datetime | None
    position: int


class Suppressed(Protocol):
    """Where what stands is read."""

    async def begun(self, tenant_id: UUID) -> tuple[Position, int]:
        """The position that the views have reached, and how many hashes of unknown addresses stand there."""

    def held(self, tenant_id: UUID, until: Position) -> AsyncIterator[list[Held]]:
        """The entries that stood at a position, in the order of their events, some at a time."""


class SuppressionExport:
    """Writes the list, one tenant's at a time, in bounded memory."""

    def __init__(self, streams: Streams, suppressed: Suppressed) -> None:
        """Addresses are opened in the log by `streams`; what stands is read from `suppressed`."""
        self._streams = streams
        self._suppressed = suppressed

    async def begun(self, tenant_id: UUID) -> tuple[Position, int]:
        """See `Suppressed.begun`."""
        return await self._suppressed.begun(tenant_id)

    async def lines(
        self,
        tenant_id: UUID,
        written: Written,
        until: Position,
        hashes: int,
        checkpoint: Signed | None = None,
    ) -> AsyncIterator[bytes]:
        """A CSV file in pieces: a header, a line for each entry, and what is not in it."""
        name = "email" if written is Written.ADDRESS else written.value
        yield _lines([(name, *COLUMNS)])
        count, unknown = 0, set[UUID]()
        async for page in self._suppressed.held(tenant_id, until):
            people = list(dict.fromkeys(one.addressee_id for one in page))
            addresses = await self._streams.addresses.of(tenant_id, people)
            rows = []
            for one in page:
                email = addresses[one.addressee_id]
                if email is None or one.kind == SuppressionKind.ERASURE:
                    unknown.add(one.addressee_id)
                else:
                    rows.append(_row(one, email, written))
            count += len(rows)
            if rows:
                yield _lines(rows)
        missing = await self._not_back(tenant_id, unknown)
        told = (
            f"# {count} entries as of position {until.n}. Not in this file: {missing} suppressed people whose address "
            f"is not kept (erased, whatever they had said, or never entered), and {hashes} known by a hash alone, "
            f"which cannot be given back. Checkpoint: {in_words(checkpoint)}."
        )
        yield _lines([(told, *[""] * len(COLUMNS))])

    async def _not_back(self, tenant_id: UUID, people: AbstractSet[UUID]) -> int:
        """How many of them nobody came after: whose address was entered anew stands in the file by that."""
        wanted = [(ADDRESSEE, stream_name("addressee", one)) for one in people]
        left = 0
        for first in range(0, len(wanted), _AT_ONCE):
            folded = await self._streams.load(tenant_id, wanted[first : first + _AT_ONCE])
            left += sum(getattr(state, "successor_id", None) is None for _, state in folded)
        return left


def _row(one: Held, email: str, written: Written) -> tuple[str, ...]:
    since = "" if one.since is None else one.since.astimezone(UTC).isoformat(timespec="seconds")
    beside = (one.kind, one.scope, one.within or "", since, str(one.position))
    if written is Written.ADDRESS:
        return (escape_formula(email), "", *map(escape_formula, beside))
    digest = hashlib.new(written.value, match_form(email).encode(), usedforsecurity=False).hexdigest()
    return (digest, written.value, *map(escape_formula, beside))


def _lines(rows: Sequence[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
