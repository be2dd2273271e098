"""Tenant A, which has one of everything, marked so that it is seen wherever it must not be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from api.http.openapi import openapi
from application.citing import Cited, encode
from application.ports.positions import Position
from domain.billing.gateway import STRIPE, gateway_event_id
from domain.finance.rate import rate_id
from domain.kernel.commands import Command
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.billing import INVOICE, SUBSCRIPTION, failed, item, terms, told
from tests.support.deliveries import give_up
from tests.support.noted import note
from tests.support.noted import told as noted
from tests.support.packs import seal_pack
from tests.support.reviewed import reviewed

MARK = "Quetzalcoatl"
"""Stands in every text of A's; it must be in nothing that B sees."""
CSV = f"email,first name\nrow@example.org,{MARK}\nnot an address,{MARK}\n".encode()


@dataclass
class Theirs:
    """What A has: ids by kind of stream, and everything that must not be seen."""

    tenant: TestTenant
    ids: dict[str, str] = field(default_factory=dict)

    def secrets(self) -> set[str]:
        return {MARK, *self.ids.values(), str(self.tenant.id), str(self.tenant.workspace_id)}


_CONTEXTS = {
    **dict.fromkeys(("contact", "erased", "list", "import", "authorisation"), "audience"),
    **dict.fromkeys(("subject_request", "activity"), "rights"),
    "webhook_endpoint": "webhooks",
    "saved_query": "reporting",
    "gone_query": "reporting",
    "disposal": "retention",
    "schedule": "reporting",
    "posting": "ledger",
    "campaign": "campaign",
    "cost": "costs",
    "target": "finance",
}
"""Of the kinds of things that are made; tenancy, where it is none of these."""


@dataclass
class Making:
    """A tenant that gets one of everything."""

    api: Api
    made: Theirs

    async def new(self, kind: str, slug: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Make a thing of a kind; its id is kept under it."""
        path, own = f"/v1/{_CONTEXTS.get(kind, 'tenancy')}/new/{slug}", key or self.made.tenant.key
        answer = await self.api.post(path, own, body, idempotency_key=f"{MARK}-{kind}")
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        self.made.ids[kind] = told["id"]
        return told

    async def tell(self, path: str, **body: Any) -> dict[str, Any]:
        """A command on what is there."""
        answer = await self.api.post(f"/v1/{path}", self.made.tenant.key, body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def people(self) -> None:
        tenant, ids = self.made.tenant, self.made.ids
        workspace = {"workspace_id": str(tenant.workspace_id)}
        details = {"email": f"{MARK}@example.org", "first_name": MARK, "country": "DE"}
        contact = await self.new("contact", "create-contact", {**workspace, **details})
        registered = next(event for event in contact["events"] if event["stream"].startswith("addressee:"))
        ids["addressee"] = registered["stream"].partition(":")[2]
        person = f"audience/{ids['addressee']}"
        await self.tell(f"{person}/record-consent", occurred_on="2026-01-05", source="event", wording=MARK)
        await self.tell(f"{person}/place-legal-hold", reason=MARK)
        gone = await self.new("erased", "create-contact", {**workspace, "email": f"gone@{MARK}.example"})
        erased = await self.tell(f"audience/{gone['id']}/erase-contact")
        ids["erasure"] = erased["result"]["addressee_id"]
        message = {"addressee_id": ids["addressee"], "message_id": str(UUID(int=7))}
        await self.new("authorisation", "authorise-messages", {**workspace, "messages": [message]})
        await self.new("list", "create-list", {**workspace, "name": MARK})
        author = await self.api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
        await self.new("campaign", "create-campaign", {**workspace, "name": MARK}, author)
        upload = await self.api.send(
            "POST",
            f"/v1/audience/imports?workspace_id={tenant.workspace_id}",
            tenant.key,
            CSV,
            {"content-type": "text/csv", "idempotency-key": f"{MARK}-import"},
        )
        assert upload.status_code == 201, upload.text
        ids["import"] = upload.json()["id"]

    async def rights(self) -> None:
        asking = {"kind": "access", "channel": "email", "email": f"{MARK}@example.org", "words": MARK}
        request = await self.new("subject_request", "receive-request", asking)
        await self.tell(f"rights/{request['id']}/check-identity", method="known", verified=True)
        await self.new("saved_query", "save-query", {"title": MARK, "sql": f"SELECT '{MARK}'"})
        await self.new("activity", "enter-activity", {"title": MARK, "purposes": [MARK], "contacts": MARK})

    async def deliveries(self) -> None:
        folder = {"folder": MARK.lower(), "items": [{"report": "activity", "period": "yesterday"}]}
        await self.new("posting", "post-checkpoints", {"title": MARK, "folder": MARK.lower()})
        made = await self.new("schedule", "create-schedule", {"title": MARK, "frequency": "daily", **folder})
        self.made.ids["delivery"] = str(await give_up(self.api, self.made.tenant, UUID(made["id"])))

    async def books(self) -> None:
        tenant = self.made.tenant.id
        paid = {"category": "server", "amount": 999, "currency": "USD", "incurred_on": "2026-10-01"}
        await self.new(
            "cost", "enter-cost", {**paid, "provider": MARK, "basis": "invoice", "reference": MARK}
        )
        aim = {"metric": "mrr", "value": "25000", "unit": MARK}
        await self.new("target", "set-target", aim)
        rated = {"base": "EUR", "quote": "USD", "day": "2026-10-01", "rate": "1.0842", "source": MARK}
        await self.tell(f"finance/{tenant}/record-exchange-rate", **rated)
        self.made.ids["rate"] = str(rate_id(tenant, "EUR", "USD", date(2026, 10, 1)))
        ruled = {"pool": "shared", "by": "messages_sent", "from_month": "2026-10"}
        await self.tell(f"costs/{tenant}/rule-allocation", **ruled)
        await self.tell(f"finance/{tenant}/lock-period", period="2026-09")
        # Of these streams there is one to a log, under its own id.
        self.made.ids |= dict.fromkeys(
            ("period", "allocation", "target_template", "exchange_rate", "retention_policy", "legal_holds"),
            str(tenant),
        )

    async def kept(self) -> None:
        tenant, ids = self.made.tenant, self.made.ids
        rule = {"kind": "saved_queries", "period": {"days": 0}, "reason": MARK}
        await self.tell(f"retention/{tenant.id}/change-retention", **rule)
        over = [{"kind": "import", "subject": ids["import"]}]
        held = await self.tell(f"retention/{tenant.id}/place-hold", matter=MARK, over=over, reason=MARK)
        ids["hold"] = held["result"]["hold_id"]
        await self.tell(f"retention/{tenant.id}/change-agreement", above=0, reason=MARK)
        gone = await self.new("gone_query", "save-query", {"title": MARK, "sql": f"SELECT '{MARK}'"})
        await self.tell(f"reporting/{gone['id']}/delete-query")
        named = [{"kind": "saved_queries", "object_id": gone["id"]}]
        await self.new("disposal", "plan-disposal", {"objects": named, "reason": MARK})

    async def access(self) -> None:
        tenant, ids = self.made.tenant, self.made.ids
        await self.new("api_key", "create-api-key", {"label": MARK, "role": "admin"})
        endpoint = {"url": f"https://{MARK}.example", "description": MARK}
        await self.new("webhook_endpoint", "create-webhook-endpoint", endpoint)
        invitation = {"email": f"m@{MARK}.example", "full_name": MARK, "role": "admin"}
        await self.new("member", "invite-member", invitation)
        await self.api.act(tenant.id, told(terms(item("business"))), SUBSCRIPTION)
        await self.api.act(tenant.id, failed(), INVOICE)
        ids |= {"subscription": str(SUBSCRIPTION), "billing_account": str(tenant.id)}
        ids["notice_preferences"] = str(tenant.id)
        ids["gateway_event"] = str(gateway_event_id(STRIPE, f"evt_{MARK}"))
        ids |= {"owner": str(tenant.owner_id), "ownership": str(tenant.id)}
        ids |= {"access_review": str(tenant.id), "access_watch": str(tenant.id)}
        officer = await self.api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
        await reviewed(self.api, tenant, officer, MARK)
        _, staff = await self.api.staff()
        await note(self.api, noted(tenant.id, 5))
        request = {"scope": ["contacts.read"], "ticket": MARK, "reason": MARK, "hours": 1}
        here = {"penguin-tenant": str(tenant.id)}
        asked = await self.api.send("POST", "/v1/tenancy/new/request-grant", staff, request, here)
        assert asked.status_code == 201, asked.text
        ids["grant"] = asked.json()["id"]


async def furnished(api: Api) -> Theirs:
    """A tenant with one of everything."""
    tenant = await api.tenant(MARK)
    made = Theirs(tenant, {"tenant": str(tenant.id), "workspace": str(tenant.workspace_id)})
    making = Making(api, made)
    await making.people()
    await making.rights()
    await making.deliveries()
    await making.books()
    await making.kept()
    await making.access()
    row = {"country": "DE", "source": "api", "subscriber_type": None}
    cited = Cited("contacts_by_segment", 1, {}, row, "contacts", Position(1, 3))
    made.ids["citation"] = encode(tenant.id, cited, 1)
    made.ids["board_pack"] = str(await seal_pack(api, tenant, MARK))
    await api.project()
    owed = await api.send("GET", "/v1/billing/notices", tenant.key)
    made.ids["notice"] = owed.json()["data"][0]["notice_id"]
    return made


def body_of(command: type[Command], ids: dict[str, str]) -> dict[str, Any]:
    """A body that fits, made of the document's example, with A's ids wherever an id goes."""
    document = openapi()
    path = f"/v1/{command.context}/{{stream_id}}/{command.slug}"
    body: dict[str, Any] = json.loads(
        json.dumps(document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"])
    )
    theirs: dict[str, Any] = {
        "workspace_id": ids["workspace"],
        "contact_ids": [ids["contact"]],
        "member_id": ids["member"],
        "moved_to": ids["owner"],
        "list_id": ids["list"],
        "messages": [{"addressee_id": ids["addressee"], "message_id": ids["contact"]}],
        "list_ids": [ids["list"]],
        "addressee_id": ids["addressee"],
        "to_member_id": ids["owner"],
    }
    return body | {name: value for name, value in theirs.items() if name in command.model_fields}
