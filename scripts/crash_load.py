"""Load for the crash harness: clients that send commands until each is acknowledged, and write down every answer.

A command is sent again with its own key until it is answered, as a careful caller does; the ledger is on disk before
an answer counts. What the ledger holds must be in the log exactly once, whatever was killed meanwhile.
"""

import asyncio
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

_PATIENCE = 120.0
_USUAL = 10.0
_ACCEPTED = (200, 201)
_MISTAKE = 500
_AGAIN = (429, _MISTAKE, 502, 503, 504)
_IMPATIENT = 0.03


@dataclass(frozen=True, slots=True)
class Tenant:
    """Where a client works."""

    tenant_id: UUID
    workspace: UUID
    key: str


@dataclass(slots=True)
class Ledger:
    """Every acknowledged command, one line each, on disk before it counts."""

    file: Path
    entries: list[dict[str, Any]] = field(default_factory=list)
    retries: int = 0
    replayed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    mistakes: Counter[str] = field(default_factory=Counter)
    """Answers that nothing which is killed excuses: 500, by the command that got them."""

    def enter(self, entry: dict[str, Any]) -> None:
        """Write an entry down, durably."""
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")
            out.flush()
            os.fsync(out.fileno())
        self.entries.append(entry)


class Client:
    """One caller: a command at a time, a mix of them, each with a key of its own."""

    def __init__(self, number: int, address: str, tenant: Tenant, ledger: Ledger) -> None:
        """Work in `tenant` over `address`."""
        self._number = number
        self._address = address
        self._tenant = tenant
        self._ledger = ledger
        self._chance = random.Random(number)  # noqa: S311 - a mix of commands, no secret
        self._contacts: list[UUID] = []
        self._sent = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send commands until `stop`; the last one is still brought to its answer."""
        async with httpx.AsyncClient(base_url=self._address, timeout=_USUAL) as http:
            while not stop.is_set():
                path, body = self._next()
                self._sent += 1
                await self._until_answered(http, path, body, f"crash/{self._number}/{self._sent}")

    def _next(self) -> tuple[str, dict[str, Any]]:
        workspace, chance = str(self._tenant.workspace), self._chance
        kind = chance.random()
        if self._contacts and kind < 0.25:
            title = f"Title {chance.randrange(10**6)}"
            return f"/v1/audience/{chance.choice(self._contacts)}/update-contact", {"title": title}
        if self._contacts and kind < 0.28:
            gone = self._contacts.pop(chance.randrange(len(self._contacts)))
            return f"/v1/audience/{gone}/remove-contact", {}
        if kind < 0.4:
            return "/v1/audience/new/create-list", {"workspace_id": workspace, "name": f"List {self._sent}"}
        contact = uuid4()
        self._contacts.append(contact)
        return f"/v1/audience/{contact}/create-contact", {
            "workspace_id": workspace,
            "email": f"c{self._number}.{self._sent}@example.com",
            "first_name": "Crash",
            "country": chance.choice(("DE", "FR", "US")),
        }

    async def _until_answered(
        self, http: httpx.AsyncClient, path: str, body: dict[str, Any], key: str
    ) -> None:
        headers = {"Authorization": f"Bearer {self._tenant.key}", "Idempotency-Key": key}
        # Now and then a caller hangs up on its first try, before or after the commit, and nobody can say which.
        waits = self._chance.uniform(0.002, 0.05) if self._chance.random() < _IMPATIENT else _USUAL
        async with asyncio.timeout(_PATIENCE):
            while True:
                answer = await _asked(http, path, body, headers, waits)
                waits = _USUAL
                if answer is not None and answer.status_code not in _AGAIN:
                    break
                if answer is not None and answer.status_code == _MISTAKE:
                    self._ledger.mistakes[path.rpartition("/")[2]] += 1
                self._ledger.retries += 1
                await asyncio.sleep(self._chance.uniform(0.02, 0.1))
        if answer.status_code not in _ACCEPTED:
            self._ledger.refused[f"{answer.status_code} {answer.json().get('type')}"] += 1
            return
        told = answer.json()
        self._ledger.replayed += bool(told["replayed"])
        await asyncio.to_thread(
            self._ledger.enter,
            {
                "tenant": str(self._tenant.tenant_id),
                "key": key,
                "command": path.rpartition("/")[2],
                "command_id": told["command_id"],
                "positions": [event["position"] for event in told["events"]],
                "names": [event["name"] for event in told["events"]],
            },
        )


async def _asked(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str], waits: float
) -> httpx.Response | None:
    """An answer, or None when there came none: then nobody knows what happened, and the key will tell."""
    try:
        return await http.post(path, json=body, headers=headers, timeout=waits)
    except httpx.HTTPError:
        return None
