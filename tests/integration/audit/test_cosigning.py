"""The notary's witnesses: what they are asked when, and that none of them can stop anything or make it forget."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.keys.ed25519 import verify
from adapters.postgres.restored import start_epoch
from adapters.postgres.roles import Role
from adapters.witnesses.http import HttpWitness
from api.ops.metrics import Meters
from api.ops.processes.notary import cosigning
from api.settings import Settings
from application.ports.ledger import SignedTree
from domain.audit.notes import VerifierKey
from domain.audit.origins import LogId, LogKind
from domain.audit.witnessing import Quorum
from projections.audit import witnesses as module
from projections.audit.cosignatures import PACE
from projections.audit.queries import LedgerInViews
from projections.audit.witnesses import Cosigning
from tests.support.database import Database
from tests.support.naive_witness import NaiveWitness, naive_witness
from tests.support.notary import Office, office
from tests.support.note_verifier import verified
from tests.support.serving import ROOT
from tests.support.witnesses import running_witness


def to_half_past() -> timedelta:
    """How far it is to half past the hour: what is the last of its hour must not depend on when a test runs."""
    return timedelta(minutes=30 - datetime.now(UTC).minute)


@dataclass
class World:
    """A notary, two witnesses, and who asks them. The clock is the witnesses', moved."""

    office: Office
    first: NaiveWitness
    second: NaiveWitness
    moved: timedelta = field(default_factory=to_half_past)
    clients: list[HttpWitness] = field(default_factory=list)
    asking: list[Cosigning] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def cosigning(self) -> Cosigning:
        """One that begins."""
        named = {one.name: HttpWitness(one.url, time_out=1.0) for one in (self.first, self.second)}
        self.clients += named.values()
        rule = Quorum.of([VerifierKey.read(one.vkey) for one in (self.first, self.second)])
        self.asking.append(Cosigning(self.office.notary.connect, rule, named, verify, self.now))
        return self.asking[-1]

    def log(self, events: int, kind: LogKind = LogKind.EVENTS) -> LogId:
        """A log that was signed, which both witnesses know."""
        of = self.office.log(kind)
        self.grow(of, events)
        return of

    def grow(self, of: LogId, events: int, *, ago: timedelta = timedelta(minutes=2)) -> None:
        self.office.add(of, events)
        self.office.now = self.now() - ago
        self.office.sign()
        checkpoint = self.office.checkpoint(of)
        for one in (self.first, self.second):
            one.trusted[checkpoint.origin] = str(self.office.verifier_keys(of)[0])

    def seen(self, of: LogId) -> list[int]:
        """The size of its present epoch that each witness cosigned last."""
        origin = self.office.checkpoint(of).origin
        return [one.known.get(origin, (0, b""))[0] for one in (self.first, self.second)]

    def kept(self, of: LogId) -> dict[int, bytes]:
        """Each checkpoint that is kept for ever, with what witnesses signed beneath it, by size."""
        rows = self.office.admin.execute(
            "SELECT size, k.note || coalesce((SELECT string_agg(line, '') FROM ledger.cosignatures c"
            " WHERE (c.tenant_id, c.log, c.epoch, c.size) = (k.tenant_id, k.log, k.epoch, k.size)), '')"
            " FROM ledger.checkpoints k WHERE tenant_id = %s AND log = %s",
            (*of,),
        )
        return {size: bytes(note) for size, note in rows}


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    with (
        office(database, tmp_path / "keys") as made,
        naive_witness("w.test/1") as one,
        naive_witness("w.test/2") as two,
    ):
        made_world = World(made, one, two)
        yield made_world
        for asking in made_world.asking:
            await asking.close()
        for client in made_world.clients:
            await client.close()


async def test_both_logs_are_cosigned_as_they_grow(world: World) -> None:
    logs = [world.log(300), world.log(3, LogKind.ACCESS)]
    asking = world.cosigning()
    for events in (0, 1, 700):
        for of in logs:
            if events:
                world.grow(of, events)
        await asking.once()
        for of in logs:
            size = world.office.checkpoint(of).size
            assert world.seen(of) == [size, size]
            note = world.kept(of)[size]
            keys = [*map(str, world.office.verifier_keys(of)), world.first.vkey, world.second.vkey]
            assert len(verified(note, *keys)) == 3
            assert asking.unwitnessed == 0
        world.moved += PACE
    assert [one.cosigned for one in asking.figures.values()] == [6, 6]
    assert len(world.first.requests) == 6, "each was shown from what the witness had seen, at once"


async def test_what_moves_is_left_until_it_stands_or_is_kept(world: World) -> None:
    of, asking = world.log(5), world.cosigning()
    world.grow(of, 1, ago=timedelta(seconds=30))
    await asking.once()
    assert world.seen(of) == [0, 0]
    assert asking.unwitnessed == 1
    world.moved += timedelta(seconds=31)
    await asking.once()
    assert world.seen(of) == [6, 6]
    world.grow(of, 1)
    await asking.once()
    assert world.seen(of) == [6, 6], "so soon after the last no witness is asked"
    world.moved += timedelta(hours=1)
    world.grow(of, 1, ago=timedelta())
    await asking.once()
    assert world.seen(of) == [7, 7], "the last of its hour was kept, and the newest moves still"


@pytest.mark.parametrize("lost", ["the answer", "everything"])
async def test_what_a_witness_saw_is_found_again(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    of = world.log(40)

    def fails(*_: Any) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(module, "keep", fails)
        with pytest.raises(psycopg.OperationalError):
            await world.cosigning().once()
    assert world.seen(of) == [40, 0]
    if lost == "everything":
        world.office.admin.execute("DELETE FROM ledger.checkpoints")
        world.grow(of, 25)
    again = world.cosigning()
    await again.once()
    size = world.office.checkpoint(of).size
    assert world.seen(of) == [size, size]
    assert [one.cosigned for one in again.figures.values()] == [1, 1]


Spoilt = tuple[int, dict[str, str], bytes]
_BUSY: Spoilt = (429, {"Retry-After": "7"}, b"")


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        pytest.param((500, {}, b""), "away", id="broken"),
        pytest.param(_BUSY, "away", id="busy"),
        pytest.param((302, {"Location": "http://127.0.0.1:1/"}, b""), "away", id="elsewhere"),
        pytest.param((200, {}, b"x" * 20_000), "away", id="too long"),
        pytest.param((409, {"Content-Type": "text/x.tlog.size"}, b"many\n"), "away", id="no size"),
        pytest.param((409, {"Content-Type": "text/x.tlog.size"}, b"9000\n"), "refused", id="knows more"),
        pytest.param((404, {}, b""), "refused", id="unknown log"),
        pytest.param((403, {}, b""), "refused", id="unknown key"),
        pytest.param((422, {}, b""), "contradicted", id="not proven"),
        pytest.param((409, {}, b""), "contradicted", id="two roots"),
        pytest.param(
            (409, {"Content-Type": "text/x.tlog.size"}, b"0\n"), "contradicted", id="two roots, by size"
        ),
        pytest.param((200, {}, b""), "wrong", id="nothing"),
        pytest.param((200, {}, b"\xff\xfe\n"), "wrong", id="no text"),
    ],
)
async def test_a_witness_that_does_not_cosign_is_named_and_the_others_are_asked(
    world: World, caplog: pytest.LogCaptureFixture, answer: Spoilt, figure: str
) -> None:
    of, asking = world.log(4), world.cosigning()
    world.first.answer = answer
    await asking.once()
    assert world.seen(of)[1] == 4
    assert getattr(asking.figures["w.test/1"], figure) == 1
    assert [getattr(line, "witness", "") for line in caplog.records if line.levelno >= logging.WARNING] == [
        "w.test/1"
    ]
    assert len(verified(world.kept(of)[4], *map(str, world.office.verifier_keys(of)), world.second.vkey)) == 2
    assert asking.unwitnessed == 1, "more than half of two is both"
    world.first.answer = None
    world.moved += timedelta(hours=1)
    await asking.once()
    assert world.seen(of) == [4, 4]
    assert (asking.figures["w.test/1"].away, asking.unwitnessed) == (0, 0)


async def test_a_signature_under_something_else_is_not_taken(world: World) -> None:
    one, other = world.log(4), world.log(4)
    asking = world.cosigning()
    _, kind, lines = world.second.asked(b"old 0\n\n" + world.office.note(other))
    assert kind == "text/plain"
    world.first.answer = (200, {}, lines.replace(b"w.test/2", b"w.test/1"))
    await asking.once()
    assert asking.figures["w.test/1"].wrong == 2
    assert asking.figures["w.test/1"].cosigned == 0
    assert b"w.test/1" not in world.kept(one)[4]


async def test_a_clock_that_is_far_off_is_not_taken(world: World) -> None:
    world.moved = timedelta(days=2)
    of, asking = world.log(4), world.cosigning()
    await asking.once()
    assert [one.wrong for one in asking.figures.values()] == [1, 1]
    assert verified(world.kept(of)[4], *map(str, world.office.verifier_keys(of)))


async def test_tiles_that_were_changed_are_shown_to_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    of, asking = world.log(9), world.cosigning()
    await asking.once()
    world.moved += PACE
    world.grow(of, 9)
    asked = len(world.first.requests)
    world.office.admin.execute("UPDATE ledger.tiles SET hashes = set_byte(hashes, 260, 7) WHERE level = 0")
    await asking.once()
    assert len(world.first.requests) == asked
    assert "do not prove" in caplog.text


async def test_a_checkpoint_that_is_none_holds_up_no_other_log(world: World) -> None:
    logs, asking = [world.log(9) for _ in range(4)], world.cosigning()
    spoilt = {logs[0]: b"", logs[1]: world.office.note(logs[2]), logs[3]: world.office.note(logs[3])[:-40]}
    for of, note in spoilt.items():
        world.office.admin.execute(
            "UPDATE ledger.trees SET note = %s WHERE tenant_id = %s AND log = %s", (note, *of)
        )
    await asking.once()
    cosigned = world.office.admin.execute("SELECT tenant_id, size FROM ledger.cosignatures").fetchall()
    assert cosigned == [(logs[2].tenant_id, 9)] * 2
    assert world.office.admin.execute("SELECT tenant_id FROM ledger.checkpoints").fetchall() == [
        (logs[2].tenant_id,)
    ]


async def test_a_new_epoch_is_a_log_of_its_own(world: World) -> None:
    of, asking = world.log(40), world.cosigning()
    await asking.once()
    world.office.admin.execute("DELETE FROM log.events WHERE position > 30")
    world.office.admin.execute("UPDATE log.heads SET position = 30")
    start_epoch(world.office.database.maintenance, world.now())
    world.grow(of, 5)
    await asking.once()
    assert world.office.checkpoint(of).kept == 30
    assert world.seen(of) == [35, 35]


async def test_it_runs_in_the_notarys_process_and_waits_for_a_database_that_is_away(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.moved = timedelta()  # the process has a clock of its own
    monkeypatch.setattr(module, "_LOOK", 0.01)
    of, fails, connect = world.log(3), [True, True], world.office.notary.connect
    told = ", ".join(f"{one.vkey} {one.url}" for one in (world.first, world.second))
    settings = Settings(data=tmp_path, witnesses=told, witness_quorum=2)

    def flaky() -> Any:
        if fails:
            fails.pop()
            raise psycopg.OperationalError
        return connect()

    meters = Meters()
    async with cosigning(settings, meters, flaky):
        async with asyncio.timeout(20):
            while b'penguinmails_witness_cosigned{witness="w.test/2"} 1.0' not in meters.text():  # noqa: ASYNC110 - it is told by figures alone
                await asyncio.sleep(0.01)
    assert world.seen(of) == [3, 3]
    assert b"penguinmails_notary_unwitnessed" in meters.text()


async def test_a_witness_of_ours_that_was_introduced_cosigns_and_outlives_a_kill(
    world: World, tmp_path: Path
) -> None:
    logs = [world.log(30), world.log(4, LogKind.ACCESS)]
    folder = tmp_path / "witness"
    folder.mkdir()
    introduced = penguinmails("witness", "introduce", "--data", str(tmp_path))
    (folder / "witness.toml").write_text(f'name = "w.test/ours"\nport = 0\n{introduced}', encoding="utf-8")
    vkey = penguinmails("witness", "key", "--folder", str(folder)).strip()
    for events in (0, 9):
        if events:
            world.moved += PACE
            for of in logs:
                world.grow(of, events)
        with running_witness(folder) as ours:
            assert ours.vkey == vkey
            client = HttpWitness(ours.url)
            world.clients.append(client)
            key = VerifierKey.read(vkey)
            asking = Cosigning(
                world.office.notary.connect, Quorum.of([key]), {key.name: client}, verify, world.now
            )
            world.asking.append(asking)
            await asking.once()
            ours.process.kill()
            ours.process.wait()
        assert asking.figures["w.test/ours"].cosigned == 2
        for of in logs:
            note = world.kept(of)[world.office.checkpoint(of).size]
            assert len(verified(note, *map(str, world.office.verifier_keys(of)), vkey)) == 2
    served = await read_by_requests(world, logs[0])
    assert verified(served.note, *map(str, world.office.verifier_keys(logs[0])), vkey).keys() >= {
        "w.test/ours"
    }


def penguinmails(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


async def read_by_requests(world: World, of: LogId) -> SignedTree:
    """The latest checkpoint as the API reads it; the page of those that are kept says the same of it."""
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        world.office.database.dsn(Role.REQUEST), open=False, kwargs={"autocommit": True}
    )
    async with pool:
        ledger = LedgerInViews(pool)
        tree = await ledger.tree(of)
        assert tree is not None
        assert [one.note for one in await ledger.kept(of)][-1] == tree.note
        return tree


async def test_without_witnesses_nobody_is_asked(tmp_path: Path) -> None:
    meters = Meters()
    async with cosigning(Settings(data=tmp_path, witnesses=""), meters, psycopg.connect):
        assert b"witness" not in meters.text()
