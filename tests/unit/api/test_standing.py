"""Where a log stands, as refusals tell it: read seldom, told to nobody but the tenant's own callers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.http.kinds import LOG_UNAVAILABLE, NOT_FOUND
from api.http.problems import Problem
from api.http.standing import CALLER, KNOWN, Standing
from application.ports.log import Head, LogUnavailable
from application.ports.positions import Position

TENANT = uuid4()


class Heads:
    """A log whose head alone is asked for."""

    def __init__(self) -> None:
        self.position, self.asked, self.away, self.slow = 7, 0, False, False

    async def head(self, tenant_id: UUID) -> Head:
        self.asked += 1
        if self.slow:
            await asyncio.sleep(60)
        if self.away:
            raise LogUnavailable
        return Head(tenant_id, 1, self.position, datetime.now(UTC), 1)


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def heads() -> Heads:
    return Heads()


def standing(heads: Any, clock: Watch) -> Standing:
    return Standing(heads, clock)


def token(n: int) -> str:
    return Position(1, n).token()


async def test_nobody_is_told_before_their_tenant_is_known(heads: Heads) -> None:
    told = await standing(heads, Watch()).position_of(Problem(NOT_FOUND, position=token(3)), {})
    assert (told, heads.asked) == (None, 0)


async def test_what_it_was_decided_at_comes_first_then_what_the_door_knew(heads: Heads) -> None:
    where, scope = standing(heads, Watch()), {CALLER: TENANT, KNOWN: token(5)}
    assert await where.position_of(Problem(NOT_FOUND, position=token(3)), scope) == token(3)
    assert await where.position_of(Problem(NOT_FOUND), scope) == token(5)
    assert heads.asked == 0


async def test_the_head_is_read_once_a_second_however_many_are_refused(heads: Heads) -> None:
    clock = Watch()
    where = standing(heads, clock)
    told = {await where.position_of(Problem(NOT_FOUND), {CALLER: TENANT}) for _ in range(1_000)}
    assert (told, heads.asked) == ({token(7)}, 1)
    heads.position, clock.now = 8, 1.0
    assert await where.position_of(Problem(NOT_FOUND), {CALLER: TENANT}) == token(8)


async def test_a_log_that_is_away_is_not_waited_for(heads: Heads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.standing._PATIENCE_SECONDS", 0.01)
    clock = Watch()
    where = standing(heads, clock)
    assert await where.position_of(Problem(LOG_UNAVAILABLE), {CALLER: TENANT}) is None
    assert heads.asked == 0, "it has just been found away"
    heads.away = True
    assert await where.position_of(Problem(NOT_FOUND), {CALLER: TENANT}) is None
    heads.away = False
    await where.position_of(Problem(NOT_FOUND), {CALLER: TENANT})
    heads.slow, clock.now = True, 5.0
    assert await where.position_of(Problem(NOT_FOUND), {CALLER: TENANT}) == token(7), (
        "the last that was known"
    )
    assert await where.position_of(Problem(LOG_UNAVAILABLE), {CALLER: TENANT}) == token(7)
