"""Durable commands over HTTP, against an empty FastAPI handler in the same run.

Both servers are one uvicorn process on uvloop and httptools; 64 keep-alive connections each with one request under way.
Every command is authenticated, permission-checked, rate-limited (a tenant of ten million a minute, through the same
limiter), carries an Idempotency-Key, and is committed with fsync before its answer.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from api.composition import composed, now
from api.settings import Settings
from application.credentials import new_api_key
from application.orders import Order
from application.principals import Principal
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import new_id
from domain.kernel.permissions import Permission, TenantRole
from domain.tenancy.api_key import CreateApiKey
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant

ROOT = Path(__file__).resolve().parent.parent.parent
CONNECTIONS = 64


async def prepare(settings: Settings, database: str, country: str | None = None) -> tuple[str, str]:
    """A tenant with a high limit: its key and its workspace."""
    tenant_id, workspace, owner, key_id = (new_id(now()) for _ in range(4))
    async with composed(settings, database) as parts:
        principal = Principal(tenant_id, Actor(ActorKind.SYSTEM, tenant_id), frozenset(Permission), None, 0)

        async def act(command: Command, target: Any, *, opens_log: bool = False) -> None:
            await parts.commands.execute(Order(principal, command, target, b"{}", opens_log=opens_log))

        opening = {
            "name": "Bench",
            "tenant_slug": "bench",
            "plan": Plan.ENTERPRISE,
            "country": country,
            "commands_a_minute": 10_000_000,
            "workspace_id": workspace,
            "owner_id": owner,
            "owner_email": "owner@bench.example",
            "owner_name": "Owner",
        }
        await act(OpenTenant.model_validate(opening), tenant_id, opens_log=True)
        text = new_api_key(tenant_id, key_id).text
        command = CreateApiKey(label="bench", role=TenantRole.ADMIN)
        await act(command.carrying(parts.hasher.hmac(tenant_id, text)), key_id)
    return text, str(workspace)


@contextmanager
def server(*arguments: str) -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener.set_inheritable(True)
    program = [
        sys.executable,
        "-P",
        str(Path(__file__).with_name("api_server.py")),
        *arguments,
        str(listener.fileno()),
    ]
    process = subprocess.Popen(program, pass_fds=[listener.fileno()], cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        process.terminate()
        process.wait(15)


def load(port: int, path: str, seconds: float, spec: dict[str, Any]) -> dict[str, Any]:
    """One measurement by the load generator."""
    program = [
        sys.executable,
        "-P",
        str(Path(__file__).with_name("api_load.py")),
        str(port),
        path,
        str(seconds),
    ]
    done = subprocess.run(
        [*program, str(CONNECTIONS)],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    bad = {status: count for status, count in found["statuses"].items() if not status.startswith("2")}
    if bad:
        raise RuntimeError(f"{path} answered {bad}")
    return found


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures: medians of interleaved rounds."""
    rounds, seconds = (3, 2.0) if quick else (7, 5.0)
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data") as postgres:
            migrate(postgres.admin_dsn, postgres.passwords)
            settings = Settings(data=folder / "data")
            key, workspace = uvloop.run(prepare(settings, postgres.admin_dsn))
            return _compared(folder / "data", postgres.admin_dsn, key, workspace, rounds, seconds)


def _compared(
    folder: Path, database: str, key: str, workspace: str, rounds: int, seconds: float
) -> dict[str, float]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    of_list = {"workspace_id": workspace, "name": "List %(n)s"}
    of_contact = {
        "workspace_id": workspace,
        "email": "%(n)s@people.example",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "company": "Analytical Engines",
        "country": "GB",
    }
    one = {"headers": headers, "body": json.dumps(of_list), "key": True}
    contact = {"headers": headers, "body": json.dumps(of_contact), "key": True}
    nothing = {"headers": headers, "body": "{}"}
    found: dict[str, list[dict[str, Any]]] = {"empty": [], "list": [], "contact": []}
    with server("empty") as idle, server("product", str(folder), database) as busy:
        load(idle, "/empty", 0.5, nothing)
        load(busy, "/v1/audience/new/create-list", 1, one)
        for _ in range(rounds):
            found["empty"].append(load(idle, "/empty", seconds / 2, nothing))
            found["list"].append(load(busy, "/v1/audience/new/create-list", seconds, one))
            found["contact"].append(load(busy, "/v1/audience/new/create-contact", seconds / 2, contact))

    def median(what: str, figure: str) -> float:
        return round(float(statistics.median(one[figure] for one in found[what])), 3)

    ratios = [ours["rate"] / peer["rate"] for ours, peer in zip(found["list"], found["empty"], strict=True)]
    return {
        "ratio_vs_empty_handler": round(statistics.median(ratios), 3),
        "p50_ms": median("list", "p50_ms"),
        "p99_ms": median("list", "p99_ms"),
        "commands_per_s": median("list", "rate"),
        "empty_handler_per_s": median("empty", "rate"),
        "empty_handler_p99_ms": median("empty", "p99_ms"),
        "create_contact_per_s": median("contact", "rate"),
        "create_contact_p50_ms": median("contact", "p50_ms"),
        "create_contact_p99_ms": median("contact", "p99_ms"),
    }


if __name__ == "__main__":
    print(json.dumps(run(quick=True), indent=1))
