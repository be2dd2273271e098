"""What is kept goes when its period ends, by itself or by plan, and never under a hold: through the real parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.disposing import Disposing
from application.workflow import Because, Workflow
from domain.kernel.ids import new_id
from domain.kernel.permissions import TenantRole
from domain.kernel.personal import KeyKind
from domain.retention.kinds import Kind
from projections.jobs.due import JOBS
from tests.support.api import serving
from tests.support.database import Database
from tests.support.importing import Importing, content, people
from tests.support.packs import seal_pack
from tests.support.working import MovedClock, Worker

WHY = "As the schedule says"


@pytest.fixture
async def importing(database: Database, tmp_path: Path, clock: MovedClock) -> AsyncIterator[Importing]:
    async with serving(database, tmp_path, clock) as api:
        yield Importing(api, api.http, await api.tenant(), database)


async def told(importing: Importing, path: str) -> list[dict[str, Any]]:
    await importing.api.project()
    answer = await importing.get(f"/v1/retention/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def do(importing: Importing, path: str, key: str | None = None, **body: Any) -> Any:
    answer = await importing.api.post(f"/v1/retention/{path}", key or importing.tenant.key, body)
    return answer.json() | {"status_code": answer.status_code}


async def hold(importing: Importing, **over: Any) -> UUID:
    """A hold of a matter over something."""
    path = f"{importing.tenant.id}/place-hold"
    placed = await do(importing, path, matter="2026-117", over=[over], reason=WHY)
    assert placed["status_code"] == 200, placed
    return UUID(placed["result"]["hold_id"])


async def release(importing: Importing, hold_id: UUID) -> None:
    path = f"{importing.tenant.id}/release-hold"
    released = await do(importing, path, hold_id=str(hold_id), reason="Settled")
    assert (released["status_code"], len(released["events"]) > 0) == (200, True), released


async def ended(importing: Importing) -> UUID:
    """An import that ended."""
    import_id = await importing.ready(content(*people(1)))
    await importing.run(import_id)
    return import_id


async def hurry(importing: Importing, worker: Worker) -> list[str]:
    """Let jobs that wait, or that the commands' clock made due in days to come, look now."""
    await worker.work_off()
    async with await psycopg.AsyncConnection.connect(importing.database.projector) as connection:
        await connection.execute("UPDATE ops.job_runs SET until = now() WHERE state = 'waiting'")
        jobs = sql.Identifier(f"views_jobs_v{JOBS.version}_1", "jobs")
        later = sql.SQL("UPDATE {} SET due_at = now() WHERE workflow = 'retention.dispose'").format(jobs)
        await connection.execute(later)
    return await worker.work_off()


async def deleted_query(importing: Importing, author: str | None = None) -> UUID:
    """A saved query that was deleted."""
    query, key = uuid4(), author or importing.tenant.key
    saved = {"title": "Mine", "sql": "SELECT count(*) FROM contacts"}
    made = await importing.api.post(f"/v1/reporting/{query}/save-query", key, saved)
    assert made.status_code == 200, made.text
    assert (await importing.api.post(f"/v1/reporting/{query}/delete-query", key)).status_code == 200
    return query


def sealed(importing: Importing, subject: UUID, kind: KeyKind = KeyKind.PROFILE) -> bool:
    return bool(importing.api.parts.keys.find([(importing.tenant.id, str(subject), kind)]))


async def test_the_schedule_says_how_long_and_why_and_what_the_tenant_chose(importing: Importing) -> None:
    tenant = importing.tenant
    rules = {one["kind"]: one for one in await told(importing, "schedule")}
    assert rules["import_files"]["period"] == {"years": 0, "months": 0, "days": 7}
    assert (rules["board_packs"]["period"], rules["board_packs"]["endless"]) == (None, True)
    short: dict[str, Any] = {"kind": "request_details", "period": {"months": 23}, "reason": WHY}
    refused = await do(importing, f"{tenant.id}/change-retention", **short)
    assert refused["type"] == "/problems/retention-below-the-floor"
    assert refused["errors"][0]["pointer"] == "/period"
    assert "11 CCR 7101(a)" in refused["detail"]
    endless: dict[str, Any] = {"kind": "import_files", "period": None, "reason": WHY}
    refused = await do(importing, f"{tenant.id}/change-retention", **endless)
    assert refused["type"] == "/problems/retention-without-end"
    assert (await do(importing, f"{uuid4()}/change-retention", **endless))["status_code"] == 422
    long: dict[str, Any] = {"kind": "request_details", "period": {"years": 3}, "reason": WHY}
    assert (await do(importing, f"{tenant.id}/change-retention", **long))["status_code"] in (200, 201)
    rules = {one["kind"]: one for one in await told(importing, "schedule")}
    assert rules["request_details"]["period"] == {"years": 3, "months": 0, "days": 0}
    assert (rules["request_details"]["chosen"], rules["evidence"]["chosen"]) == (True, False)
    assert rules["request_details"]["default_period"]["years"] == 2


async def test_a_hold_over_an_import_keeps_its_files_and_is_seen_to_do_so(
    importing: Importing, clock: MovedClock
) -> None:
    worker = Worker(importing.api)
    clock.behind = timedelta(days=7, minutes=1)
    held, other = await ended(importing), await ended(importing)
    hold_id = await hold(importing, kind="import", subject=str(held))
    assert sorted(one["object_id"] for one in await told(importing, "due")) == sorted(map(str, (held, other)))
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["import.destroy_files"]
    assert (sealed(importing, held), sealed(importing, other)) == (True, False)
    (row,) = await told(importing, "due?state=held")
    assert row["object_id"] == str(held)
    assert [(one["hold_id"], one["matter"]) for one in row["held_by"]] == [(str(hold_id), "2026-117")]
    (kept,) = await told(importing, "holds")
    assert (kept["keeps"], kept["since"]) == (1, row["due_at"])
    assert await told(importing, "due?state=due") == []
    await release(importing, hold_id)
    assert await hurry(importing, worker) == ["import.destroy_files"]
    assert not sealed(importing, held)
    assert len(await told(importing, "due?state=destroyed")) == 2
    (kept,) = await told(importing, "holds?standing=false")
    assert (kept["keeps"], kept["released_at"] is None) == (0, False)


async def test_a_longer_period_keeps_what_is_there_too(importing: Importing, clock: MovedClock) -> None:
    worker = Worker(importing.api)
    clock.behind = timedelta(days=7, minutes=1)
    import_id = await ended(importing)
    changed: dict[str, Any] = {"kind": "import_files", "period": {"days": 30}, "reason": WHY}
    assert "type" not in await do(importing, f"{importing.tenant.id}/change-retention", **changed)
    clock.behind = timedelta(0)
    assert await worker.work_off() == []
    assert sealed(importing, import_id)
    (row,) = await told(importing, "due?state=kept&kind=import_files")
    assert row["period"]["days"] == 30
    clock.behind = timedelta(days=-33)
    assert await hurry(importing, worker) == ["import.destroy_files"]
    assert not sealed(importing, import_id)


async def test_a_matter_holds_a_person_on_their_own_stream(importing: Importing, clock: MovedClock) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    clock.behind = timedelta(days=365 * 7)
    workspace = str(tenant.workspace_id)
    fields = {"workspace_id": workspace, "email": "ann@people.example", "country": "GB"}
    made = await api.post("/v1/audience/new/create-contact", tenant.key, fields)
    subject = UUID(next(one["stream"] for one in made.json()["events"] if "addressee:" in one["stream"])[10:])
    consent = {"occurred_on": "2019-01-05", "source": "event", "wording": "I agree"}
    assert (await api.post(f"/v1/audience/{subject}/record-consent", tenant.key, consent)).is_success
    assert (await api.post(f"/v1/audience/{subject}/erase-addressee", tenant.key)).is_success
    hold_id = await hold(importing, kind="person", subject=str(subject))
    await api.project()
    (standing,) = (await importing.get("/v1/audience/legal_holds?standing=true")).json()["data"]
    alone = {"entry": standing["entry"], "reason": "Settled"}
    refused = await api.post(f"/v1/audience/{subject}/release-legal-hold", tenant.key, alone)
    assert (refused.json()["type"], refused.json()["hold_id"]) == ("/problems/hold-of-matter", str(hold_id))
    over_all = await hold(importing, kind="workspace", subject=workspace)
    clock.behind = timedelta(0)
    await worker.work_off()
    assert sealed(importing, subject, KeyKind.EVIDENCE)
    await release(importing, hold_id)
    assert "subject.forget_evidence" not in await worker.work_off(), "the workspace's hold keeps it"
    (row,) = await told(importing, "due?kind=evidence")
    assert [one["hold_id"] for one in row["held_by"]] == [str(over_all)]
    await release(importing, over_all)
    assert await hurry(importing, worker) == ["subject.forget_evidence"]
    assert not sealed(importing, subject, KeyKind.EVIDENCE)


async def test_a_plan_names_what_goes_and_takes_a_second_person_above_the_limit(
    importing: Importing, clock: MovedClock
) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    queries = [await deleted_query(importing) for _ in range(3)]
    named = [{"kind": "saved_queries", "object_id": str(one)} for one in queries]
    plan = new_id(clock())
    early = await do(importing, f"{plan}/plan-disposal", objects=named, reason=WHY)
    assert early["type"] == "/problems/retention-period-not-over"
    clock.behind = timedelta(days=-33)
    alone: dict[str, Any] = {"above": 2, "reason": WHY}
    assert "type" not in await do(importing, f"{tenant.id}/change-agreement", **alone)
    before = len(await importing.history())
    dry = await api.send(
        "POST",
        f"/v1/retention/{plan}/plan-disposal?dry_run=true",
        tenant.key,
        {"objects": named, "reason": WHY},
    )
    assert dry.json()["result"] == {"counts": {"saved_queries": 3}, "agreement_needed": True}, dry.text
    assert len(await importing.history()) == before, "a dry run changes nothing"
    made = await do(importing, f"{plan}/plan-disposal", objects=named, reason=WHY)
    assert made["status_code"] == 200, made
    assert await worker.work_off() == []
    refused = await do(importing, f"{plan}/agree-to-disposal")
    assert refused["type"] == "/problems/disposal-agreed-by-planner"
    second = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    hold_id = await hold(importing, kind="tenant")
    assert (await do(importing, f"{plan}/agree-to-disposal", second))["status_code"] == 200
    await release(importing, hold_id)
    later = await hold(importing, kind="period", first_day="2020-01-01", last_day="2020-12-31")
    assert await hurry(importing, worker) == ["retention.dispose"]
    assert [sealed(importing, one) for one in queries] == [True, True, True], "a day unknown is in any period"
    (row,) = await told(importing, "plans")
    assert (row["status"], row["destroyed"]) == ("done", {})
    whole = (await importing.get(f"/v1/retention/plans/{plan}")).json()["data"]
    assert {one["why"] for one in whole["left_out"]} == {"under-legal-hold"}
    await release(importing, later)
    again = await do(importing, f"{uuid4()}/plan-disposal", objects=named[:2], reason=WHY)
    assert again["status_code"] == 200, again
    assert await hurry(importing, worker) == ["retention.dispose"]
    assert [sealed(importing, one) for one in queries] == [False, False, True]


class Killed(BaseException):
    """What a process that is killed sees of it."""


@dataclass
class Dying:
    """A key store, or one of files, whose process is killed before or after it destroys."""

    thing: Any
    after: bool

    def destroy(self, *given: Any) -> None:
        if self.after:
            self.thing.destroy(*given)
        raise Killed


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", [Kind.SAVED_QUERIES, Kind.BOARD_PACKS, Kind.IMPORT_FILES])
async def test_what_is_killed_halfway_is_done_to_its_end_and_said_once(
    importing: Importing, clock: MovedClock, kind: Kind, *, after: bool
) -> None:
    api, tenant = importing.api, importing.tenant
    made: dict[Kind, Callable[[], Awaitable[UUID]]] = {
        Kind.SAVED_QUERIES: lambda: deleted_query(importing),
        Kind.BOARD_PACKS: lambda: seal_pack(api, tenant),
        Kind.IMPORT_FILES: lambda: ended(importing),
    }
    one = await made[kind]()
    if kind is Kind.BOARD_PACKS:
        year: dict[str, Any] = {"kind": kind.value, "period": {"years": 1}, "reason": WHY}
        assert (await do(importing, f"{tenant.id}/change-retention", **year))["status_code"] == 200
    clock.behind = timedelta(days=-400)
    parts = api.parts
    workflow = Workflow(parts.commands, tenant.id, uuid4(), Because(uuid4()))
    keys, blobs = (cast("Any", Dying(thing, after)) for thing in (parts.keys, parts.blobs))
    killed = Disposing(parts.commands, keys, blobs)
    with pytest.raises(Killed):
        await killed.destroy(workflow, kind, one, None)
    assert sealed(importing, one) is not after
    hold_id = await hold(importing, kind="tenant")
    again = Workflow(parts.commands, tenant.id, uuid4(), Because(uuid4()))
    for _ in range(2):
        await Disposing(parts.commands, parts.keys, parts.blobs).destroy(again, kind, one, None)
    assert not sealed(importing, one), "a hold that came after it was said to have expired does not reach it"
    said = [row.name for row in await importing.history()]
    gone = "audience.import_files_destroyed" if kind is Kind.IMPORT_FILES else "retention.object_destroyed"
    assert (said.count("retention.object_expired"), said.count(gone)) == (1, 1)
    if kind is Kind.BOARD_PACKS:
        answer = await importing.get(f"/v1/packs/{one}/pdf")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/board-pack-destroyed")
    await release(importing, hold_id)
