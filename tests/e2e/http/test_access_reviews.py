"""Officers review who read what: over HTTP, with two of them, a reader, and a view of where it stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import psycopg
import pytest

from api.watching import watch_of
from domain.kernel.permissions import StaffRole, TenantRole
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.doors import Clock


async def joined(api: Api, tenant: TestTenant, name: str, role: TenantRole) -> tuple[UUID, str]:
    """A member of a role, and a key of theirs."""
    body = {"email": f"{name}@acme.example", "full_name": name, "role": role}
    invited = await api.post("/v1/tenancy/new/invite-member", tenant.key, body)
    accepted = await api.post("/v1/invitations/accept", None, {"token": invited.json()["secret"]})
    assert accepted.status_code == 200, accepted.text
    member = UUID(accepted.json()["id"])
    return member, await api.key(tenant, role, member_id=member)


@dataclass
class Office:
    """Two officers, Ann and Ben, and Cleo, whose reading they review."""

    api: Api
    tenant: TestTenant
    clock: Clock
    ann: UUID
    anns: str
    ben: UUID
    bens: str
    cleo: UUID
    cleos: str

    async def does(self, slug: str, key: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/access/{self.tenant.id}/{slug}", key, body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def stands(self) -> dict[str, Any]:
        answer = await self.api.send("GET", "/v1/access/review", self.anns)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()["data"]
        return told

    async def rows(self, view: str) -> list[dict[str, Any]]:
        await self.api.project()
        answer = await self.api.send("GET", f"/v1/access/{view}", self.anns)
        assert answer.status_code == 200, answer.text
        told: list[dict[str, Any]] = answer.json()["data"]
        return told


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    clock = Clock()
    async with serving(database, tmp_path, clock=clock) as api:
        tenant = await api.tenant()
        ann = await joined(api, tenant, "ann", TenantRole.COMPLIANCE_OFFICER)
        ben = await joined(api, tenant, "ben", TenantRole.COMPLIANCE_OFFICER)
        cleo = await joined(api, tenant, "cleo", TenantRole.CAMPAIGN_MANAGER)
        yield Office(api, tenant, clock, *ann, *ben, *cleo)


async def test_it_is_told_what_is_open_and_when_it_is_overdue(office: Office) -> None:
    before = await office.stands()
    assert (before["due_at"], before["overdue"], before["open"]["entries"]) == (None, False, 0)
    for key in (office.cleos, office.cleos, office.anns):
        assert (await office.api.send("GET", "/v1/history", key)).status_code == 200
    shown = await office.stands()
    assert shown["open"]["kinds"] == {"replay": 3}
    counts = {one["reader_id"]: one["entries"] for one in shown["open"]["readers"]}
    assert counts == {str(office.cleo): 2, str(office.ann): 1}
    assert (shown["cadence_days"], shown["overdue"]) == (31, False)
    office.clock.ahead = timedelta(days=32)
    assert (await office.stands())["overdue"]
    await office.does("set-review-cadence", office.anns, {"days": 60})
    assert not (await office.stands())["overdue"]


async def test_a_period_is_signed_off_by_an_officer_and_what_they_read_by_another(office: Office) -> None:
    for key in (office.cleos, office.cleos, office.anns):
        await office.api.send("GET", "/v1/history", key)
    refused = await office.does("sign-off-access", office.cleos, {}, 403)
    assert refused["permission"] == "access.review"
    nobody = await office.api.key(office.tenant, TenantRole.COMPLIANCE_OFFICER)
    refused = await office.does("sign-off-access", nobody, {}, 403)
    assert refused["type"] == "/problems/reviewer-not-named"
    rehearsed = await office.does("sign-off-access?dry_run=true", office.anns, {})
    assert rehearsed["events"][0]["data"]["entries"] == 3
    finding = {"position": 2, "doubt": "too_much", "note": "Why twice?"}
    body = {"note": "Looked through.", "findings": [finding]}
    signed = await office.does("sign-off-access", office.anns, body)
    names = [one["name"] for one in signed["events"]]
    assert names == ["access.period_signed_off", "access.read_questioned"]
    after, own = await office.stands(), {"reader_id": str(office.ann)}
    assert (after["signed_to"], after["open"]["entries"], after["open_questions"]) == (3, 0, 1)
    assert after["own_reads"] == [{**own, "after_position": 0, "to_position": 3, "entries": 1}]
    refused = await office.does("sign-off-own-reads", office.anns, own, 403)
    assert refused["type"] == "/problems/own-reads-need-another"
    await office.does("sign-off-own-reads", office.bens, own)
    answer = {"position": 2, "outcome": "justified", "explanation": "The page was lost."}
    await office.does("answer-question", office.bens, answer)
    after = await office.stands()
    assert (after["own_reads"], after["open_questions"]) == ([], 0)

    own_row, row = await office.rows("reviews")
    assert (row["signed_by"], row["entries"], row["own_entries"]) == (str(office.ann), 3, 1)
    assert (own_row["of_reader"], own_row["signed_by"]) == (str(office.ann), str(office.ben))
    (question,) = await office.rows("questions?open=false")
    assert (question["reader_id"], question["answered_by"]) == (str(office.cleo), str(office.ben))
    assert question["outcome"] == "justified"
    assert await office.rows("questions?open=true") == []
    stream = f"/v1/history?stream=access_review:{office.tenant.id}"
    told = (await office.api.send("GET", stream, office.anns)).json()["data"]
    assert [one["payload"].get("note") for one in told[:2]] == ["Looked through.", "Why twice?"]


async def test_refusals_are_counted_and_told_as_an_alert_once_whatever_is_killed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty-one times without the permission, by three doors and in a batch; a kill before the cursor moves."""
    api, tenant = office.api, office.tenant
    for number in range(19):
        path = ("/v1/access", "/v1/access/review", "/v1/access/alerts")[number % 3]
        assert (await api.send("GET", path, office.cleos)).status_code == 403
    line = {"id": "1", "command": "access/set-review-cadence", "target": str(tenant.id), "body": {"days": 7}}
    sent = "\n".join(json.dumps({**line, "id": str(number)}) for number in range(2)).encode()
    lines = {"content-type": "application/x-ndjson"}
    batch = await api.send("POST", "/v1/batch", office.cleos, sent, lines)
    assert [json.loads(one)["status"] for one in batch.text.splitlines()] == [403, 403]
    await api.parts.denials.flush()
    await api.parts.denials.flush()
    told = (await api.send("GET", "/v1/access?name=access.requests_denied", office.anns)).json()["data"]
    counts = {one["payload"]["query"]: one["payload"]["requests"] for one in told}
    assert counts == {"access.reads": 7, "access.review": 6, "access.alerts": 6, "batch.run": 2}
    assert {one["payload"]["permission"] for one in told} == {"access.read", "access.review"}
    assert {(one["actor"]["member"], one["ip"]) for one in told} == {(str(office.cleo), "127.0.0.1")}

    async with watch_of(api.parts, api.database.projector) as watch:
        cursors = watch._cursors
        with monkeypatch.context() as killed:
            killed.setattr(cursors, "reached", AsyncMock(side_effect=OSError("killed")))
            assert await watch.step() == 0
        (alert,) = await office.rows("alerts")
        assert (alert["rule"], alert["reader_id"], alert["measured"]) == (
            "many_denials",
            str(office.cleo),
            21,
        )
        async with watch_of(api.parts, api.database.projector) as another:
            await asyncio.gather(watch.step(), another.step())
            assert await another.step() == 0
        assert await office.rows("alerts") == [alert]
        assert (await office.stands())["open_alerts"] == 1
        looked = {"alert_id": alert["alert_id"], "reason": "A wrong setting."}
        await office.does("acknowledge-alert", office.bens, looked)
        assert await office.rows("alerts?open=true") == []

        await office.does("set-alert-rule", office.bens, {"rule": "many_exports", "threshold": 2})
        for _ in range(2):
            assert (await api.send("GET", "/v1/audience/suppressions/export", office.anns)).is_success
        await watch.step()
        (exports,) = await office.rows("alerts?open=true")
        assert (exports["rule"], exports["reader_id"]) == ("many_exports", str(office.ann))
        own = {"alert_id": exports["alert_id"], "reason": "Mine."}
        refused = await office.does("acknowledge-alert", office.anns, own, 403)
        assert refused["type"] == "/problems/own-reads-need-another"


async def test_staff_who_look_into_a_tenant_are_an_alert_there_and_at_home_none(office: Office) -> None:
    api, here = office.api, {"penguin-tenant": str(office.tenant.id)}
    staff_id, staff = await api.staff(StaffRole.FINANCE)
    _, approving = await api.staff(StaffRole.OPERATIONS)
    scope = {"scope": ["contacts.read"], "ticket": "T-1", "reason": "To help", "hours": 1}
    asked = await api.send("POST", "/v1/tenancy/new/request-grant", staff, scope, here)
    grant = asked.json()["id"]
    approved = await api.send("POST", f"/v1/tenancy/{grant}/approve-grant", approving, {}, here)
    assert approved.status_code == 200, approved.text
    under = {"penguin-grant": f"{office.tenant.id}.{grant}"}
    await api.project()
    for _ in range(2):
        assert (await api.send("GET", "/v1/audience/contacts", staff, headers=under)).status_code == 200
    assert (await api.send("GET", "/v1/platform/reports", staff)).status_code == 200
    async with watch_of(api.parts, api.database.projector) as watch:
        assert await watch.step() == 2
        with psycopg.connect(api.database.admin) as connection:  # as after a restore
            connection.execute("UPDATE log.access_heads SET epoch = epoch + 1")
        assert await watch.step() == 2
        assert (watch.raised, await watch.step()) == (1, 0)
    (alert,) = await office.rows("alerts")
    assert (alert["rule"], alert["reader_id"], alert["staff"]) == ("staff_access", str(staff_id), True)
