"""A file of costs, from its bytes to entries: each row is an entry or a problem that names its row and column.

Bytes, rows and dates are read as those of contacts are (`domain.audience.intake`). Amounts stand in whole units of
their currency, as on invoices: 9.99 is 999 cents. Each entry has a key that follows from what it says, so that the same
row is entered once, however often its file comes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from domain.audience.intake.dates import DateOrder, read_date
from domain.audience.intake.errors import Fault, RowProblem
from domain.audience.intake.rows import Row, Sheet, open_sheet
from domain.audience.intake.text import one_line, plain
from domain.costs.cost import CostColumnsMissing, CostColumnUnknown, EnterCost
from domain.kernel.money import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

IGNORE: Final = "ignore"
_NAMES: Final = {
    "category": "category kind type costtype",
    "amount": "amount total price cost sum betrag summe montant importe",
    "currency": "currency currencycode wahrung waehrung devise moneda",
    "incurred_on": "incurredon date invoicedate documentdate datum rechnungsdatum fecha",
    "covers_from": "coversfrom from periodstart start begin startdate periodfrom servicefrom",
    "covers_to": "coversto to periodend end enddate until periodto serviceto",
    "provider": "provider vendor supplier company payee lieferant fournisseur proveedor",
    "resource": "resource item server thing",
    "workspace_id": "workspaceid workspace",
    "customer_id": "customerid customer tenantid tenant",
    "pool": "pool sharedpool",
    "acquires": "acquires segment acquiredsegment",
    "basis": "basis",
    "reference": "reference invoice invoicenumber invoiceno invoiceid number rechnungsnummer",
    "minutes": "minutes",
    "hourly_rate": "hourlyrate rate",
}
FIELDS: Final = tuple(_NAMES)
"""What a column can fill."""
_BY_NAME: Final = {name: field for field, names in _NAMES.items() for name in names.split()}
_NEEDED: Final = ("category", "currency", "incurred_on", "provider", "basis")
_DATES: Final = frozenset({"incurred_on", "covers_from", "covers_to"})
_MONEY: Final = frozenset({"amount", "hourly_rate"})
_ALIKE: Final = frozenset({"category", "basis"})
_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,16})(?:[.]([0-9]{1,3})|,([0-9]{1,2}))?")
_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_ANY_DAY: Final = datetime(2099, 12, 31, tzinfo=UTC)
"""Days to come are for the command to judge."""

NO_AMOUNT: Final = Fault(
    "cost-amount-unreadable",
    "This is no amount in units of the currency.",
    "Write it as 1234.56, without a sign for the currency or marks between thousands; a credit note as -1234.56.",
)
NO_CURRENCY: Final = Fault(
    "cost-currency-unknown",
    "This is no currency of ISO 4217.",
    "Give its three letters, such as USD or EUR; amounts are read in units of it.",
)
NO_NUMBER: Final = Fault("cost-number-unreadable", "This is no whole number.", "Write it in digits, as 90.")


@dataclass(frozen=True, slots=True)
class CostLine:
    """A row that can be sent: the body of its command, and the key under which it is entered once."""

    row: Row
    key: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CostRejected:
    """A row with what is wrong with it."""

    row: Row
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True, slots=True)
class CostFile:
    """An opened file; iterate `read` once. `columns`: by field, the column that fills it."""

    sheet: Sheet
    columns: dict[str, str]
    constants: Mapping[str, str]
    dates: DateOrder

    def read(self) -> Iterator[CostLine | CostRejected]:
        """One outcome for each row, in the order of the file. Raises `FileRefused`."""
        seen: Counter[str] = Counter()
        places = {field: self.sheet.header.index(column) for field, column in self.columns.items()}
        for row in self.sheet.rows:
            if row.problem is not None:
                yield CostRejected(row, (row.problem,))
                continue
            told = {**self.constants, **{field: row.cells[place] for field, place in places.items()}}
            body, faults = self._values(told)
            if not faults:
                faults = _faults(body)
            if faults:
                yield CostRejected(row, tuple(self.problem(row, *fault) for fault in faults))
                continue
            yield CostLine(row, _key(body, seen), body)

    def problem(self, row: Row, field: str, fault: Fault) -> RowProblem:
        """A fault of a field as a problem of its column; of the row where no column fills the field."""
        return RowProblem(row.number, row.line, self.columns.get(field), *fault)

    def _values(self, told: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, Fault]]]:
        body: dict[str, Any] = {}
        faults: list[tuple[str, Fault]] = []
        currency = one_line(told.get("currency", "")).upper()
        if not currency:
            faults.append(("currency", _fault("missing", "")))
        elif currency not in CURRENCIES:
            faults.append(("currency", NO_CURRENCY))
        for field, cell in told.items():
            text = one_line(cell)
            if not text or (faults and faults[0][0] == "currency" and field in _MONEY):
                continue  # an amount is read in units of its currency
            value = self._value(field, text, currency)
            if isinstance(value, Fault):
                faults.append((field, value))
            else:
                body[field] = value
        return body, faults

    def _value(self, field: str, text: str, currency: str) -> Any:
        if field in _DATES:
            day = read_date(text, self.dates, UTC, _ANY_DAY)
            return day if isinstance(day, Fault) else day.date().isoformat()
        if field in _MONEY:
            return minor_units(text, currency)
        if field == "minutes":
            return int(text) if _WHOLE.fullmatch(text) else NO_NUMBER
        if field in _ALIKE:
            return plain(text).replace(" ", "_").replace("-", "_")
        return currency if field == "currency" else text


def open_costs(
    chunks: Iterable[bytes],
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    *,
    dates: DateOrder = DateOrder.AUTO,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> CostFile:
    """Open a CSV file. `mapping`: columns to fields, over the guesses by their names; `constants`: fields for all rows.

    Raises `FileRefused`, here or while its rows are read.
    """
    sheet = open_sheet(chunks, encoding=encoding, delimiter=delimiter)
    strange = [column for column in mapping if column not in sheet.header]
    strange += [field for field in (*mapping.values(), *constants) if field not in (*FIELDS, IGNORE)]
    if strange:
        raise CostColumnUnknown(f"These are unknown: {', '.join(strange)}.")
    columns: dict[str, str] = {}
    for column in sheet.header:
        field = mapping.get(column) or _BY_NAME.get(re.sub(r"[\W_]+", "", plain(column)), IGNORE)
        if field == IGNORE or (field in constants and column not in mapping):
            continue
        if field in columns or field in constants:
            raise CostColumnUnknown(
                f"{field} is filled by {columns.get(field, 'a value for all rows')}, and by {column}."
            )
        columns[field] = column
    missing = [field for field in _NEEDED if field not in columns and field not in constants]
    if missing:
        raise CostColumnsMissing(f"Nothing fills {', '.join(missing)}.")
    return CostFile(sheet, columns, constants, dates)


def minor_units(text: str, currency: str) -> int | Fault:
    """An amount in minor units, exactly. A comma before three digits is refused: it may stand between thousands."""
    found = _DECIMAL.fullmatch(text)
    digits = CURRENCIES.get(currency)
    if found is None or digits is None:
        return NO_AMOUNT
    decimals = found[3] or found[4] or ""
    if len(decimals.rstrip("0")) > digits:
        return _too_precise(currency, digits)
    amount = Decimal(f"{found[1]}{found[2]}.{decimals or 0}").scaleb(digits)
    return int(amount)


def _too_precise(currency: str, digits: int) -> Fault:
    form = "1234" + f".{'5678'[:digits]}" * bool(digits)
    return Fault(
        "cost-amount-too-precise",
        f"An amount of {currency} has {digits or 'no'} decimals.",
        f"Write it as {form}, rounded as the invoice rounds it.",
    )


def _faults(body: dict[str, Any]) -> list[tuple[str, Fault]]:
    """What the command says of a row, by field; never the value."""
    try:
        EnterCost.model_validate(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        return [(str(one["loc"][0]), _fault(one["type"], one["msg"])) for one in told]
    return []


def _fault(kind: str, message: str) -> Fault:
    if kind == "missing":
        return Fault(
            "cost-value-missing", "The cell is empty.", "Fill it, or give a value for all rows with --set."
        )
    said = message.removeprefix("Value error, ")
    return Fault(
        "cost-value-invalid", f"{said[:1].upper()}{said[1:]}.", "Correct it; docs/costs.md lists the fields."
    )


def _key(body: dict[str, Any], seen: Counter[str]) -> str:
    """The key of what a row says. Rows without an invoice's number may be alike: the second is another cost."""
    told = json.dumps(body, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(told.encode()).hexdigest()[:40]
    if "reference" in body:
        return f"costs/{digest}"
    seen[digest] += 1
    return f"costs/{digest}/{seen[digest]}"
