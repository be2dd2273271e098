"""Processes that race: some authorise messages and hand them over, one enters opt-outs of the same, or hashes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import uvloop

from api.composition import Composition, composed, now
from api.settings import Settings
from application.contention import TooMuchContention
from application.importing.suppressing import SuppressionChunk, look_ahead_listed
from application.orders import Order, Outcome
from application.ports.codec import Cause
from application.ports.log import Append, VersionConflict
from application.principals import Principal
from application.workflow import Because, Workflow
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.authorisation import AuthoriseMessage, DispatchMessage, NoAllow
from domain.audience.consent_commands import OptOutChannel, RecordOptOut
from domain.audience.hashed import Algorithm, hashes_of
from domain.audience.intake import Entry
from domain.audience.own_word import HeedOptOut
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId, new_id
from domain.kernel.permissions import Permission
from domain.law.facts import SuppressionKind
from tests.support.api import Api, TestTenant
from tests.support.starting import LOADED

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Barrier

_AT_ONCE: Final = 48
_NEIGHBOURS: Final = 100
"""Everybody goes through the same people in nearly the same order, and keeps step, so that they meet."""
_HALF: Final = 0.5
"""Of the opt-outs: by the person's own link; the others are entered for them."""
_AN_APPEND: Final = 500
_PAUSE: Final = 0.02
"""Seconds, at most, between an allow and its hand-over: as a sender takes to make the message."""


Work = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Race:
    """Where it is run, and about whom."""

    database: str
    folder: Path
    tenant_id: UUID
    workspace_id: UUID
    people: list[UUID]


def send(
    race: Race, seed: int, start: Barrier, steps: list[Synchronized[int]], told: Queue[Counter[str]]
) -> None:
    """Authorise a message to each person, then hand it over."""
    rng = random.Random(seed)

    async def one(parts: Composition, who: UUID) -> str:
        message, workspace = MessageId(new_id(now())), WorkspaceId(race.workspace_id)
        asked = await _execute(parts, race, who, AuthoriseMessage(message_id=message, workspace_id=workspace))
        if asked.told is None or asked.told["verdict"] != "allow":
            return "denied"
        await asyncio.sleep(rng.random() * _PAUSE)
        try:
            gone = await _execute(
                parts, race, who, DispatchMessage(message_id=message, workspace_id=workspace)
            )
        except NoAllow:  # another sender's decision found the opt-out, and ended all allows
            return "ended"
        return "dispatched" if gone.told is not None and gone.told["dispatched"] else "withheld"

    uvloop.run(_run(race, rng, seed, steps, start, told, one))


def opt_out(
    race: Race, seed: int, start: Barrier, steps: list[Synchronized[int]], told: Queue[Counter[str]]
) -> None:
    """Enter that each person does not want to be written to."""
    rng = random.Random(seed)

    async def one(parts: Composition, who: UUID) -> str:
        await asyncio.sleep(rng.random() * _PAUSE)
        heard = HeedOptOut(channel=OptOutChannel.ONE_CLICK)
        told = RecordOptOut(channel=OptOutChannel.REPLY)
        await _execute(parts, race, who, heard if rng.random() < _HALF else told)
        return "opted out"

    uvloop.run(_run(race, rng, seed, steps, start, told, one))


def list_hashes(
    race: Race, seed: int, start: Barrier, steps: list[Synchronized[int]], told: Queue[Counter[str]]
) -> None:
    """Put a hash of each person's address onto the suppression list, as an import of one does."""
    rng = random.Random(seed)

    async def one(parts: Composition, who: UUID) -> str:
        await asyncio.sleep(rng.random() * _PAUSE)
        value = hash_of(who, rng.choice(list(Algorithm)))
        entry = Entry(1, 1, [], None, None, value, SuppressionKind.UNSUBSCRIBE, None, None)
        workflow = Workflow(parts.commands, race.tenant_id, who, Because(who))
        while True:
            ahead = await look_ahead_listed(parts.commands, race.tenant_id, [entry])
            unit = workflow.unit(race.tenant_id, dict(ahead.states))
            await SuppressionChunk(unit, WorkspaceId(race.workspace_id), unit.stamp.at).decide([entry], ahead)
            try:
                await workflow.commit(unit, "tests.list-hash", key=str(who))
            except VersionConflict:
                continue
            return "listed"

    uvloop.run(_run(race, rng, seed, steps, start, told, one))


def address_of(who: UUID) -> str:
    """Everybody's address."""
    return f"{who}@people.example"


def hash_of(who: UUID, algorithm: Algorithm) -> str:
    """The value that stands on a list for somebody."""
    (value,) = hashes_of(address_of(who), address_of(who), [algorithm])
    return value


async def met(api: Api, tenant: TestTenant, people: int) -> list[UUID]:
    """People of the United States, who may be written to until they say no."""
    parts, ids = api.parts, [new_id(api.parts.clock()) for _ in range(people)]
    for first in range(0, people, _AN_APPEND):
        pairs = [
            (
                f"addressee:{who}",
                AddresseeRegistered(
                    addressee_id=AddresseeId(who),
                    email=address_of(who),
                    workspace_id=WorkspaceId(tenant.workspace_id),
                    country="US",
                ),
            )
            for who in ids[first : first + _AN_APPEND]
        ]
        command = new_id(parts.clock())
        cause = Cause(Actor(ActorKind.SYSTEM, tenant.id), command, "tests.meet", command)
        await parts.commands.make_keys(parts.codec.keys_of(tenant.id, (event for _, event in pairs), cause))
        await parts.log.append(Append(tenant.id, tuple(parts.codec.encode(tenant.id, pairs, cause))))
    return ids


def raced(race: Race, work: Sequence[Work]) -> Counter[str]:
    """What came of it, over all processes: one for each work."""
    start, told = LOADED.Barrier(len(work)), LOADED.Queue()
    steps = [LOADED.Value("i", 0) for _ in work]
    processes = [
        LOADED.Process(target=what, args=(race, seed, start, steps, told)) for seed, what in enumerate(work)
    ]
    for process in processes:
        process.start()
    counts = Counter[str]()
    for _ in processes:
        counts += told.get(timeout=240)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return counts


async def _run(
    race: Race,
    rng: random.Random,
    number: int,
    steps: list[Synchronized[int]],
    start: Barrier,
    told: Queue[Counter[str]],
    one: Callable[[Composition, UUID], Awaitable[str]],
) -> None:
    order: list[UUID] = []
    for first in range(0, len(race.people), _NEIGHBOURS):
        near = race.people[first : first + _NEIGHBOURS]
        order += rng.sample(near, len(near))
    counts, people = Counter[str](), iter(order)

    async def worker(parts: Composition) -> None:
        for who in people:
            while steps[number].value > min(step.value for step in steps) + _NEIGHBOURS // 2:  # noqa: ASYNC110 - others
                await asyncio.sleep(0.001)
            steps[number].value += 1
            counts[await one(parts, who)] += 1
        steps[number].value += len(order)  # nobody waits for who is done

    async with composed(Settings(data=race.folder), race.database) as parts:
        await asyncio.to_thread(start.wait)
        await asyncio.gather(*(worker(parts) for _ in range(_AT_ONCE)))
    told.put(counts)


async def _execute(parts: Composition, race: Race, who: UUID, command: Command) -> Outcome:
    actor = Actor(ActorKind.SYSTEM, race.tenant_id)
    principal = Principal(race.tenant_id, actor, frozenset(Permission), None, 0)
    while True:
        try:
            return await parts.commands.execute(Order(principal, command, who, b"{}"))
        except TooMuchContention:  # nothing was written: on a machine with much else to do it takes too long
            continue
