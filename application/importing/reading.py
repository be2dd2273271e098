"""What is done with a file before its rows are decided: looked into, previewed, cut up. Pure, and pickled whole."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from application.importing.rows import taken
from application.pseudonyms import hmac_sha256
from domain.audience.intake import (
    Duplicates,
    Entry,
    FileKind,
    Rejected,
    Repeat,
    SaidBefore,
    dry_run,
    guess_columns,
    open_file,
    open_sheet,
    outcomes_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from application.importing.rows import Decidable
    from application.ports.blobs import Sealed
    from domain.audience.intake import Candidate, ColumnGuess, Mapping, Preview, World
    from domain.audience.intake.rows import Row

_MATCHES: Final = 1_000
GUESSED_FROM: Final = 100
"""Rows that columns are guessed from."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a file reads, and how many rows it has."""

    encoding: str
    encoding_found: str
    delimiter: str
    delimiter_found: str
    columns: tuple[ColumnGuess, ...]
    rows: int
    blank_lines: int


@dataclass(frozen=True, slots=True)
class LookInto:
    """Read a file to its end: one that is refused is refused whole, before any row of it is taken.

    A mapping that does not fit is no fault of the file: whoever starts the import may name another.
    """

    file: Sealed
    encoding: str | None
    delimiter: str | None
    kind: FileKind = FileKind.CONTACTS

    def __call__(self) -> Iterator[Look]:
        """Raises `FileRefused`."""
        sheet = open_sheet(self.file, encoding=self.encoding, delimiter=self.delimiter)
        rows = iter(sheet.rows)
        first = list(islice(rows, GUESSED_FROM))
        count = len(first) + sum(1 for _ in rows)
        samples = [row.cells for row in first if row.problem is None]
        yield Look(
            encoding=sheet.encoding.name,
            encoding_found=sheet.encoding.found,
            delimiter=sheet.delimiter,
            delimiter_found=sheet.delimiter_found,
            columns=guess_columns(self.kind, sheet.header, samples),
            rows=count,
            blank_lines=sheet.blank_lines,
        )


@dataclass(frozen=True, slots=True)
class Rehearse:
    """What the first `most` rows say."""

    file: Sealed
    mapping: Mapping
    world: World
    now: datetime
    most: int
    kind: FileKind = FileKind.CONTACTS

    def __call__(self) -> Iterator[list[str] | Preview]:
        """The addresses that are accepted, in their match form and in lists; at the end what the file alone tells.

        Of a suppression list they are the identities of its entries. An address that comes again counts as repeated,
        whatever happens to it then. Never raises for the file.
        """
        accepted: dict[str, None] = {}
        pseudonym = _in_this_reading()

        def seen(match: str) -> bytes:
            accepted[match] = None
            return pseudonym(match)

        # Under `create` nothing is a repeat while a file is imported: each row is judged by what is there.
        asked = self.mapping.model_copy(update={"duplicates": Duplicates.SKIP})
        shown = dry_run(
            lambda: self.file,
            asked,
            self.world,
            now=self.now,
            pseudonym=seen,
            most=self.most,
            kind=self.kind,
        )
        matches = iter(accepted)
        while some := list(islice(matches, _MATCHES)):
            yield some
        mapping = shown.mapping
        if mapping is not None:
            mapping = mapping.model_copy(update={"duplicates": self.mapping.duplicates})
        yield shown.model_copy(update={"mapping": mapping})


@dataclass(frozen=True, slots=True)
class CutUp:
    """The file's header, then the rows after the first `dealt_with`, each with what it says, in slices.

    All rows are read, since repeats must be known as such.
    """

    file: Sealed
    mapping: Mapping
    world: World
    now: datetime
    dealt_with: int
    rows_a_slice: int
    kind: FileKind = FileKind.CONTACTS

    def __call__(self) -> Iterator[Any]:
        """A tuple of names, then `Slice`s. Raises `FileRefused`."""
        opened = open_file(self.file, self.mapping, self.kind)
        yield opened.sheet.header
        last = _Last(opened.rows)
        opened = replace(opened, rows=iter(last))
        outcomes = outcomes_of(self.kind, opened, self.world, self.now, _in_this_reading())
        left = (_decidable(last.row, outcome) for outcome in outcomes if last.row.number > self.dealt_with)
        while rows := list(islice(left, self.rows_a_slice)):
            yield rows


def _decidable(row: Row, outcome: Candidate | Repeat | Entry | SaidBefore | Rejected) -> Decidable | Entry:
    if isinstance(outcome, Rejected | Entry):
        return outcome
    if isinstance(outcome, SaidBefore):
        return outcome.candidate
    return taken(row, outcome.candidate if isinstance(outcome, Repeat) else outcome)


class _Last:
    """Passes rows on and remembers the latest, so that each outcome keeps the cells it was made of."""

    row: Row

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.row = row
            yield row


def _in_this_reading() -> Callable[[str], bytes]:
    """A pseudonym that holds for one reading of a file: enough to know a repeat, of no use to anybody afterwards."""
    key = secrets.token_bytes(32)
    return lambda match: hmac_sha256(key, match.encode())
