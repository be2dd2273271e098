"""Whole numbers in addresses: one of more digits than a position has is none, and nothing is read of a part of one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from starlette.requests import Request
from typer import BadParameter

from api.cli.history import moment
from api.http.asking import Asked, Desk
from api.http.doors import seen
from api.http.numbers import whole
from api.http.problems import Problem
from application.ports.analytics import InvalidParameters
from application.ports.positions import Position
from application.replay import BeyondTheLog

MANY = "9" * 5_000
TENANT = UUID(int=1)


def asked(limit: str) -> Asked:
    return Asked(cast("Any", None), cast("Any", None), cast("Any", None), {"limit": limit})


class Log:
    async def head(self, tenant_id: UUID) -> Any:
        return SimpleNamespace(tenant_id=tenant_id, epoch=1, position=9)


def desk() -> Desk:
    return Desk(cast("Any", SimpleNamespace(log=Log())))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        (MANY, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        (" 1", None),
        ("\u00b2", None),
        ("\u0663", None),
    ],
)
def test_a_whole_number(text: str, number: int | None) -> None:
    assert whole(text) == number


@pytest.mark.parametrize("limit", ["0", "101", "00000000150", "000000001999999999", "000000001" + MANY, MANY])
def test_no_page_is_longer_than_the_longest(limit: str) -> None:
    with pytest.raises(Problem):
        asked(limit).limit()


def test_a_page_of_a_padded_number() -> None:
    assert asked("0100").limit() == 100


@pytest.mark.parametrize("text", [MANY, "9" * 19, str(2**31), "0", "\u00b2", ""])
def test_a_page_that_had_seen_no_event_is_of_none(text: str) -> None:
    assert seen(Request({"type": "http", "query_string": f"seen={text}".encode(), "headers": []})) is None


@pytest.mark.parametrize("text", ["9" * 20, MANY, "0" * 20 + "7"])
async def test_a_position_of_too_many_digits_is_never_another_one(text: str) -> None:
    with pytest.raises(BeyondTheLog):
        await desk().place_of(TENANT, "at_position", text)


async def test_a_position_by_its_number() -> None:
    assert await desk().place_of(TENANT, "at_position", "7") == Position(1, 7)
    with pytest.raises(InvalidParameters):
        await desk().place_of(TENANT, "at_position", "\u00b2")


@pytest.mark.parametrize("text", ["\u00b2", "\u0663", MANY])
def test_what_is_no_number_on_the_command_line_is_told(text: str) -> None:
    with pytest.raises(BadParameter):
        moment(text)
