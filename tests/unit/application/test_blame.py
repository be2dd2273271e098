"""Blame against a plain look: every stream of the history with every event, folded anew for each of its prefixes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.blame import Blame
from application.plain import plain, step
from application.ports.codec import Cause
from application.ports.log import Append
from application.ports.positions import Position
from application.replay import PSEUDONYMOUS, Replay
from domain.kernel.commands import DECIDERS, Actor, ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.events import Event
from tests.support.history import History, events
from tests.support.projecting import CAUSE, fresh

MISSING = object()


async def written(tenant: UUID, told: list[tuple[str, Event]]) -> tuple[MemoryLog, JsonCodec]:
    log, codec = MemoryLog(), JsonCodec(MemoryKeyStore())
    await log.append(Append(tenant, (), opens_log=True))
    for stream, event in told:
        await log.append(Append(tenant, tuple(codec.encode(tenant, [(stream, event)], CAUSE))))
    return log, codec


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {path: value}
    found: dict[str, Any] = {}
    for key, one in value.items():
        found |= leaves(one, f"{path}/{step(key)}")
    return found


def there(value: Any, path: str) -> Any:
    """What a pointer names in a state, or `MISSING`."""
    for one in path.split("/")[1:]:
        if not isinstance(value, dict):
            return MISSING
        value = next((found for key, found in value.items() if step(key) == one), MISSING)
    return value


async def test_every_field_is_laid_to_the_event_that_gave_it_its_value() -> None:
    history = History()
    told = events(history.of_tenant())
    log, codec = await written(history.tenant, told)
    blame = Blame(Replay(log, codec), codec)
    seen, before_seen = 0, 0
    for stream in dict.fromkeys(stream for stream, _ in told):
        category = stream.partition(":")[0]
        if category in PSEUDONYMOUS or category not in DECIDERS:
            continue
        mine = [(n, event) for n, (one, event) in enumerate(told, 1) if one == stream]
        decider = DECIDERS[category]
        folds = [decider.fold([event for _, event in mine[:n]]) for n in range(len(mine) + 1)]
        states = [plain(state) for state in folds]
        found = await blame.of_stream(history.tenant, stream, reveal=True, evidence=True)
        assert {line.path: line.value for line in found.lines} == {
            path: value for path, value in leaves(states[-1]).items() if not path.endswith("_hmac")
        }, stream
        for line in found.lines:
            values = [there(state, line.path) for state in states]
            changes = [n for n in range(1, len(values)) if values[n] != values[n - 1]]
            because = None if line.because is None else line.because.position
            assert because == (mine[changes[-1] - 1][0] if changes else None), f"{stream} {line.path}"
            if changes:
                before = values[changes[-1] - 1]
                assert line.before == (None if before is MISSING else before), f"{stream} {line.path}"
            seen, before_seen = seen + 1, before_seen + (line.before is not None)
    assert (seen > 300, before_seen > 30) == (True, True)


async def test_blame_is_as_of_a_position_and_says_who_and_why() -> None:
    tenant, contact, subject = fresh(), fresh(), fresh()
    history = History()
    history.tenant = tenant
    told = [one for one in events(history.of_tenant()) if one[0] == f"contact:{history.anna}"]
    log, codec = await written(tenant, told[:1])
    cause = Cause(Actor(ActorKind.MEMBER, subject), contact, "audience.x", contact, reason="He asked")
    await log.append(Append(tenant, tuple(codec.encode(tenant, told[1:2], cause))))
    blame = Blame(Replay(log, codec), codec)
    stream = f"contact:{history.anna}"
    then = await blame.of_stream(tenant, stream, at=Position(1, 1))
    assert {line.because.position for line in then.lines if line.because} == {1}
    now = await blame.of_stream(tenant, stream, evidence=True, reveal=True)
    changed = [line.because for line in now.lines if line.because and line.because.position == 2]
    assert changed
    assert {(one.reason, one.command_name, one.actor["id"]) for one in changed} == {
        ("He asked", "audience.x", str(subject))
    }
    sealed = await blame.of_stream(tenant, stream)
    assert {line.because.reason for line in sealed.lines if line.because} <= {"[sealed]", None}
    for nothing in ("contact:", "nothing:1", f"contact:{fresh()}", "slug:x"):
        with pytest.raises(NotFound):
            await blame.of_stream(tenant, nothing)
