"""Whether the installation can work: what is amiss is named, whichever part it is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.ops.health import Health
from application.ports.analytics import AnalyticsUnavailable
from application.ports.keys import KeysUnavailable


def away(*_: object, **__: object) -> Any:
    raise OSError


def no_keys() -> int:
    raise KeysUnavailable


async def no_analytics() -> Any:
    raise AnalyticsUnavailable


async def test_keys_that_cannot_be_read_make_it_not_ready_and_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = SimpleNamespace(
        keys=SimpleNamespace(generation=no_keys),
        views=SimpleNamespace(connection=away),
        analytics=SimpleNamespace(health=no_analytics),
    )
    health = Health(cast("Any", None), cast("Any", parts))
    for look in ("_migrations", "_projector"):
        monkeypatch.setattr(health, look, away)
    answer = await health.readyz(cast("Any", None))
    told = json.loads(bytes(answer.body))
    assert (answer.status_code, told["state"]) == (503, "not ready")
    assert told["checks"]["keys"]["state"] == "unreachable (KeysUnavailable)"
    assert not told["checks"]["keys"]["ok"]
