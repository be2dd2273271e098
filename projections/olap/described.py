"""What may be asked in SQL, told from the models' own files: tables, what a row is, columns and their types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from domain.kernel.permissions import Permission
from projections.olap.derived import OF_TENANTS
from projections.olap.law import RULE_BASIS
from projections.olap.sql import MODELS, Model

_FIELD: Final = re.compile(r"^-- (\w[\w -]*): (.*(?:\n--   .*)*)", re.MULTILINE)
_TABLE: Final = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\);", re.DOTALL)
_COLUMN: Final = re.compile(r"(\w+) (.*?)( NOT NULL| GENERATED ALWAYS AS .*)?", re.DOTALL)
_HIDDEN: Final = "tenant_key"
_NUMBERS: Final = re.compile(r",\s+(?=\d)")
_RULE: Final = "CHECK "


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column. `type` is DuckDB's."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table: `about` it, what a row is (`grain`), what may be summed (`measures`), and what always holds.

    `permission`: what is needed to name it.
    """

    name: str
    about: str
    grain: str
    measures: str
    invariants: str
    columns: tuple[FactColumn, ...]
    permission: Permission = Permission.REPORTS_READ


@cache
def tables() -> tuple[FactTable, ...]:
    """Every table that an analyst's SQL may name."""
    models = {model.name: model for model in MODELS}
    return (*(described(models[name]) for name in OF_TENANTS), _BASES)


def described(model: Model) -> FactTable:
    """A model as an analyst sees it: without the key of the tenant, who is alone in it."""
    opening, *_ = model.about.split("\n-- ", 1)
    told = {name: _line(text) for name, text in _FIELD.findall(model.about)}
    found = next(body for name, body in _TABLE.findall(model.sections["table"]) if name == model.name)
    columns = tuple(_column(text) for text in _apart(found) if not text.startswith(_RULE))
    return FactTable(
        model.name,
        _line(opening.partition(": ")[2]),
        told.get("Grain", ""),
        told.get("Measures", ""),
        told.get("Invariants", ""),
        tuple(column for column in columns if column.name != _HIDDEN),
        model.permission,
    )


def _line(text: str) -> str:
    return " ".join(text.replace("\n--", " ").split())


def _apart(body: str) -> list[str]:
    """The columns of a table, which may hold commas inside brackets of theirs."""
    parts, depth = [""], 0
    for one in body:
        depth += (one == "(") - (one == ")")
        if one == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += one
    return [part.strip() for part in parts]


def _column(text: str) -> FactColumn:
    found = _COLUMN.fullmatch(text)
    if found is None:
        raise ValueError(f"not a column of a model: {text}")
    name, kind, more = found.groups()
    return FactColumn(name, _NUMBERS.sub(",", kind), nullable=more != " NOT NULL")


_BASES: Final = FactTable(
    RULE_BASIS,
    "on what the rules of the law packs rest, as they are called today.",
    "one row per rule that allows, or ever allowed.",
    "none.",
    "law and rule are those of fact_decision and fact_lapse.",
    tuple(FactColumn(name, "VARCHAR", nullable=False) for name in ("law", "rule", "basis")),
)
