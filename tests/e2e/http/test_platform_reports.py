"""Reports of all customers over HTTP: who may ask, what is recorded of it, and what an answer was made from."""

from __future__ import annotations

import asyncio
import hashlib
import json
from urllib.parse import urlencode
from uuid import UUID

import pytest

from adapters.exports.forms import FILES
from application.figures import plain
from application.replay import Direction, HistoryFilters
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import GRANTABLE, STAFF_ROLES, Permission, StaffRole, TenantRole
from projections.olap.platform.reports import PLATFORM_REPORTS
from tests.support.api import Api, analytics_of
from tests.support.exported import rows_of, text_of
from tests.support.required import required_of_all

REPORTS = "/v1/platform/reports"


async def entries(api: Api, tenant: UUID) -> int:
    head = await api.parts.accesses._log.head(tenant)
    return 0 if head is None else head.position


async def caught_up(api: Api, tenant: UUID) -> None:
    head = await api.parts.log.head(tenant)
    assert head is not None
    for _ in range(200):
        if (await api.parts.analytics.standing(tenant)).position.n >= head.position:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the facts did not catch up")


async def files_hold_what_json_does(api: Api, finance: str) -> None:
    """Every report in every form: the rows of the JSON, the digest and the moment beside them."""
    for name in PLATFORM_REPORTS:
        needed = urlencode(required_of_all(name))
        told = (await api.send("GET", f"{REPORTS}/{name}?{needed}".rstrip("?"), finance)).json()
        for form, file in FILES.items():
            answer = await api.send("GET", f"{REPORTS}/{name}?format={form}&decimal=comma&{needed}", finance)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].partition(";")[0] == file.media
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{form}"'
            assert answer.headers["penguin-digest"] == told["digest"]
            assert answer.headers["penguin-as-of"] == told["as_of"]
            certificate = json.loads(answer.headers["penguin-completeness"])
            assert certificate["digest"] == told["digest"] == told["completeness"]["digest"]
            assert certificate["rows"] == len(told["data"])
            if form == "csv":
                assert answer.text.splitlines()[0] == ";".join(told["columns"])
                assert len(answer.text.splitlines()) == 1 + len(told["data"])
                continue
            assert len(rows_of(answer.content, form)) == len(told["data"])
            assert told["digest"] in text_of(answer.content, form)
            if form == "parquet":
                read = [
                    {key: plain(value) for key, value in row.items()} for row in rows_of(answer.content, form)
                ]
                assert read == told["data"]


async def spent_more_each_month(api: Api, finance: str) -> None:
    """A year of costs of the platform: each month $10 more."""
    for month in range(1, 13):
        day, last = f"2025-{month:02}-01", f"2025-{month:02}-28"
        spent = {
            "category": "server",
            "amount": 10_000 + 1_000 * month,
            "currency": "USD",
            "incurred_on": day,
        }
        covers = {"covers_from": day, "covers_to": last, "provider": "H", "basis": "list_price"}
        entered = await api.post("/v1/costs/new/enter-cost", finance, {**spent, **covers})
        assert entered.status_code == 201, entered.text


async def read_last(api: Api) -> dict[str, str]:
    """What the platform's access log says that the last question was asked with."""
    page = await api.parts.accesses.history(
        PLATFORM, HistoryFilters(), direction=Direction.BACKWARD, limit=1, reveal=True, evidence=True
    )
    (event,) = page.events
    found: dict[str, str] = json.loads(event.payload["filters"])
    return found


async def heading_is_told(api: Api, finance: str) -> None:
    """Costs of the platform that rise are said to, in the language asked for; days name the months they lie in."""
    path = f"{REPORTS}/margin/directions?measure=cost&from=2025-01-15&to=2025-12-15"
    answer = await api.send("GET", path, finance, headers={"accept-language": "fr"})
    told = answer.json()
    (cost,) = told["data"]
    assert [point["value"] for point in cost["series"]["points"]] == [
        10_000 + 1_000 * month for month in range(1, 13)
    ]
    assert (told["language"], told["grain"], len(told["digest"])) == ("fr", "month", 64)
    days = {"from": "2025-01-15", "to": "2025-12-15"}
    assert await read_last(api) == {
        **days,
        "grain": "month",
        "measure": "cost",
        "digest": told["digest"],
    }
    assert cost["trend"]["slope"]["per_period"] == 1_000
    assert cost["sentences"][0]["text"].startswith("Coût du service : hausse (une détérioration)")
    all_of_them = (await api.send("GET", f"{REPORTS}/margin/directions", finance)).json()["data"]
    assert {one["measure"] for one in all_of_them} > {"cost", "gross_margin"}
    for refused, status in (("mrr_bridge/directions", 404), ("margin/directions?grain=week", 422)):
        assert (await api.send("GET", f"{REPORTS}/{refused}", finance)).status_code == status


async def what_came_since_is_named(api: Api, finance: str) -> None:
    """A cost that comes after a moment makes the margin differ since, and is named; reading that is recorded."""
    path = f"{REPORTS}/margin/difference"
    seen = (await api.send("GET", f"{REPORTS}/margin", finance)).json()
    spent = {"category": "server", "amount": 777, "currency": "USD", "incurred_on": "2025-03-01"}
    covers = {"covers_from": "2025-03-01", "covers_to": "2025-03-28", "provider": "H", "basis": "list_price"}
    assert (await api.post("/v1/costs/new/enter-cost", finance, {**spent, **covers})).status_code == 201
    await caught_up(api, PLATFORM)
    before = await entries(api, PLATFORM)
    asked = urlencode({"from_time": seen["as_of"], "from": "2025-03-01", "to": "2025-03-31"})
    told = (await api.send("GET", f"{path}?{asked}", finance)).json()
    assert await entries(api, PLATFORM) == before + 1
    assert (told["from_digest"], told["from_as_of"]) == (seen["digest"], seen["as_of"])
    assert told["digest"] != seen["digest"]
    (cell,) = told["data"]
    (cost,) = (one for one in cell["measures"] if one["measure"] == "cost")
    (event,) = cost["events"]
    assert (cost["difference"], event["name"], event["arrived"]) == (777, "costs.cost_entered", "late")
    assert event["tenant_id"] == str(PLATFORM)
    for question, status in (
        ("", 422),
        ("?from_time=soon", 422),
        ("?from_time=2026-01-01T00:00:00Z&at_time=2026-01-01T00:00:00Z", 422),
        (f"?{asked}&limit=21", 422),
    ):
        refused = await api.send("GET", f"{path}{question}", finance)
        assert refused.status_code == status, refused.text
    moved = await api.send("GET", f"{path}?{asked}&after=1", finance)
    assert (moved.status_code, moved.json()["errors"][0]["parameter"]) == (422, "to_time")
    until = urlencode({"to_time": told["as_of"], "after": "0"})
    again = (await api.send("GET", f"{path}?{asked}&{until}", finance)).json()
    assert (again["digest"], again["data"]) == (told["digest"], told["data"])
    (beside,) = (
        await api.send("GET", f"{REPORTS}/scorecard/difference?{asked}&metric=cost", finance)
    ).json()["data"]
    (numerator,) = beside["measures"]
    assert (beside["cell"]["metric"], numerator["difference"], numerator["events"]) == ("cost", 777, [event])


async def test_staff_of_finance_ask_of_all_customers_and_nobody_else_does(api: Api) -> None:
    tenants = [await api.tenant("One"), await api.tenant("Two")]
    _, finance = await api.staff(StaffRole.FINANCE)
    _, support = await api.staff(StaffRole.SUPPORT)
    _, operations = await api.staff(StaffRole.OPERATIONS)
    paid = {"category": "server", "amount": 3_100, "currency": "USD", "incurred_on": "2026-10-01"}
    await spent_more_each_month(api, finance)
    more = {"covers_from": "2026-10-01", "covers_to": "2026-10-31", "provider": "H", "basis": "list_price"}
    assert (await api.post("/v1/costs/new/enter-cost", finance, {**paid, **more})).status_code == 201
    # What a customer enters is its own.
    leader = await api.key(tenants[0], TenantRole.FINANCE_LEADER)
    assert (await api.post("/v1/costs/new/enter-cost", leader, {**paid, **more})).status_code == 201
    with analytics_of(api):
        for tenant in (PLATFORM, *(one.id for one in tenants)):
            await caught_up(api, tenant)
        before = await entries(api, PLATFORM)
        others = [await entries(api, tenant.id) for tenant in tenants]
        listed = (await api.send("GET", REPORTS, finance)).json()["data"]
        assert [one["name"] for one in listed] == list(PLATFORM_REPORTS)
        for name in PLATFORM_REPORTS:
            path = f"{REPORTS}/{name}?{urlencode(required_of_all(name))}".rstrip("?")
            answer = await api.send("GET", path, finance)
            assert answer.status_code == 200, answer.text
        await files_hold_what_json_does(api, finance)
        margin = (await api.send("GET", f"{REPORTS}/margin", finance)).json()
        (row,) = [row for row in margin["data"] if row["period"] == "2026-10-01"]
        assert (row["cost"], row["accuracy"]) == (3_100, "approximate")
        cell = "cell.period=2026-10-01&cell.currency=USD&cell.accuracy=approximate&cell.measure=cost"
        opened = await api.send("GET", f"{REPORTS}/margin/events?{cell}", finance)
        (place,) = opened.json()["data"]
        assert (place["tenant_id"], place["weight"]) == (str(PLATFORM), 3_100)
        assert await entries(api, PLATFORM) == before + 3 + (2 + len(FILES)) * len(PLATFORM_REPORTS)
        assert [await entries(api, tenant.id) for tenant in tenants] == others
        stood = (await api.send("GET", "/v1/platform/positions", finance)).json()
        assert {one["tenant_id"] for one in stood["data"]} == {
            str(PLATFORM),
            *(str(one.id) for one in tenants),
        }
        heads = [await api.parts.log.head(UUID(one["tenant_id"])) for one in stood["data"]]
        lines = [
            f"{one['tenant_id']} {head.epoch}.{head.position}"
            for one, head in zip(stood["data"], heads, strict=True)
            if head is not None
        ]
        assert stood["digest"] == margin["digest"] == hashlib.sha256("\n".join(lines).encode()).hexdigest()
        await heading_is_told(api, finance)
        await what_came_since_is_named(api, finance)
        used = (await api.send("GET", f"{REPORTS}/usage", finance)).json()["data"]
        assert {row["meter"]: row["net"] for row in used} == {"users": 2, "workspaces": 2}
        owner = await api.key(tenants[0], TenantRole.OWNER, member_id=tenants[0].owner_id)
        nobody: list[tuple[str, dict[str, str]]] = [(key, {}) for key in (owner, leader, support, operations)]
        nobody.append((finance, {"penguin-tenant": str(tenants[0].id)}))
        for path in (REPORTS, f"{REPORTS}/mrr", f"{REPORTS}/margin/events?{cell}", "/v1/platform/positions"):
            for key, headers in nobody:
                refused = await api.send("GET", path, key, headers=headers)
                assert refused.status_code in (403, 404), (path, refused.text)
                assert "digest" not in refused.text
        late = await api.send("GET", f"{REPORTS}/mrr?at_time=2100-01-01T00:00:00Z", finance)
        assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "/at_time")
        for path in ("positions?after=x", "reports/mrr/events?after=x", "reports/mrr?tenant_id=1"):
            refused = await api.send("GET", f"/v1/platform/{path}", finance)
            assert refused.json()["type"] == "/problems/parameter-invalid", refused.text
        assert (await api.send("GET", f"{REPORTS}/contacts_by_segment", finance)).status_code == 404
    assert Permission.PLATFORM_REPORTS_READ not in GRANTABLE


async def test_a_figure_of_all_customers_is_not_opened_without_the_permission_to(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        STAFF_ROLES,  # no role is without it today
        StaffRole.FINANCE,
        STAFF_ROLES[StaffRole.FINANCE] - {Permission.REPORTS_DRILL},
    )
    _, finance = await api.staff(StaffRole.FINANCE)
    with analytics_of(api):
        await caught_up(api, PLATFORM)
        assert (await api.send("GET", f"{REPORTS}/margin", finance)).status_code == 200
        cell = "cell.period=2026-10-01&cell.currency=USD&cell.accuracy=exact&cell.measure=cost"
        for path in (f"events?{cell}", "difference?from_time=2026-11-01T00:00:00Z"):
            refused = await api.send("GET", f"{REPORTS}/margin/{path}", finance)
            assert (refused.status_code, refused.json()["permission"]) == (403, Permission.REPORTS_DRILL)
