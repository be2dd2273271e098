"""SQL over HTTP: asked, refused, recorded, and kept."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from typing import Any

import pytest

from adapters.exports import answer_workbook
from adapters.exports.forms import FILES
from domain.audience.intake.error_file import unescape_formula
from domain.kernel.permissions import TenantRole
from tests.support.answers import about_of, columns_of, lines_of, sheet_of
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.sql_types import TYPES, select

COUNT = {"sql": "SELECT context, count(*) AS events FROM fact_event GROUP BY context ORDER BY context"}
ENDLESS = {"sql": "SELECT count(*) FROM range(1000000000000)"}


async def reads(api: Api, tenant: TestTenant) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await api.send("GET", "/v1/access", tenant.key)).json()["data"]
    return entries


async def exports(api: Api, tenant: TestTenant) -> list[dict[str, Any]]:
    entries = (await api.send("GET", "/v1/access?limit=100", tenant.key)).json()["data"]
    return [entry for entry in entries if entry["payload"]["kind"] == "export"]


async def test_a_question_is_answered_as_of_a_position_and_recorded_without_its_text(api: Api) -> None:
    tenant = await api.tenant()
    made = await api.post("/v1/tenancy/new/create-workspace", tenant.key, {"name": "Second"})
    position = made.json()["position"]
    secret = "quetzalcoatl@example.org"
    with analytics_of(api):
        asked = {
            "sql": "SELECT name, position, $half AS half FROM fact_event WHERE position = $n -- "  # noqa: S608 - the test's own
            + secret,
            "parameters": {"n": 1, "half": 0.5},
        }
        answer = await api.send("POST", f"/v1/sql?min_position={position}", tenant.key, asked)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["data"] == [["tenancy.tenant_opened", 1, 0.5]]
        assert [one["name"] for one in told["columns"]] == ["name", "position", "half"]
        assert told["position"] == answer.headers["penguin-position"]
        assert not told["truncated"]
        csv = await api.send("POST", "/v1/sql", tenant.key, {**COUNT, "format": "csv", "bom": True})
        assert csv.headers["content-type"].startswith("text/csv")
        assert csv.text.startswith("\ufeffcontext,events\r\ntenancy,")
    entries = await reads(api, tenant)
    assert [entry["payload"]["query"] for entry in entries if entry["payload"]["kind"] == "export"] == [
        "sql.ask"
    ] * 2
    assert secret not in str(entries)
    assert "fact_event" in str(entries)


async def test_values_are_told_without_loss(api: Api) -> None:
    tenant = await api.tenant()
    with analytics_of(api):
        asked = {
            "sql": "SELECT 12.50::DECIMAL(9, 2), 1e30::HUGEINT, 7::HUGEINT, DATE '2026-01-31', [1, NULL], {'a': TRUE}, "
            "MAP {'k': 1}, 'x'::BLOB, 'nan'::DOUBLE, NULL, INTERVAL 1 DAY, '=1+1', TIMESTAMP '2026-01-31 12:00:00'"
        }
        answer = (await api.send("POST", "/v1/sql", tenant.key, asked)).json()
        assert answer["data"] == [
            [
                "12.50",
                "1000000000000000019884624838656",
                7,
                "2026-01-31",
                [1, None],
                {"a": True},
                [["k", 1]],
                "eA==",
                "nan",
                None,
                {"months": 0, "days": 1, "microseconds": 0},
                "=1+1",
                "2026-01-31T12:00:00",
            ]
        ]
        csv = await api.send("POST", "/v1/sql", tenant.key, {**asked, "format": "csv", "delimiter": "tab"})
        assert "\t'=1+1\t" in csv.text
        asked = {"sql": select()}
        told = (await api.send("POST", "/v1/sql", tenant.key, asked)).json()
        assert dict(zip([one.name for one in TYPES], told["data"][0], strict=True)) == {
            one.name: one.json for one in TYPES
        }
        for form in ("parquet", "arrow"):
            file = await api.send("POST", "/v1/sql", tenant.key, {**asked, "format": form})
            assert [list(row) for row in columns_of(file.content, form)[1]] == told["data"]


async def test_what_no_sheet_holds_is_refused_before_it_is_recorded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a smaller sheet: DuckDB takes seconds for as many columns as a real one has."""
    monkeypatch.setattr(answer_workbook, "_MOST_COLUMNS", 2)
    tenant = await api.tenant()
    with analytics_of(api):
        wide = {"sql": "SELECT 1, 2, 3", "format": "xlsx"}
        refused = await api.send("POST", "/v1/sql", tenant.key, wide)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/sql-sheet-too-small")
        assert refused.json()["errors"][0]["pointer"] == "/format"
        assert not await exports(api, tenant)
        assert (await api.send("POST", "/v1/sql", tenant.key, {**wide, "format": "csv"})).status_code == 200


async def test_an_answer_is_a_file_in_every_form_that_reports_have(api: Api) -> None:
    tenant = await api.tenant()
    link = '=HYPERLINK("http://example.org")'
    asked = {
        "sql": "SELECT position AS x, name AS x, $link AS note, day FROM fact_event ORDER BY position",
        "parameters": {"link": link},
    }
    cut = {"sql": "SELECT i FROM range(10001) AS made (i) ORDER BY i"}
    saving = {"title": "Events", "sql": asked["sql"]}
    query = (await api.post("/v1/reporting/new/save-query", tenant.key, saving)).json()["id"]
    run = f"/v1/sql/queries/{query}/run"
    with analytics_of(api):
        position = (await api.send("GET", "/v1/history", tenant.key)).json()["position"]
        told = (await api.send("POST", f"/v1/sql?min_position={position}", tenant.key, asked)).json()
        assert len(told["data"]) > 1
        for form, file in FILES.items():
            before = len(await exports(api, tenant))
            answer = await api.send("POST", "/v1/sql", tenant.key, {**asked, "format": form})
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].partition(";")[0] == file.media
            assert answer.headers["content-disposition"] == f'attachment; filename="query.{form}"'
            assert answer.headers["penguin-position"] == told["position"]
            assert answer.headers["penguin-as-of"] == told["as_of"]
            assert answer.headers["penguin-truncated"] == "false"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            accept = {"accept": f"image/png, {file.media}"}
            accepted = await api.send("POST", "/v1/sql", tenant.key, asked, headers=accept)
            assert accepted.content == answer.content, "and the same bytes again"
            given = {"parameters": asked["parameters"]}
            ran = await api.send("POST", run, tenant.key, given, headers=accept)
            assert len(await exports(api, tenant)) == before + 3
            assert rows_in(answer.content, form) == rows_in(ran.content, form) == told["data"]
            empty = await api.send(
                "POST", "/v1/sql", tenant.key, {"sql": "SELECT 1 AS x, 2 AS x WHERE FALSE", "format": form}
            )
            assert rows_in(empty.content, form) == []
            shortened = await api.send("POST", "/v1/sql", tenant.key, {**cut, "format": form})
            assert shortened.headers["penguin-truncated"] == "true"
            assert rows_in(shortened.content, form) == [[n] for n in range(10_000)]
            if form == "xlsx":
                assert about_of(shortened.content)["Complete"].startswith("no")
                assert about_of(ran.content)["Saved query"] == query
                assert about_of(ran.content)["Sha256"] == about_of(answer.content)["Sha256"]
                assert about_of(ran.content)["Position"] == told["position"]
        before = len(await exports(api, tenant))
        for path, body in (("/v1/sql", asked), (run, {})):
            refused = await api.send("POST", path, tenant.key, body, headers={"accept": "image/png"})
            assert refused.status_code == 406
            assert refused.json()["offered"] == ["application/json", *(file.media for file in FILES.values())]
        assert len(await exports(api, tenant)) == before, "nothing left, so nothing was recorded"
        said = await api.send(
            "POST", "/v1/sql", tenant.key, {**asked, "format": "json"}, headers={"accept": "image/png"}
        )
        assert said.json()["data"] == told["data"]
        comma = {"sql": "SELECT 0.5 AS a, 1 AS b", "format": "csv", "decimal": "comma"}
        assert (await api.send("POST", "/v1/sql", tenant.key, comma)).text == "a;b\r\n0,5;1\r\n"


def rows_in(content: bytes, form: str) -> list[list[Any]]:
    """The rows of a file, by another library, as JSON would hold them."""
    match form:
        case "csv":
            return [[as_told(cell) for cell in line] for line in lines_of(content)[1:]]
        case "xlsx":
            rows = sheet_of(content).iter_rows(min_row=2, values_only=True)
            return [
                [one.date().isoformat() if isinstance(one, datetime) else one for one in row] for row in rows
            ]
        case _:
            return [list(row) for row in columns_of(content, form)[1]]


def as_told(cell: str) -> Any:
    return int(cell) if cell.isdecimal() else unescape_formula(cell)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"sql": "SELECT\n1 +"}, "sql-syntax", "/sql"),
    ({"sql": "DROP TABLE fact_event"}, "sql-not-one-select", "/sql"),
    ({"sql": "SELECT * FROM fact_evnt"}, "sql-unknown-table", "/sql"),
    ({"sql": "SELECT getenv('HOME')"}, "sql-function-not-allowed", "/sql"),
    ({"sql": "SELECT * FROM main.fact_event"}, "sql-not-allowed", "/sql"),
    ({"sql": "SELECT nam FROM fact_event"}, "sql-invalid", "/sql"),
    ({"sql": "SELECT $a"}, "sql-parameters", "/parameters"),
    ({"sql": "SELECT 1", "parameters": {"a": 1}}, "sql-parameters", "/parameters"),
    ({"sql": "SELECT 'quetzalcoatl'::INT"}, "sql-failed", "/sql"),
    ({"sql": "SELECT len(range(1000000000))"}, "sql-too-much-memory", "/sql"),
    ({"sql": "SELECT repeat('x', 30000000)"}, "sql-result-too-large", "/sql"),
    ({"sql": "x" * 20_001}, "body-invalid", "/sql"),
    ({"sql": " "}, "body-invalid", "/sql"),
    ({"sql": "SELECT 1", "format": "xml"}, "body-invalid", "/format"),
    ({"sql": "SELECT 1", "parameters": {"a b": 1}}, "body-invalid", "/parameters/a b/[key]"),
    ({"sql": "SELECT $a", "parameters": {"a": 2**64 + 1}}, "body-invalid", "/parameters/a"),
    ({"sql": "SELECT $a", "parameters": {"a": math.nan}}, "body-invalid", "/parameters/a"),
    ({}, "body-invalid", "/sql"),
]


async def test_what_is_refused_names_the_field_and_repeats_no_value(api: Api) -> None:
    tenant = await api.tenant()
    with analytics_of(api):
        for body, code, pointer in REFUSED:
            answer = await api.send("POST", "/v1/sql", tenant.key, body)
            told = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, told["type"]) == (422, f"/problems/{code}"), answer.text
            assert [one["pointer"] for one in told["errors"]] == [pointer]
            assert "quetzalcoatl" not in answer.text
        assert (await api.send("POST", "/v1/sql", tenant.key, {"sql": "SELECT 1"})).status_code == 200


async def test_who_may_ask(api: Api) -> None:
    tenant = await api.tenant()
    may = {TenantRole.OWNER, TenantRole.ADMIN, TenantRole.FINANCE_LEADER, TenantRole.COMPLIANCE_OFFICER}
    with analytics_of(api):
        for role in TenantRole:
            key = await api.key(tenant, role)
            for method, path, body in (("POST", "/v1/sql", COUNT), ("GET", "/v1/sql/schema", None)):
                answer = await api.send(method, path, key, body)
                assert answer.status_code == (200 if role in may else 403), f"{role}: {answer.text}"
        confined = await api.key(tenant, TenantRole.OWNER, workspaces=[str(tenant.workspace_id)])
        assert (await api.send("POST", "/v1/sql", confined, COUNT)).status_code == 403
        assert (await api.send("GET", "/v1/sql/schema", confined)).status_code == 403


async def test_a_table_needs_what_the_reports_of_it_need(api: Api) -> None:
    tenant = await api.tenant()
    compliance = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    narrowed = await api.key(tenant, TenantRole.OWNER, permissions=["reports.sql"])
    costs = {"sql": "SELECT sum(amount) FROM fact_cost"}
    saving = {"title": "Costs", "sql": costs["sql"]}
    assert (await api.post("/v1/reporting/new/save-query", tenant.key, saving)).status_code == 201
    await api.project()
    with analytics_of(api):
        assert (await api.send("GET", "/v1/reports/costs_by_category", compliance)).status_code == 403
        (kept,) = (await api.send("GET", "/v1/sql/queries", compliance)).json()["data"]
        for body in (costs, {"sql": kept["sql"]}, {**costs, "format": "csv"}):
            answer = await api.send("POST", "/v1/sql", compliance, body)
            told = answer.json()
            assert (answer.status_code, told["type"]) == (403, "/problems/missing-permission"), answer.text
            assert (told["permission"], told["table"]) == ("costs.read", "fact_cost")
        told = await api.send("POST", f"/v1/sql/queries/{kept['query_id']}/run", compliance, {})
        assert (told.status_code, told.json()["permission"]) == (403, "costs.read"), "whoever wrote it"
        assert (await api.send("POST", "/v1/sql", compliance, COUNT)).status_code == 200
        refused = (await api.send("POST", "/v1/sql", narrowed, COUNT)).json()
        assert (refused["permission"], refused["table"]) == ("reports.read", "fact_event")
        assert (await api.send("POST", "/v1/sql", narrowed, {"sql": "SELECT 1"})).status_code == 200
        assert (await api.send("POST", "/v1/sql", tenant.key, costs)).status_code == 200
    seen = {}
    for key in (tenant.key, compliance, narrowed):
        schema = (await api.send("GET", "/v1/sql/schema", key)).json()["data"]
        seen[key] = {table["name"]: table["permission"] for table in schema["tables"]}
    assert seen[tenant.key]["fact_cost"] == "costs.read"
    assert "fact_event" in seen[compliance]
    assert set(seen[compliance].values()) == {"reports.read"}
    assert seen[narrowed] == {}


async def test_as_many_as_a_tenant_may_ask_at_once_and_no_more(api: Api) -> None:
    hostile, other = await api.tenant("Hostile"), await api.tenant("Other")
    with analytics_of(api):
        await api.send("POST", "/v1/sql", hostile.key, {"sql": "SELECT 1"})
        attacks = [asyncio.create_task(api.send("POST", "/v1/sql", hostile.key, ENDLESS)) for _ in range(6)]
        await asyncio.sleep(0.5)  # they are under way
        assert (await api.send("POST", "/v1/sql", other.key, COUNT)).status_code == 200
        answers = await asyncio.gather(*attacks)
    codes = sorted(answer.json()["type"] for answer in answers)
    assert codes == ["/problems/sql-too-many-at-once"] * 4 + ["/problems/sql-too-slow"] * 2
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"


async def test_without_analytics_it_says_so(api: Api) -> None:
    tenant = await api.tenant()
    answer = await api.send("POST", "/v1/sql", tenant.key, COUNT)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/analytics-unavailable")


async def test_the_schema_tells_tables_by_their_models(api: Api) -> None:
    tenant = await api.tenant()
    told = (await api.send("GET", "/v1/sql/schema", tenant.key)).json()["data"]
    events = next(table for table in told["tables"] if table["name"] == "fact_event")
    assert events["grain"] == "one row per event."
    assert {"name": "stream_id", "type": "UUID", "nullable": True} in events["columns"]
    assert "tenant_key" not in str(told)
    assert told["table_functions"] == ["generate_series", "range", "unnest"]


async def test_a_query_is_changed_by_who_may_ask_what_it_asks(api: Api) -> None:
    tenant = await api.tenant()
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    compliance = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    saved = {}
    for title, sql in (("Costs", 'SELECT sum(amount) FROM main."FACT_COST"'), ("Events", COUNT["sql"])):
        made = await api.post("/v1/reporting/new/save-query", leader, {"title": title, "sql": sql})
        saved[title] = f"/v1/reporting/{made.json()['id']}"
    before = await api.parts.position_of(tenant.id)
    for title, name, body in (
        ("Costs", "rename-query", {"title": "Mine"}),
        ("Costs", "change-query", COUNT),
        ("Costs", "delete-query", {}),
        ("Events", "change-query", {"sql": "SELECT count(*) FROM fact_cost"}),
    ):
        told = (await api.post(f"{saved[title]}/{name}", compliance, body)).json()
        assert (told["type"], told["missing"]) == ("/problems/not-yours-to-read", ["costs.read"]), told
        assert "fact_cost" not in str(told), "what it asks is told to who may ask it"
    assert await api.parts.position_of(tenant.id) == before
    for key, title, name, body in (
        (compliance, "Events", "rename-query", {"title": "All events"}),
        (compliance, "Events", "change-query", {"sql": "SELECT count(*) FROM fact_costs_of_nobody"}),
        (tenant.key, "Costs", "rename-query", {"title": "All costs"}),
        (leader, "Costs", "change-query", COUNT),
        (compliance, "Costs", "delete-query", {}),
    ):
        done = await api.post(f"{saved[title]}/{name}", key, body)
        assert done.status_code == 200, (title, name, done.text)


async def test_a_query_is_kept_under_a_title(api: Api) -> None:
    tenant = await api.tenant()
    saving = {"title": "Events by context", "sql": COUNT["sql"]}
    made = await api.post("/v1/reporting/new/save-query", tenant.key, saving)
    assert made.status_code == 201, made.text
    query = made.json()["id"]
    await api.project()
    (row,) = (await api.send("GET", "/v1/sql/queries", tenant.key)).json()["data"]
    assert (row["title"], row["sql"], row["query_id"]) == (saving["title"], saving["sql"], query)
    viewer = await api.key(tenant, TenantRole.VIEWER)
    other = await api.tenant("Other")
    run = f"/v1/sql/queries/{query}/run"
    with analytics_of(api):
        asked = await api.send("POST", "/v1/sql", tenant.key, COUNT)
        told = await api.send("POST", run, tenant.key, {})
        assert told.json()["data"] == asked.json()["data"], told.text
        csv = await api.send("POST", run, tenant.key, {"format": "csv", "delimiter": "semicolon"})
        assert csv.text.startswith("context;events\r\n")
        assert [
            (await api.send("POST", path, key, {})).status_code
            for path, key in ((run, viewer), (run, other.key), ("/v1/sql/queries/x/run", tenant.key))
        ] == [403, 404, 404]
        wrong = await api.send("POST", run, tenant.key, {"sql": "SELECT 1"})
        assert wrong.json()["errors"][0]["pointer"] == "/sql"
    entries = [entry["payload"] for entry in await reads(api, tenant)]
    recorded = [entry for entry in entries if entry["query"] == "sql.run"]
    assert len(recorded) == 2
    assert all(query in entry["filters"] and "SELECT" not in entry["filters"] for entry in recorded)
    assert (await api.send("GET", "/v1/sql/queries", viewer)).status_code == 403
    assert (await api.post("/v1/reporting/new/save-query", viewer, saving)).status_code == 403
    deleted = await api.post(f"/v1/reporting/{query}/delete-query", tenant.key)
    assert deleted.status_code == 200, deleted.text
    assert (await api.send("POST", run, tenant.key, {})).status_code == 404
    await api.project()
    assert (await api.send("GET", "/v1/sql/queries", tenant.key)).json()["data"] == []
    raw = str(await api.parts.log.read_log(tenant.id, after=0, limit=100))
    assert COUNT["sql"] not in raw, "a query's text lies in the log as it was typed"
