"""Whether the installation can work: what is amiss is named, whichever part it is."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.smtp.settings import smtp_settings
from api.ops import health as health_module
from api.ops.health import Health
from application.ports.analytics import AnalyticsUnavailable
from application.ports.keys import KeysUnavailable

AROUND: Any = SimpleNamespace(settings=SimpleNamespace(stripe=None, smtp=None))


def away(*_: object, **__: object) -> Any:
    raise OSError


def no_keys() -> int:
    raise KeysUnavailable


async def no_analytics() -> Any:
    raise AnalyticsUnavailable


async def test_a_look_that_does_not_come_back_is_told_in_time_and_not_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_module, "_PATIENCE", 0.05)
    health = Health(AROUND, cast("Any", None))
    begun, comes_back = 0, asyncio.Event()

    async def frozen() -> tuple[bool, str]:
        nonlocal begun
        begun += 1
        await comes_back.wait()
        return True, "answers"

    async def well() -> tuple[bool, str]:
        return True, "well"

    for look in ("_database", "_migrations", "_keys", "_projector", "_analytics", "_ledger"):
        monkeypatch.setattr(health, look, frozen if look == "_database" else well)
    for _ in range(3):
        checks = {check.name: check for check in await health.checks()}
        assert checks["database"].state == "does not answer in time"
        assert checks["keys"].ok
    assert begun == 1
    comes_back.set()
    await asyncio.sleep(0)
    assert all(check.ok for check in await health.checks())
    assert begun == 2, "the late answer is not the present one"


async def test_keys_that_cannot_be_read_make_it_not_ready_and_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = SimpleNamespace(
        keys=SimpleNamespace(generation=no_keys),
        views=SimpleNamespace(connection=away),
        analytics=SimpleNamespace(health=no_analytics),
    )
    health = Health(AROUND, cast("Any", parts))
    for look in ("_migrations", "_projector", "_ledger"):
        monkeypatch.setattr(health, look, away)
    answer = await health.readyz(cast("Any", None))
    told = json.loads(bytes(answer.body))
    assert (answer.status_code, told["state"]) == (503, "not ready")
    assert told["checks"]["keys"]["state"] == "unreachable (KeysUnavailable)"
    assert not told["checks"]["keys"]["ok"]


@pytest.mark.parametrize(
    ("url", "state"),
    [
        (None, "not set up"),
        ("smtp://127.0.0.1:25", "not encrypted, on this machine"),
        ("smtps://penguin:secret@mail.example", "encrypted"),
    ],
)
async def test_whether_there_is_a_mail_server_is_told_and_nothing_else_of_it(
    monkeypatch: pytest.MonkeyPatch, url: str | None, state: str
) -> None:
    smtp = None if url is None else smtp_settings(url, "billing@sender.example")
    health = Health(
        cast("Any", SimpleNamespace(settings=SimpleNamespace(stripe=None, smtp=smtp))), cast("Any", None)
    )
    for look in ("_database", "_migrations", "_keys", "_projector", "_analytics", "_ledger"):
        monkeypatch.setattr(health, look, health._payments)
    monkeypatch.setattr(health, "_letters", lambda: None)
    told = json.loads(bytes((await health.readyz(cast("Any", None))).body))
    assert (told["state"], told["checks"]["mail"]["state"]) == ("ready", state)
