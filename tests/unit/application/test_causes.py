"""Trees of causes: in a log of commands, jobs and other people's events, whatever event of the tree is asked about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application import causes
from application.causes import Command, Tracing, moment_of
from application.ports.codec import Cause
from application.ports.log import Append
from application.replay import BeyondTheLog
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS
from domain.kernel.ids import new_id
from projections.jobs.due import begun, job_id

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ERASED: dict[str, Any] = {"evidence_ends": None, "evidence_by": [], "erased_at": None}


class Story:
    """A tenant's log, written an hour a command."""

    def __init__(self) -> None:
        self.now = NOW
        self.tenant, self.person = new_id(NOW), new_id(NOW)
        self.log, self.codec = MemoryLog(lambda: self.now), JsonCodec(MemoryKeyStore())
        self.tracing = Tracing(self.log, self.codec, lambda rows: begun(self.codec, rows))

    async def begin(self) -> None:
        await self.log.append(Append(self.tenant, (), opens_log=True))

    async def did(
        self,
        *events: tuple[str, dict[str, Any]],
        by: UUID | None = None,
        because: Cause | None = None,
    ) -> tuple[Cause, int]:
        """A command with its events; its cause, and the position of the last."""
        self.now += HOUR
        id_ = new_id(self.now)
        kind = ActorKind.MEMBER if by is None else ActorKind.WORKFLOW
        cause = Cause(
            Actor(kind, by or self.person),
            id_,
            "test.do",
            because.correlation if because else id_,
            because.command_id if because else None,
        )
        made = [
            (f"addressee:{payload['addressee_id']}", EVENTS.classes[name].model_validate(payload))
            for name, payload in events
        ]
        done = await self.log.append(Append(self.tenant, tuple(self.codec.encode(self.tenant, made, cause))))
        return cause, done.last_position

    async def noise(self, count: int) -> None:
        for _ in range(count):
            await self.did(("audience.profile_key_destroyed", {"addressee_id": uuid4()}))


def outline(command: Command) -> Any:
    """Positions of the events, under each its jobs' commands; then the command's own."""
    return (
        [
            (
                event.recorded.position,
                {job.due.workflow: list(map(outline, job.commands)) for job in event.jobs},
            )
            for event in command.events
        ],
        list(map(outline, command.commands)),
    )


async def test_a_tree_is_the_same_from_each_of_its_events() -> None:
    story = Story()
    await story.begin()
    who = {"addressee_id": uuid4()}
    erased: dict[str, Any] = {
        **who,
        "evidence_until": None,
        "evidence_ends": None,
        "evidence_by": [],
        "erased_at": None,
    }
    await story.noise(3)
    first, at = await story.did(
        ("audience.addressee_erased", erased), ("audience.evidence_key_destroyed", who)
    )
    await story.noise(2)
    shred = job_id(story.tenant, at - 1, "subject.shred")
    second, shredded = await story.did(("audience.profile_key_destroyed", who), by=shred, because=first)
    direct, told = await story.did(("audience.evidence_key_destroyed", who), because=second)
    await story.noise(2)
    certify = job_id(story.tenant, shredded, "subject.certify")
    _, certified = await story.did(("audience.evidence_key_destroyed", who), by=certify, because=second)
    expected: Any = (
        [
            (
                at - 1,
                {
                    "subject.shred": [
                        (
                            [(shredded, {"subject.certify": [([(certified, {})], [])]})],
                            [([(told, {})], [])],
                        )
                    ]
                },
            ),
            (at, {}),
        ],
        [],
    )
    for position in (at - 1, at, shredded, told, certified):
        found = await story.tracing.of_position(story.tenant, position)
        assert outline(found.first) == expected, position
        assert (found.complete, found.above, found.events) == (True, 0, 5)
    for id_ in (first.command_id, second.command_id, direct.command_id):
        assert outline((await story.tracing.of_id(story.tenant, id_)).first) == expected


async def test_what_lies_far_away_is_found_where_its_job_was_due_and_else_said_to_be_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("FROM_THE_FIRST", 5), ("AROUND", 4), ("FROM_A_JOB", 3), ("_CHUNK", 2)):
        monkeypatch.setattr(causes, name, value)
    story = Story()
    await story.begin()
    due = NOW + 41 * HOUR
    who = {"addressee_id": uuid4()}
    held: dict[str, Any] = {
        **who,
        "evidence_until": due,
        "evidence_ends": None,
        "evidence_by": [],
        "erased_at": None,
    }
    first, at = await story.did(("audience.addressee_erased", held))
    await story.noise(40)
    forget = job_id(story.tenant, at, "subject.forget_evidence")
    _, last = await story.did(("audience.evidence_key_destroyed", who), by=forget, because=first)
    await story.noise(20)
    _, lost = await story.did(("audience.evidence_key_destroyed", who), because=first)
    await story.noise(20)
    found = await story.tracing.of_position(story.tenant, at)
    assert outline(found.first) == (
        [(at, {"subject.shred": [], "subject.forget_evidence": [([(last, {})], [])]})],
        [],
    )
    assert not found.complete
    assert not any(low < lost <= high for low, high in found.looked_at)
    back = await story.tracing.of_position(story.tenant, lost)
    assert outline(back.first)[1] == [([(lost, {})], [])]
    assert sum(high - low for low, high in back.looked_at) < 40


async def test_a_long_chain_is_shown_from_a_few_commands_above() -> None:
    story = Story()
    await story.begin()
    who = {"addressee_id": uuid4()}
    cause, position = await story.did(("audience.evidence_key_destroyed", who))
    for _ in range(30):
        cause, position = await story.did(("audience.evidence_key_destroyed", who), because=cause)
    found = await story.tracing.of_position(story.tenant, position)
    assert (found.above, found.events, found.complete) == (30 - causes.ABOVE, 31, True)


async def test_what_is_not_there_is_refused() -> None:
    story = Story()
    await story.begin()
    await story.noise(1)
    for position, refusal in ((0, NotFound), (2, BeyondTheLog), (10**15, BeyondTheLog)):
        with pytest.raises(refusal):
            await story.tracing.of_position(story.tenant, position)
    for id_ in (uuid4(), new_id(NOW), UUID(int=0), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")):
        with pytest.raises(NotFound):
            await story.tracing.of_id(story.tenant, id_)
    assert moment_of(new_id(NOW)) == NOW
    with pytest.raises(BeyondTheLog):
        await story.tracing.of_position(uuid4(), 1)
