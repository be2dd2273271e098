"""Who read what: every read route there is, by staff under a grant, leaves exactly one entry before its answer.

The routes come from the OpenAPI document, which is held against the app's own: a new one is covered once declared.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from starlette.routing import Route

from adapters.exports.forms import FILES
from api.http import pages
from api.http.app import create_app
from api.http.openapi import openapi
from application.ports.log import LogUnavailable
from application.ports.positions import Position
from application.principals import Principal
from application.queries import QUERIES
from application.reading import AccessLog
from domain.kernel.permissions import GRANTABLE, StaffRole, TenantRole
from projections.finance.profiles import PROFILES
from projections.olap.reports import REPORTS
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.billing import INVOICE, failed
from tests.support.database import Database
from tests.support.deliveries import SCHEDULE, give_up
from tests.support.notary import office
from tests.support.packs import seal_pack
from tests.support.permission_cells import CELLS, whole
from tests.support.required import required
from tests.support.working import Worker

ERASURES = "/v1/audience/erasures"
READING_POSTS: dict[str, Any] = {
    "/v1/audience/imports/{id}/preview": None,
    "/v1/sql": {"sql": "SELECT 1"},
    "/v1/ledger/evidence": {},
    "/v1/ledger/evidence/question": {},
    "/v1/sql/queries/{id}/run": {},
    "/v1/reports/{name}/cite": {
        "cell": {"country": "unknown", "source": "api", "subscriber_type": None},
        "measure": "contacts",
    },
    "/v1/reports/definitions/preview": {
        "profile": PROFILES["maxio-1"].model_dump(mode="json"),
        "effective_from": "2026-01-01",
    },
}
"""Routes that are no GET and change nothing all the same."""
RATE = {"base": "EUR", "quote": "USD", "day": "2026-10-01", "rate": "1.0842", "source": "ECB"}
COST = {
    "category": "server",
    "amount": 999,
    "currency": "USD",
    "incurred_on": "2026-10-01",
    "provider": "Hostwinds",
    "basis": "estimate",
}
EMAIL, WORD = "Searched.For@example.org", "Quetzalcoatl"


@dataclass
class Read:
    """A request that only reads, and the permission that it needs, if any of its own."""

    method: str
    path: str
    permission: str | None


@dataclass
class Furnished:
    """A tenant with one of everything that can be looked at, and staff under a grant for all that can be granted."""

    api: Api
    tenant: TestTenant
    folder: Path
    staff: str = ""
    under: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def entries(self) -> int:
        head = await self.api.parts.accesses._log.head(self.tenant.id)
        return 0 if head is None else head.position

    async def make(self) -> None:
        tenant, workspace = self.tenant, {"workspace_id": str(self.tenant.workspace_id)}
        author = await self.api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
        contact: dict[str, Any] = {}
        for context, slug, body, key in (
            ("audience", "create-contact", {**workspace, "email": EMAIL, "first_name": WORD}, tenant.key),
            ("audience", "create-list", {**workspace, "name": "All"}, tenant.key),
            ("campaign", "create-campaign", {**workspace, "name": "All"}, author),
            ("rights", "receive-request", {"kind": "access", "channel": "email", "email": EMAIL}, tenant.key),
            ("rights", "enter-activity", {"title": "Newsletter", "purposes": ["Ads"]}, tenant.key),
            ("costs", "enter-cost", COST, tenant.key),
            ("finance", "set-target", {"metric": "mrr", "value": "1", "unit": "USD"}, tenant.key),
            ("reporting", "save-query", {"title": "One", "sql": "SELECT 1"}, tenant.key),
            ("reporting", "create-schedule", SCHEDULE, tenant.key),
            ("webhooks", "create-webhook-endpoint", {"url": "https://hooks.example.com/in"}, tenant.key),
        ):
            made = await self.api.post(f"/v1/{context}/new/{slug}", key, body, idempotency_key=slug)
            assert made.status_code == 201, made.text
            self.ids[slug] = made.json()["id"]
            contact = contact or made.json()
        for path, told in (
            (f"costs/{tenant.id}/rule-allocation", {"pool": "p", "by": "equal", "from_month": "2026-10"}),
            (f"finance/{tenant.id}/record-exchange-rate", RATE),
            (f"finance/{tenant.id}/lock-period", {"period": "2026-09"}),
        ):
            assert (await self.api.post(f"/v1/{path}", tenant.key, told)).status_code == 200
        (who,) = [one["stream"] for one in contact["events"] if one["stream"].startswith("addressee:")]
        self.ids["addressee"] = who.partition(":")[2]
        for slug, body in (
            ("record-consent", {"occurred_on": "2026-01-05", "source": "event"}),
            ("authorise-message", {**workspace, "message_id": str(uuid4())}),
            ("place-legal-hold", {"reason": "A claim"}),
        ):
            path = f"/v1/audience/{self.ids['addressee']}/{slug}"
            assert (await self.api.post(path, tenant.key, body)).status_code == 200
        path, verified = f"/v1/rights/{self.ids['receive-request']}/check-identity", {"verified": True}
        checked = await self.api.post(path, tenant.key, {**verified, "method": "known"})
        assert checked.status_code == 200
        gone = await self.api.post(
            "/v1/audience/new/create-contact", tenant.key, {**workspace, "email": "gone@people.example"}
        )
        assert (await self.api.post(f"/v1/audience/{gone.json()['id']}/erase-contact", tenant.key)).is_success
        file = {"content-type": "text/csv"}
        path = f"/v1/audience/imports?workspace_id={tenant.workspace_id}"
        upload = await self.api.send("POST", path, tenant.key, b"email\nx@example.org\n", file)
        self.ids["import"] = upload.json()["id"]
        await give_up(self.api, tenant, UUID(self.ids["create-schedule"]))
        await self.api.act(tenant.id, failed(), INVOICE)
        self.ids["board_pack"] = str(await seal_pack(self.api, tenant))
        _, self.staff = await self.api.staff(StaffRole.FINANCE)
        _, approving = await self.api.staff(StaffRole.OPERATIONS)
        here = {"penguin-tenant": str(tenant.id)}
        scope = {"scope": sorted(GRANTABLE), "ticket": "T-1", "reason": "All of it", "hours": 1}
        asked = await self.api.send("POST", "/v1/tenancy/new/request-grant", self.staff, scope, here)
        grant = asked.json()["id"]
        approved = await self.api.send("POST", f"/v1/tenancy/{grant}/approve-grant", approving, {}, here)
        assert approved.status_code == 200, approved.text
        self.under = {"penguin-grant": f"{tenant.id}.{grant}"}
        await self.api.project()
        with office(self.api.database, self.folder / "notary") as notary:
            notary.sign()
        for query in QUERIES.values():
            if not query.single and query.context != "platform":
                listed = await self.api.send("GET", query.route, tenant.key)
                key = next(iter(query.row.model_fields))
                assert listed.json()["data"], f"the test has nothing in {query.path}: add one"
                self.ids[f"{query.route}/{{id}}"] = listed.json()["data"][0][key]
        self.ids["/v1/tenancy/tenants/{id}"] = str(tenant.id)

    def filled(self, path: str) -> str:
        stream = f"stream=list:{self.ids['create-list']}"
        needed = {
            "/v1/receipts/{key}": "/v1/receipts/create-list",
            "/v1/audience/preview": f"{path}?workspace_id={self.tenant.workspace_id}",
            "/v1/audience/addressees/{id}/links": (
                f"{path.replace('{id}', self.ids['addressee'])}"
                f"?workspace_id={self.tenant.workspace_id}&message_id={uuid4()}"
            ),
            "/v1/rights/requests/{id}/asked": path.replace("{id}", self.ids["receive-request"]),
            "/v1/rights/requests/{id}/disclosure": path.replace("{id}", self.ids["receive-request"]),
            "/v1/ledger/{log}/inclusion": "/v1/ledger/events/inclusion?position=1",
            "/v1/ledger/{log}/consistency": "/v1/ledger/events/consistency?from=1",
            "/v1/history/state": f"{path}?{stream}",
            "/v1/history/blame": f"{path}?{stream}",
            "/v1/history/causes": f"{path}?position=1",
            "/v1/history/difference": f"{path}?{stream}&from={Position(1, 0).token()}",
            **{
                f"/v1/reports/{name}/events": f"{path}?{whole(name, cell)}"
                for name, cell in {
                    **CELLS,
                    "contacts_by_segment": "cell.country=DE&cell.source=unknown",
                    "activity": "cell.day=2026-11-24&cell.context=audience",
                }.items()
            },
        }
        if path.removesuffix("/difference") in {query.route for query in QUERIES.values()} - {path}:
            return f"{path}?from=0"
        name = path.removeprefix("/v1/reports/").partition("/")[0]
        if path.startswith("/v1/reports/") and name in REPORTS and path not in needed:
            since = {"from_position": 0} if path.endswith("/difference") else {}
            return f"{path}?{urlencode({**since, **required(name)})}".rstrip("?")
        if path == "/v1/reports/{name}/cite":
            return path.replace("{name}", "contacts_by_segment")
        if path == "/v1/citations/{citation}":
            return path.replace("{citation}", self.ids["citation"])
        if path == "/v1/sql/queries/{id}/run":
            return path.replace("{id}", str(self.ids["/v1/sql/queries/{id}"]))
        if path.startswith("/v1/packs/{id}"):
            return path.replace("{id}", self.ids["board_pack"])
        if path.startswith("/v1/ledger/"):
            ledger = {"{log}": "events", "{position}": "1", "{path}": "0/000.p/1"}
            return functools.reduce(
                lambda found, one: found.replace(*one), ledger.items(), needed.get(path, path)
            )
        return needed.get(path, path).replace("{id}", self.ids.get(path, self.ids["import"]))


def reads() -> Iterator[Read]:
    """Every route that reads; people's own doors know nobody of staff."""
    for path, operations in openapi()["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, operation in operations.items():
            if method == "get" or path in READING_POSTS:
                yield Read(method.upper(), path, operation.get("x-permission"))


@pytest.fixture
async def furnished(database: Database, tmp_path: Path) -> AsyncIterator[Furnished]:
    async with serving(database, tmp_path, public_url="https://mail.example.com") as api:
        made = Furnished(api, await api.tenant(), tmp_path)
        await made.make()
        yield made


async def test_each_read_of_staff_under_a_grant_is_one_entry_of_the_tenants_log(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise LogUnavailable("away")

    api, shown = furnished.api, 0
    with analytics_of(api):
        cite = "/v1/reports/contacts_by_segment/cite"
        body = READING_POSTS["/v1/reports/{name}/cite"]
        cited = await api.send("POST", cite, furnished.tenant.key, body)
        furnished.ids["citation"] = cited.json()["data"]["citation"]
        for read in reads():
            path, before = furnished.filled(read.path), await furnished.entries()
            body = READING_POSTS.get(read.path)
            answer = await api.send(read.method, path, furnished.staff, body, headers=furnished.under)
            added = await furnished.entries() - before
            if read.permission is not None and read.permission not in GRANTABLE:
                assert (answer.status_code, added) == (403, 0), f"{path}: {answer.text}"
                continue
            assert (answer.status_code, added) == (200, 1), f"{path}: {answer.text}"
            shown += 1
            with monkeypatch.context() as patched:
                patched.setattr(AccessLog, "record", away)
                refused = await api.send(read.method, path, furnished.staff, body, headers=furnished.under)
            assert refused.status_code == 503, f"{path} answers without its entry"
        for form in FILES:
            before = await furnished.entries()
            path = f"/v1/reports/activity?format={form}"
            assert (await api.send("GET", path, furnished.staff, headers=furnished.under)).status_code == 200
            assert await furnished.entries() == before + 1
    assert shown > 20
    told, path = [], "/v1/access?actor=staff&limit=100"
    cursor: str | None = path
    while cursor:
        page = (await api.send("GET", cursor, furnished.tenant.key)).json()
        told += page["data"]
        cursor = page["next"] and f"{path}&cursor={page['next']}"
    assert {entry["payload"]["kind"] for entry in told} == {"staff"}
    assert {entry["actor"]["grant"] for entry in told} == {furnished.under["penguin-grant"].partition(".")[2]}
    assert len(told) == shown + len(FILES)


async def test_what_no_grant_can_hold_today_would_leave_its_entry_too(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a grant may hold one day, or staff by their role: no route relies on being closed to them."""
    api = furnished.api
    assert "subject.certify" in await Worker(api).work_off()
    (certified,) = (await api.send("GET", f"{ERASURES}?status=certified", furnished.tenant.key)).json()[
        "data"
    ]
    furnished.ids[f"{ERASURES}/{{id}}/certificate"] = certified["addressee_id"]
    beyond = [
        read
        for read in reads()
        if read.permission not in (None, *GRANTABLE) and not read.path.startswith("/v1/platform/")
    ]
    assert f"{ERASURES}/{{id}}/certificate" in {read.path for read in beyond}
    monkeypatch.setattr(Principal, "require", lambda *_: None)
    monkeypatch.setattr(Principal, "confined_to", lambda *_: None)
    with analytics_of(api):
        for read in beyond:
            path, before = furnished.filled(read.path), await furnished.entries()
            body = READING_POSTS.get(read.path)
            answer = await api.send(read.method, path, furnished.staff, body, headers=furnished.under)
            added = await furnished.entries() - before
            assert (answer.status_code, added) == (200, 1), f"{path}: {answer.text}"


async def test_the_document_names_every_read_route_of_the_app(furnished: Furnished) -> None:
    known = {read.path.replace("{", "").replace("}", "") for read in reads()}
    known |= {path.replace("{", "").replace("}", "") for path in openapi()["paths"]}
    own = {*(route.path for route in pages.routes()), "/people/style.css"}
    for route in create_app(furnished.api.parts).router.routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()) and route.path not in own:
            assert any(route.path_regex.match(path) for path in known), route.path


async def test_each_read_of_personal_values_is_one_entry_and_no_other_read_of_a_view_is(
    furnished: Furnished,
) -> None:
    for query in QUERIES.values():
        if query.context == "platform":
            continue
        path, before = furnished.filled(query.route), await furnished.entries()
        answer = await furnished.api.send("GET", path, furnished.tenant.key)
        assert answer.status_code == 200, answer.text
        assert await furnished.entries() - before == int(query.personal), path


async def test_each_look_back_at_a_view_is_one_entry_whatever_it_shows(furnished: Furnished) -> None:
    for query in QUERIES.values():
        if query.context == "platform":
            continue
        path, before = furnished.filled(query.route), await furnished.entries()
        answer = await furnished.api.send("GET", f"{path}?at=1", furnished.tenant.key)
        there = not query.single or query.name == "tenancy.tenant"
        assert answer.status_code == (200 if there else 404), answer.text
        assert await furnished.entries() - before == int(there), path


async def test_what_was_looked_for_is_not_kept_only_who_was_found(furnished: Furnished) -> None:
    api, key = furnished.api, furnished.tenant.key
    for path in (f"audience/contacts?email={EMAIL}", f"audience/contacts?q={WORD}&country=DE"):
        assert (await api.send("GET", f"/v1/{path}", key)).status_code == 200
    assert (await api.send("GET", f"/v1/tenancy/members?email={EMAIL}", key)).status_code == 200
    answer = await api.send("GET", "/v1/access?limit=100", key)
    assert EMAIL.lower() not in answer.text.lower()
    assert WORD not in answer.text
    filters = [entry["payload"]["filters"] for entry in answer.json()["data"]]
    assert '{"email":"[sealed]"}' in filters
    looked = next(one for one in answer.json()["data"] if one["payload"]["filters"] == '{"email":"[sealed]"}')
    assert len(looked["payload"]["subjects"]) == 1


async def test_reading_the_access_log_is_an_entry_itself_and_a_walk_through_it_ends(api: Api) -> None:
    tenant = await api.tenant()
    first = (await api.send("GET", "/v1/access", tenant.key)).json()
    assert first["data"] == [], "not its own reading"
    for number in (1, 2, 3):
        told = (await api.send("GET", "/v1/access", tenant.key)).json()["data"]
        assert [entry["payload"]["query"] for entry in told] == ["access.reads"] * number
    for direction in ("forward", "backward"):
        path = cursor = f"/v1/access?limit=1&direction={direction}"
        seen, head = [], len((await api.send("GET", "/v1/access", tenant.key)).json()["data"]) + 1
        while cursor:
            told = (await api.send("GET", cursor, tenant.key)).json()
            seen += [entry["position"] for entry in told["data"]]
            cursor = told["next"] and f"{path}&cursor={told['next']}"
        assert sorted(seen) == list(range(1, head + 1)), direction
    strange = await api.send("GET", "/v1/access?cursor=abc~x", tenant.key)
    assert strange.json()["type"] == "/problems/cursor-mismatch"
