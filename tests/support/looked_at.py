"""A tenant with one of everything that can be looked at, and every request that only looks."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from api.http import recorded
from api.http.openapi import openapi
from application.ports.positions import Position
from application.queries import QUERIES
from domain.kernel.permissions import GRANTABLE, StaffRole, TenantRole
from domain.law.packs import pack_texts
from projections.finance.profiles import PROFILES
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS
from tests.support.api import Api, TestTenant, serving
from tests.support.billing import INVOICE, failed
from tests.support.database import Database
from tests.support.deliveries import SCHEDULE, give_up
from tests.support.notary import office
from tests.support.noted import note
from tests.support.noted import told as noted
from tests.support.packs import seal_pack
from tests.support.permission_cells import CELLS, whole
from tests.support.required import required, required_of_all
from tests.support.reviewed import reviewed
from tests.support.working import Worker

ERASURES = "/v1/audience/erasures"
BODIES: dict[str, Any] = {
    "/v1/audience/imports/{id}/preview": None,
    "/v1/law/rejudge": pack_texts()["de.toml"].encode(),
    "/v1/sql": {"sql": "SELECT 1"},
    "/v1/ledger/disclosures": {
        "reason": "The auditor asked",
        "events": [{"position": 1, "metadata": ["ip"]}],
    },
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
"""Of requests that are no GET and change nothing all the same."""
RATE = {"base": "EUR", "quote": "USD", "day": "2026-10-01", "rate": "1.0842", "source": "ECB"}
COST = {
    "category": "server",
    "amount": 999,
    "currency": "USD",
    "incurred_on": "2026-10-01",
    "provider": "Hostwinds",
    "basis": "estimate",
}
IN_NO_KNOWN_ENCODING = "email,first name\nx@example.org,Zoë\n".encode("cp1252")
"""Its preview shows cells, so that somebody sees how to read it."""
EMAIL, WORD = "Searched.For@example.org", "Quetzalcoatl"


@dataclass
class Read:
    """A request that only reads, the permission that it needs, if any of its own, and which entry it leaves."""

    method: str
    path: str
    permission: str | None
    recorded: str | None
    as_file: str | None

    @property
    def body(self) -> Any:
        return BODIES[self.path] if self.method == "POST" else None

    @property
    def headers(self) -> dict[str, str]:
        return {"content-type": "application/toml"} if isinstance(self.body, bytes) else {}


@dataclass
class Furnished:
    """A tenant with one of everything that can be looked at, and staff under a grant for all that can be granted."""

    api: Api
    tenant: TestTenant
    folder: Path
    staff: str = ""
    under: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def entries(self, tenant_id: UUID | None = None) -> int:
        head = await self.api.parts.accesses._log.head(tenant_id or self.tenant.id)
        return 0 if head is None else head.position

    async def cite(self) -> None:
        """Cite a figure, with analytics there."""
        path = "/v1/reports/{name}/cite"
        cited = await self.api.send("POST", self.filled(path), self.tenant.key, BODIES[path])
        self.ids["citation"] = cited.json()["data"]["citation"]

    async def certify(self) -> None:
        """Let the jobs run, and an erasure be certified by them."""
        assert "subject.certify" in await Worker(self.api).work_off()
        told = await self.api.send("GET", f"{ERASURES}?status=certified", self.tenant.key)
        (certified,) = told.json()["data"]
        self.ids[f"{ERASURES}/{{id}}/certificate"] = certified["addressee_id"]

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
            ("ledger", "post-checkpoints", {"title": "Daily", "folder": "ledger"}, tenant.key),
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
            done = await self.api.post(f"/v1/{path}", tenant.key, told)
            assert done.status_code == 200
            self.ids["locked"] = str(Position.parse(done.json()["position"]).n)
        (who,) = [one["stream"] for one in contact["events"] if one["stream"].startswith("addressee:")]
        self.ids["addressee"], self.ids["message"] = who.partition(":")[2], str(uuid4())
        for slug, body in (
            ("record-consent", {"occurred_on": "2026-01-05", "source": "event"}),
            ("authorise-message", {**workspace, "message_id": self.ids["message"]}),
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
        erased = await self.api.post(f"/v1/audience/{gone.json()['id']}/erase-contact", tenant.key)
        proof = {"kind": "evidence", "object_id": erased.json()["result"]["addressee_id"]}
        due = {"objects": [proof], "reason": WORD}
        assert (await self.api.post("/v1/retention/new/plan-disposal", tenant.key, due)).status_code == 201
        file = {"content-type": "text/csv"}
        path = f"/v1/audience/imports?workspace_id={tenant.workspace_id}"
        upload = await self.api.send("POST", path, tenant.key, b"email\nx@example.org\n", file)
        assert upload.status_code == 201, upload.text
        self.ids["import"] = upload.json()["id"]
        refused = await self.api.send("POST", path, tenant.key, IN_NO_KNOWN_ENCODING, file)
        self.ids["/v1/audience/imports/{id}/preview"] = refused.json()["import_id"]
        await reviewed(self.api, tenant, author)
        await give_up(self.api, tenant, UUID(self.ids["create-schedule"]))
        await self.api.act(tenant.id, failed(), INVOICE)
        self.ids["board_pack"] = str(await seal_pack(self.api, tenant))
        _, self.staff = await self.api.staff(StaffRole.FINANCE)
        _, approving = await self.api.staff(StaffRole.OPERATIONS)
        await note(self.api, noted(tenant.id, 5))
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
        await self.look_up("platform", tenant.key, but=True)
        self.ids["/v1/tenancy/tenants/{id}"] = str(tenant.id)

    async def look_up(self, context: str, key: str, *, but: bool = False) -> None:
        """Learn an id of each kind of row that the views of a context have; `but`: those of all others."""
        opened = {query.route for query in QUERIES.values() if query.single}
        for query in QUERIES.values():
            needed = not query.single and (query.context == context) is not but
            if needed and (but or f"{query.route}/{{id}}" in opened):
                listed = await self.api.send("GET", query.route, key)
                first = next(iter(query.row.model_fields))
                assert listed.json()["data"], f"the test has nothing in {query.path}: add one"
                self.ids[f"{query.route}/{{id}}"] = listed.json()["data"][0][first]

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
            "/v1/history/undo": f"{path}?position=1",
            "/v1/history/known": f"{path}?position={self.ids['locked']}",
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
        name = path.removeprefix("/v1/platform/reports/").partition("/")[0]
        if path.startswith("/v1/platform/reports/") and name in PLATFORM_REPORTS:
            seen = {"from_time": "2026-11-24T00:00:00Z"} if path.endswith("/difference") else {}
            return f"{path}?{urlencode({**seen, **required_of_all(name)})}".rstrip("?")
        if path == "/v1/reports/{name}/cite":
            return path.replace("{name}", "contacts_by_segment")
        if path == "/v1/citations/{citation}":
            return path.replace("{citation}", self.ids["citation"])
        if path == "/v1/sql/queries/{id}/run":
            return path.replace("{id}", str(self.ids["/v1/sql/queries/{id}"]))
        if path.startswith("/v1/packs/{id}"):
            return path.replace("{id}", self.ids["board_pack"])
        if path.startswith("/v1/ledger/") and "{id}" not in path:
            ledger = {
                "{log}": "events",
                "{position}": "1",
                "{path}": "0/000.p/1",
                "{of}": self.ids["message"],
            }
            return functools.reduce(
                lambda found, one: found.replace(*one), ledger.items(), needed.get(path, path)
            )
        return needed.get(path, path).replace("{id}", self.ids.get(path, self.ids["import"]))


@asynccontextmanager
async def looked_at(database: Database, folder: Path) -> AsyncIterator[Furnished]:
    """Such a tenant, on a stack of its own."""
    async with serving(database, folder, public_url="https://mail.example.com") as api:
        made = Furnished(api, await api.tenant(), folder)
        await made.make()
        yield made


def reads() -> Iterator[Read]:
    """Every route that reads; people's own doors know nobody of staff."""
    for path, method, operation in recorded.reads(openapi()["paths"]):
        if path.startswith("/v1/"):
            told = operation.get("x-permission"), operation["x-recorded"], operation.get("x-recorded-as-file")
            yield Read(method.upper(), path, *told)
