"""Runs reports: parameters validated, the tenant enforced, the position read in the same snapshot as the rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import duckdb
from pydantic import ValidationError

from application.ports.analytics import (
    AnalyticsBehind,
    EventsBehind,
    InvalidParameters,
    Report,
    UnknownReport,
    Value,
)
from application.ports.positions import Position
from projections.finance.profiles import PROFILES, Profile
from projections.olap.derived import DERIVED, PROFILED, UNDERIVED, of_tenant
from projections.olap.law import RULE_BASIS, rule_basis
from projections.olap.parsed import run
from projections.olap.preview_report import PREVIEWS
from projections.olap.report import Parameters, ReportDefinition
from projections.olap.reports import REPORTS, ROW_CAP
from projections.olap.sending import SENDING, sending
from projections.olap.sql import EVENTS, FACTS, ROLLED_UP, Model, quoted

_NOBODY: Final = -1
_BOUND: Final = re.compile(r"\$([a-z_]+)")
MAX_EVENTS: Final = 1_000
"""How many events a page of a drill-down has at most."""


def definition(name: str) -> ReportDefinition:
    """A report by its name. Raises `UnknownReport`."""
    try:
        return REPORTS.get(name) or PREVIEWS[name]
    except KeyError:
        raise UnknownReport(UnknownReport.__doc__) from None


def validated(report: ReportDefinition, parameters: Mapping[str, object]) -> Parameters:
    """The parameters, typed. Raises `InvalidParameters`."""
    return report.read(parameters)


def scoped(
    statement: str,
    parameters: Parameters,
    made: Mapping[str, str] | None = None,
    *,
    changed: Collection[str] = (),
) -> str:
    """The statement over one tenant's facts alone: every fact table's name means the rows of it under `$tenant_key`.

    With `at_position` it means those up to that position, whatever the report is. Derived models are those that are
    kept, or made anew for the question; or, of those in `made`, what the query there gives. `changed`: those of them
    that are others than they were at `at_position`. What is no tenant's may be named too: the bases of rules; and how
    much each tenant sent, which the platform sees.
    """
    bases = [
        f"{name} AS ({rows()})"
        for name, rows in ((RULE_BASIS, rule_basis), (SENDING, sending))
        if name in statement
    ]
    # What is not named is left out, and the tenant's key is a value, not a query: planning is most of what a report of
    # a small tenant costs, and a value is compared with the ends of each block of rows before it is read.
    named = " ".join((statement, *bases))
    facts = [f"{table} AS ({_facts(table, parameters)})" for table in FACTS if table in named]
    for model in DERIVED:
        if model.name in statement:
            rows = (made or {}).get(model.name) or derived_rows(model, parameters, changed=changed)
            rows = f"SELECT $tenant_id AS tenant, * EXCLUDE (tenant_key) FROM ({rows})"  # noqa: S608 - our own models
            facts.append(f"{model.name} AS MATERIALIZED ({rows})")
    return f"WITH {', '.join((*facts, *bases))} {statement}"


_OWN: Final = "WHERE tenant_key = $tenant_key"


def _facts(table: str, parameters: Parameters) -> str:
    """One tenant's rows of a fact table. A roll-up holds no positions: as of one it is made anew, as a file's is."""
    if parameters.at_position is None:
        return f"SELECT * EXCLUDE (tenant_key) FROM main.{table} {_OWN}"  # noqa: S608 - our own table names
    known = f"{_OWN} AND position <= $at_position::BIGINT"
    if table not in ROLLED_UP:
        return f"SELECT * EXCLUDE (tenant_key) FROM main.{table} {known}"  # noqa: S608 - our own table names
    of_events = f"WITH {EVENTS} AS (SELECT * FROM main.{EVENTS} {known})"  # noqa: S608 - our own table names
    return f"SELECT * EXCLUDE (tenant_key) FROM ({of_events} {ROLLED_UP[table]})"  # noqa: S608 - our own table names


def derived_rows(model: Model, parameters: Parameters, *, changed: Collection[str]) -> str:
    """The query that gives one tenant's rows of a derived model: those that are kept, or made for the question."""
    kept, past = f"SELECT * FROM main.{model.name} {_OWN}", model.name in changed  # noqa: S608 - our own models
    if model.name not in PROFILED:
        return of_tenant(model, PROFILES.values(), at_position=True) if past else kept
    definitions = parameters.definitions()
    if definitions is None:
        return kept
    if past:
        return of_tenant(model, definitions, at_position=True)
    # What a definition is called changes no rows: those under one that is kept are there already.
    same = {
        told.id: one.id for told in definitions for one in PROFILES.values() if _differ_in_name(told, one)
    }
    rows = [
        f"SELECT * REPLACE ({quoted(called)} AS profile) FROM ({kept} AND profile = {quoted(profile)})"  # noqa: S608 - our own models
        for called, profile in same.items()
    ]
    if others := [told for told in definitions if told.id not in same]:
        made = of_tenant(model, others, at_position=parameters.at_position is not None)
        rows.append(f"SELECT * FROM ({made})")  # noqa: S608 - our own models
    return " UNION ALL BY NAME ".join(rows)


def _differ_in_name(one: Profile, other: Profile) -> bool:
    """Whether two definitions differ in what they are called at most."""
    named = {"id", "name", "about", "facts"}
    return one.model_dump(exclude=named) == other.model_dump(exclude=named)


def keep(
    con: duckdb.DuckDBPyConnection, table: str, model: Model, tenant: Extent, parameters: Parameters
) -> str:
    """Make a derived model's rows for a question once, until the transaction ends; the query that gives them."""
    rows = derived_rows(model, parameters, changed=_changed_since(con, tenant, parameters, (model,)))
    text = f"CREATE TEMP TABLE {table} AS SELECT * FROM ({rows})"  # noqa: S608 - our own models
    values = {"tenant_key": tenant.tenant_key, "at_position": parameters.at_position}
    run(con, text, {name: value for name, value in values.items() if name in _BOUND.findall(text)})
    return f"SELECT * FROM temp.{table}"  # noqa: S608 - our own name


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a tenant's facts are, when the last of them was recorded, and the key that they carry."""

    tenant_id: UUID
    tenant_key: int
    position: Position
    as_of: datetime | None


def extent(con: duckdb.DuckDBPyConnection, tenant_id: UUID) -> Extent:
    """What there is of a tenant; of one that was never read nothing, under a key that no fact has."""
    row = con.execute(
        "SELECT tenant_key, epoch, position, recorded_at FROM positions WHERE tenant_id = ?", [str(tenant_id)]
    ).fetchone()
    if row is None:
        return Extent(tenant_id, _NOBODY, Position(0, 0), None)
    return Extent(tenant_id, row[0], Position(row[1], row[2]), row[3].replace(tzinfo=UTC) if row[3] else None)


def ask(
    con: duckdb.DuckDBPyConnection,
    statement: str,
    tenant: Extent,
    parameters: Parameters,
    bound: Mapping[str, object],
    made: Mapping[str, str] | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of a statement over one tenant's facts; it is given the values that it names."""
    changed = _changed_since(con, tenant, parameters, [model for model in DERIVED if model.name in statement])
    text = scoped(statement, parameters, made, changed=changed)
    values: dict[str, Any] = {
        name: str(value) if isinstance(value, UUID) else value for name, value in parameters
    }
    values |= {"tenant_id": str(tenant.tenant_id), "tenant_key": tenant.tenant_key, **bound}
    named = set(_BOUND.findall(text))
    if "last_day" in named:
        values["last_day"] = _last_day(con, tenant, values.get("at_position"))
    return run(con, text, {name: value for name, value in values.items() if name in named}).fetchall()


def _changed_since(
    con: duckdb.DuckDBPyConnection, tenant: Extent, parameters: Parameters, models: Sequence[Model]
) -> frozenset[str]:
    """Those of derived models of whose facts there are some from after `at_position`: the others are as they were."""
    if parameters.at_position is None or not models:
        return frozenset()
    made_of = sorted({fact for model in models for fact in UNDERIVED[model.name]})
    later = ", ".join(
        f"EXISTS (FROM main.{name} {_OWN} AND position > $at_position::BIGINT)" for name in made_of
    )
    values = {"tenant_key": tenant.tenant_key, "at_position": parameters.at_position}
    told = run(con, f"SELECT {later}", values).fetchone() or ()
    grown = {name for name, has in zip(made_of, told, strict=True) if has}
    return frozenset(model.name for model in models if UNDERIVED[model.name] & grown)


def _last_day(con: duckdb.DuckDBPyConnection, tenant: Extent, at_position: int | None) -> date | None:
    """The day of the last event that is known: as of a position that of the event there."""
    moment = standing_at(con, tenant, at_position).as_of
    return moment.date() if moment else None


# Rows of fact_event lie in order of time, not of tenants: the day of a position is counted out first, from few rows,
# and then that day is read. Positions are counted without gaps and days of a log seldom go back; where a clock did,
# the position is looked for in all days.
_STANDING: Final = f"""
WITH counted AS (
    SELECT day, sum(sum(events)) OVER (ORDER BY day) AS until
    FROM main.fact_event_daily {_OWN}
    GROUP BY day
)
SELECT min(day) FROM counted WHERE until >= $at_position
"""  # noqa: S608 - our own condition


def standing_at(con: duckdb.DuckDBPyConnection, tenant: Extent, at_position: int | None) -> Extent:
    """A tenant's extent as of a position (None: as it is): as_of is when the event there was recorded, if there is."""
    if at_position is None or at_position == tenant.position.n:
        return tenant
    values = {"tenant_key": tenant.tenant_key, "at_position": at_position}
    day = (run(con, _STANDING, values).fetchone() or (None,))[0]
    event = f"SELECT recorded_at FROM main.fact_event {_OWN} AND position = $at_position"  # noqa: S608 - our own condition
    found = run(con, f"{event} AND day = $day", {**values, "day": day}).fetchone()
    if found is None and at_position > 0:
        found = run(con, event, values).fetchone()
    as_of = found[0].replace(tzinfo=UTC) if found else None
    return replace(tenant, position=Position(tenant.position.epoch, at_position), as_of=as_of)


def _as_asked(con: duckdb.DuckDBPyConnection, tenant: Extent, parameters: Parameters) -> Extent:
    """The extent that an answer is of. Raises `AnalyticsBehind` for a position that was not read yet."""
    if parameters.at_position is not None and parameters.at_position > tenant.position.n:
        raise AnalyticsBehind(tenant.position)
    return standing_at(con, tenant, parameters.at_position)


def run_report(
    con: duckdb.DuckDBPyConnection,
    name: str,
    tenant_id: UUID,
    parameters: Mapping[str, object],
    *,
    row_cap: int = ROW_CAP,
) -> Report:
    """A report of one tenant. Raises `UnknownReport`, `InvalidParameters` and `AnalyticsBehind` (for `at_position`)."""
    report = definition(name)
    checked = validated(report, parameters)
    con.execute("BEGIN")
    try:
        known = extent(con, tenant_id)
        tenant = _as_asked(con, known, checked)
        limited = f"SELECT * FROM ({report.rows}) LIMIT {row_cap + 1}"  # noqa: S608 - registered SQL and a number
        rows: list[tuple[Value, ...]] = ask(con, limited, tenant, checked, {})
        emptied_by = () if rows else _emptied_by(con, report, known, checked)
    finally:
        con.execute("ROLLBACK")
    columns = tuple(column.name for column in report.info.columns)
    return Report(
        columns,
        tuple(rows[:row_cap]),
        tenant.position,
        tenant.as_of,
        truncated=len(rows) > row_cap,
        emptied_by=emptied_by,
    )


def _emptied_by(
    con: duckdb.DuckDBPyConnection, report: ReportDefinition, tenant: Extent, parameters: Parameters
) -> tuple[str, ...]:
    """Which parameters left no row: each one without which there are some, else all, if there are some without all.

    What a report needs, such as the currency to convert to, is never left out.
    """
    fields = type(parameters).model_fields
    given = [
        name for name, value in parameters if value != fields[name].default and not fields[name].is_required()
    ]
    one_row = f"SELECT * FROM ({report.rows}) LIMIT 1"  # noqa: S608 - registered SQL

    def matter(names: set[str]) -> bool:
        try:
            fewer = type(parameters).model_validate(parameters.model_dump(exclude=names))
        except ValidationError:
            return False
        return bool(ask(con, one_row, tenant, fewer, {}))

    # Without any of them there are as many rows as ever; but as of a position there may have been others.
    without = [set(given), set(given) - {"at_position"}]
    if not any(matter(names) for names in (without if "at_position" in given else without[:1]) if names):
        return ()
    told = [name for name in given if matter({name})] or (given if matter(without[0]) else [])
    return tuple(fields[name].alias or name for name in told)


def bound_cell(report: ReportDefinition, cell: Mapping[str, object]) -> dict[str, object]:
    """The values that name a cell, typed, by the names they are bound under."""
    dimensions = {column.name: column.unit for column in report.info.columns if column.kind == "dimension"}
    cell = dict(cell)
    bound: dict[str, object] = {"cell_measure": _measure(report, cell.pop("measure", None))}
    if set(cell) != set(dimensions):
        raise InvalidParameters((("/cell", f"give each of {', '.join(dimensions)}, as the row shows it"),))
    for name, value in cell.items():
        try:
            bound[f"cell_{name}"] = (
                date.fromisoformat(str(value)) if dimensions[name] == "date" and value is not None else value
            )
        except ValueError:
            raise InvalidParameters(((f"/cell/{name}", "not a date; give it as the row shows it"),)) from None
        if not isinstance(value, str | date | None):
            raise InvalidParameters(((f"/cell/{name}", "not a text; give it as the row shows it"),))
    return bound


def _measure(report: ReportDefinition, named: object) -> str:
    """The measure of the cell that is opened."""
    if named is None or named in report.opened:
        return report.opened[0] if named is None else str(named)
    remedy = f"name one of {', '.join(report.opened)}"
    for column in report.info.columns:
        if column.name == named and column.parts:
            remedy = (
                f"a {column.nature} is no sum of events; open what it is made of: {', '.join(column.parts)}"
            )
    raise InvalidParameters((("/cell/measure", remedy),))


def _must_be_empty(
    con: duckdb.DuckDBPyConnection,
    report: ReportDefinition,
    tenant: Extent,
    parameters: Parameters,
    bound: Mapping[str, object],
    left_out: Collection[str],
) -> None:
    """Refuse a cell that lacks dimensions, unless the report shows a row in which they are empty."""
    named = " AND ".join(
        f'shown."{column.name}" IS NULL'
        if column.name in left_out
        else f'shown."{column.name}"::VARCHAR IS NOT DISTINCT FROM $cell_{column.name}::VARCHAR'
        for column in report.info.columns
        if column.kind == "dimension"
    )
    row = f"SELECT 1 FROM ({report.rows}) AS shown WHERE {named} LIMIT 1"  # noqa: S608 - registered SQL
    if not ask(con, row, tenant, parameters, bound):
        remedy = "give it as the row shows it; only what is empty there may be left out"
        raise InvalidParameters(tuple((f"/cell/{name}", remedy) for name in left_out))


def run_events_behind(
    con: duckdb.DuckDBPyConnection,
    name: str,
    tenant_id: UUID,
    cell: Mapping[str, object],
    parameters: Mapping[str, object],
    *,
    after: int,
    limit: int,
) -> EventsBehind:
    """The events of one cell of a report. What is empty in its row may be left out. Raises as `run_report`."""
    report = definition(name)
    checked = validated(report, parameters)
    if not (after >= 0 and 1 <= limit <= MAX_EVENTS):
        raise InvalidParameters((("/limit", f"after must be 0 or more, limit 1 to {MAX_EVENTS}"),))
    left_out = {
        column.name: None
        for column in report.info.columns
        if column.kind == "dimension" and column.name not in cell
    }
    bound = bound_cell(report, {**left_out, **cell})
    con.execute("BEGIN")
    try:
        tenant = _as_asked(con, extent(con, tenant_id), checked)
        if left_out:
            _must_be_empty(con, report, tenant, checked, bound, left_out)
        page = f"SELECT * FROM ({report.events}) WHERE position > $after ORDER BY position LIMIT $limit"  # noqa: S608 - registered SQL
        events = ask(con, page, tenant, checked, {**bound, "after": after, "limit": limit + 1})
    finally:
        con.execute("ROLLBACK")
    more = len(events) > limit
    return EventsBehind(tuple(events[:limit]), tenant.position, events[limit - 1][0] if more else None)
