"""The tables of a projection, declared once: the DDL and every bulk statement are made from the declaration.

Each table carries `tenant_id` (first in every key and index) and `updated_position`, the position of the event that
last touched the row. Text is `COLLATE "C"`: sort keys must not hang on the machine's locale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

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

    `across` are indexes without the tenant, for what looks at the rows of all tenants (no request does).
    `counted_in` keeps a number of rows on a parent; such a table is only inserted into and deleted from.
    `personal` names the columns with values of people in the clear: Postgres collects no samples of them.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()
    across: tuple[tuple[str, ...], ...] = ()
    counted_in: Count | None = None
    personal: tuple[str, ...] = ()
    types: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Add the two columns every table has. Raises `ValueError` for a name of a column it lacks."""
        object.__setattr__(self, "types", {TENANT: "uuid", **self.columns, POSITION: "bigint"})
        named = {
            *self.key,
            *self.personal,
            *(column for index in (*self.indexes, *self.across) for column in index),
        }
        if not self.key or not named <= self.types.keys():
            raise ValueError(f"table {self.name}: key, indexes and `personal` must name its columns")

    def ddl(self, schema: str) -> list[str]:
        """The statements that make the table and its indexes in `schema`."""
        columns = ", ".join(
            f"{name} {kind}{_COLLATED if kind == 'text' else ''}" for name, kind in self.types.items()
        )
        key = ", ".join((TENANT, *self.key))
        return [
            f"CREATE TABLE {schema}.{self.name} ({columns}, PRIMARY KEY ({key}))",
            *(
                f"CREATE INDEX ON {schema}.{self.name} ({', '.join(index)})"
                for index in (*((TENANT, *index) for index in self.indexes), *self.across)
            ),
            *(
                f"ALTER TABLE {schema}.{self.name} ALTER COLUMN {name} SET STATISTICS 0"
                for name in self.personal
            ),
        ]


_COLLATED: Final = ' COLLATE "C"'
