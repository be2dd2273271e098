"""The log of a closed tenant is deleted whole, whatever is killed when; what was signed of it stays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from adapters.duckdb import forgetting
from api.ops.log_deletion import log_end
from application.log_end import LogEnd
from application.ports.positions import Position
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.kernel.commands import Command
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole
from domain.kernel.personal import KeyKind
from domain.platform.log_end import (
    LogIsDeleted,
    LogNotSigned,
    LogStillKept,
    LogUnderHold,
    SettleOwnHolds,
    TenantNotClosed,
)
from domain.platform.registration import CloseRegistration, RegisterTenant
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import CloseTenant, SendsFor
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.database import Database
from tests.support.furnished import MARK, Theirs, furnished
from tests.support.notary import office
from tests.support.working import MovedClock

WHY = "The matter is settled"
PAST = timedelta(days=-365 * 3 - 5)
SIGNED = {"ledger.checkpoints", "ledger.epochs"}


@dataclass
class Closed:
    """A tenant with one of everything, that is closed, and another that is not."""

    api: Api
    theirs: Theirs
    other: TestTenant
    clock: MovedClock
    folder: Path

    @property
    def id(self) -> UUID:
        return self.theirs.tenant.id

    @property
    def end(self) -> LogEnd:
        return log_end(self.api.parts, self.api.database.admin)

    async def execute(self, command: Command, target: UUID) -> object:
        return await self.api.act(PLATFORM, command, target)

    async def delete(self, end: LogEnd | None = None) -> dict[str, int]:
        return await (end or self.end).delete(self.id, self.execute)

    def sign(self) -> None:
        with office(self.api.database, self.folder / "keys") as notary:
            notary.sign()

    def rows(self, tenant: UUID) -> dict[str, int]:
        """Rows that name a tenant anywhere, but those of the platform, by table."""
        found = {}
        with psycopg.connect(self.api.database.admin) as connection:
            tables = connection.execute(
                "SELECT n.nspname, c.relname, bool_or(a.attname = 'tenant_id') FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1, 2"
            ).fetchall()
            assert len(tables) > 60
            for schema, table, of_tenants in tables:
                own = sql.SQL("AND t.tenant_id <> {}").format(str(PLATFORM)) if of_tenants else sql.SQL("")
                statement = sql.SQL("SELECT count(*) FROM {} t WHERE t::text LIKE {} {}")
                named = statement.format(sql.Identifier(schema, table), f"%{tenant}%", own)
                row = connection.execute(named).fetchone()
                if row is not None and row[0]:
                    found[f"{schema}.{table}"] = row[0]
        return found

    def facts(self, tenant: UUID) -> dict[str, int]:
        return forgetting.counted(self.api.parts.settings.olap_folder, tenant)


@pytest.fixture
async def closed(database: Database, tmp_path: Path, clock: MovedClock) -> AsyncIterator[Closed]:
    async with serving(database, tmp_path, clock) as api:
        theirs, other = await furnished(api), await api.tenant("Other")
        made = {"workspace_id": str(other.workspace_id), "email": "ann@people.example"}
        assert (await api.post("/v1/audience/new/create-contact", other.key, made)).status_code == 201
        tenant = theirs.tenant
        slug = f"{MARK.lower()}-{tenant.id.hex[-12:]}"
        registered = RegisterTenant(
            name=MARK,
            tenant_slug=slug,
            plan=Plan.FREE,
            country="DE",
            sends_for=SendsFor.ITSELF,
            owner_email="owner@people.example",
            owner_name="Owner",
        )
        await api.act(PLATFORM, registered, tenant.id, opens_log=True)
        assert (await api.send("GET", "/v1/audience/contacts", tenant.key)).status_code == 200
        with analytics_of(api):
            for one in (tenant, other):
                head = await api.parts.log.head(one.id)
                assert head is not None
                there = f"min_position={Position(head.epoch, head.position).token()}"
                asked = f"/v1/reports/activity?from=2026-01-01&to=2026-12-31&{there}"
                report = await api.send("GET", asked, one.key)
                assert report.status_code == 200, report.text
        await api.act(tenant.id, CloseTenant(tenant_slug=slug), tenant.id)
        await api.project()
        yield Closed(api, theirs, other, clock, tmp_path)


class Killed(BaseException):
    """What a process that is killed sees of it."""


def dying(end: LogEnd, step: int) -> LogEnd:
    """An end that is killed as it comes to one of its steps, or right after it."""
    calls = 0

    def of(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise Killed
            done = work(*given)
            if calls + 100 == step:
                raise Killed
            return done

        return call

    def lent(thing: Any, *names: str) -> Any:
        class Lent:
            def __getattr__(self, name: str) -> Any:
                found = getattr(thing, name)
                return of(found) if name in names else found

        return Lent()

    return replace(
        end,
        keys=lent(end.keys, "destroy", "destroy_tenant"),
        blobs=lent(end.blobs, "destroy_tenant"),
        delivered=lent(end.delivered, "remove"),
        rows=lent(end.rows, "deleted"),
    )


async def test_nothing_goes_before_its_time_under_a_hold_or_unsigned(closed: Closed) -> None:
    before = closed.rows(closed.id)
    with pytest.raises(TenantNotClosed):
        await closed.delete()
    await closed.execute(CloseRegistration(), closed.id)
    with pytest.raises(LogNotSigned):
        await closed.delete()
    closed.sign()
    with pytest.raises(LogStillKept):
        await closed.delete()
    closed.clock.behind = PAST
    with pytest.raises(LogUnderHold):
        await closed.delete()
    ending = await closed.end.look(closed.id)
    assert ending.standing == 2, "a matter's over an import, and one over a person alone"
    await closed.execute(SettleOwnHolds(reason=WHY), closed.id)
    _, staff = await closed.api.staff(StaffRole.SUPER_ADMIN)
    hold = {"matter": "2026-9", "reason": WHY}
    placed = await closed.api.post(f"/v1/platform/{closed.id}/hold-log", staff, hold)
    assert placed.status_code == 200, placed.text
    with pytest.raises(LogUnderHold):
        await closed.delete()
    assert {name: count for name, count in closed.rows(closed.id).items() if name not in SIGNED} == {
        **{name: count for name, count in before.items() if name not in SIGNED},
        **{name: count for name, count in closed.rows(closed.id).items() if name.startswith("ledger.")},
    }
    let_go = {"hold_id": placed.json()["result"]["hold_id"], "reason": WHY}
    assert (await closed.api.post(f"/v1/platform/{closed.id}/release-log", staff, let_go)).is_success
    await closed.delete()
    late = await closed.api.post(f"/v1/platform/{closed.id}/hold-log", staff, hold)
    assert late.json()["type"] == f"/problems/{LogIsDeleted.code}"


async def test_the_log_goes_whole_whatever_is_killed_when_and_nothing_else_does(closed: Closed) -> None:
    api, folder = closed.api, closed.folder
    await closed.execute(CloseRegistration(), closed.id)
    await closed.execute(SettleOwnHolds(reason=WHY), closed.id)
    closed.sign()
    closed.clock.behind = PAST
    ending = await closed.end.look(closed.id)
    others = closed.rows(closed.other.id), closed.facts(closed.other.id)
    assert len(closed.rows(closed.id)) > 40
    assert closed.facts(closed.id)["analytics.fact_event"] > 0
    assert (folder / "blobs" / str(closed.id)).is_dir()
    subject = (closed.id, closed.theirs.ids["addressee"], KeyKind.PROFILE)
    assert api.parts.keys.find([subject])

    for step in (1, 2, 3, 4, 5, 102, 103, 105):
        with pytest.raises(Killed):
            await closed.delete(dying(closed.end, step))
    removed = await closed.delete()
    assert removed == {}, "the last of those that were killed had deleted all, and not said so"
    assert await closed.delete() == {}

    assert closed.rows(closed.id).keys() == {"ledger.checkpoints"} & closed.rows(closed.id).keys()
    assert closed.facts(closed.id) == {}
    assert not (folder / "blobs" / str(closed.id)).exists()
    assert not (folder / "deliveries" / str(closed.id)).exists()
    assert not api.parts.keys.find([subject])
    keks = json.loads((folder / "keys" / "keks.json").read_text(encoding="utf-8"))
    assert not keks.get(closed.id.hex)
    assert (closed.rows(closed.other.id), closed.facts(closed.other.id)) == others
    made = {"workspace_id": str(closed.other.workspace_id), "email": "bob@people.example"}
    assert (await api.post("/v1/audience/new/create-contact", closed.other.key, made)).status_code == 201

    events = await api.parts.log.read_stream(PLATFORM, f"registration:{closed.id}")
    names = [one.name for one in events]
    assert (names.count("platform.log_deleted"), names.count("platform.log_gone")) == (1, 1)
    tombstone = json.loads(next(one.payload for one in events if one.name == "platform.log_deleted"))
    assert [one["log"] for one in tombstone["logs"]] == ["events", "access"]
    for told, was in zip(tombstone["logs"], ending.logs, strict=True):
        checkpoint = Checkpoint.read(Note.read(told["checkpoint"].encode()).text)
        assert (
            (checkpoint.size, checkpoint.root.hex())
            == (was.position, told["root"])
            == (told["position"], was.root)
        )
    closed.sign()
    await api.project()
    assert closed.rows(closed.id).keys() <= SIGNED, "neither notary nor projector makes anything of it again"
