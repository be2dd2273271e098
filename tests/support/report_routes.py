"""Every route of reports, as a stranger would ask it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from adapters.exports.forms import FILES
from projections.directions.asked import paces_of
from projections.finance.profiles import PROFILES
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS
from tests.support.permission_cells import CELLS, whole
from tests.support.required import required, required_of_all


def of_reports(ids: dict[str, str]) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Requests for reports and board packs."""
    yield "GET", "/v1/reports", None, {}
    yield "GET", "/v1/reports/activity", None, {}
    yield "GET", "/v1/reports/activity?format=csv", None, {}
    yield "GET", f"/v1/reports/contacts_by_segment?workspace_id={ids['workspace']}", None, {}
    yield "GET", "/v1/reports/contacts_by_segment", None, {}
    cell = "cell.country=DE&cell.source=unknown"
    yield "GET", f"/v1/reports/contacts_by_segment/events?{whole('contacts_by_segment', cell)}", None, {}
    for moment in ("2026-11-24T12:00:00Z", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")):
        yield "GET", f"/v1/reports/contacts_by_segment?at_time={moment}", None, {}
        yield "GET", f"/v1/reports/contacts_by_segment/difference?from_time={moment}", None, {}
    for name in CELLS:
        needed = urlencode(required(name))
        yield "GET", f"/v1/reports/{name}?{needed}".rstrip("?"), None, {}
        for file in FILES:
            yield "GET", f"/v1/reports/{name}?{urlencode({**required(name), 'format': file})}", None, {}
    for name, cell in CELLS.items():
        yield "GET", f"/v1/reports/{name}/events?{whole(name, cell)}", None, {}
    for name in (*CELLS, "activity", "contacts_by_segment"):
        asked = urlencode({"from_position": 0, **required(name)})
        yield "GET", f"/v1/reports/{name}/difference?{asked}", None, {}
    activity = whole("activity", "cell.day=2026-11-24&cell.context=audience")
    yield "GET", f"/v1/reports/activity/events?{activity}", None, {}
    for name, report in REPORTS.items():
        if paces_of(report.info):
            yield "GET", f"/v1/reports/{name}/directions?{urlencode(required(name))}".rstrip("?"), None, {}
    for path in ("reports", "positions"):
        yield "GET", f"/v1/platform/{path}", None, {}
    for name, of_all in PLATFORM_REPORTS.items():
        needed = urlencode(required_of_all(name))
        for part in ("", "/events", *(("/directions",) if paces_of(of_all.info) else ())):
            yield "GET", f"/v1/platform/reports/{name}{part}?{needed}".rstrip("?"), None, {}
        asked = urlencode({"from_time": "2026-11-24T00:00:00Z", **required_of_all(name)})
        yield "GET", f"/v1/platform/reports/{name}/difference?{asked}", None, {}
    row = {"country": "DE", "source": "api", "subscriber_type": None}
    yield "POST", "/v1/reports/contacts_by_segment/cite", {"cell": row, "measure": "contacts"}, {}
    changed = {"profile": PROFILES["maxio-1"].model_dump(mode="json")}
    yield "POST", "/v1/reports/definitions/preview", changed, {}
    yield "GET", f"/v1/citations/{ids.get('citation', 'pm1:AAAA')}", None, {}
    yield "GET", "/v1/packs/definitions", None, {}
    days = {"from": "2026-01-01", "to": "2026-01-31"}
    yield "POST", "/v1/packs", {"definition": "compliance", **days}, {}
    for pack in (ids["import"], ids.get("board_pack")):
        for file in ("", "/pdf", "/figures"):
            yield "GET", f"/v1/packs/{pack}{file}", None, {}
