"""Which column of a suppression list says what: guessed from names and a few rows, overruled by whoever imports."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from domain.audience.hashed import DIGITS, Algorithm
from domain.audience.intake.errors import AddressColumnMissing, HeaderMissing, TargetTwice
from domain.audience.intake.headers import EMAIL, IGNORE, target_of
from domain.audience.intake.mapping import (
    ColumnGuess,
    Mapping,
    check_named,
)
from domain.audience.intake.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH: Final = "hash"
ALGORITHM: Final = "algorithm"
REASON: Final = "reason"
DATE: Final = "date"
CAMPAIGN_TYPE: Final = "campaign_type"
SCOPE: Final = "scope"
WITHIN: Final = "within"
HASHES: Final = {one.value: one for one in Algorithm}
"""Columns that are of one algorithm's hashes by their name."""
ADDRESSES: Final = (EMAIL, HASH, *HASHES)
"""Columns that say whom a row is about: one at least."""
TARGETS: Final = (*ADDRESSES, ALGORITHM, REASON, DATE, CAMPAIGN_TYPE, SCOPE, WITHIN, IGNORE)

_NAMES: Final = {
    EMAIL: "address recipient recipientaddress to subscriber",
    HASH: "hash hashed emailhash hashedemail hashemail emailhashed hashedaddress addresshash hashvalue",
    Algorithm.MD5.value: "md5 md5email emailmd5 md5hash emailmd5hash md5emailhash",
    Algorithm.SHA1.value: "sha1 sha1email emailsha1 sha1hash emailsha1hash",
    Algorithm.SHA256.value: "sha256 sha256email emailsha256 sha256hash emailsha256hash hashedemailsha256",
    ALGORITHM: "algorithm hashalgorithm hashtype algo hashmethod",
    REASON: """
        reason kind type status event cause suppressionreason suppressiontype unsubscribereason eventtype
        grund motif raison motivo
    """,
    DATE: """
        date since created createdat createdon timestamp time unsubscribedat unsubtime unsubscribetime
        unsubscribedate optouttime optoutdate suppressedat suppressedon suppressiondate addedat addedon dateadded
        lastupdatetime datum fecha
    """,
    CAMPAIGN_TYPE: "campaigntype",
    SCOPE: "scope",
    WITHIN: "within",
}
_BY_NAME: Final = {name: target for target, names in _NAMES.items() for name in names.split()}
_SURE: Final = 1.0
_LIKELY: Final = 0.8
_NO_FIELD: Final = 0.3
_LENGTHS: Final = frozenset(DIGITS.values())
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_ADDRESS: Final = re.compile(r"[^@]+@[^@\s]+\.[^@\s]+")


def guess_list_mapping(
    headers: Sequence[str], sample_rows: Sequence[Sequence[str]]
) -> tuple[ColumnGuess, ...]:
    """A target for each column, in the file's order; of two that fill one field the second is left out.

    Raises `HeaderMissing` where a column is called by a hash: the first row is an entry already.
    """
    if any(_is_hash(name) for name in headers):
        raise HeaderMissing
    guesses = [_guess(header) for header in headers]
    if not any(guess.target in ADDRESSES for guess in guesses):
        guesses = _by_content(guesses, sample_rows)
    taken: set[str] = set()
    result = []
    for guess in guesses:
        chosen = guess
        if guess.target != IGNORE and guess.target in taken:
            chosen = ColumnGuess(guess.column, IGNORE, _NO_FIELD, "another column fills its field already")
        taken.add(chosen.target)
        result.append(chosen)
    return tuple(result)


def resolve_list_mapping(
    guesses: Sequence[ColumnGuess], override: Mapping
) -> tuple[Mapping, tuple[ColumnGuess, ...]]:
    """The mapping that counts, whole, and the guesses with the override in them.

    Raises `UnknownColumn`, `UnknownTarget`, `TargetTwice`, `AddressColumnMissing`.
    """
    check_named(override, [guess.column for guess in guesses], TARGETS, TARGETS.__contains__)
    named = set(override.columns.values()) - {IGNORE}
    final = []
    for guess in guesses:
        said = override.columns.get(guess.column)
        if said is not None:
            final.append(ColumnGuess(guess.column, said, _SURE, "named in the mapping"))
        elif guess.target in named:
            final.append(
                ColumnGuess(guess.column, IGNORE, _LIKELY, "the mapping fills this field from another")
            )
        else:
            final.append(guess)
    counted = Counter(guess.target for guess in final)
    for target, count in counted.items():
        if count > 1 and target != IGNORE:
            both = ", ".join(repr(guess.column) for guess in final if guess.target == target)
            raise TargetTwice(f"Columns {both} all fill the same field.")
    if not counted.keys() & set(ADDRESSES):
        raise AddressColumnMissing
    columns = {guess.column: guess.target for guess in final}
    return override.model_copy(update={"columns": columns}), tuple(final)


def _guess(header: str) -> ColumnGuess:
    target = _BY_NAME.get(re.sub(r"[\W_]+", "", plain(header)))
    if target is None and target_of(header) == EMAIL:
        target = EMAIL
    if target is not None:
        return ColumnGuess(header, target, _SURE, "by its name")
    return ColumnGuess(header, IGNORE, _NO_FIELD, "no field of this name")


def _by_content(guesses: list[ColumnGuess], rows: Sequence[Sequence[str]]) -> list[ColumnGuess]:
    """The first column of which most filled cells are addresses, or hashes, says whom the rows are about."""
    for place, guess in enumerate(guesses):
        filled = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
        addresses = sum(_ADDRESS.fullmatch(cell) is not None for cell in filled)
        hashes = sum(_is_hash(cell) for cell in filled)
        if filled and 2 * (addresses + hashes) > len(filled):
            target = EMAIL if addresses >= hashes else HASH
            found = ColumnGuess(guess.column, target, _LIKELY, "by its cells")
            return [*guesses[:place], found, *guesses[place + 1 :]]
    return guesses


def _is_hash(cell: str) -> bool:
    text = cell.strip()
    return len(text) in _LENGTHS and _HEX.fullmatch(text) is not None
