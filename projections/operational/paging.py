"""Pages of a view: filters, a keyset that stays put while rows come and go, and personal values as far as allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.rows import dict_row

from application.queries import MOST_ROWS, QUERIES, Page, PersonalFilter, Row, next_cursor, read_cursor
from domain.audience.email import match_form
from domain.kernel.errors import NotFound
from domain.kernel.personal import SEALED, personal_fields
from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from application.queries import Params, Scope

R = TypeVar("R", bound=Row)


@dataclass(slots=True)
class Select:
    """What to read: rows of `table` in the view `view`, newest first by `order` unless `ascending`.

    Conditions are SQL over the table's alias `t` and name values as `%(name)s`; other views are `{name}.`.
    `computed`: fields that are no column of the table, and the SQL that makes them. `joined` stands after the table; it
    neither adds nor takes rows.
    `exactly`: conditions on the table itself, without its alias, by which few rows are looked up first.
    `order` columns are unique together within a tenant and never change for a row; where there is more than one page,
    they are positions.
    """

    name: str
    view: str
    table: str
    order: tuple[str, ...] = ("created_position",)
    ascending: bool = False
    joined: str = ""
    computed: dict[str, str] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    exactly: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def where(self, condition: str, **values: Any) -> None:
        """Add a condition. Values that are None leave it out."""
        if all(value is not None for value in values.values()):
            self.conditions.append(condition)
            self.values.update(values)

    def find(self, column: str, value: str | None) -> None:
        """Look the rows of one value up before anything else; None leaves it out.

        Nothing is known of how often a person's values come (`tables.py`): Postgres would take so many for found that
        it reads a tenant's rows in the order of the page until it has them, which is all of the rows.
        """
        if value is not None:
            self.exactly.append(f"{column} = %({column})s")
            self.values[column] = value

    def within(self, scope: Scope, column: str = "workspace_id") -> None:
        """Keep to the workspaces of the caller."""
        if scope.workspaces is not None:
            self.conditions.append(f"t.{column} = ANY(%(within)s)")
            self.values["within"] = list(scope.workspaces)


def needs_personal(scope: Scope, params: Params) -> None:
    """Refuse filters by personal values to those who may not read them."""
    if not scope.personal and any(getattr(params, name) is not None for name in params.personal):
        raise PersonalFilter


def matching(email: str | None) -> str | None:
    """The matching form of an address to look up exactly; what is no address matches nothing."""
    if email is None:
        return None
    try:
        return match_form(email)
    except ValueError:
        return ""


async def page(
    connection: AsyncConnection[Any],
    scope: Scope,
    row: type[R],
    select: Select,
    params: Params,
    cursor: str | None,
    limit: int,
) -> Page[R]:
    """One page of at most `limit` rows (1 to 100). Raises `CursorMismatch` and `ViewNotReady`."""
    if not 1 <= limit <= MOST_ROWS:
        raise ValueError(f"limit: give a number from 1 to {MOST_ROWS}")
    direction = "ASC" if select.ascending else "DESC"
    conditions = ["t.tenant_id = %(tenant_id)s", *select.conditions]
    values = {**select.values, "tenant_id": scope.tenant_id, "limit": limit + 1}
    if cursor is not None:
        keyset = read_cursor(select.name, params, scope, cursor, len(select.order))
        names = [f"%(after_{index})s" for index in range(len(keyset))]
        values |= {f"after_{index}": value for index, value in enumerate(keyset)}
        compare = ">" if select.ascending else "<"
        conditions.append(f"({', '.join(f't.{o}' for o in select.order)}) {compare} ({', '.join(names)})")
    hidden = {} if scope.personal else dict.fromkeys(personal_fields(row), SEALED)
    columns = [
        f"{select.computed[name]} AS {name}" if name in select.computed else f"t.{name}"
        for name in dict.fromkeys((*row.model_fields, *select.order))
        if name not in hidden
    ]
    async with snapshot(connection, scope.tenant_id, QUERIES[select.name].projections) as at:
        table = f"{at.schemas[select.view]}.{select.table}"
        if select.exactly:
            found_first = " AND ".join(("tenant_id = %(tenant_id)s", *select.exactly))
            table = f"(SELECT * FROM {table} WHERE {found_first} OFFSET 0)"  # noqa: S608 - as below
        if at.places is not None:
            conditions.append(_among(select.order, at.places, values))
        text = (
            f"SELECT {', '.join(columns)} FROM {table} t {select.joined} "  # noqa: S608 - names are of our own declarations; values are parameters
            f"WHERE {' AND '.join(conditions)} "
            f"ORDER BY {', '.join(f't.{o} {direction}' for o in select.order)} LIMIT %(limit)s"
        )
        async with connection.cursor(row_factory=dict_row) as reading:
            await reading.execute(text.format_map(at.schemas).encode(), values)
            found = await reading.fetchall()
    more = len(found) > limit
    shown = [row.model_validate({**one, **hidden}) for one in found[:limit]]
    last = [found[limit - 1][name] for name in select.order] if more else []
    following = next_cursor(select.name, params, scope, last) if more else None
    places = [tuple(one[name] for name in select.order) for one in found[:limit]]
    return Page(shown, following, at.position, at.auth_epoch, places)


def _among(order: Sequence[str], places: Sequence[tuple[Any, ...]], values: dict[str, Any]) -> str:
    """The condition that leaves the rows at these places, whose values it adds."""
    values |= {f"place_{index}": [place[index] for place in places] for index in range(len(order))}
    given = ", ".join(f"%(place_{index})s" for index in range(len(order)))
    return f"({', '.join(f't.{name}' for name in order)}) IN (SELECT * FROM unnest({given}))"  # noqa: S608 - names are of our own declarations


async def one(
    connection: AsyncConnection[Any], scope: Scope, row: type[R], select: Select, params: Params
) -> Page[R]:
    """The one row that the conditions leave. Raises `NotFound` and `ViewNotReady`."""
    found = await page(connection, scope, row, select, params, None, 1)
    if not found.rows:
        refusal = NotFound()
        refusal.decided_at = found.position.token()
        raise refusal
    return found
