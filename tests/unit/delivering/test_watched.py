"""What the log says of a mail server: one line when it begins to take nothing over, one when it takes letters again."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import structlog

from adapters.smtp.memory import MemoryMail
from api.ops import logs
from application.delivering.watched import WatchedMail
from application.ports.delivering import Letter, MailRefused, MailTrouble, MailUnavailable
from tests.support.given import uid
from tests.support.posts import letter

ANNA, BERT = "anna@acme.example", "bert@acme.example"


class Watching:
    """A server that is watched, and the lines of a worker's log."""

    def __init__(self) -> None:
        self.server = MemoryMail()
        self.out = io.BytesIO()
        self.begin()

    def begin(self) -> None:
        """A worker that knows nothing."""
        self.watched = WatchedMail(self.server)

    async def send(self, one: Letter) -> None:
        with suppress(MailUnavailable, MailRefused):
            await self.watched.send(one)

    def lines(self) -> list[tuple[str, str, str | None]]:
        """Level, words and error of each new line."""
        text = self.out.getvalue().decode()
        self.out.seek(0)
        self.out.truncate()
        assert "@" not in text
        told: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        return [(one["level"], one["event"], one.get("error")) for one in told]


@pytest.fixture
def watching() -> Iterator[Watching]:
    made, root = Watching(), logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.set_up("worker", level="warning", out=made.out)
    yield made
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def nothing_of(kind: str, error: str, word: str) -> tuple[str, str, str]:
    words = f"the mail server did not take {kind} over ({error}): letters wait, and are tried again"
    return ("warning", words, word)


def again(kind: str) -> tuple[str, str, None]:
    return ("warning", f"the mail server takes letters again: the first is {kind}", None)


async def test_a_server_that_takes_nothing_is_told_once_and_once_more_when_it_does(
    watching: Watching,
) -> None:
    watching.server.trouble = MailTrouble.UNREACHABLE
    failed = replace(letter(ANNA), kind="billing.payment_failed")
    for one in (failed, failed, letter(BERT)):
        await watching.send(one)
    unreachable = nothing_of("billing.payment_failed", "MailUnavailable", "unreachable")
    assert watching.lines() == [unreachable]
    watching.server.trouble = None
    for one in (letter(BERT), failed):
        await watching.send(one)
    assert watching.lines() == [again("billing.usage_reached")]
    watching.server.trouble = MailTrouble.LOGIN
    await watching.send(failed)
    assert watching.lines() == [nothing_of("billing.payment_failed", "MailUnavailable", "login")]
    watching.begin()
    await watching.send(failed)
    assert len(watching.lines()) == 1, "a worker that began anew tells it too"


@pytest.mark.parametrize("word", ["put_off", "denied"])
async def test_everybody_put_off_is_one_line_and_one_full_mailbox_is_not_one_a_try(
    watching: Watching, word: str
) -> None:
    off = watching.server.deferred if word == "put_off" else watching.server.denied
    off.update((ANNA, BERT))
    full, other = letter(ANNA), replace(letter(BERT), message_id=uid(8))
    for one in (full, other, full, other):
        await watching.send(one)
    assert watching.lines() == [nothing_of("billing.usage_reached", "MailDeferred", word)]
    off.remove(BERT)
    for one in (other, full) * 3:
        await watching.send(one)
    assert watching.lines() == [again("billing.usage_reached")]
    off.clear()
    await watching.send(full)
    off.add(ANNA)
    await watching.send(full)
    assert len(watching.lines()) == 1, "what was taken meanwhile begins anew"


async def test_an_address_where_nobody_is_reached_is_no_trouble_of_the_server(watching: Watching) -> None:
    watching.server.refused.add(ANNA)
    await watching.send(letter(ANNA))
    assert watching.lines() == []
