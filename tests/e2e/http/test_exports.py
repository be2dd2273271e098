"""Reports as files over HTTP: the rows of the JSON in every form, chosen by name or by Accept, each recorded."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from adapters.exports.forms import FILES
from application.figures import figures_json
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.exported import rows_of, text_of

REPORTS = ("contacts_by_segment", "activity")


async def lived(api: Api) -> tuple[TestTenant, str]:
    """A tenant with contacts, and the position after them."""
    tenant, position = await api.tenant(), ""
    for number, country in enumerate(("DE", "DE", "FR")):
        body = {
            "workspace_id": str(tenant.workspace_id),
            "email": f"p{number}@example.org",
            "country": country,
        }
        made = await api.post("/v1/audience/new/create-contact", tenant.key, body)
        position = made.json()["position"]
    return tenant, position


def one_more(tenant: TestTenant) -> dict[str, Any]:
    return {"workspace_id": str(tenant.workspace_id), "email": "more@example.org", "country": "GB"}


def as_json(value: Any, told: Any) -> Any:
    """A value of a file as JSON would hold it."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, str) and isinstance(told, int):
        return int(value)
    return str(value) if isinstance(told, str) else value or None


async def reads(api: Api, tenant: TestTenant) -> list[dict[str, Any]]:
    told = await api.send("GET", "/v1/access?limit=100", tenant.key)
    return [entry["payload"] for entry in told.json()["data"] if entry["payload"]["kind"] == "export"]


async def test_every_form_holds_the_rows_of_the_json_and_is_recorded(api: Api) -> None:
    tenant, position = await lived(api)
    with analytics_of(api):
        for name in REPORTS:
            path = f"/v1/reports/{name}?min_position={position}"
            told = (await api.send("GET", path, tenant.key)).json()
            assert told["data"]
            for form, file in FILES.items():
                before = len(await reads(api, tenant))
                answer = await api.send("GET", f"{path}&format={form}", tenant.key)
                assert answer.status_code == 200, answer.text
                assert answer.headers["content-type"].partition(";")[0] == file.media
                assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{form}"'
                assert answer.headers["penguin-position"] == told["position"]
                assert answer.headers["penguin-as-of"] == told["as_of"]
                assert answer.headers["penguin-truncated"] == "false"
                assert answer.headers["cache-control"] == "no-store"
                read = rows_of(answer.content, form)
                assert [
                    {key: as_json(row[key], value) for key, value in wanted.items()}
                    for row, wanted in zip(read, told["data"], strict=True)
                ] == told["data"]
                after = await reads(api, tenant)
                assert len(after) == before + 1
                assert {entry["query"] for entry in after} >= {f"reports.{name}"}
                by_accept = await api.send("GET", path, tenant.key, headers={"accept": file.media})
                assert by_accept.content == answer.content, "and the same bytes again"
                if form != "csv":
                    assert told["position"] in text_of(answer.content, form)


async def test_a_form_that_nothing_is_given_in(api: Api) -> None:
    tenant, _ = await lived(api)
    path = "/v1/reports/activity"
    refused = await api.send("GET", f"{path}?format=pdf", tenant.key)
    assert refused.status_code == 422
    assert "json, csv, xlsx, parquet, arrow" in refused.json()["errors"][0]["detail"]
    refused = await api.send("GET", path, tenant.key, headers={"accept": "image/png"})
    assert refused.status_code == 406
    assert refused.json()["offered"] == ["application/json", *(file.media for file in FILES.values())]
    assert not await reads(api, tenant), "nothing left, so nothing was recorded"


@pytest.mark.parametrize("form", FILES)
async def test_an_empty_report_is_a_file_too(api: Api, form: str) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    with analytics_of(api):
        answer = await api.send("GET", f"/v1/reports/dispatches?format={form}", viewer)
        assert answer.status_code == 200
        assert rows_of(answer.content, form) == []


async def test_a_comma_for_the_decimals_puts_semicolons_between_cells(api: Api) -> None:
    tenant, position = await lived(api)
    with analytics_of(api):
        path = f"/v1/reports/contacts_by_segment?format=csv&decimal=comma&min_position={position}"
        told = await api.send("GET", path, tenant.key)
        assert told.text.splitlines()[0] == "country;source;subscriber_type;contacts"
        told = await api.send("GET", f"{path}&delimiter=tab", tenant.key)
        assert told.text.splitlines()[0] == "country\tsource\tsubscriber_type\tcontacts"


async def test_the_line_that_names_a_workbook_finds_its_figures_again(api: Api) -> None:
    tenant, position = await lived(api)
    with analytics_of(api):
        path = f"/v1/reports/contacts_by_segment?format=xlsx&min_position={position}"
        file = await api.send("GET", path, tenant.key)
        cited = load_workbook(io.BytesIO(file.content)).properties.description
        again, _, rest = cited.partition(" @ ")
        assert again.startswith("/v1/reports/contacts_by_segment?at_position="), "whatever comes"
        made = await api.post("/v1/audience/new/create-contact", tenant.key, one_more(tenant))
        since = f"/v1/reports/contacts_by_segment?min_position={made.json()['position']}"
        assert len((await api.send("GET", since, tenant.key)).json()["data"]) == 3
        told = (await api.send("GET", again, tenant.key)).json()
        rows = [tuple(row[name] for name in told["columns"]) for row in told["data"]]
        assert rest.endswith(f"sha256 {hashlib.sha256(figures_json(told['columns'], rows)).hexdigest()[:16]}")


async def test_days_to_come_are_marked(api: Api) -> None:
    tenant, position = await lived(api)
    today = datetime.now(UTC).date()
    with analytics_of(api):
        for to, ahead in ((today, None), (today + timedelta(days=9), str(today + timedelta(days=1)))):
            path = f"/v1/reports/mrr?to={to}&min_position={position}"
            assert (await api.send("GET", path, tenant.key)).json()["ahead_from"] == ahead
            file = await api.send("GET", f"{path}&format=xlsx", tenant.key)
            about = dict(
                load_workbook(io.BytesIO(file.content))["about"].iter_rows(max_col=2, values_only=True)
            )
            assert (about["Days to come"] == "none: every day asked for had come") is (ahead is None)
        month = today.strftime("%Y-%m")
        told = await api.send("GET", f"/v1/reports/costs_by_workspace?to={month}", tenant.key)
        over = (today + timedelta(days=1)).month != today.month
        assert told.json()["ahead_from"] == (None if over else str(today + timedelta(days=1)))
        then = "/v1/reports/mrr?from=2099-01-01&to=2099-12-31&at_position=1"
        assert (await api.send("GET", then, tenant.key)).json()["ahead_from"] == "2099-01-01"
