"""The routes of reports of all customers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.differences import MOST
from api.http.fixed_reports import AHEAD, AS_FILES, SCALE, also_as_files, directions_of
from api.http.platform_differences import AT_TIME
from api.http.shapes import page_of, parameter, reading, shared, without_null
from api.http.shaping import MOMENT, Json, ref
from domain.kernel.permissions import Permission
from projections.directions.asked import paces_of
from projections.olap.platform.report import MomentParameters
from projections.olap.platform.reports import PLATFORM_REPORTS

if TYPE_CHECKING:
    from application.ports.analytics import ReportInfo

_TEXT: Final[Json] = {"type": "string"}
_ALLOWED: Final = Permission.PLATFORM_REPORTS_READ
_STANDING: Final[Json] = {
    "position": {
        "type": "null",
        "description": "No single position says what it was made from: the digest does.",
    },
    "tenants": {"type": "integer", "description": "How many logs the answer is made from."},
    "digest": {
        "type": "string",
        "description": "SHA-256 of a line `tenant epoch.position` for each log, in the order of the tenants' ids, "
        "parted by line feeds: what `/v1/platform/positions` lists. Equal digests mean equal answers.",
    },
    "stopped": {"type": "integer", "description": "How many logs stand at an event that cannot be taken in."},
}
_OPENED: Final[Json] = {
    "type": "object",
    "properties": {
        "tenant_id": {"type": "string", "format": "uuid"},
        "position": {"type": "integer"},
        "weight": {"type": "integer"},
    },
}
_STOOD: Final[Json] = {
    "type": "object",
    "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "position": _TEXT},
}


def _own(shapes: Json) -> list[Json]:
    return [
        parameter(
            field,
            shape.get("description", field),
            without_null(shape),
            needed=field in shapes.get("required", ()),
        )
        for field, shape in shapes.get("properties", {}).items()
    ]


def platform_report_paths() -> Json:
    """The list, the positions, and of every report itself and the events behind a cell."""
    listed = page_of(ref("ReportInfo"))
    after = parameter("after", "`next` of the answer before.", _TEXT)
    stood = reading(
        "platform_positions",
        "Where each log stands, or stood at a moment",
        _ALLOWED,
        [*_own(MomentParameters.model_json_schema()), after, *shared(("Limit",))],
        page_of(_STOOD, **_STANDING),
    )
    paths: Json = {
        "/v1/platform/reports": {
            "get": reading("platform_reports_list", "The reports of all customers", _ALLOWED, [], listed)
        },
        "/v1/platform/positions": {"get": stood},
    }
    for name, report in PLATFORM_REPORTS.items():
        path = f"/v1/platform/reports/{name}"
        paths |= {
            path: {"get": _report(report.info)},
            f"{path}/events": {"get": _events(report.info, report.opens, after)},
            f"{path}/difference": {"get": _difference(report.info)},
        }
        if paces_of(report.info):
            taken = _own(report.info.parameters)
            heading = directions_of("platform_reports", report.info, taken, _STANDING)
            paths[f"{path}/directions"] = {"get": heading}
    return paths


def _report(info: ReportInfo) -> Json:
    shape = page_of(
        {"type": "object"},
        report={"const": info.name},
        columns={"type": "array", "items": _TEXT},
        truncated={"type": "boolean"},
        ahead_from=AHEAD,
        completeness=ref("Completeness"),
        **_STANDING,
    )
    taken = [*_own(info.parameters), *AS_FILES]
    made = reading(f"platform_reports_{info.name}", info.title, _ALLOWED, taken, shape)
    made["description"] = info.about
    also_as_files(made)
    return made


def _difference(info: ReportInfo) -> Json:
    moment: Json = {"type": "string", "format": "date-time"}
    made = reading(
        f"platform_reports_{info.name}_difference",
        f"Why this differs between two moments: {info.title}",
        _ALLOWED,
        [
            *(one for one in _own(info.parameters) if one["name"] != AT_TIME),
            parameter("from_time", "As of which moment the figures were seen.", moment, needed=True),
            parameter("to_time", "As of which moment they are seen; now unless given.", moment),
            parameter("limit", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": MOST}),
            parameter(
                "after",
                "`next` of the answer before, whose `as_of` is `to_time` then.",
                {"type": "string", "pattern": "^[0-9]{1,18}$"},
            ),
        ],
        page_of(
            ref("DifferentCellOfAll"),
            report={"const": info.name},
            differing={"type": "integer", "description": "How many rows differ, on all pages."},
            from_as_of=MOMENT,
            from_digest={"type": "string", "description": "As `digest`, of the first moment."},
            **_STANDING,
        ),
    )
    made["description"] = (
        "Every row that differs, with the events whose weights sum to the difference of each measure. `new` and `late` "
        "ones came between the two moments; a `before` one weighs something else because days have passed, or because "
        "something came that bears on it. Ratios are explained by their parts. Needs `reports.drill` as well."
    )
    return made


def _events(info: ReportInfo, opens: tuple[str, ...], after: Json) -> Json:
    cells = [
        parameter(f"cell.{column.name}", column.about, _TEXT)
        for column in info.columns
        if column.kind == "dimension"
    ]
    measure = parameter(
        "cell.measure", "Which measure of the row; the first unless given.", {"enum": list(opens)}
    )
    made = reading(
        f"platform_reports_{info.name}_events",
        f"The events behind one row of: {info.title}",
        _ALLOWED,
        [*_own(info.parameters), *cells, measure, after, *shared(("Limit",))],
        page_of(_OPENED, scale=SCALE, **_STANDING),
    )
    made["description"] = "Tenant by tenant, in the order of their ids. Needs `reports.drill` as well."
    return made
