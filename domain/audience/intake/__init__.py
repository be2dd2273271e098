"""The import's pure core: bytes to rows, rows to candidates, each fault named with its row, column and remedy."""

from domain.audience.intake.addresses import Address, read_address
from domain.audience.intake.candidate import Candidate, Rejected, Repeat
from domain.audience.intake.dates import DateOrder, read_date
from domain.audience.intake.error_file import error_rows, escape_formula, unescape_formula
from domain.audience.intake.errors import FileRefused, MappingRefused, RowProblem
from domain.audience.intake.kinds import FileKind
from domain.audience.intake.mapping import ColumnGuess, Duplicates, Mapping, guess_mapping, resolve_mapping
from domain.audience.intake.normaliser import Normaliser
from domain.audience.intake.ports import Countries, DomainNames, Phones, World
from domain.audience.intake.reading import (
    Opened,
    Preview,
    candidates,
    dry_run,
    guess_columns,
    open_file,
    outcomes_of,
    settle_columns,
)
from domain.audience.intake.repeats import Repeats
from domain.audience.intake.rows import Row, Sheet, open_sheet
from domain.audience.intake.suppressions import Entry, SaidBefore
from domain.audience.intake.vocabularies import Source, SubscriberType

__all__ = [
    "Address",
    "Candidate",
    "ColumnGuess",
    "Countries",
    "DateOrder",
    "DomainNames",
    "Duplicates",
    "Entry",
    "FileKind",
    "FileRefused",
    "Mapping",
    "MappingRefused",
    "Normaliser",
    "Opened",
    "Phones",
    "Preview",
    "Rejected",
    "Repeat",
    "Repeats",
    "Row",
    "RowProblem",
    "SaidBefore",
    "Sheet",
    "Source",
    "SubscriberType",
    "World",
    "candidates",
    "dry_run",
    "error_rows",
    "escape_formula",
    "guess_columns",
    "guess_mapping",
    "open_file",
    "open_sheet",
    "outcomes_of",
    "read_address",
    "read_date",
    "resolve_mapping",
    "settle_columns",
    "unescape_formula",
]
