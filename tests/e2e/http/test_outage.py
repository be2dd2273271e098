"""The database dies under steady requests, twice, and comes back: nobody sees a 500, nothing is half done.

What is answered meanwhile is 2xx, or a 503 problem document that says when to come back. Commands are sent again with
their keys until they are accepted, and each is then in the log once.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.processes import postmaster
from api.settings import Settings
from scripts.crash_checks import checked
from tests.support.serving import PATIENCE, Served, installation

CALLERS = 6
READS = (
    "/v1/audience/contacts",
    "/v1/audience/contacts/{contact}",
    "/v1/tenancy/api-keys",
    "/v1/history?limit=5",
    "/v1/history/state?stream=contact:{contact}",
    "/v1/access?limit=5",
    "/v1/receipts/first",
    "/v1/reports/activity",
)


@dataclass
class Callers:
    """Steady callers of one tenant. `ledger` holds every accepted command; `wrong` each answer that should not be."""

    http: httpx.AsyncClient
    workspace: str
    tenant: str
    contact: str = ""
    ledger: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0

    def looked_at(self, kind: str, answer: httpx.Response) -> bool:
        """Whether it was done; anything but done and a 503 that fits is wrong."""
        self.seen[f"{kind} {answer.status_code}"] += 1
        if answer.is_success:
            return True
        fits = (
            answer.status_code == 503
            and answer.headers["content-type"] == "application/problem+json"
            and answer.headers["retry-after"].isdigit()
        )
        if not fits:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text}")
        return False

    async def until_done(self, kind: str, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Send the same again until it is accepted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await send()
                if self.looked_at(kind, answer):
                    return answer
                await asyncio.sleep(0.05)

    async def create(self, key: str) -> dict[str, Any]:
        """A new contact: events on three streams."""
        self.sent += 1
        body = {"workspace_id": self.workspace, "email": f"c{self.sent}@example.com", "first_name": "A"}
        headers = {"idempotency-key": key}
        answer = await self.until_done(
            "create", lambda: self.http.post("/v1/audience/new/create-contact", json=body, headers=headers)
        )
        self.enter(key, "create-contact", answer.json())
        again = await self.until_done(
            "again", lambda: self.http.post("/v1/audience/new/create-contact", json=body, headers=headers)
        )
        told: dict[str, Any] = again.json()
        if (told["replayed"], told["command_id"]) != (True, answer.json()["command_id"]):
            self.wrong.append(f"{key} was not answered as done before")
        return told

    def enter(self, key: str, command: str, told: dict[str, Any]) -> None:
        """Write an accepted command down, as the crash harness does."""
        self.ledger.append(
            {
                "tenant": self.tenant,
                "key": key,
                "command": command,
                "command_id": told["command_id"],
                "positions": [event["position"] for event in told["events"]],
                "names": [event["name"] for event in told["events"]],
            }
        )

    async def batch(self, key: str) -> None:
        """Two contacts in two lines, sent again until both are accepted."""
        mark = key.replace("/", "-")
        lines = [
            {
                "id": f"{key}/{number}",
                "command": "audience/create-contact",
                "target": "new",
                "body": {
                    "workspace_id": self.workspace,
                    "email": f"{mark}.{number}@example.com",
                },
            }
            for number in range(2)
        ]
        content = "\n".join(map(json.dumps, lines)).encode()
        headers = {"content-type": "application/x-ndjson"}
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.http.post("/v1/batch", content=content, headers=headers)
                told = (
                    [json.loads(line) for line in answer.text.splitlines()]
                    if self.looked_at("batch", answer)
                    else []
                )
                self.wrong += [f"batch line: {line}" for line in told if line["status"] not in (200, 503)]
                if [line["status"] for line in told] == [200, 200]:
                    break
                await asyncio.sleep(0.05)
        for line in told:
            self.enter(line["id"], "create-contact", line["result"])

    async def run(self, number: int) -> None:
        """One caller: commands and questions in turn."""
        turn = 0
        while not self.stop.is_set():
            turn += 1
            key = f"outage/{number}/{turn}"
            if turn % 4 == 0:
                await self.batch(key)
            else:
                await self.create(key)
            body = {"workspace_id": self.workspace, "name": "Never"}
            rehearsal = await self.http.post("/v1/audience/new/create-list?dry_run=true", json=body)
            self.looked_at("rehearse", rehearsal)
            path = READS[(turn + number) % len(READS)]
            self.looked_at(path, await self.http.get(path.format(contact=self.contact)))


async def _dies(served: Served) -> None:
    """Kill the server, and wait until another is there."""
    cluster = EmbeddedPostgres(served.data).place.cluster
    old = postmaster(cluster)
    assert old is not None
    old.kill()
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                new = await asyncio.to_thread(postmaster, cluster)
            except psutil.Error:
                new = None
            if new is not None and new.pid != old.pid:
                return
            await asyncio.sleep(0.05)


async def _under_load(served: Served, told: dict[str, str]) -> Callers:
    headers = {"authorization": f"Bearer {told['key']}"}
    async with httpx.AsyncClient(base_url=served.address, headers=headers, timeout=PATIENCE) as http:
        callers = Callers(http, told["workspace"], told["tenant"])
        callers.contact = (await callers.create("first"))["id"]
        running = [asyncio.create_task(callers.run(number)) for number in range(CALLERS)]
        for _ in range(2):
            await asyncio.sleep(1.5)
            await _dies(served)
        await asyncio.sleep(3)
        callers.stop.set()
        await asyncio.gather(*running)
    return callers


def test_a_database_that_dies_under_load() -> None:
    with installation() as served:
        served.start("--no-demo", "--json")
        who = (
            "--owner-email",
            "o@example.com",
            "--owner-name",
            "O",
            "--country",
            "GB",
            "--sends-for",
            "itself",
            "--rate",
            "1000000",
            "--json",
        )
        told = json.loads(served.cli("tenant", "register", "Outage", *who).stdout)
        callers = asyncio.run(_under_load(served, told))
        assert callers.wrong == []
        assert any(kind.endswith("503") for kind in callers.seen), "the outage was not noticed"
        assert {kind.partition(" ")[0] for kind in callers.seen} >= {
            "create",
            "again",
            "batch",
            "rehearse",
            *READS,
        }
        with EmbeddedPostgres(served.data) as attached:
            faults = checked(Settings(data=served.data), attached.admin_dsn, callers.ledger)
            with psycopg.connect(attached.admin_dsn) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM log.events WHERE name = 'audience.contact_created'"
                ).fetchone()
        assert {name: wrong for name, wrong in faults.items() if wrong} == {}
        assert row == (len(callers.ledger),), "one contact for each key, and none besides"
        assert served.stop() == 0
