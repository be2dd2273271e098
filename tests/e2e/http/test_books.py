"""The books over HTTP: the platform's and a tenant's apart, batches, months that are closed, reports and targets."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from openpyxl import load_workbook

from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole, TenantRole
from tests.support.api import Api, analytics_of

PAID: dict[str, Any] = {
    "category": "server",
    "amount": 3_100,
    "currency": "USD",
    "incurred_on": "2026-10-01",
    "covers_from": "2026-10-01",
    "covers_to": "2026-10-31",
    "provider": "Hostwinds",
    "basis": "list_price",
}


async def report(api: Api, name: str, key: str, **given: str) -> list[dict[str, Any]]:
    query = "&".join(f"{field}={value}" for field, value in given.items())
    answer = await api.send("GET", f"/v1/reports/{name}?{query}", key)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def test_the_platform_and_a_tenant_have_books_of_their_own(api: Api) -> None:
    tenant = await api.tenant()
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    _, staff = await api.staff(StaffRole.FINANCE)
    ours = await api.post("/v1/costs/new/enter-cost", leader, PAID)
    theirs = await api.post("/v1/costs/new/enter-cost", staff, {**PAID, "amount": 5})
    assert (ours.status_code, theirs.status_code) == (201, 201), ours.text + theirs.text
    elsewhere = await api.post("/v1/costs/new/enter-cost", leader, {**PAID, "customer_id": str(tenant.id)})
    assert elsewhere.json()["errors"][0]["pointer"] == "/customer_id"
    assert elsewhere.json()["type"] == "/problems/no-such-customer"
    for path in ("costs/new/enter-cost", f"finance/{tenant.id}/lock-period"):
        for role in (TenantRole.COMPLIANCE_OFFICER, TenantRole.CAMPAIGN_MANAGER):
            key = await api.key(tenant, role)
            refused = await api.post(f"/v1/{path}", key, PAID if "cost" in path else {"period": "2026-10"})
            assert refused.status_code == 403, refused.text
    await api.project()
    for key, amount in ((leader, 3_100), (staff, 5)):
        (shown,) = (await api.send("GET", "/v1/costs/costs?month=2026-10", key)).json()["data"]
        assert shown["amount"] == amount
    assert (await api.send("GET", "/v1/costs/costs?month=2026-13", leader)).status_code == 422
    locked = await api.post(f"/v1/finance/{PLATFORM}/lock-period", staff, {"period": "2026-10"})
    assert locked.status_code == 200, locked.text
    with analytics_of(api):
        waits = {"min_position": ours.json()["position"]}
        for name in ("costs_by_category", "costs_by_workspace"):
            (row,) = await report(api, name, leader, **waits)
            assert (row["amount"], row["accuracy"], row["currency"]) == (3_100, "approximate", "USD")
            (row,) = await report(api, name, staff, min_position=locked.json()["position"])
            assert row["amount"] == 5
        viewer = await api.key(tenant, TenantRole.VIEWER)
        answer = await api.send("GET", "/v1/reports/costs_by_category", viewer)
        assert answer.json()["permission"] == "costs.read"


async def test_a_closed_month_keeps_its_figure_and_says_what_came_after_it(api: Api) -> None:
    tenant = await api.tenant()
    key, books = tenant.key, f"/v1/finance/{tenant.id}"
    entered = await api.post("/v1/costs/new/enter-cost", key, PAID)
    path = f"/v1/costs/{entered.json()['id']}"
    early = await api.post(f"{books}/lock-period", key, {"period": "2099-01"})
    assert early.json()["type"] == "/problems/period-not-over"
    assert (await api.post(f"{books}/lock-period", key, {"period": "2026-10"})).status_code == 200
    hole = await api.post(f"{books}/lock-period", key, {"period": "2026-08"})
    assert (hole.status_code, hole.json()["next"]) == (409, "2026-11")
    bill = {"amount": 3_410, "currency": "USD", "reference": "HW-10"}
    confirmed = await api.post(f"{path}/confirm-cost", key, bill)
    assert confirmed.status_code == 200, confirmed.text
    why = {"period": "2026-10", "reason": "missing_documents", "explanation": "The bill of October came."}
    reopened = await api.post(f"{books}/reopen-period", key, why)
    assert reopened.status_code == 200, reopened.text
    await api.project()
    (month,) = (await api.send("GET", "/v1/finance/periods", key)).json()["data"]
    assert (month["locked"], month["reason"]) == (False, "missing_documents")
    opened = {name: month[name] for name in ("reopened_at", "reopened_by", "reason")}
    assert None not in opened.values()
    with analytics_of(api):
        at = {"min_position": reopened.json()["position"]}
        posted = await report(api, "costs_by_workspace", key, **at)
        assert [(row["month"], row["amount"]) for row in posted] == [
            ("2026-10-01", 3_100),
            ("2026-11-01", 310),
        ]
        (effective,) = await report(api, "costs_by_workspace", key, dating="effective", **at)
        assert effective["amount"] == 3_410
        (variance,) = await report(api, "cost_variance", key, **at)
        assert (variance["month"], variance["difference"]) == ("2026-11-01", 310)
        cell = "&".join(
            f"cell.{name}={value}" for name, value in posted[1].items() if name != "amount" and value
        )
        events = await api.send("GET", f"/v1/reports/costs_by_workspace/events?{cell}", key)
        assert sum(one["weight"] for one in events.json()["data"]) == 310
    assert (await api.post(f"{books}/lock-period", key, {"period": "2026-10"})).status_code == 200
    await api.project()
    (month,) = (await api.send("GET", "/v1/finance/periods", key)).json()["data"]
    assert month == month | opened | {"locked": True}, "locked again, it says how it was opened"


async def test_a_batch_of_costs_says_of_each_line_what_became_of_it(api: Api) -> None:
    tenant = await api.tenant()
    bodies = [PAID, {**PAID, "currency": "usd"}, {**PAID, "basis": "invoice"}, {**PAID, "amount": 0}]
    lines = [
        {"id": str(number), "command": "costs/enter-cost", "target": "new", "body": body}
        for number, body in enumerate(bodies)
    ]
    sent = "\n".join(json.dumps(line) for line in lines).encode()
    answer = await api.send("POST", "/v1/batch", tenant.key, sent, {"content-type": "application/x-ndjson"})
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["status"] for one in told] == [200, 422, 422, 422]
    pointers = [one["problem"]["errors"][0]["pointer"] for one in told[1:]]
    assert pointers == ["/body/currency", "/reference", "/amount"]


RATE = {"base": "EUR", "quote": "USD", "day": "2026-10-30", "rate": "1.0842", "source": "ECB"}


async def test_rates_are_of_ones_own_books_and_corrected_by_what_is_recorded_later(api: Api) -> None:
    tenant = await api.tenant()
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    _, staff = await api.staff(StaffRole.FINANCE)
    path = f"/v1/finance/{tenant.id}/record-exchange-rate"
    recorded = await api.post(path, leader, RATE)
    assert recorded.status_code == 200, recorded.text
    assert [one["name"] for one in recorded.json()["events"]] == ["finance.exchange_rate_recorded"]
    back = {"base": "USD", "quote": "EUR", "rate": "0.92"}
    assert (await api.post(path, leader, RATE | back)).status_code == 200
    theirs = await api.post(f"/v1/finance/{PLATFORM}/record-exchange-rate", staff, RATE | {"rate": "1.09"})
    assert theirs.status_code == 200, theirs.text
    elsewhere = await api.post(f"/v1/finance/{PLATFORM}/record-exchange-rate", leader, RATE)
    assert elsewhere.status_code == 404, elsewhere.text
    viewer = await api.key(tenant, TenantRole.VIEWER)
    assert (await api.post(path, viewer, RATE)).json()["permission"] == "finance.plan"
    head = await api.parts.position_of(tenant.id)
    for told, pointer in (
        ({"quote": "EUR"}, "/quote"),
        ({"rate": "0"}, "/rate"),
        ({"rate": "1.08423456789"}, "/rate"),
        ({"rate": 1.08}, "/rate"),
        ({"day": "2099-01-01"}, "/day"),
        ({"base": "XXX"}, "/base"),
    ):
        refused = await api.post(path, leader, RATE | told)
        assert refused.status_code == 422, refused.text
        assert [one["pointer"] for one in refused.json()["errors"]] == [pointer], refused.text
    assert await api.parts.position_of(tenant.id) == head
    locked = await api.post(f"/v1/finance/{tenant.id}/lock-period", leader, {"period": "2026-10"})
    assert locked.status_code == 200, locked.text
    closed = await api.post(path, leader, RATE)
    assert (closed.status_code, closed.json()["open_from"]) == (409, "2026-11-01")
    assert closed.json()["type"] == "/problems/exchange-rate-of-closed-month"
    await api.project()
    (shown,) = (
        await api.send("GET", "/v1/finance/exchange-rates?currency=EUR&month=2026-10", viewer)
    ).json()["data"]
    assert (shown["base"], shown["rate"], shown["recorded_times"]) == ("USD", "0.92", 2)
    one = await api.send("GET", f"/v1/finance/exchange-rates/{shown['rate_id']}", viewer)
    assert one.json()["data"] == shown
    assert (await api.send("GET", "/v1/finance/exchange-rates?currency=JPY", viewer)).json()["data"] == []
    (ours,) = (await api.send("GET", "/v1/finance/exchange-rates", staff)).json()["data"]
    assert ours["rate"] == "1.09"
    with analytics_of(api):
        waits = f"min_position={locked.json()['position']}"
        answer = await api.send("GET", f"/v1/reports/mrr_in_one_currency?{waits}", viewer)
        assert [one["pointer"] for one in answer.json()["errors"]] == ["/currency"], answer.text
        answer = await api.send("GET", f"/v1/reports/mrr_in_one_currency?currency=USD&{waits}", viewer)
        assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_the_plan_is_adopted_and_its_targets_are_reported(api: Api) -> None:
    tenant = await api.tenant()
    plan = {"template": "strategic-planning-framework"}
    adopted = await api.post(f"/v1/finance/{tenant.id}/adopt-targets", tenant.key, plan)
    assert adopted.status_code == 200, adopted.text
    again = await api.post(f"/v1/finance/{tenant.id}/adopt-targets", tenant.key, plan)
    assert again.json()["events"] == []
    await api.project()
    aims = (await api.send("GET", "/v1/finance/targets?metric=mrr&period_kind=quarter", tenant.key)).json()
    assert {one["period"]: one["value"] for one in aims["data"]}["2026-Q4"] == "250000"
    with analytics_of(api):
        at = {"min_position": adopted.json()["position"]}
        rows = await report(api, "targets", tenant.key, metric="mrr", period_kind="quarter", **at)
        assert [(row["period"], row["value"]) for row in rows] == [
            ("2026-Q1", "25000"),
            ("2026-Q2", "75000"),
            ("2026-Q3", "150000"),
            ("2026-Q4", "250000"),
        ]


async def test_costs_that_are_prepaid_are_not_shown_as_spent(api: Api) -> None:
    tenant = await api.tenant()
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    today = datetime.now(UTC).date()
    days = {
        "incurred_on": str(today),
        "covers_from": str(today),
        "covers_to": str(today + timedelta(days=364)),
    }
    entered = await api.post("/v1/costs/new/enter-cost", leader, {**PAID, **days, "amount": 36_500})
    assert entered.status_code == 201, entered.text
    position, ahead = entered.json()["position"], str(today + timedelta(days=1))
    with analytics_of(api):
        for name in ("costs_by_category", "costs_by_workspace"):
            path = f"/v1/reports/{name}?min_position={position}"
            assert (await api.send("GET", path, leader)).json()["ahead_from"] == ahead
            written = await api.send("GET", f"{path}&format=csv", leader)
            assert written.headers["penguin-ahead-from"] == ahead
            book = load_workbook(io.BytesIO((await api.send("GET", f"{path}&format=xlsx", leader)).content))
            assert str(book["Report"]["A2"].value).endswith(f"; days from {ahead} on had not come")
            about = dict(book["about"].iter_rows(max_col=2, values_only=True))
            assert about["Days to come"] == f"from {ahead} on: what stands on these days is not actual"
        path = f"/v1/reports/costs_by_category?min_position={position}"
        written = await api.send("GET", f"{path}&to={today}&format=csv", leader)
        assert not written.headers["penguin-ahead-from"]
        before = today.replace(day=1) - timedelta(days=1)
        months = f"&from={before.replace(day=1)}&to={before}&compare={today.replace(day=1)}..{ahead}"
        beside = (await api.send("GET", path + months, leader)).json()
        assert beside["ahead_from"] is None
        assert [one["ahead_from"] for one in beside["periods"]] == [None, ahead]


async def _cited_and_opened(api: Api, leader: str, october: str, row: dict[str, Any]) -> None:
    """A figure of the month before, as the month by itself has it."""
    named = ("month", "month_previous", "month_year_ago", "category", "currency", "accuracy", "row_in")
    cell = {name: row[name] for name in named}
    days = {"from": "2026-10-01", "to": "2026-10-31"}
    citations = set()
    for compare in (["previous", "year_ago"], "previous,year_ago"):
        body = {"parameters": {**days, "compare": compare}, "cell": cell, "measure": "amount_previous"}
        cited = await api.send("POST", "/v1/reports/costs_by_category/cite", leader, body)
        assert cited.status_code == 200, cited.text
        figure = cited.json()["data"]
        citations.add(figure["citation"])
        assert (figure["value"], figure["cell"]["month"]) == (2_000, "2026-09-01")
        assert (figure["parameters"]["from"], figure["parameters"]["to"]) == ("2026-09-01", "2026-09-30")
    cells = "".join(f"&cell.{name}={value}" for name, value in {**cell, "measure": "amount_previous"}.items())
    behind = f"{october}&compare=previous&compare=year_ago{cells}".replace("?", "/events?")
    opened = await api.send("GET", behind, leader)
    assert opened.status_code == 200, opened.text
    assert [one["weight"] for one in opened.json()["data"]] == [2_000]
    assert {opened.json()["citation"]} == citations
    refused = await api.send("GET", f"{behind}_change", leader)
    assert refused.status_code in (400, 422), refused.text
    assert "amount_previous, each by itself" in refused.text


async def test_a_month_of_costs_beside_the_one_before_and_the_year_before(api: Api) -> None:
    tenant = await api.tenant()
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    position = ""
    for month, days, amount in (("2026-10", 31, 3_100), ("2026-09", 30, 2_000), ("2025-10", 31, 3_100)):
        paid = {"incurred_on": f"{month}-01", "covers_from": f"{month}-01", "covers_to": f"{month}-{days}"}
        entered = await api.post("/v1/costs/new/enter-cost", leader, {**PAID, **paid, "amount": amount})
        assert entered.status_code == 201, entered.text
        position = entered.json()["position"]
    path = f"/v1/reports/costs_by_category?min_position={position}"
    october = f"{path}&from=2026-10-01&to=2026-10-31"
    with analytics_of(api):
        answer = await api.send("GET", f"{october}&compare=previous&compare=year_ago", leader)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert [(one["name"], one["from"], one["to"]) for one in told["periods"]] == [
            ("asked", "2026-10-01", "2026-10-31"),
            ("previous", "2026-09-01", "2026-09-30"),
            ("year_ago", "2025-10-01", "2025-10-31"),
        ]
        (row,) = told["data"]
        assert row == {
            "month": "2026-10-01",
            "month_previous": "2026-09-01",
            "month_year_ago": "2025-10-01",
            "category": "server",
            "currency": "USD",
            "accuracy": "approximate",
            "row_in": "asked, previous, year_ago",
            "amount": 3_100,
            "amount_previous": 2_000,
            "amount_previous_change": 1_100,
            "amount_previous_percent": 55.0,
            "amount_year_ago": 3_100,
            "amount_year_ago_change": 0,
            "amount_year_ago_percent": 0.0,
        }
        await _cited_and_opened(api, leader, october, row)
        by_months = "/v1/reports/costs_by_workspace?from=2026-10&to=2026-10&compare=2026-08..2026-09"
        (other, *_) = (await api.send("GET", by_months, leader)).json()["data"]
        assert other["amount"] == other["amount_20260801_20260930_change"] == 3_100
        file = await api.send("GET", f"{october}&compare=previous,year_ago&format=csv", leader)
        head, line, _ = file.text.split("\r\n")
        assert head.split(",") == list(row)
        assert line.endswith(",3100,2000,1100,55.0,3100,0,0.0")
        book = await api.send("GET", f"{october}&compare=previous,year_ago&format=xlsx", leader)
        facts = load_workbook(io.BytesIO(book.content))["facts"]
        (names, values) = facts.iter_rows(values_only=True)
        assert dict(zip(names, values, strict=True))["amount_previous_change"] == 11
        to_come = f"{october}&compare=2098-01..2098-02"
        ahead = (await api.send("GET", to_come, leader)).json()
        assert ahead["ahead_from"] is None
        assert [one["ahead_from"] for one in ahead["periods"]] == [None, "2098-01-01"]
        book = await api.send("GET", f"{to_come}&format=xlsx", leader)
        cells = [
            cell for sheet in load_workbook(io.BytesIO(book.content)) for row in sheet.values for cell in row
        ]
        assert "from 2098-01-01 on: what stands on these days is not actual" in cells
        for asked, where in (
            (f"{path}&from=2026-10-01&compare=previous", "to"),
            (f"{path}&from=2026-10-31&to=2026-10-01&compare=previous", "to"),
            (f"{october}&compare=sooner", "compare"),
            (f"{october}&compare=previous&compare=year_ago&compare=2024-10..2024-10", "compare"),
            ("/v1/reports/contacts_by_segment?compare=previous", "compare"),
        ):
            refused = await api.send("GET", asked, tenant.key)
            assert refused.status_code == 422, refused.text
            (error,) = refused.json()["errors"]
            assert error.get("parameter") == where or error.get("pointer") == f"/{where}", error
        viewer = await api.key(tenant, TenantRole.VIEWER)
        assert (await api.send("GET", f"{october}&compare=previous", viewer)).status_code == 403
    reads = (await api.send("GET", "/v1/access?limit=100", tenant.key)).json()["data"]
    assert any("year_ago" in str(entry["payload"].get("filters")) for entry in reads)
