"""Every route that changes anything leaves events that tell who did it, from where and why.

The routes come from the OpenAPI document; one that is no command has its request here, or the test fails.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from httpx import Response
from stripe import WebhookSignature

from api.composition import now
from api.http import recorded
from api.http.openapi import openapi
from application import commanding
from application.credentials import parse_api_key
from application.ports.log import Recorded
from application.ports.payment_values import Line
from application.unit import Unit
from domain.kernel.commands import COMMANDS, Command
from domain.kernel.ids import PLATFORM, GrantId
from domain.kernel.permissions import TenantRole
from domain.tenancy.grant import GrantExpired
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.campaigns import CONTENT
from tests.support.database import Database
from tests.support.deliveries import SCHEDULE
from tests.support.doors import FORM, ONE_CLICK, PUBLIC, Person
from tests.support.furnished import Theirs, body_of, furnished
from tests.support.stripes import WEBHOOK_SECRET, Desk, fake_desk
from tests.support.told import STARTER

WHY, ADDRESS = "Because the auditor asked", "127.0.0.1"
DIGEST: Final = {"digest": "ab" * 32, "position": "cDEuMS43", "form": "json"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "approve-campaign": {"content_hash": "0" * 64},
    "approve-compliance": {"content_hash": "0" * 64},
    "create-schedule": SCHEDULE,
    "place-hold": {"over": [{"kind": "tenant"}]},
    "record-disclosure": DIGEST,
    "reject-campaign": {"content_hash": "0" * 64, "reason": "wording"},
    "write-content": {"content": CONTENT},
}
"""Of commands whose example in the document no rule lets through."""
LAST: Final = ("archive", "cancel", "close", "delete", "end", "erase", "leave", "remove", "revoke")
OVER: Final = ("suspend-tenant", "reinstate-tenant", "close-tenant")
SEEN: Final = {"penguin-reason": WHY}


@dataclass
class Office:
    """A tenant with one of everything, its owner's key, somebody of staff, and the payment provider."""

    api: Api
    desk: Desk
    theirs: Theirs
    key: str
    staff: str
    staff_id: UUID
    buyer: TestTenant

    async def position(self, log: UUID) -> int:
        head = await self.api.parts.log.head(log)
        return 0 if head is None else head.position

    async def since(self, log: UUID, position: int) -> list[Recorded]:
        return await self.api.parts.log.read_log(log, after=position, limit=1_000)

    def told(self, rows: list[Recorded], key: str, answer: Response) -> None:
        """One of these events at least is of whoever holds the key, and each of theirs tells all of its request."""
        parsed = parse_api_key(key)
        assert parsed is not None
        who = self.staff_id if key == self.staff else parsed.key_id
        opened = self.api.parts.codec.metadata(rows, reveal=True, evidence=True)
        own = [one for one in opened if one["actor"]["id"] == str(who)]
        assert own, f"{answer.request.url}: {[row.name for row in rows]} tell of nobody"
        for row, one in zip(rows, opened, strict=True):
            assert ADDRESS.encode() not in row.metadata, "it is personal, and sealed"
            if one in own:
                assert (one["ip"], one["request"]) == (ADDRESS, answer.headers["request-id"]), row.name
                assert one["reason"] == WHY, row.name
                assert one["command"], row.name

    async def stranger(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Response:
        return await self.api.send("POST", path, None, body, {**SEEN, **(headers or {})})


@asynccontextmanager
async def office(database: Database, folder: Path) -> AsyncIterator[Office]:
    async with (
        fake_desk() as desk,
        serving(database, folder, payments=desk.gateway, public_url=PUBLIC) as api,
    ):
        theirs = await furnished(api)
        key = await api.key(theirs.tenant, TenantRole.OWNER, member_id=theirs.tenant.owner_id)
        staff_id, staff = await api.staff()
        yield Office(api, desk, theirs, key, staff, staff_id, await api.tenant("Buyer"))


async def stands_in(command: Command, unit: Unit, *, assume_new: bool = False) -> None:
    """Decides as a rule would that lets the command through: what became of a grant that nobody made."""
    del assume_new
    made = uuid4()
    await unit.load(command.stream, unit.stamp.target)
    await unit.load("grant", made)
    unit.append("grant", made, GrantExpired(grant_id=GrantId(made)))


async def test_each_command_leaves_events_with_who_whence_and_why(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own rule, where the document's example fits it; else by one that lets it through: the way is the same."""
    really = 0
    async with office(database, tmp_path) as here:
        api, ids = here.api, here.theirs.ids
        for command in sorted(
            COMMANDS.public(), key=lambda one: (one.slug in OVER, one.slug.startswith(LAST))
        ):
            of_staff = command.permission.value.startswith("platform.")
            log = PLATFORM if command.context == "platform" else here.theirs.tenant.id
            who, headers = (here.staff if of_staff else here.key), dict(SEEN)
            if of_staff and log != PLATFORM:
                headers["penguin-tenant"] = str(log)
            body = body_of(command, ids) | BODIES.get(command.slug, {})
            before, path = await here.position(log), ""
            for target in ("new", ids.get(command.stream, str(uuid4()))):
                path = f"/v1/{command.context}/{target}/{command.slug}"
                answer = await api.send("POST", path, who, body, headers)
                if answer.is_success and answer.json()["events"]:
                    really += 1
                    break
            else:
                with monkeypatch.context() as patched:
                    patched.setattr(commanding, "decide", stands_in)
                    patched.setattr(command, "tells", False)
                    answer = await api.send("POST", path, who, body, headers)
                assert answer.is_success, f"{path}: {answer.text}"
            rows = await here.since(log, before)
            here.told(rows, who, answer)
            field = command.model_fields.get("reason")
            if field is not None and field.is_required():
                given = {name: value for name, value in body.items() if name != "reason"}
                refused = await api.send("POST", path, who, given, headers)
                assert refused.status_code == 422, f"{path} takes no reason"
                assert "/reason" in [one["pointer"] for one in refused.json()["errors"]]
    assert really > 50


async def _uploads(here: Office) -> Response:
    path = f"/v1/audience/imports?workspace_id={here.theirs.ids['workspace']}"
    return await here.api.send(
        "POST", path, here.key, b"email\na@b.example\n", {**SEEN, "content-type": "text/csv"}
    )


async def _batch(here: Office) -> Response:
    body = {"workspace_id": here.theirs.ids["workspace"], "name": "Of a batch"}
    line = {"id": "1", "command": "audience/create-list", "target": "new", "body": body}
    headers = {**SEEN, "content-type": "application/x-ndjson"}
    return await here.api.send("POST", "/v1/batch", here.key, json.dumps(line).encode(), headers)


async def _seals(here: Office) -> Response:
    body = {"definition": "compliance", "from": "2026-01-01", "to": "2026-12-31"}
    with analytics_of(here.api):
        return await here.api.send("POST", "/v1/packs", here.key, body, SEEN)


async def _buys(here: Office) -> Response:
    wanted = {"plan": "starter", "success_url": "https://a.example", "cancel_url": "https://a.example"}
    return await here.api.send("POST", "/v1/billing/checkout", here.buyer.key, wanted, SEEN)


async def _reconciles(here: Office) -> Response:
    return await here.api.send("POST", "/v1/billing/reconciliation", here.buyer.key, {"repair": True}, SEEN)


async def _looks_at_bills(here: Office) -> Response:
    wanted = {"return_url": "https://a.example"}
    return await here.api.send("POST", "/v1/billing/portal", here.buyer.key, wanted, SEEN)


async def _provider(here: Office) -> Response:
    await here.desk.subscribe(await here.desk.customer(), Line(STARTER, 1))
    wanted: Any = {"limit": 1, "type": "customer.subscription.created"}
    body = json.dumps((await here.desk.raw.v1.events.list_async(wanted)).data[0].to_dict(), default=str)
    signed = WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, int(now().timestamp()))
    headers = {"stripe-signature": signed, "content-type": "application/json"}
    return await here.stranger("/v1/gateways/stripe", body.encode(), headers)


async def _joins(here: Office) -> Response:
    invitation = {"email": "new@acme.example", "full_name": "New One", "role": "viewer"}
    invited = await here.api.post("/v1/tenancy/new/invite-member", here.key, invitation)
    return await here.stranger("/v1/invitations/accept", {"token": invited.json()["secret"]})


def _person(here: Office) -> Person:
    return Person(here.api, here.theirs.tenant, UUID(here.theirs.ids["addressee"]))


async def _stops(here: Office) -> Response:
    return await here.stranger((await _person(here).links()).stop, ONE_CLICK, FORM)


async def _chooses(here: Office) -> Response:
    return await here.stranger((await _person(here).links()).page, b"choice=objection", FORM)


async def _asks(here: Office) -> Response:
    page = (await _person(here).links()).page.replace("/p/", "/d/", 1)
    return await here.stranger(page, b"choice=erasure", FORM)


async def _confirms(here: Office) -> Response:
    path = f"/v1/audience/{here.theirs.ids['addressee']}/request-confirmation"
    asked = await here.api.post(path, here.key, {"source": "website_form"})
    links = await _person(here).links(request=asked.json()["version"])
    assert links.confirmation is not None
    return await here.stranger(links.confirmation, b"", FORM)


MEMBERS, PERSONS, NOBODYS, ELSEWHERE = "of who holds the key", "of a person", "of nobody", "none here"
CHANGING: Final[dict[str, tuple[str, Callable[[Office], Awaitable[Response]]]]] = {
    "/v1/audience/imports": (MEMBERS, _uploads),
    "/v1/batch": (MEMBERS, _batch),
    "/v1/billing/checkout": (MEMBERS, _buys),
    # What is changed there is told by the provider.
    "/v1/billing/portal": (ELSEWHERE, _looks_at_bills),
    "/v1/billing/reconciliation": (MEMBERS, _reconciles),
    "/v1/packs": (MEMBERS, _seals),
    # The token of an invitation is whom it was made for.
    "/v1/invitations/accept": (NOBODYS, _joins),
    # Signed by the provider: its address would say nothing.
    "/v1/gateways/stripe": (NOBODYS, _provider),
    # What a person says is entered as the system's doing: their address in its metadata would be the tenant's, and
    # outlive them. Where it is proof, the event has it as theirs.
    "/u/{token}": (PERSONS, _stops),
    "/p/{token}": (PERSONS, _chooses),
    "/d/{token}": (PERSONS, _asks),
    "/c/{token}": (PERSONS, _confirms),
}
"""Routes that change something and are no command's, in the order in which they are asked."""


async def test_each_other_route_that_changes_anything_leaves_its_events(
    database: Database, tmp_path: Path
) -> None:
    changing = {
        path
        for path, operations in openapi()["paths"].items()
        for method, operation in operations.items()
        if method != "get"
        and "{stream_id}" not in path
        and operation["operationId"] not in recorded.READING_POSTS
    }
    assert changing == set(CHANGING), "say here what the route leaves"
    async with office(database, tmp_path) as here:
        for path, (whose, ask) in CHANGING.items():
            log, key = here.theirs.tenant.id, here.key
            if path.startswith("/v1/billing"):
                log, key = here.buyer.id, here.buyer.key
            if path.startswith("/v1/gateways"):
                log = PLATFORM
            before = await here.position(log)
            answer = await ask(here)
            assert answer.is_success, f"{path}: {answer.text}"
            rows = await here.since(log, before)
            assert bool(rows) is (whose != ELSEWHERE), f"{path} changes something and says nothing"
            if whose == MEMBERS:
                here.told(rows, key, answer)
            if whose == PERSONS:
                opened = here.api.parts.codec.metadata(rows, reveal=True, evidence=True)
                assert {one["ip"] for one in opened if one["channel"] == "door"} == {None}, path
            assert not [row for row in rows if ADDRESS.encode() in row.metadata + row.payload]
