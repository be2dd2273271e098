"""What goes over the wire between the owner and its clients: tickets, tables and errors.

A ticket is JSON: {"report": name, "tenant_id": uuid, "params": {...}, "min_position": token or null}; with "cell",
"after" and "limit" it asks for the events behind a cell; with "between" (two positions), for why the report differs
between them. The answer is an Arrow table whose schema metadata holds "position" (token), "as_of" (ISO 8601 or empty),
"rows", and "truncated" and "emptied_by" (names), or "next_after"; that of a difference is one text of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from pydantic import TypeAdapter

from adapters.columns import arrow_type
from application.ports.analytics import (
    AnalyticsBehind,
    AnalyticsError,
    AnalyticsHealth,
    AnalyticsUnavailable,
    EventsBehind,
    InvalidParameters,
    Report,
    ReportTooLarge,
    TenantStanding,
    UnknownReport,
)
from application.ports.differences import Difference, NotOfOneLog, TooMuchToExplain
from application.ports.positions import MalformedPosition, Position
from projections.olap.query import definition


@dataclass(frozen=True, slots=True)
class Ticket:
    """A question. With a `cell` it is for the events behind it, with `between` for a difference (to None: now)."""

    report: str
    tenant_id: UUID
    params: Mapping[str, object] = field(default_factory=dict)
    min_position: Position | None = None
    cell: Mapping[str, object] | None = None
    after: int = 0
    limit: int = 100
    between: tuple[int, int | None] | None = None

    @property
    def of_report(self) -> bool:
        """Whether it asks for a report itself."""
        return self.cell is None and self.between is None

    @property
    def names(self) -> tuple[str, ...]:
        """What questions like it are known by, from the general to the particular."""
        kind = "report" if self.of_report else "difference" if self.between else "events"
        past = "now" if self.params.get("at_position") is None else "past"
        return kind, self.report, past, str(self.tenant_id)

    @property
    def question(self) -> tuple[str, ...]:
        """What a report's ticket asks, whatever position it is to be answered of at least."""
        return self.report, str(self.tenant_id), json.dumps(self.params, sort_keys=True, default=str)

    def encode(self) -> bytes:
        """The bytes of a Flight ticket."""
        fields = asdict(self) | {"min_position": self.min_position and self.min_position.token()}
        return json.dumps(fields, default=str).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Ticket:
        """Read a ticket. Raises `InvalidParameters`."""
        try:
            fields = json.loads(raw)
            token = fields.get("min_position")
            cell, between = fields.get("cell"), fields.get("between")
            return cls(
                report=str(fields["report"]),
                tenant_id=UUID(fields["tenant_id"]),
                params=dict(fields.get("params") or {}),
                min_position=None if token is None else Position.parse(token),
                cell=None if cell is None else dict(cell),
                after=int(fields.get("after", 0)),
                limit=int(fields.get("limit", 100)),
                between=None
                if between is None
                else (int(between[0]), None if between[1] is None else int(between[1])),
            )
        except (ValueError, TypeError, LookupError, AttributeError, MalformedPosition) as error:
            raise InvalidParameters((("", "not a ticket; see adapters.duckdb.wire"),)) from error


def report_table(name: str, report: Report) -> Any:
    """A report as an Arrow table."""
    columns = definition(name).info.columns
    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    values = list(zip(*report.rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(value, type=kind.type) for value, kind in zip(values, schema, strict=True)]
    metadata = {
        "position": report.position.token(),
        "as_of": report.as_of.isoformat() if report.as_of else "",
        "rows": str(len(report.rows)),
        "truncated": "true" if report.truncated else "false",
        "emptied_by": " ".join(report.emptied_by),
    }
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata(metadata))


def relabelled(table: Any, position: Position, as_of: datetime | None) -> Any:
    """The same rows, said to be of another position and time (UTC without a zone)."""
    told = {"position": position.token(), "as_of": as_of.replace(tzinfo=UTC).isoformat() if as_of else ""}
    return table.replace_schema_metadata(_metadata(table) | told)


def read_report(table: Any) -> Report:
    """A report out of its Arrow table."""
    about = _metadata(table)
    rows = tuple(zip(*(column.to_pylist() for column in table.columns), strict=True))
    as_of = datetime.fromisoformat(about["as_of"]) if about["as_of"] else None
    return Report(
        tuple(table.column_names),
        rows,
        Position.parse(about["position"]),
        as_of,
        truncated=about["truncated"] == "true",
        emptied_by=tuple(about["emptied_by"].split()),
    )


def events_table(events: EventsBehind) -> Any:
    """The events behind a cell as an Arrow table of position and weight."""
    metadata = {
        "position": events.position.token(),
        "rows": str(len(events.events)),
        "next_after": "" if events.next_after is None else str(events.next_after),
    }
    positions, weights = zip(*events.events, strict=True) if events.events else ((), ())
    schema = pa.schema([("position", pa.int64()), ("weight", pa.int64())], metadata=metadata)
    return pa.Table.from_arrays(
        [pa.array(positions, pa.int64()), pa.array(weights, pa.int64())], schema=schema
    )


def read_events(table: Any) -> EventsBehind:
    """The events behind a cell out of their Arrow table."""
    about = _metadata(table)
    events = tuple(zip(table.column("position").to_pylist(), table.column("weight").to_pylist(), strict=True))
    following = about["next_after"]
    return EventsBehind(events, Position.parse(about["position"]), int(following) if following else None)


_DIFFERENCE: Final = TypeAdapter(Difference)


def difference_table(difference: Difference) -> Any:
    """A difference as an Arrow table of one text: cells within cells are no columns."""
    return pa.table({"difference": [_DIFFERENCE.dump_json(difference).decode()]})


def read_difference(table: Any) -> Difference:
    """A difference out of its Arrow table."""
    return _DIFFERENCE.validate_json(table.column("difference")[0].as_py())


def _metadata(table: Any) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}


def health_json(health: AnalyticsHealth) -> bytes:
    """Health as JSON."""
    return json.dumps(asdict(health)).encode()


def read_health(raw: bytes) -> AnalyticsHealth:
    """Health out of its JSON."""
    return AnalyticsHealth(**json.loads(raw))


def positions_json(positions: Mapping[UUID, Position]) -> bytes:
    """The vector of positions as JSON: tenant id to token."""
    return json.dumps(
        {str(tenant_id): position.token() for tenant_id, position in positions.items()}
    ).encode()


def read_positions(raw: bytes) -> dict[UUID, Position]:
    """The vector of positions out of its JSON."""
    return {UUID(tenant_id): Position.parse(token) for tenant_id, token in json.loads(raw).items()}


def read_tenant(raw: bytes) -> UUID:
    """A tenant's id. Raises `InvalidParameters`."""
    try:
        return UUID(raw.decode())
    except ValueError as error:
        raise InvalidParameters((("", "not the id of a tenant"),)) from error


def standing_json(standing: TenantStanding) -> bytes:
    """How far a tenant is, as JSON."""
    return json.dumps({"position": standing.position.token(), "stopped": standing.stopped}).encode()


def read_standing(raw: bytes) -> TenantStanding:
    """How far a tenant is, out of its JSON."""
    told = json.loads(raw)
    return TenantStanding(Position.parse(told["position"]), told["stopped"])


_SIMPLE: Final[dict[str, type[AnalyticsError]]] = {
    "unknown-report": UnknownReport,
    "unavailable": AnalyticsUnavailable,
    "too-large": ReportTooLarge,
    "not-of-one-log": NotOfOneLog,
    "too-much-to-explain": TooMuchToExplain,
}


def error_json(error: AnalyticsError) -> bytes:
    """An error as JSON, to travel in Flight's `extra_info`."""
    match error:
        case AnalyticsBehind():
            fields: dict[str, object] = {"type": "behind", "position": error.position.token()}
        case InvalidParameters():
            fields = {"type": "invalid", "problems": error.problems}
        case _:
            fields = {"type": next(name for name, kind in _SIMPLE.items() if isinstance(error, kind))}
    return json.dumps(fields).encode()


def read_error(raw: bytes) -> AnalyticsError:
    """An error out of its JSON. Raises `ValueError` for what is none of ours."""
    fields = json.loads(raw)
    if fields["type"] == "behind":
        return AnalyticsBehind(Position.parse(fields["position"]))
    if fields["type"] == "invalid":
        return InvalidParameters(tuple((pointer, problem) for pointer, problem in fields["problems"]))
    kind = _SIMPLE[fields["type"]]
    return kind(kind.__doc__)
