"""Checkpoints noted in the platform's log, by the worker's loop; and shown to whom they are of, with proofs."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from application.noting import Noting
from domain.audit.notes import SignatureType, VerifierKey
from domain.audit.origins import LogId, LogKind
from domain.audit.proofs import TlogProof
from domain.audit.tree import leaf_hash
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import TenantRole
from domain.ledger.noted import NOTED_IN
from projections.audit.shown import TreesInDatabase
from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.notary import Office, office
from tests.support.noted import HOUR, note, told


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    with office(database, tmp_path / "notary") as made:
        yield made


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = HOUR + timedelta(minutes=7)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Api]:
    async with serving(database, tmp_path, clock) as made:
        yield made


def noting_of(api: Api, every: timedelta = timedelta(hours=1)) -> Noting:
    connect = functools.partial(psycopg.AsyncConnection.connect, api.database.projector, autocommit=True)
    return Noting(api.parts.commands, TreesInDatabase(connect), every)


async def said(api: Api) -> list[dict[str, Any]]:
    rows = await api.parts.log.read_log(PLATFORM, limit=5_000)
    mine = [row for row in rows if row.name.startswith("ledger.")]
    return [
        {"name": row.name, **told} for row, told in zip(mine, api.parts.codec.payloads(mine), strict=True)
    ]


def tampered(signing: Office, of: LogId, statement: str) -> None:
    signing.admin.execute(f"UPDATE ledger.trees SET {statement} WHERE tenant_id = %s AND log = %s", (*of,))  # noqa: S608 - a test's own words


async def test_each_hour_what_grew_is_noted_and_nothing_twice(
    api: Api, signing: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, noting = asyncio.Event(), noting_of(api)
    await noting.look(stop)
    assert noting.noted == 0, "no log of the platform's, no note"
    await api.staff()
    monkeypatch.setattr("application.noting.MOST_NOTED", 2)  # five logs in three chunks
    logs = [signing.log(kind) for kind in (LogKind.EVENTS, LogKind.ACCESS, LogKind.EVENTS, LogKind.EVENTS)]
    for of in logs:
        signing.add(of, 3)
    signing.sign()
    await noting.look(stop)
    roots = {(str(of.tenant_id), of.log.value): signing.checkpoint(of) for of in logs}
    first = await said(api)
    assert {(one["tenant_id"], one["log"]) for one in first} == roots.keys(), "and not the platform's own"
    for one in first:
        checkpoint = roots[one["tenant_id"], one["log"]]
        assert (one["size"], one["root"]) == (3, base64.b64encode(checkpoint.root).decode())
    signing.add(logs[0], 1)
    signing.sign()
    await noting.look(stop)
    await noting_of(api).look(stop)  # another process, or the same one after a kill
    assert await said(api) == first
    clock.now += timedelta(hours=1)
    await noting.look(stop)
    (grown,) = (await said(api))[len(first) :]
    assert (grown["tenant_id"], grown["size"]) == (str(logs[0].tenant_id), 4)
    assert noting.figures() == {
        "checkpoints_noted": 5,
        "checkpoints_contradicted": 0,
        "checkpoints_unreadable": 0,
    }


async def test_killed_between_two_chunks_the_rest_is_noted_once(
    api: Api, signing: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.staff()
    monkeypatch.setattr("application.noting.MOST_NOTED", 1)
    for _ in range(4):
        signing.add(signing.log(), 2)
    signing.sign()
    noting, done = noting_of(api), []
    whole = noting._note

    async def dying(*given: Any) -> int:
        done.append(await whole(*given))
        if len(done) == 3:
            raise KeyboardInterrupt
        return done[-1]

    monkeypatch.setattr(noting, "_note", dying)
    with pytest.raises(KeyboardInterrupt):
        await noting.look(asyncio.Event())
    before = await said(api)
    assert 0 < len(before) < 4
    await asyncio.gather(*(noting_of(api).look(asyncio.Event()) for _ in range(3)))
    after = await said(api)
    assert after[: len(before)] == before
    assert len({one["tenant_id"] for one in after}) == len(after) == 4


async def test_a_database_that_tells_another_past_is_found_out(
    api: Api, signing: Office, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await api.staff()
    of, other, odd = signing.log(), signing.log(), signing.log()
    for one in (of, other, odd):
        signing.add(one, 9)
    signing.sign()
    earlier = signing.note(of)
    signing.add(of, 5)
    signing.sign()
    noting = noting_of(api)
    await noting.look(asyncio.Event())
    before = len(await said(api))
    # The whole database was put back, with its checkpoint of then; another's is no checkpoint any more.
    signing.admin.execute(
        "UPDATE ledger.trees SET size = 9, note = %s WHERE tenant_id = %s", (earlier, of.tenant_id)
    )
    tampered(signing, odd, "note = 'nonsense'")
    for _ in range(2):
        clock.now += timedelta(hours=1)
        with caplog.at_level(logging.ERROR):
            await noting.look(asyncio.Event())
        assert (noting.contradicted, noting.unreadable) == (1, 1)
    assert f"events of tenant {of.tenant_id} contradicts" in caplog.text
    (found,) = (await said(api))[before:]
    assert found["name"] == "ledger.checkpoint_contradicted"
    assert (found["tenant_id"], found["size"], found["noted_size"]) == (str(of.tenant_id), 9, 14)


async def test_a_tenant_is_shown_its_own_with_a_proof_that_anybody_can_check(
    api: Api, signing: Office, clock: Clock
) -> None:
    await api.staff()
    ours, theirs = await api.tenant("Ours"), await api.tenant("Theirs")
    noting, path = noting_of(api), "/v1/ledger/events/noted"
    signing.sign()
    none = await api.send("GET", path, ours.key)
    assert (none.status_code, none.json()["type"].rpartition("/")[2]) == (404, "checkpoint-not-noted")
    sizes = []
    for _ in range(5):
        sizes.append(signing.checkpoint(LogId(ours.id, LogKind.EVENTS)).size)
        await noting.look(asyncio.Event())
        await api.key(ours, TenantRole.VIEWER)
        await api.key(ours, TenantRole.VIEWER)
        signing.sign()
        clock.now += timedelta(hours=1)
    # As docs/checkpoints-outside.md asks.
    latest = (await api.send("GET", path, ours.key)).json()["data"]
    assert (latest["size"], latest["epoch"], latest["contradicted_by"]) == (sizes[-1], 1, None)
    for size in sizes:
        shown = (await api.send("GET", f"{path}?size={size}&epoch=1", ours.key)).json()["data"]
        assert shown["size"] == size
        entry = sha256(shown["envelope"].encode()).digest()
        proof = TlogProof.read(shown["proof"].encode())
        assert proof.index == shown["platform_position"] - 1
        origin = signing.checkpoint(NOTED_IN).origin
        keys = [
            VerifierKey(origin, SignatureType.ED25519, key.public_key)
            for key in signing.verifier_keys(NOTED_IN)
        ]
        verdict = proof.verified(
            leaf_hash(entry), origin=origin, keys=keys, verify=signing.notary.keys.verify
        )
        assert verdict.holds, verdict.words
        assert str(ours.id) in shown["envelope"]
        assert str(theirs.id) not in shown["envelope"]
    between = (await api.send("GET", f"{path}?size={sizes[0] + 1}", ours.key)).json()["data"]
    assert between["size"] == sizes[1]
    for wrong in (f"{path}?size=9999", f"{path}?size=1&epoch=2", "/v1/ledger/other/noted"):
        assert (await api.send("GET", wrong, ours.key)).status_code == 404
    for wrong in (f"{path}?size=0", f"{path}?size=x", f"{path}?epoch=1", f"{path}?sizes=1"):
        assert (await api.send("GET", wrong, ours.key)).status_code == 422


async def test_what_contradicts_is_shown_and_the_noted_one_found_all_the_same(api: Api) -> None:
    await api.staff()
    tenant = await api.tenant()
    for hour, one in enumerate((told(tenant.id, 5), told(tenant.id, 4, 7), told(tenant.id, 8, 3))):
        await note(api, one, hour=HOUR + timedelta(hours=hour))
    for size, found in (("", 8), ("?size=5", 5), ("?size=3", 5), ("?size=6", 8)):
        answer = await api.send("GET", f"/v1/ledger/events/noted{size}", tenant.key)
        data = answer.json()["data"]
        assert (data["size"], data["proof"], data["contradicted_by"]["size"]) == (found, None, 4), size
    assert (await api.send("GET", "/v1/ledger/access/noted", tenant.key)).status_code == 404
