"""Which column fills which field: guessed from names and a few rows, overruled by whoever imports."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from domain.audience.intake.candidate import KEPT_AS_ATTRIBUTES
from domain.audience.intake.dates import DateOrder
from domain.audience.intake.decoding import known_encoding
from domain.audience.intake.errors import (
    EmailColumnMissing,
    TargetTwice,
    TooManyAttributes,
    UnknownColumn,
    UnknownTarget,
)
from domain.audience.intake.headers import (
    ATTRIBUTE,
    EMAIL,
    FIRST_NAME,
    FULL_NAME,
    IGNORE,
    LAST_NAME,
    TARGETS,
    UNSUBSCRIBED,
    attribute_of,
    is_short_name,
    is_target,
    target_of,
)
from domain.kernel.limits import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SURE: Final = 1.0
_LIKELY: Final = 0.8
_DOUBTED: Final = 0.4
_NO_FIELD: Final = 0.3

_GUESSED_ATTRIBUTES: Final = ATTRIBUTES - 10
"""The rest is left for those that a mapping names."""

_ADDRESS: Final = re.compile(r"[^@]+@[^@\s]+\.[^@\s]+")
_NAMED_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}


class Duplicates(StrEnum):
    """What happens to a row whose address the workspace, or an earlier row of the file, has already."""

    SKIP = "skip"
    UPDATE = "update"
    CREATE = "create"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError("unknown time zone; write it as Europe/Berlin or UTC") from None
    return name


class Mapping(BaseModel):
    """How a file is read. As an override, all of it is optional: columns not named keep what was guessed.

    `{"columns": {"Courriel": "email", "Ville": "attribute:city"}, "date_order": "DMY", "timezone": "Europe/Paris"}`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str] = Field(default_factory=dict, description="Column name -> target.")
    date_order: DateOrder = Field(
        default=DateOrder.AUTO,
        description="Order of dates with slashes or dashes. Dates with dots are always day first.",
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="UTC", description="IANA zone of times without an offset."
    )
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = Field(
        default=None, description="Encoding of a file that is not Unicode, such as windows-1252."
    )
    delimiter: (
        Annotated[
            Literal[",", ";", "\t", "|"],
            BeforeValidator(
                lambda given: _NAMED_DELIMITERS.get(given, given) if isinstance(given, str) else given
            ),
        ]
        | None
    ) = Field(
        default=None, description="What stands between cells, if it was taken for another: , ; | or tab."
    )
    default_country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO code of the country of rows that name none."
    )
    duplicates: Duplicates = Duplicates.SKIP

    def column_of(self, target: str) -> str | None:
        """The column that fills a target, the first if several do."""
        return next((column for column, to in self.columns.items() if to == target), None)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """Where one column goes, how sure that is (0 to 1) and why."""

    column: str
    target: str
    confidence: float
    reason: str


def guess_mapping(headers: Sequence[str], sample_rows: Sequence[Sequence[str]]) -> tuple[ColumnGuess, ...]:
    """A target for each column, in the file's order.

    Only `unsubscribed` may be guessed more than once: whoever said stop in any of the columns has said stop.
    """
    guesses = [
        _guess(header, [row[place] for row in sample_rows if place < len(row)])
        for place, header in enumerate(headers)
    ]
    if not any(guess.target == EMAIL for guess in guesses):
        guesses = _email_by_content(guesses, sample_rows)
    has_first_name = any(guess.target == FIRST_NAME for guess in guesses)
    taken: set[str] = set()
    attributes = 0
    result = []
    for guess in guesses:
        chosen = guess
        if has_first_name and guess.target == FULL_NAME and is_short_name(guess.column):
            chosen = ColumnGuess(guess.column, LAST_NAME, _LIKELY, "beside a column of first names")
        if chosen.target in taken and chosen.target not in {IGNORE, UNSUBSCRIBED}:
            chosen = _second(chosen, taken)
        if chosen.target.startswith(ATTRIBUTE):
            attributes += 1
            if attributes > _GUESSED_ATTRIBUTES:
                chosen = ColumnGuess(guess.column, IGNORE, _NO_FIELD, "enough columns are kept as attributes")
        taken.add(chosen.target)
        result.append(chosen)
    return tuple(result)


def resolve_mapping(
    guesses: Sequence[ColumnGuess], override: Mapping
) -> tuple[Mapping, tuple[ColumnGuess, ...]]:
    """The mapping that counts, whole, and the guesses with the override in them.

    Raises `UnknownColumn`, `UnknownTarget`, `TargetTwice`, `TooManyAttributes`, `EmailColumnMissing`.
    """
    check_named(override, [guess.column for guess in guesses], (*TARGETS, f"{ATTRIBUTE}<name>"), is_target)
    named = {_filled(target) for target in override.columns.values()} - {IGNORE, UNSUBSCRIBED}
    final = []
    for guess in guesses:
        said = override.columns.get(guess.column)
        if said is not None:
            final.append(ColumnGuess(guess.column, said, _SURE, "named in the mapping"))
        elif _filled(guess.target) in named:
            final.append(
                ColumnGuess(guess.column, IGNORE, _LIKELY, "the mapping fills this field from another")
            )
        else:
            final.append(guess)
    counted = Counter(_filled(guess.target) for guess in final)
    for target, count in counted.items():
        if count > 1 and target not in {IGNORE, UNSUBSCRIBED}:
            both = ", ".join(repr(guess.column) for guess in final if _filled(guess.target) == target)
            raise TargetTwice(f"Columns {both} all fill the same field.")
    kept = sum(target.startswith(ATTRIBUTE) for target in counted)
    if kept > ATTRIBUTES:
        raise TooManyAttributes(
            f"{kept} columns are kept as attributes, {', '.join(KEPT_AS_ATTRIBUTES)} among them; "
            f"{ATTRIBUTES} are allowed."
        )
    if EMAIL not in counted:
        raise EmailColumnMissing
    return override.model_copy(update={"columns": {guess.column: guess.target for guess in final}}), tuple(
        final
    )


def check_named(
    override: Mapping, columns: Sequence[str], targets: Sequence[str], known: Callable[[str], bool]
) -> None:
    """Each column that is named is one of the file's, and is sent to a field there is."""
    for column, target in override.columns.items():
        if column not in columns:
            raise UnknownColumn(f"The file has no column {column!r}.{_near(column, columns)}")
        if not known(target):
            raise UnknownTarget(
                f"What column {column!r} is sent to is no target.{_near(target, targets)} "
                f"Targets: {', '.join(targets)}."
            )


def _filled(target: str) -> str:
    """The field that a target fills: some fill an attribute of their own name."""
    return ATTRIBUTE + target if target in KEPT_AS_ATTRIBUTES else target


def _guess(header: str, samples: Sequence[str]) -> ColumnGuess:
    filled = [cell for cell in samples if cell.strip()]
    target = target_of(header)
    if target == EMAIL and filled and not any("@" in cell for cell in filled):
        return ColumnGuess(header, EMAIL, _DOUBTED, "by its name, though no cell looks like an address")
    if target is not None:
        return ColumnGuess(header, target, _SURE, "by its name")
    if samples and not filled:
        return ColumnGuess(header, IGNORE, _LIKELY, "empty in the first rows")
    if (attribute := attribute_of(header)) in map(_filled, KEPT_AS_ATTRIBUTES):
        return ColumnGuess(header, IGNORE, _NO_FIELD, "its name is that of a field of another kind")
    return ColumnGuess(header, attribute, _NO_FIELD, "no field of this name: kept as an attribute")


def _email_by_content(guesses: list[ColumnGuess], rows: Sequence[Sequence[str]]) -> list[ColumnGuess]:
    """The first column of which most filled cells are addresses becomes the e-mail column."""
    for place, guess in enumerate(guesses):
        filled = [row[place] for row in rows if place < len(row) and row[place].strip()]
        if filled and 2 * sum(_ADDRESS.fullmatch(cell) is not None for cell in filled) > len(filled):
            found = ColumnGuess(guess.column, EMAIL, _LIKELY, "by its cells")
            return [*guesses[:place], found, *guesses[place + 1 :]]
    return guesses


def _second(guess: ColumnGuess, taken: set[str]) -> ColumnGuess:
    target = attribute_of(guess.column)
    if target in taken or target in map(_filled, KEPT_AS_ATTRIBUTES):
        target = IGNORE
    return ColumnGuess(guess.column, target, _NO_FIELD, "another column fills its field already")


def _near(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
