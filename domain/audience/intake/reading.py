"""A file from its first byte to its candidates, and the dry run that shows what an import would do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.intake.candidate import Candidate, Rejected, Repeat
from domain.audience.intake.decoding import known_encoding
from domain.audience.intake.errors import EncodingUnknown, FileRefused, MappingRefused, RowProblem
from domain.audience.intake.kinds import FileKind
from domain.audience.intake.list_columns import guess_list_mapping, resolve_list_mapping
from domain.audience.intake.mapping import ColumnGuess, Duplicates, Mapping, guess_mapping, resolve_mapping
from domain.audience.intake.normaliser import Normaliser
from domain.audience.intake.repeats import Repeats
from domain.audience.intake.rows import Row, Sheet, open_sheet
from domain.audience.intake.suppressions import Entry, ListReader, SaidBefore, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from domain.audience.intake.ports import World

_GUESSED_FROM: Final = 100
_SHOWN_AS: Final = "windows-1252"
_SHOWN_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header is read and whose mapping is settled; iterate `rows` once."""

    sheet: Sheet
    mapping: Mapping
    columns: tuple[ColumnGuess, ...]
    rows: Iterator[Row]


def guess_columns(
    kind: FileKind, header: Sequence[str], samples: Sequence[Sequence[str]]
) -> tuple[ColumnGuess, ...]:
    """A target for each column of a file of this kind."""
    guess = guess_mapping if kind is FileKind.CONTACTS else guess_list_mapping
    return guess(header, samples)


def settle_columns(
    kind: FileKind, guesses: Sequence[ColumnGuess], override: Mapping
) -> tuple[Mapping, tuple[ColumnGuess, ...]]:
    """The whole mapping of a file of this kind. Raises `MappingRefused`."""
    resolve = resolve_mapping if kind is FileKind.CONTACTS else resolve_list_mapping
    return resolve(guesses, override)


def open_file(chunks: Iterable[bytes], override: Mapping, kind: FileKind = FileKind.CONTACTS) -> Opened:
    """Open a file of any size: encoding, delimiter, header, mapping. `chunks` are its bytes in pieces of any size.

    Raises `FileRefused` (here, or while the rows are iterated), with `MappingRefused` among its kinds.
    """
    sheet = open_sheet(chunks, encoding=override.encoding, delimiter=override.delimiter)
    first, rows = _ahead(sheet.rows)
    samples = [row.cells for row in first if row.problem is None]
    mapping, columns = settle_columns(kind, guess_columns(kind, sheet.header, samples), override)
    return Opened(sheet, mapping, columns, rows)


def candidates(
    opened: Opened, normaliser: Normaliser, pseudonym: Callable[[str], bytes]
) -> Iterator[Candidate | Repeat | Rejected]:
    """One outcome for each row of the file, in its order.

    `pseudonym` turns an address's match form into a keyed hash of 16 bytes or more; so no address is kept in memory.
    Only accepted rows count as first: a repeat of a rejected row stands for itself. Under `duplicates=create` nothing
    is a repeat.
    """
    repeats = Repeats() if opened.mapping.duplicates is not Duplicates.CREATE else None
    read = normaliser.read
    for row in opened.rows:
        outcome = read(row)
        if repeats is not None and isinstance(outcome, Candidate):
            first = repeats.first_row(pseudonym(outcome.email.match), outcome.row)
            yield outcome if first == outcome.row else Repeat(outcome, first)
        else:
            yield outcome


def outcomes_of(
    kind: FileKind, opened: Opened, world: World, now: datetime, pseudonym: Callable[[str], bytes]
) -> Iterator[Candidate | Repeat | Entry | SaidBefore | Rejected]:
    """One outcome for each row of a file of this kind; see `candidates` and `entries`."""
    header, mapping = opened.sheet.header, opened.mapping
    if kind is FileKind.CONTACTS:
        return candidates(opened, Normaliser(header, mapping, world, now), pseudonym)
    return entries(opened, ListReader(header, mapping, world, now), pseudonym)


class RefusalShown(BaseModel):
    """Why a whole file is refused."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    remedy: str
    where: dict[str, int]


class Preview(BaseModel):
    """What an import of this file would do. `accepted + repeated + rejected == rows`, blank lines apart.

    `complete` False: only the first rows were read, and the counts are of those.
    `shown_as` is for a file refused because its encoding is not known: rows as Windows-1252 would read them, from
    the one that tells. It and nothing else here holds cells of the file: keep it as private as the file.
    """

    model_config = ConfigDict(frozen=True)

    encoding: str | None = None
    encoding_found: str | None = None
    delimiter: str | None = None
    delimiter_found: str | None = None
    columns: tuple[ColumnGuess, ...] = ()
    mapping: Mapping | None = None
    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    blank_lines: int = 0
    withdrawals: int = 0
    problems: dict[str, int] = Field(default_factory=dict)
    warnings: dict[str, int] = Field(default_factory=dict)
    first_problems: tuple[RowProblem, ...] = ()
    complete: bool = True
    refusal: RefusalShown | None = None
    shown_as: tuple[tuple[str, ...], ...] = ()

    @property
    def state(self) -> Literal["ready", "refused"]:
        """Whether an import could begin."""
        return "ready" if self.refusal is None else "refused"


def dry_run(
    reopen: Callable[[], Iterable[bytes]],
    override: Mapping,
    world: World,
    *,
    now: datetime,
    pseudonym: Callable[[str], bytes],
    first: int = 20,
    most: int | None = None,
    kind: FileKind = FileKind.CONTACTS,
) -> Preview:
    """Read the file (its first `most` rows) and say what would come of it, with its `first` problems.

    Never raises for the file.

    `reopen` gives the file's bytes from the start, each time that it is called.
    """
    tally = _Tally(first)
    opened: Opened | None = None
    refused: FileRefused | None = None
    shown: tuple[tuple[str, ...], ...] = ()
    complete = False
    try:
        opened = open_file(reopen(), override, kind)
        outcomes = outcomes_of(kind, opened, world, now, pseudonym)
        for outcome in islice(outcomes, most):
            tally.add(outcome)
        complete = most is None or next(outcomes, None) is None
    except EncodingUnknown as unknown:
        refused = unknown
        shown = _as_windows(reopen(), override, unknown.line or 1)
    except FileRefused as other:
        refused = other
    columns = opened.columns if opened else _columns_of(reopen(), override, refused, kind)
    sheet = opened.sheet if opened else None
    return Preview(
        encoding=sheet.encoding.name if sheet else None,
        encoding_found=sheet.encoding.found if sheet else None,
        delimiter=sheet.delimiter if sheet else None,
        delimiter_found=sheet.delimiter_found if sheet else None,
        columns=columns,
        mapping=opened.mapping if opened else None,
        rows=tally.accepted + tally.repeated + tally.rejected,
        accepted=tally.accepted,
        repeated=tally.repeated,
        rejected=tally.rejected,
        blank_lines=sheet.blank_lines if sheet else 0,
        withdrawals=tally.withdrawals,
        problems=dict(tally.problems.most_common()),
        warnings=dict(tally.warnings.most_common()),
        first_problems=tuple(tally.first_problems),
        complete=complete,
        refusal=None
        if refused is None
        else RefusalShown(
            code=refused.code, message=refused.detail, remedy=refused.remedy, where=refused.where
        ),
        shown_as=shown,
    )


class _Tally:
    def __init__(self, first: int) -> None:
        self._first = first
        self.accepted = self.repeated = self.rejected = self.withdrawals = 0
        self.problems: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.first_problems: list[RowProblem] = []

    def add(self, outcome: Candidate | Repeat | Entry | SaidBefore | Rejected) -> None:
        """Count one outcome. A row with two problems counts under both codes."""
        if isinstance(outcome, Rejected):
            self.rejected += 1
            self.withdrawals += outcome.withdrawal is not None or outcome.stop is not None
            self.problems.update(problem.code for problem in outcome.problems)
            if len(self.first_problems) < self._first:
                self.first_problems.extend(outcome.problems[: self._first - len(self.first_problems)])
            return
        if isinstance(outcome, Repeat | SaidBefore):
            self.repeated += 1
            candidate: Candidate | Entry = outcome.candidate
        else:
            self.accepted += 1
            candidate = outcome
        self.withdrawals += candidate.unsubscribed
        if candidate.warnings:
            self.warnings.update(warning.code for warning in candidate.warnings)


def _ahead(rows: Iterator[Row]) -> tuple[list[Row], Iterator[Row]]:
    """The first rows to guess from, and all of them. A refusal met on the way waits for its turn among the rows."""
    first: list[Row] = []
    late: FileRefused | None = None
    try:
        for row in islice(rows, _GUESSED_FROM):
            first.append(row)  # noqa: PERF402 - rows before a refusal are kept, which `extend` does not promise
    except FileRefused as refused:
        if not first:
            raise
        late = refused
    return first, _all(first, late, rows)


def _all(first: list[Row], late: FileRefused | None, rows: Iterator[Row]) -> Iterator[Row]:
    yield from first
    if late is not None:
        raise late
    yield from rows


def _columns_of(
    chunks: Iterable[bytes], override: Mapping, refused: FileRefused | None, kind: FileKind
) -> tuple[ColumnGuess, ...]:
    """The guesses, for a file that is refused for its mapping alone."""
    if not isinstance(refused, MappingRefused):
        return ()
    sheet = open_sheet(chunks, encoding=override.encoding, delimiter=override.delimiter)
    return guess_columns(kind, sheet.header, [])


def _as_windows(chunks: Iterable[bytes], override: Mapping, line: int) -> tuple[tuple[str, ...], ...]:
    """Rows from a line on as Windows-1252 reads them; none if it cannot read them either."""
    try:
        sheet = open_sheet(chunks, encoding=known_encoding(_SHOWN_AS), delimiter=override.delimiter)
        from_there = (tuple(row.cells) for row in sheet.rows if row.line >= line)
        return (sheet.header, *islice(from_there, _SHOWN_ROWS))
    except FileRefused:
        return ()
