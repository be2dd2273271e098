"""Permission to send, decided and recorded: a campaign's recipients in batches, and one message alone.

People of five countries (consents, purchases, companies, opt-outs) whom the server has not met before; every decision
is judged by the laws of recipient and sender and committed with the recipient before its answer.

- `decisions_per_s`: all recipients once, 200 a request, from 4 connections, over HTTP with key and permission.
- `single_added_p50_ms`: what a lone caller waits for one decision before its message goes, over HTTP; the median.
- `single_p99_ms`: the same, at the slow end.
- `hand_over_p50_ms`: recording the hand-over under that allow.
- `judged_per_s`: the pure decision alone, on one core.
- `rejudged_per_s`: the time machine: all decisions read from the log, judged again by the same packs, and compared.
- `allowed_share`: how many of them may be written to.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import uvloop

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from api.composition import composed, now
from api.settings import Settings
from application.credentials import parse_api_key
from application.ports.codec import Cause
from application.ports.log import Append
from application.rejudging import Flip, Question, Tally
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered, RelationRecorded
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import ConsentRecorded, OptedOut
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId, new_id
from domain.law.facts import Message
from domain.law.judging import judge
from domain.law.packs import load_packs
from scripts.benches.api import prepare, server

_A_REQUEST = 200
_CONNECTIONS = 4
_AN_APPEND = 900
_SINGLES = 500
_SENDER = "GB"
_BATCH = "/v1/audience/new/authorise-messages"


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 25 s."""
    people = 20_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data") as postgres:
            migrate(postgres.admin_dsn, postgres.passwords)
            settings = Settings(data=folder / "data")
            key, workspace = uvloop.run(prepare(settings, postgres.admin_dsn, country=_SENDER))
            ids = uvloop.run(_met(settings, postgres.admin_dsn, _tenant_of(key), workspace, people))
            with server("product", str(folder / "data"), postgres.admin_dsn) as port:
                figures = uvloop.run(_measured(port, key, workspace, ids))
            figures["judged_per_s"] = _judged()
            figures["rejudged_per_s"] = uvloop.run(_rejudged(settings, postgres.admin_dsn, _tenant_of(key)))
            return figures


def _tenant_of(key: str) -> UUID:
    parsed = parse_api_key(key)
    if parsed is None:
        raise RuntimeError("that is no key")
    return parsed.tenant_id


async def _met(settings: Settings, database: str, tenant: UUID, workspace: str, people: int) -> list[UUID]:
    """Everybody's ids, once the log has met them."""
    at, ids = datetime.now(UTC), []
    async with composed(settings, database) as parts:
        pairs: list[tuple[str, Event]] = []
        for number in range(people):
            ids.append(new_id(at))
            pairs += [
                (f"addressee:{ids[-1]}", event)
                for event in _history(AddresseeId(ids[-1]), WorkspaceId(UUID(workspace)), number)
            ]
            if len(pairs) > _AN_APPEND or number == people - 1:
                command = new_id(at)
                cause = Cause(Actor(ActorKind.SYSTEM, tenant), command, "bench.meet", command)
                await parts.commands.make_keys(
                    parts.codec.keys_of(tenant, (event for _, event in pairs), cause)
                )
                await parts.log.append(Append(tenant, tuple(parts.codec.encode(tenant, pairs, cause))))
                pairs = []
    return ids


def _history(who: AddresseeId, workspace: WorkspaceId, number: int) -> Iterator[Event]:
    country, kind = (
        ("US", None),
        ("DE", "individual"),
        ("GB", "corporate"),
        ("CA", "individual"),
        ("FR", None),
    )[number % 5]
    yield AddresseeRegistered(
        addressee_id=who,
        email=f"person{number}@example.org",
        workspace_id=workspace,
        country=country,
        subscriber_type=kind,
    )
    if country == "CA":
        yield RelationRecorded(addressee_id=who, kind="purchase", occurred_on=date(2026, 1, 1))
    elif number % 3:
        yield ConsentRecorded(
            addressee_id=who,
            occurred_on=date(2026, 1, 1),
            source="event",
            recorded_by="bench",
            documented=True,
        )
    if number % 10 == 0:
        yield OptedOut(addressee_id=who, occurred_at=datetime(2026, 2, 1, tzinfo=UTC), channel="reply")


class _Caller:
    """One connection that asks and waits; HTTP written out, so that it is not what is measured."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = f"host: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"

    async def open(self) -> _Caller:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        return self

    async def ask(self, path: str, body: Any) -> Any:
        content = orjson.dumps(body)
        head = f"POST {path} HTTP/1.1\r\n{self._head}content-length: {len(content)}\r\n\r\n"
        self._writer.write(head.encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        at = answer.index(b"content-length: ") + 16
        told = orjson.loads(await self._reader.readexactly(int(answer[at : answer.index(b"\r", at)])))
        if not answer.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(f"{path} answered {told}")
        return told


async def _measured(port: int, key: str, workspace: str, ids: list[UUID]) -> dict[str, float]:
    at, counts, starts = now(), Counter[str](), iter(range(0, len(ids), _A_REQUEST))

    async def work(caller: _Caller) -> None:
        for start in starts:
            messages = [
                {"addressee_id": who, "message_id": new_id(at)} for who in ids[start : start + _A_REQUEST]
            ]
            told = await caller.ask(_BATCH, {"workspace_id": workspace, "messages": messages})
            counts.update(told["result"]["counts"])

    callers = [await _Caller(port, key).open() for _ in range(_CONNECTIONS)]
    begun = time.perf_counter()
    await asyncio.gather(*(work(caller) for caller in callers))
    took = time.perf_counter() - begun
    if counts.total() != len(ids):
        raise RuntimeError(f"{counts.total()} decisions of {len(ids)}")
    asked, handed = await _alone(callers[0], workspace, ids)
    return {
        "decisions_per_s": len(ids) / took,
        "single_added_p50_ms": statistics.median(asked),
        "single_p99_ms": sorted(asked)[int(len(asked) * 0.99)],
        "hand_over_p50_ms": statistics.median(handed),
        "allowed_share": counts["allow"] / len(ids),
    }


async def _alone(caller: _Caller, workspace: str, ids: list[UUID]) -> tuple[list[float], list[float]]:
    """Milliseconds of one decision after the other, and of the hand-overs of those that were allowed."""
    asked: list[float] = []
    handed: list[float] = []
    for number in count():
        if len(asked) == _SINGLES:
            return asked, handed
        who, message = ids[number * 7 % len(ids)], new_id(now())
        body = {"message_id": message, "workspace_id": workspace}
        begun = time.perf_counter()
        told = await caller.ask(f"/v1/audience/{who}/authorise-message", body)
        asked.append((time.perf_counter() - begun) * 1000)
        if told["result"]["verdict"] == "allow":
            begun = time.perf_counter()
            await caller.ask(f"/v1/audience/{who}/dispatch-message", body)
            handed.append((time.perf_counter() - begun) * 1000)
    raise AssertionError("a count does not end")


async def _rejudged(settings: Settings, database: str, tenant: UUID) -> float:
    """Past decisions a second: read from the log, judged again, and compared; all are found to be the same."""
    async with composed(settings, database) as parts:
        begun, tally = time.perf_counter(), Tally()
        async for one in parts.rejudging.answers(tenant, Question()):
            if isinstance(one, Flip):
                raise RuntimeError("the same packs gave another decision")  # noqa: TRY004 - not a matter of types
            tally = one
        if tally.judged != tally.identical:
            raise RuntimeError("decisions came out with other reasons")
        return tally.judged / (time.perf_counter() - begun)


def _judged() -> float:
    """Decisions a second, without recording them."""
    workspace, packs, at = WorkspaceId(new_id(now())), load_packs(), now()
    people = [
        state.person
        for number in range(200)
        if isinstance(
            state := ADDRESSEE.fold(list(_history(AddresseeId(new_id(at)), workspace, number))), Addressee
        )
    ]
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < 2:
        for person in people:
            judge(person, Message(), _SENDER, at, packs)
        done += len(people)
    return done / (time.perf_counter() - begun)
