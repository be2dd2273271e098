"""Views, receipts, history and reports over HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from projections.finance.profiles import PROFILES
from projections.olap.reports import REPORTS
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.serving import eventually

CONTACT = {"email": "Anna.Weiss@example.org", "first_name": "Anna", "company": "Acme", "country": "DE"}


async def contact(api: Api, tenant: TestTenant, **fields: object) -> dict[str, str]:
    body = {"workspace_id": str(tenant.workspace_id), **CONTACT, **fields}
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert answer.status_code == 201, answer.text
    told: dict[str, str] = answer.json()
    return told


async def reads(api: Api, tenant: TestTenant) -> int:
    """Reads in a tenant's second log."""
    head = await api.parts.accesses._log.head(tenant.id)
    return 0 if head is None else head.position


async def test_a_view_shows_what_a_command_did(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant)
    await api.project()
    answer = await api.send(
        "GET",
        f"/v1/audience/contacts?email=anna.weiss@example.org&min_position={made['position']}",
        tenant.key,
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [row["first_name"] for row in told["data"]] == ["Anna"]
    assert told["position"] == made["position"] == answer.headers["penguin-position"]
    assert told["as_of"] is not None
    one = await api.send("GET", f"/v1/audience/contacts/{made['id']}", tenant.key)
    assert one.json()["data"]["email"] == CONTACT["email"]


async def test_a_view_that_is_behind_says_so(api: Api) -> None:
    tenant = await api.tenant()
    await api.project()
    made = await contact(api, tenant)
    answer = await api.send("GET", f"/v1/audience/contacts?min_position={made['position']}", tenant.key)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/view-not-ready"
    assert answer.headers["retry-after"] == "1"


async def test_pages_hold_together_by_their_cursor(api: Api) -> None:
    tenant = await api.tenant()
    for number in range(5):
        await contact(api, tenant, email=f"p{number}@example.org")
    await api.project()
    seen, cursor = [], None
    while True:
        more = "" if cursor is None else f"&cursor={cursor}"
        told = (await api.send("GET", f"/v1/audience/contacts?limit=2{more}", tenant.key)).json()
        seen += [row["email"] for row in told["data"]]
        cursor = told["next"]
        if cursor is None:
            break
    assert seen == [f"p{number}@example.org" for number in reversed(range(5))]
    first = (await api.send("GET", "/v1/audience/contacts?limit=2", tenant.key)).json()["next"]
    other = await api.send("GET", f"/v1/audience/contacts?country=DE&cursor={first}", tenant.key)
    assert other.json()["type"] == "/problems/cursor-mismatch"
    mark, _ = json.loads(base64.urlsafe_b64decode(first + "=="))
    bad: list[Any] = ["x", "", "\0", True, None, 1.5, -1, 2**63, [1], {}]
    for value in bad:
        forged = base64.urlsafe_b64encode(json.dumps([mark, [value]]).encode()).decode().rstrip("=")
        told = await api.send("GET", f"/v1/audience/contacts?limit=2&cursor={forged}", tenant.key)
        assert told.status_code == 422, (value, told.text)
        assert told.json()["type"] == "/problems/cursor-mismatch"


async def test_who_may_not_see_personal_values_sees_that_they_are_sealed(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    await contact(api, tenant)
    await api.project()
    told = (await api.send("GET", "/v1/audience/contacts", viewer)).json()
    assert told["data"][0]["email"] == "[sealed]"
    assert told["data"][0]["country"] == "DE"
    asked = await api.send("GET", "/v1/audience/contacts?q=anna", viewer)
    assert asked.json()["type"] == "/problems/personal-filter"


async def test_personal_reads_leave_a_trace_before_the_answer_and_others_none(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    await contact(api, tenant)
    await api.project()
    assert await reads(api, tenant) == 0
    await api.send("GET", "/v1/audience/contacts", viewer)
    assert await reads(api, tenant) == 0
    before = (await api.send("GET", "/v1/audience/contacts", tenant.key)).json()
    assert await reads(api, tenant) == 1
    after = (await api.send("GET", "/v1/audience/contacts", tenant.key)).json()
    assert before["position"] == after["position"], "reading moved the position it reports"


async def test_a_receipt_tells_what_became_of_a_key(api: Api) -> None:
    tenant = await api.tenant()
    await api.project()
    key = "nightly/sync?run=7#1"
    unknown = await api.send("GET", f"/v1/receipts/{quote(key, safe='')}", tenant.key)
    assert unknown.json()["type"] == "/problems/no-such-receipt"
    body = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    made = await api.send("POST", "/v1/audience/new/create-list", tenant.key, body, {"idempotency-key": key})
    told = (await api.send("GET", f"/v1/receipts/{quote(key, safe='')}", tenant.key)).json()["data"]
    assert told["command"] == "audience.create-list"
    assert told["command_id"] == made.json()["command_id"]
    assert told["events"] == made.json()["events"]
    await api.project()
    path = f"/v1/receipts/{quote(key, safe='')}"
    assert told["caught_up"]["lists"] == {"reached": False, "stopped": False}
    views = (await api.send("GET", path, tenant.key)).json()["data"]["caught_up"]
    assert views.pop("analytics") == {"reached": None, "stopped": None}, "nobody owns its file now"
    assert all(view["reached"] for view in views.values())
    assert "lists" in views
    with analytics_of(api):
        for _ in eventually("analytics have taken it in"):
            views = (await api.send("GET", path, tenant.key)).json()["data"]["caught_up"]
            if views["analytics"]["reached"]:
                break
        assert views["analytics"] == {"reached": True, "stopped": False}


async def test_a_key_of_somebody_else_has_no_receipt_for_those_who_may_not_read_the_history(api: Api) -> None:
    tenant = await api.tenant()
    member, other = await api.key(tenant, TenantRole.MEMBER), await api.key(tenant, TenantRole.VIEWER)
    body = {"workspace_id": str(tenant.workspace_id), "name": "Mine"}
    await api.post("/v1/audience/new/create-list", member, body, idempotency_key="mine")
    assert (await api.send("GET", "/v1/receipts/mine", member)).status_code == 200
    theirs, nobodys = [await api.send("GET", f"/v1/receipts/{key}", other) for key in ("mine", "free")]
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert "safe" not in theirs.json()["detail"], "a command under it would be refused"
    assert (await api.send("GET", "/v1/receipts/mine", tenant.key)).status_code == 200


async def test_history_and_states_and_what_changed(api: Api) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "First"}
    made = (await api.post("/v1/audience/new/create-list", tenant.key, body)).json()
    stream = f"list:{made['id']}"
    await api.post(f"/v1/audience/{made['id']}/rename-list", tenant.key, {"name": "Second"})
    page = (await api.send("GET", f"/v1/history?stream={stream}", tenant.key)).json()
    assert [event["name"] for event in page["data"]] == ["audience.list_created", "audience.list_renamed"]
    assert page["data"][0]["command_name"] == "audience.create-list"
    was = await api.send("GET", f"/v1/history/state?stream={stream}&at={made['position']}", tenant.key)
    assert was.json()["data"]["state"]["name"] == "First"
    answer = await api.send(
        "GET", f"/v1/history/difference?stream={stream}&from={made['position']}", tenant.key
    )
    assert answer.json()["data"]["changes"] == [{"path": "/name", "before": "First", "after": "Second"}]
    left_out = await api.send("GET", "/v1/history?name=-audience.list_renamed&direction=backward", tenant.key)
    assert "audience.list_renamed" not in {event["name"] for event in left_out.json()["data"]}
    unfiltered, more = list[int](), "limit=2"
    while more:
        page = (await api.send("GET", f"/v1/history?{more}", tenant.key)).json()
        unfiltered += [event["position"] for event in page["data"]]
        more = f"limit=2&cursor={page['next']}" if page["next"] else ""
    length = Position.parse(page["position"]).n
    assert unfiltered == list(range(1, length + 1)), "nothing is left out that nobody asked to leave out"
    nothing = (await api.send("GET", "/v1/history?name=audience.contact_erased", tenant.key)).json()
    assert (nothing["data"], nothing["looked_at"]) == ([], length), "by the filters alone it is empty"


async def test_a_reason_shows_to_those_who_may_read_personal_history(api: Api) -> None:
    tenant = await api.tenant()
    lesser = await api.key(tenant, TenantRole.FINANCE_LEADER)
    body = {"workspace_id": str(tenant.workspace_id), "name": "First"}
    await api.post("/v1/audience/new/create-list", tenant.key, body, penguin_reason="Ada rang")
    for key, shown in ((tenant.key, "Ada rang"), (lesser, "[sealed]")):
        (told,) = (await api.send("GET", "/v1/history?name=audience.list_created", key)).json()["data"]
        assert told["reason"] == shown


async def test_no_hmac_leaves_the_log(api: Api) -> None:
    tenant = await api.tenant()
    await contact(api, tenant)
    text = (await api.send("GET", "/v1/history", tenant.key)).text
    assert "_hmac" not in text
    assert '"email_claim"' in text
    assert "email_claim:" not in text


async def test_reports_as_json_and_as_csv(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant)
    with analytics_of(api):
        path = f"/v1/reports/contacts_by_segment?min_position={made['position']}"
        told = (await api.send("GET", path, tenant.key)).json()
        assert told["position"] == made["position"], told
        assert [row["country"] for row in told["data"]] == ["DE"]
        as_csv = await api.send("GET", f"{path}&format=csv&bom=true&delimiter=semicolon", tenant.key)
        assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
        header, first = as_csv.text.removeprefix("\ufeff").splitlines()[:2]
        assert header.split(";") == told["columns"]
        assert first.split(";")[0] == str(told["data"][0][told["columns"][0]])
        cell = "&".join(f"cell.{name}={told['data'][0][name]}" for name in told["columns"][:2])
        events = await api.send("GET", f"/v1/reports/contacts_by_segment/events?{cell}", tenant.key)
        assert sum(event["weight"] for event in events.json()["data"]) == 1, events.text
        cited = await api.send("GET", f"/v1/citations/{events.json()['citation']}", tenant.key)
        assert cited.json()["data"]["then"]["value"] == 1, cited.text
        whole = "&".join(f"cell.{name}=ZZ" for name in told["columns"][:3])
        nothing = await api.send("GET", f"/v1/reports/contacts_by_segment/events?{whole}", tenant.key)
        assert (nothing.json()["data"], nothing.json()["citation"]) == ([], None), (
            "no row shows such a figure"
        )
        for form in ("csv", "json"):
            for name in ("bom", "delimiter", "decimal"):
                asked = await api.send("GET", f"{path}&format={form}&{name}=maybe", tenant.key)
                assert asked.status_code == 422, "and not answered as if it had not been said"
                assert [one["parameter"] for one in asked.json()["errors"]] == [name]
        for day in ("tomorrow", "2026-11", "2026-11-31"):
            wrong = await api.send("GET", f"/v1/reports/activity?from={day}", tenant.key)
            assert wrong.status_code == 422
            (problem,) = wrong.json()["errors"]
            assert (problem["pointer"], problem["detail"]) == (
                "/from",
                "write a day as YYYY-MM-DD, such as 2026-11-30",
            )


async def test_why_a_report_differs_from_what_was_seen(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant)
    path = "/v1/reports/contacts_by_segment/difference"
    with analytics_of(api):
        told = await api.send("GET", f"{path}?from_position=0&to_position={made['position']}", tenant.key)
        assert told.json()["position"] == made["position"], told.text
        ((measure,),) = (cell["measures"] for cell in told.json()["data"])
        assert (measure["before"], measure["after"], measure["difference"]) == (None, 1, 1)
        assert [event["name"] for event in measure["events"]] == ["audience.contact_created"]
        for wrong in ("", "?from_position=x", "?from_position=-1", "?from_position=0&limit=21"):
            answer = await api.send("GET", f"{path}{wrong}", tenant.key)
            assert answer.status_code == 422, f"{wrong}: {answer.text}"
        moving = await api.send("GET", f"{path}?from_position=0&after=1", tenant.key)
        assert (moving.status_code, moving.json()["errors"][0]["parameter"]) == (422, "to_position")
        until = f"{path}?from_position=0&after=1&to_position={made['position']}"
        assert (await api.send("GET", until, tenant.key)).json()["data"] == [], "that was all"
        beyond = await api.send("GET", f"{path}?from_position=99999", tenant.key)
        assert beyond.json()["type"] == "/problems/beyond-the-log", beyond.text


async def test_a_cited_figure_resolves(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant)
    viewer = await api.key(tenant, TenantRole.VIEWER)
    path = "/v1/reports/contacts_by_segment/cite"
    with analytics_of(api):
        report = f"/v1/reports/contacts_by_segment?min_position={made['position']}"
        row = (await api.send("GET", report, viewer)).json()["data"][0]
        assert row.pop("contacts") == 1
        body = {"cell": row, "measure": "contacts"}
        told = await api.send("POST", f"{path}?min_position={made['position']}", viewer, body)
        assert told.status_code == 200, told.text
        cited = told.json()["data"]
        assert (cited["value"], cited["cell"]) == (1, row)
        later = await contact(api, tenant, email="other@example.org")
        await api.send("GET", f"/v1/reports/contacts_by_segment?min_position={later['position']}", viewer)
        found = (await api.send("GET", f"/v1/citations/{cited['citation']}", viewer)).json()["data"]
        assert (found["same"], found["otherwise"], found["definition"]["version"]) == (True, None, 1)
        assert (found["then"]["value"], found["now"]["value"], found["difference"]) == (1, 2, 1)
        assert found["then"]["position"] == cited["cited_position"]
        mistyped = await api.send("GET", f"/v1/citations/{cited['citation'][:-1]}", viewer)
        assert (mistyped.status_code, mistyped.json()["type"]) == (422, "/problems/citation-mistyped")
        for wrong, pointer in (
            ({**body, "measure": "country"}, "/measure"),
            ({**body, "cell": {"country": "DE"}}, "/cell"),
            ({**body, "cell": {**row, "country": "FR"}}, "/cell"),
            ({**body, "parameters": {"workspace_id": "x"}}, "/parameters/workspace_id"),
            ({**body, "cells": {}}, "/cells"),
        ):
            answer = await api.send("POST", path, viewer, wrong)
            assert [one["pointer"] for one in answer.json()["errors"]] == [pointer], answer.text
        beyond = await api.send("POST", path, viewer, {**body, "parameters": {"at_position": 999}})
        assert beyond.json()["type"] == "/problems/beyond-the-log", beyond.text
        costs = await api.send("POST", "/v1/reports/margin/cite", viewer, {"cell": {}, "measure": "cost"})
        assert costs.json()["type"] == "/problems/missing-permission"


async def test_a_changed_definition_is_previewed_and_nothing_is_kept(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    path, changed = "/v1/reports/definitions/preview", PROFILES["maxio-1"].model_dump(mode="json")
    before = await api.parts.position_of(tenant.id)
    with analytics_of(api):
        told = await api.send(
            "POST", path, viewer, {"profile": {**changed, "id": "maxio-2", "metered": True}}
        )
        assert told.status_code == 200, told.text
        assert (told.json()["data"]["months"], told.json()["data"]["profile"]) == ([], "maxio-2")
        for fields, pointer in (
            ({"coupons": "some"}, "/profile/coupons"),
            ({"grouping_minutes": 9_999}, "/profile/grouping_minutes"),
            ({"churns_at": "once"}, "/profile/churns_at"),
        ):
            answer = await api.send("POST", path, viewer, {"profile": {**changed, **fields}})
            assert [one["pointer"] for one in answer.json()["errors"]] == [pointer], answer.text
        taken = await api.send("POST", path, viewer, {"profile": {**changed, "metered": True}})
        assert (taken.status_code, taken.json()["type"]) == (409, "/problems/profile-version-taken")
        other = await api.send("POST", path, viewer, {"profile": changed, "against": "mine-1"})
        assert [one["pointer"] for one in other.json()["errors"]] == ["/against"], other.text
        for name in ("from", "to"):
            far = await api.send("POST", path, viewer, {"profile": changed, name: "1999-12-31"})
            (problem,) = far.json()["errors"]
            assert (far.json()["type"], problem["pointer"]) == ("/problems/body-invalid", f"/{name}"), (
                far.text
            )
            assert "2000-01-01" in problem["detail"]
        hidden = await api.send("GET", "/v1/reports/mrr_preview", viewer)
        assert hidden.status_code == 404
    assert await api.parts.position_of(tenant.id) == before


async def test_who_may_read_reports_may_not_open_their_figures(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    paths = [f"/v1/reports/{name}/{what}" for name in REPORTS for what in ("events", "difference")]
    for path in paths:
        answer = await api.send("GET", path, viewer)
        assert answer.status_code == 403, f"{path}: {answer.text}"
        assert answer.json()["type"] == "/problems/missing-permission"
    with analytics_of(api):
        assert (await api.send("GET", "/v1/reports/activity", viewer)).status_code == 200


async def test_without_analytics_a_report_says_when_to_come_back(api: Api) -> None:
    tenant = await api.tenant()
    answer = await api.send("GET", "/v1/reports/activity", tenant.key)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/analytics-unavailable"
    assert answer.headers["retry-after"]
