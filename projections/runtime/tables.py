"""The tables of a projection, declared once: the DDL and every bulk statement are made from the declaration.

Each table carries `tenant_id` (first in every key and index) and `updated_position`, the position of the event that
last touched the row. Text is `COLLATE "C"`: sort keys must not hang on the machine's locale.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TENANT: Final = "tenant_id"
POSITION: Final = "updated_position"


@dataclass(frozen=True, slots=True)
class Count:
    """A column of a parent table that holds how many rows here share the parent's key."""

    table: str
    key: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `key` and `indexes` name columns after the tenant; `columns` maps names to Postgres types.

    `counted_in` keeps a number of rows on a parent; such a table is only inserted into and deleted from.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()
    counted_in: Count | None = None
    types: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Add the two columns every table has. Raises `ValueError` for a key or index on a column it lacks."""
        object.__setattr__(self, "types", {TENANT: "uuid", **self.columns, POSITION: "bigint"})
        named = {*self.key, *(column for index in self.indexes for column in index)}
        if not self.key or not named <= self.types.keys():
            raise ValueError(f"table {self.name}: key and indexes must name its columns")

    def ddl(self, schema: str) -> list[str]:
        """The statements that make the table and its indexes in `schema`."""
        columns = ", ".join(
            f"{name} {kind}{_COLLATED if kind == 'text' else ''}" for name, kind in self.types.items()
        )
        key = ", ".join((TENANT, *self.key))
        return [
            f"CREATE TABLE {schema}.{self.name} ({columns}, PRIMARY KEY ({key}))",
            *(
                f"CREATE INDEX ON {schema}.{self.name} ({', '.join((TENANT, *index))})"
                for index in self.indexes
            ),
        ]


_COLLATED: Final = ' COLLATE "C"'


def fingerprint(tables: Iterable[Table]) -> str:
    """A short hash of what the tables look like: a shape that changes without a new version is a mistake."""
    text = "\n".join(line for table in tables for line in table.ddl("s"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
