"""The routes of reports, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.exports.forms import FILES
from api.http.completeness_shapes import certified
from api.http.differences import MOST
from api.http.shapes import page_of, parameter, reading, shared, without_null
from api.http.shaping import MOMENT, Json, object_of, ref
from application.as_of import AT, AT_TIME, taken_by
from application.variance import COMPARE, compares
from application.variance import MOST as PERIODS
from domain.kernel.permissions import Permission
from projections.directions.asked import measures_of, paces_of
from projections.olap.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.analytics import ReportInfo

_TEXT: Final[Json] = {"type": "string"}
_FILE: Final[Json] = {"type": "string", "format": "binary"}
AS_FILES: Final = (
    parameter(
        "format",
        "JSON unless told otherwise, here or in `Accept`.",
        {"type": "string", "enum": ["json", *FILES]},
    ),
    parameter(
        "delimiter",
        "CSV: between the cells; a comma unless told otherwise, a semicolon where commas are decimals.",
        {"type": "string", "enum": ["comma", "semicolon", "tab"]},
    ),
    parameter(
        "decimal",
        "CSV: the sign of the decimals, a comma for spreadsheets of many countries.",
        {"type": "string", "enum": ["point", "comma"]},
    ),
    parameter(
        "bom",
        "CSV: begin with a byte order mark, as Excel likes it.",
        {"type": "string", "enum": ["true", "false"]},
    ),
)
AHEAD: Final[Json] = {
    "type": ["string", "null"],
    "format": "date",
    "description": "First of the days asked for that had not come: what stands on it and later ones is not actual.",
}
_CITATION: Final[Json] = {
    "type": ["string", "null"],
    "description": "Names the figure that is opened, for `GET /v1/citations/{citation}`; null where no row shows it.",
}
_COMPARE: Final = parameter(
    COMPARE,
    "Other periods beside the one from `from` to `to`, which are both needed then; at most two. `previous`: as long, "
    "and just before it; `year_ago`; or two days or months, as 2026-01-01..2026-03-31. Adds columns: of each measure "
    "`_<period>`, `_<period>_change` and, where it is no percentage or statistic itself, `_<period>_percent`.",
    {
        "type": "array",
        "minItems": 1,
        "maxItems": PERIODS,
        "uniqueItems": True,
        "items": {
            "type": "string",
            "pattern": r"^(previous|year_ago|[0-9]{4}-[0-9]{2}(-[0-9]{2})?\.\.[0-9]{4}-[0-9]{2}(-[0-9]{2})?)$",
        },
    },
)
_OF_ANOTHER: Final = "_(previous|year_ago|[0-9]{8}_[0-9]{8})$"
_PERIODS: Final[Json] = {
    "type": "array",
    "description": "Where `compare` was given: the period asked for and those beside it, all as of one position.",
    "items": object_of(
        {
            "name": {"type": "string", "description": "The ending of its columns; `asked` has none."},
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
            "rows": {"type": "integer", "description": "How many rows its report has."},
            "truncated": {"type": "boolean"},
            "ahead_from": AHEAD,
        }
    ),
}
SCALE: Final[Json] = {
    "type": "integer",
    "description": "So many of a weight are one of the measure's unit: the sum of the weights / scale is the figure.",
}
_AT: Final = "a position of the log, as a number or a token."
_AT_TIME: Final = (
    "the last position recorded at or before a moment (with its offset, not to come), in place of a position."
)
_WHEN: Final[Json] = {"type": "string", "format": "date-time"}
_LOOK_BACK: Final = parameter(
    AT,
    f"As of {_AT} Now unless given. A token of the log before a restore is refused.",
    {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}]},
)
_BETWEEN: Final[Json] = {
    "differing": {"type": "integer", "description": "How many rows differ, on all pages."},
    "from_position": {"type": "string"},
    "from_as_of": MOMENT,
}
_DIFFERENCE: Final = (
    "Every row that differs, with the events whose weights sum to the difference of each measure. `new` and `late` "
    "ones came between the two positions; the weight of a `before` one was moved by those in `moved_by`. Ratios and "
    "statistics are explained by their parts. `position` is the second position. Needs the report's permission and "
    "`reports.drill`."
)


def _opening(allowed: Permission) -> Permission:
    """What is needed to open a report's figures. Whoever holds another than the usual one may open figures too."""
    return Permission.REPORTS_DRILL if allowed is Permission.REPORTS_READ else allowed


def _measure(opened: Sequence[str], *, beside: bool) -> Json:
    """Which figure of a row is opened; `beside`: of another period too."""
    about, own = "Which measure of the row; the first unless given.", {"enum": list(opened)}
    if not beside:
        return parameter("cell.measure", about, own)
    return parameter(
        "cell.measure",
        f"{about} With `compare` also one of another period, such as `amount_previous`: the row is then given as it is "
        "shown beside, with `cell.month_previous` and the like.",
        {"anyOf": [own, {"type": "string", "pattern": _OF_ANOTHER}]},
    )


def also_as_files(made: Json) -> None:
    """Say of a report's operation that it answers with files too."""
    for form in FILES.values():
        made["responses"]["200"]["content"][form.media] = {"schema": _FILE}
    made["responses"]["406"] = {"$ref": "#/components/responses/Problem406"}
    certified(made)


def report_paths() -> Json:
    """The list, and of every report: itself, the events behind a cell, and what made it differ."""
    allowed = Permission.REPORTS_READ
    paths: Json = {
        "/v1/reports": {
            "get": reading("reports_list", "The reports there are", allowed, [], page_of(ref("ReportInfo")))
        }
    }
    for name, report in REPORTS.items():
        allowed = Permission(report.info.permission)
        own = [
            _LOOK_BACK
            if field == AT
            else parameter(
                field,
                shape.get("description", field),
                without_null(shape),
                needed=field in report.info.parameters.get("required", ()),
            )
            for field, shape in taken_by(report.info).get("properties", {}).items()
        ]
        shape = page_of(
            {"type": "object"},
            report={"const": name},
            columns={"type": "array", "items": _TEXT},
            truncated={"type": "boolean"},
            emptied_by={"type": "array", "items": _TEXT},
            ahead_from=AHEAD,
            completeness=ref("Completeness"),
        )
        waits = shared(("MinPosition",))
        beside = [_COMPARE] if compares(report.info) else []
        if beside:
            shape["properties"] |= {"periods": _PERIODS}
        taken = [*own, *beside, *AS_FILES, *waits]
        made = reading(f"reports_{name}", report.info.title, allowed, taken, shape)
        made["description"] = report.info.about
        also_as_files(made)
        cells = [
            parameter(
                f"cell.{column.name}", f"{column.about} Given empty where the row shows nothing.", _TEXT
            )
            for column in report.info.columns
            if column.kind == "dimension"
        ]
        measure = _measure(report.opened, beside=bool(beside))
        after = parameter(
            "after", "`next` of the answer before.", {"type": "string", "pattern": "^[0-9]{1,18}$"}
        )
        events = reading(
            f"reports_{name}_events",
            f"The events behind one row of: {report.info.title}",
            _opening(allowed),
            [*own, *beside, *cells, measure, after, *shared(("Limit", "MinPosition"))],
            page_of(ref("EventBehind"), scale=SCALE, citation=_CITATION),
        )
        difference = reading(
            f"reports_{name}_difference",
            f"Why this differs between two positions: {report.info.title}",
            _opening(allowed),
            [
                *(one for one in own if one["name"] not in (AT, AT_TIME)),
                parameter("from_position", f"What was seen: {_AT} Needed, or `from_time` is.", _TEXT),
                parameter("from_time", f"What was seen: {_AT_TIME}", _WHEN),
                parameter("to_position", f"What is seen: {_AT} Now unless given.", _TEXT),
                parameter("to_time", f"What is seen: {_AT_TIME}", _WHEN),
                parameter("limit", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": MOST}),
                after,
                *waits,
            ],
            page_of(ref("DifferentCell"), report={"const": name}, **_BETWEEN),
        )
        difference["description"] = _DIFFERENCE
        paths |= {
            f"/v1/reports/{name}": {"get": made},
            f"/v1/reports/{name}/events": {"get": events},
            f"/v1/reports/{name}/difference": {"get": difference},
        }
        if paces_of(report.info):
            paths[f"/v1/reports/{name}/directions"] = {
                "get": directions_of("reports", report.info, [*own, *waits], {})
            }
    return paths


def directions_of(prefix: str, info: ReportInfo, taken: list[Json], standing: Json) -> Json:
    """Where the figures of a report are heading. `standing`: what is said of what an answer was made from."""
    paces = [pace.value for pace in paces_of(info)]
    others = [one for one in taken if one.get("name") != "grain"]
    grain = parameter("grain", f"How long a period is; {paces[0]} unless given.", {"enum": paces})
    measures = [one.name for one in measures_of(info)]
    measure = parameter("measure", "Only this figure; all, read together, unless given.", {"enum": measures})
    shape = page_of(
        {"type": "object"},
        report={"const": info.name},
        grain={"enum": paces},
        language={"enum": ["en", "de", "fr"]},
        series={"type": "string", "description": "Where the rows are asked for that the series are made of."},
        **standing,
    )
    made = reading(
        f"{prefix}_{info.name}_directions",
        f"Where these figures are heading: {info.title}",
        Permission(info.permission),
        [*others, grain, measure],
        shape,
    )
    made["description"] = (
        "Each figure as a series of whole periods, with its direction, season, changes of course, control limits, a "
        "forecast as ranges, what explains the change between its first and its last periods, and sentences in the "
        "language of `Accept-Language` (en, de, fr). At most 5 % of the directions told together are false."
    )
    return made
