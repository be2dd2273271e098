"""What requests make due is done by itself: announced, erased and certified, forgotten; days moved by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.kernel.personal import KeyKind
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.working import MovedClock, Worker

NAME = "Quetzalcoatl"


@pytest.fixture
async def api(database: Database, tmp_path: Path, clock: MovedClock) -> AsyncIterator[Api]:
    async with serving(database, tmp_path, clock) as made:
        yield made


async def tell(api: Api, key: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/{path}", key, body)
    assert answer.status_code == (201 if "/new/" in path else 200), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def received(api: Api, tenant: TestTenant, kind: str, **more: Any) -> str:
    asked = {"kind": kind, "channel": "email", "requester": NAME, "email": "nobody@example.org"}
    body = {**asked, "place": "DE", **more}
    request: str = (await tell(api, tenant.key, "rights/new/receive-request", **body))["id"]
    return request


async def names(api: Api, tenant: TestTenant, request: str) -> list[str]:
    history = await api.send("GET", f"/v1/history?stream=subject_request:{request}", tenant.key)
    return [one["name"].partition(".")[2] for one in history.json()["data"]]


async def test_a_term_that_is_near_is_announced_and_one_that_is_over_is_too(
    api: Api, clock: MovedClock
) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    clock.behind = timedelta(days=26)
    request = await received(api, tenant, "access")
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["request.remind"]
    assert await names(api, tenant, request) == ["request_received", "deadline_approaching"]
    assert await worker.work_off() == []

    clock.behind = timedelta(days=40)
    late = await received(api, tenant, "access")
    clock.behind = timedelta(0)
    assert sorted(await worker.work_off()) == ["request.miss", "request.remind"]
    assert await names(api, tenant, late) == ["request_received", "deadline_missed"]
    missed = await api.send("GET", "/v1/rights/requests?missed=true", tenant.key)
    assert [row["request_id"] for row in missed.json()["data"]] == [late]


async def test_a_clock_behind_the_one_that_jobs_are_due_by_loses_no_announcement(
    api: Api, clock: MovedClock
) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    clock.behind = timedelta(days=40)
    request = await received(api, tenant, "access")
    clock.behind = timedelta(days=12)  # for the commands it is near; for the database it is over
    assert await worker.work_off() == ["request.remind"]
    assert (await names(api, tenant, request))[-1] == "deadline_approaching"
    with psycopg.connect(api.database.admin, autocommit=True) as connection:
        held = connection.execute("UPDATE ops.job_runs SET until = now()")
        assert held.rowcount
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["request.miss"]
    assert (await names(api, tenant, request))[-1] == "deadline_missed"


async def test_of_a_complaint_that_was_acknowledged_nothing_is_announced(api: Api, clock: MovedClock) -> None:
    tenant, worker = await api.tenant(country="US"), Worker(api)
    clock.behind = timedelta(days=40)
    late, kept = [await received(api, tenant, "complaint", place="GB") for _ in range(2)]
    await tell(api, tenant.key, f"rights/{kept}/acknowledge-request")
    clock.behind = timedelta(0)
    await worker.work_off()
    assert await names(api, tenant, late) == ["request_received", "deadline_missed"]
    assert await names(api, tenant, kept) == ["request_received", "request_acknowledged"]
    assert await worker.work_off() == []
    await tell(api, tenant.key, f"rights/{kept}/complete-request")
    await api.project()
    shown = await api.send("GET", "/v1/rights/requests?kind=complaint&law=gb", tenant.key)
    told = {row["request_id"]: (row["missed"], row["in_time"]) for row in shown.json()["data"]}
    assert told == {late: (True, None), kept: (False, True)}


async def test_who_says_after_the_miss_that_they_told_before_is_shown_with_both_moments(
    api: Api, clock: MovedClock
) -> None:
    tenant, worker = await api.tenant(country="US"), Worker(api)
    clock.behind = timedelta(days=40)
    request = await received(api, tenant, "complaint", place="GB")
    clock.behind = timedelta(0)
    await worker.work_off()
    told_at = datetime.now(UTC) - timedelta(days=35)
    moment = {"acknowledged_at": told_at.isoformat()}
    entered = await tell(api, tenant.key, f"rights/{request}/acknowledge-request", **moment)
    await tell(api, tenant.key, f"rights/{request}/complete-request")
    await api.project()
    (row,) = (await api.send("GET", "/v1/rights/requests?kind=complaint", tenant.key)).json()["data"]
    assert (row["missed"], row["in_time"], row["entered_late"]) == (True, True, True)
    assert datetime.fromisoformat(row["acknowledged_at"]) == told_at
    since = datetime.fromisoformat(row["acknowledgement_entered_at"]) - told_at
    assert since > timedelta(days=34), entered


async def test_a_longer_term_is_announced_when_it_is_near(api: Api, clock: MovedClock) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    clock.behind = timedelta(days=86)
    request = await received(api, tenant, "access")
    await tell(api, tenant.key, f"rights/{request}/extend-request", reason="Many requests")
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["request.remind"]
    assert (await names(api, tenant, request))[-1] == "deadline_approaching"


async def test_who_asked_is_forgotten_and_the_log_of_requests_stays(api: Api, clock: MovedClock) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    clock.behind = timedelta(days=732)
    request = await received(api, tenant, "objection")
    await tell(api, tenant.key, f"rights/{request}/complete-request")
    key = (tenant.id, request, KeyKind.PROFILE)
    assert api.parts.keys.find([key])
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["request.forget_details"]
    assert not api.parts.keys.find([key])
    history = await api.send("GET", f"/v1/history?stream=subject_request:{request}", tenant.key)
    assert history.json()["data"][0]["payload"]["requester"] == "[erased]"
    await api.project()
    row = (await api.send("GET", f"/v1/rights/requests/{request}", tenant.key)).json()["data"]
    assert (row["outcome"], row["details_destroyed"]) == ("fulfilled", True)


async def test_an_erasure_runs_by_itself_until_it_is_certified(api: Api) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    email = f"{uuid4().hex}@example.org"
    body = {"workspace_id": str(tenant.workspace_id), "email": email, "first_name": NAME}
    contact = (await tell(api, tenant.key, "audience/new/create-contact", **body))["id"]
    request = await received(api, tenant, "erasure", email=email)
    again = await received(api, tenant, "erasure", email=email)
    for one in (request, again):
        await tell(api, tenant.key, f"rights/{one}/check-identity", method="mailbox", verified=True)
        await tell(api, tenant.key, f"rights/{one}/begin-erasure")
    done = await worker.work_off()
    assert "subject.certify" in done
    for one in (request, again):
        assert (await names(api, tenant, one))[-2:] == ["erasure_begun", "erasure_confirmed"]
        told = await tell(api, tenant.key, f"rights/{one}/complete-request")
        assert told["events"]
    assert (await api.send("GET", f"/v1/audience/contacts/{contact}", tenant.key)).status_code == 404
    assert sorted(await worker.work_off()) == ["request.forget_details"] * 2
    history = await api.send("GET", f"/v1/history?stream=subject_request:{request}", tenant.key)
    assert NAME not in history.text
    assert email not in history.text


async def test_somebody_who_was_erased_before_is_confirmed_at_once(api: Api) -> None:
    tenant, worker = await api.tenant(country="DE"), Worker(api)
    email = f"{uuid4().hex}@example.org"
    body = {"workspace_id": str(tenant.workspace_id), "email": email}
    contact = (await tell(api, tenant.key, "audience/new/create-contact", **body))["id"]
    request = await received(api, tenant, "erasure", email=email)
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="mailbox", verified=True)
    await tell(api, tenant.key, f"audience/{contact}/erase-contact")
    assert "subject.certify" in await worker.work_off()
    assert "erasure_confirmed" not in await names(api, tenant, request)
    await tell(api, tenant.key, f"rights/{request}/begin-erasure")
    assert await worker.work_off() == ["request.erase"]
    assert (await names(api, tenant, request))[-1] == "erasure_confirmed"
