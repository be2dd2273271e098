"""Questions about all customers over the wire: how they and their answers travel, and the client that asks.

A ticket is JSON: {"platform": "report", "events", "vector" or "difference", "report": name, "params": {...}, "cell":
{...}, "after": [...] or null, "limit": n, "between": [moment, moment or null] or null, "skip": n}. The answer is an
Arrow table whose schema metadata holds "standing" (JSON) and "more", which of a report says that it was cut; that of a
difference is one text of JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import duckdb
import pyarrow as pa
from pydantic import TypeAdapter

from adapters.columns import arrow_type
from adapters.duckdb.calling import OwnerCalls
from application.ports.analytics import InvalidParameters, ReportInfo
from application.ports.platform import EventsOfAll, Place, PlatformReport, Standing, Vector
from application.ports.platform_differences import DifferenceOfAll
from application.ports.positions import Position
from projections.olap.platform.difference import run_platform_difference
from projections.olap.platform.query import run_platform_events, run_platform_report, run_vector
from projections.olap.platform.reports import PLATFORM_REPORTS

_DIFFERENCE: TypeAdapter[DifferenceOfAll] = TypeAdapter(DifferenceOfAll)


@dataclass(frozen=True, slots=True)
class Question:
    """A question about all customers. `after`: the tenant, and of events the position, that a page goes on behind.

    `between`: the moments of a difference, as text (None: now); `skip`: how many of its cells lie before the page.
    """

    platform: Literal["report", "events", "vector", "difference"]
    report: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    cell: Mapping[str, object] = field(default_factory=dict)
    after: tuple[str, int] | None = None
    limit: int = 100
    between: tuple[str | None, str | None] | None = None
    skip: int = 0

    def encode(self) -> bytes:
        """The bytes of a Flight ticket."""
        return json.dumps(asdict(self), default=str).encode()


def question_of(raw: bytes) -> Question | None:
    """The question on a ticket; None: it is about one tenant. Raises `InvalidParameters`."""
    try:
        fields = json.loads(raw)
        if "platform" not in fields:
            return None
        after, between = fields["after"], fields["between"]
        return Question(
            fields["platform"],
            str(fields["report"]),
            dict(fields["params"]),
            dict(fields["cell"]),
            None if after is None else (str(UUID(after[0])), int(after[1])),
            int(fields["limit"]),
            None if between is None else (_text(between[0]), _text(between[1])),
            int(fields["skip"]),
        )
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidParameters((("", "not a ticket; see adapters.duckdb.platform"),)) from error


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def answered(con: duckdb.DuckDBPyConnection, asked: Question, seconds: float = math.inf) -> Any:
    """The answer to a question, as an Arrow table. A difference takes no more than so many seconds."""
    match asked.platform:
        case "report":
            return _report_table(asked.report, run_platform_report(con, asked.report, asked.params))
        case "events":
            after = None if asked.after is None else (UUID(asked.after[0]), asked.after[1])
            return _events_table(
                run_platform_events(
                    con, asked.report, asked.cell, asked.params, after=after, limit=asked.limit
                )
            )
        case "difference":
            first, last = asked.between or (None, None)
            found = run_platform_difference(
                con,
                asked.report,
                asked.params,
                first=first,
                last=last,
                after=asked.skip,
                limit=asked.limit,
                seconds=seconds,
            )
            return pa.table({"difference": [_DIFFERENCE.dump_json(found).decode()]})
        case _:
            behind = None if asked.after is None else UUID(asked.after[0])
            return _vector_table(run_vector(con, asked.params, after=behind, limit=asked.limit))


def _about(standing: Standing, *, more: bool) -> dict[str, str]:
    return {"standing": json.dumps(asdict(standing), default=str), "more": json.dumps(more)}


def _read_about(table: Any) -> tuple[Standing, bool]:
    about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    told = json.loads(about["standing"])
    as_of = told.pop("as_of")
    return Standing(as_of and datetime.fromisoformat(as_of), **told), json.loads(about["more"])


def _report_table(name: str, report: PlatformReport) -> Any:
    columns = PLATFORM_REPORTS[name].info.columns
    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    values = list(zip(*report.rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(value, type=kind.type) for value, kind in zip(values, schema, strict=True)]
    metadata = _about(report.standing, more=report.truncated)
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata(metadata))


def _read_report(table: Any) -> PlatformReport:
    standing, truncated = _read_about(table)
    rows = tuple(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return PlatformReport(tuple(table.column_names), rows, standing, truncated)


def _events_table(found: EventsOfAll) -> Any:
    columns = {
        "tenant": pa.array([str(place.tenant_id) for place in found.events], pa.string()),
        "position": pa.array([place.position for place in found.events], pa.int64()),
        "weight": pa.array([place.weight for place in found.events], pa.int64()),
    }
    return pa.table(columns).replace_schema_metadata(_about(found.standing, more=found.more))


def _read_events(table: Any) -> EventsOfAll:
    standing, more = _read_about(table)
    columns = (table.column(name).to_pylist() for name in ("tenant", "position", "weight"))
    events = tuple(Place(UUID(tenant), *rest) for tenant, *rest in zip(*columns, strict=True))
    return EventsOfAll(events, standing, more)


def _vector_table(found: Vector) -> Any:
    columns = {
        "tenant": pa.array([str(tenant) for tenant, _ in found.positions], pa.string()),
        "position": pa.array([position.token() for _, position in found.positions], pa.string()),
    }
    return pa.table(columns).replace_schema_metadata(_about(found.standing, more=found.more))


def _read_vector(table: Any) -> Vector:
    standing, more = _read_about(table)
    told = zip(table.column("tenant").to_pylist(), table.column("position").to_pylist(), strict=True)
    return Vector(tuple((UUID(tenant), Position.parse(token)) for tenant, token in told), standing, more)


class _Registered:
    """What both have."""

    def reports(self) -> Mapping[str, ReportInfo]:
        """See `PlatformAnalytics`."""
        return {name: report.info for name, report in PLATFORM_REPORTS.items()}


class FlightPlatform(_Registered):
    """`PlatformAnalytics` over Flight."""

    def __init__(self, owner: OwnerCalls) -> None:
        self._owner = owner

    async def report(self, name: str, parameters: Mapping[str, object]) -> PlatformReport:
        """See `PlatformAnalytics`."""
        return _read_report(await self._owner.get(Question("report", name, parameters).encode()))

    async def events_behind(
        self,
        name: str,
        cell: Mapping[str, object],
        parameters: Mapping[str, object],
        *,
        after: tuple[UUID, int] | None = None,
        limit: int = 100,
    ) -> EventsOfAll:
        """See `PlatformAnalytics`."""
        behind = None if after is None else (str(after[0]), after[1])
        asked = Question("events", name, parameters, cell, behind, limit)
        return _read_events(await self._owner.get(asked.encode()))

    async def difference(
        self,
        name: str,
        between: tuple[object, object],
        parameters: Mapping[str, object],
        *,
        after: int = 0,
        limit: int = 10,
    ) -> DifferenceOfAll:
        """See `PlatformAnalytics`."""
        moments = (_text(between[0]), _text(between[1]))
        asked = Question("difference", name, parameters, limit=limit, between=moments, skip=after)
        table = await self._owner.get(asked.encode())
        return _DIFFERENCE.validate_json(table.column("difference")[0].as_py())

    async def vector(
        self, parameters: Mapping[str, object], *, after: UUID | None = None, limit: int = 100
    ) -> Vector:
        """See `PlatformAnalytics`."""
        behind = None if after is None else (str(after), 0)
        asked = Question("vector", params=parameters, after=behind, limit=limit)
        return _read_vector(await self._owner.get(asked.encode()))


class LocalPlatform(_Registered):
    """`PlatformAnalytics` over a file in this process. `connection` gives one that has caught up."""

    def __init__(self, connection: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._connection = connection

    async def report(self, name: str, parameters: Mapping[str, object]) -> PlatformReport:
        """See `PlatformAnalytics`."""
        return run_platform_report(self._connection(), name, parameters)

    async def events_behind(
        self,
        name: str,
        cell: Mapping[str, object],
        parameters: Mapping[str, object],
        *,
        after: tuple[UUID, int] | None = None,
        limit: int = 100,
    ) -> EventsOfAll:
        """See `PlatformAnalytics`."""
        return run_platform_events(self._connection(), name, cell, parameters, after=after, limit=limit)

    async def difference(
        self,
        name: str,
        between: tuple[object, object],
        parameters: Mapping[str, object],
        *,
        after: int = 0,
        limit: int = 10,
    ) -> DifferenceOfAll:
        """See `PlatformAnalytics`."""
        first, last = between
        return run_platform_difference(
            self._connection(), name, parameters, first=first, last=last, after=after, limit=limit
        )

    async def vector(
        self, parameters: Mapping[str, object], *, after: UUID | None = None, limit: int = 100
    ) -> Vector:
        """See `PlatformAnalytics`."""
        return run_vector(self._connection(), parameters, after=after, limit=limit)
