"""An allow against what ends it, an opt-out over several processes, its ten minutes, its lapse by law: nothing goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.composition import now
from application.replay import HistoryFilters
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.racing import Race, met, opt_out, raced, send

PEOPLE = 5_000
SENDERS = 2
"""Each goes to everybody: ten thousand pairs of an authorisation and its hand-over."""


async def test_after_an_opt_out_nothing_is_allowed_and_nothing_goes(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(country="US")
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, await met(api, tenant, PEOPLE))
        counts = await asyncio.to_thread(raced, race, [*[send] * SENDERS, opt_out])
        out: set[str] = set()
        seen = Counter[str]()
        async for event in api.parts.replay.events(tenant.id, HistoryFilters(), reveal=False, evidence=False):
            after = "after" if event.stream in out else "before"
            if event.name == "audience.opted_out":
                assert after == "before", "an opt-out stands once"
                out.add(event.stream)
            elif event.name == "audience.permission_decided":
                seen[f"{event.payload['verdict']} {after}"] += 1
            elif event.name == "audience.message_dispatched":
                seen[f"gone {after}"] += 1

    assert len(out) == counts["opted out"] == PEOPLE
    assert seen["allow after"] == seen["gone after"] == seen["deny before"] == 0
    assert seen["gone before"] == counts["dispatched"]
    assert seen["deny after"] == counts["denied"] + counts["withheld"]
    assert counts.total() == (SENDERS + 1) * PEOPLE
    # A race that one side always wins shows nothing.
    assert min(counts["denied"], counts["withheld"], counts["dispatched"]) > PEOPLE // 100, counts


@dataclass(slots=True)
class SetClock:
    """The commands' clock: it stands still, and is moved by hand."""

    moment: datetime

    def __call__(self) -> datetime:
        """The moment."""
        return self.moment


class Sender:
    """Somebody who sends to one person, over HTTP."""

    def __init__(self, api: Api, tenant: TestTenant, who: UUID) -> None:
        self.api, self.tenant, self.who = api, tenant, who

    async def say(self, command: str, body: dict[str, Any], status: int) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/audience/{self.who}/{command}", self.tenant.key, body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def authorised(self, message: dict[str, str]) -> dict[str, Any]:
        told: dict[str, Any] = (await self.say("authorise-message", message, 200))["result"]
        return told

    def message(self) -> dict[str, str]:
        return {"workspace_id": str(self.tenant.workspace_id), "message_id": str(uuid4())}

    async def gone(self) -> list[str]:
        """The messages that went, as the log tells."""
        replay = self.api.parts.replay
        events = replay.events(self.tenant.id, HistoryFilters(), reveal=False, evidence=False)
        gone = [one async for one in events if one.name == "audience.message_dispatched"]
        return [str(one.payload["message_id"]) for one in gone]


async def sender(api: Api, country: str) -> Sender:
    tenant = await api.tenant(country=country)
    who = {"workspace_id": str(tenant.workspace_id), "email": "ann@people.example", "country": country}
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, who)
    assert answer.status_code == 201, answer.text
    (stream,) = {one["stream"] for one in answer.json()["events"] if one["stream"].startswith("addressee:")}
    return Sender(api, tenant, UUID(stream.partition(":")[2]))


@pytest.mark.parametrize("early", [timedelta(0), timedelta(microseconds=1)])
async def test_after_its_ten_minutes_an_allow_dispatches_nothing(
    database: Database, tmp_path: Path, early: timedelta
) -> None:
    clock = SetClock(now())
    async with serving(database, tmp_path, clock) as api:
        ann = await sender(api, "US")
        message = ann.message()
        allow = await ann.authorised(message)
        assert allow["verdict"] == "allow"
        assert datetime.fromisoformat(allow["expires_at"]) == clock.moment + timedelta(minutes=10)
        clock.moment += timedelta(minutes=10) - early
        if early:
            assert (await ann.say("dispatch-message", message, 200))["result"]["dispatched"]
            assert await ann.gone() == [message["message_id"]]
            return
        assert (await ann.say("dispatch-message", message, 409))["type"] == "/problems/allow-lapsed"
        assert await ann.gone() == []
        assert (await ann.authorised(message))["verdict"] == "allow"
        assert (await ann.say("dispatch-message", message, 200))["result"]["dispatched"]


async def test_after_it_lapsed_by_law_an_allow_dispatches_nothing_though_its_ten_minutes_last(
    database: Database, tmp_path: Path
) -> None:
    """CASL s.10(10): two years from a purchase, until its day begins in Newfoundland, the first zone."""
    today = now()
    anniversary = datetime(today.year, 1, 15, 3, 30, tzinfo=UTC)
    clock = SetClock(anniversary - timedelta(minutes=5))
    async with serving(database, tmp_path, clock) as api:
        ann = await sender(api, "CA")
        bought = {"kind": "purchase", "occurred_on": f"{today.year - 2}-01-15"}
        await ann.say("record-relation", bought, 200)
        in_time, late = ann.message(), ann.message()
        for message in (in_time, late):
            allow = await ann.authorised(message)
            assert allow["verdict"] == "allow"
            assert datetime.fromisoformat(allow["expires_at"]) == anniversary
        clock.moment = anniversary - timedelta(microseconds=1)
        assert (await ann.say("dispatch-message", in_time, 200))["result"]["dispatched"]
        clock.moment = anniversary
        assert (await ann.say("dispatch-message", late, 409))["type"] == "/problems/allow-lapsed"
        assert (await ann.authorised(ann.message()))["verdict"] == "deny"
        assert await ann.gone() == [in_time["message_id"]]
