"""A whole API on a fresh database: tenants with keys of every role, staff of the platform, and a client in process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.duckdb.owner import run_owner
from adapters.postgres.policies import policies_for_view
from api.analytics import olap_settings
from api.composition import Composition, composed, now
from api.http.app import create_app
from api.settings import Settings
from application.commanding import Clock
from application.credentials import new_api_key
from application.orders import Order, Outcome
from application.ports.payments import PaymentGateway
from application.principals import Principal
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import PLATFORM, new_id
from domain.kernel.permissions import Permission, StaffRole, TenantRole
from domain.platform.staff import AddStaff, CreateStaffKey
from domain.tenancy.api_key import CreateApiKey
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant, SendsFor
from projections.operational.views import VIEWS
from projections.runtime.projector import Projector, ProjectorSettings
from tests.support.database import Database

FAST = 10_000_000
"""Commands a minute of a tenant that is not to meet its limit."""


@dataclass(slots=True)
class TestTenant:
    """A tenant with its first workspace and its first owner's key. `keys` are by role."""

    __test__ = False

    id: UUID
    workspace_id: UUID
    owner_id: UUID
    key: str
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Api:
    """The API of one test. `send` speaks HTTP; `tenant` and `staff` make whom it speaks for."""

    parts: Composition
    http: httpx.AsyncClient
    database: Database

    async def project(self) -> None:
        """Let every view take in what is in the logs."""
        await asyncio.to_thread(self._project)

    def _project(self) -> None:
        projector = Projector(
            ProjectorSettings(self.database.projector, self.parts.codec, VIEWS, policies_for_view)
        )
        with projector.connect() as connection:
            while projector.step(connection):
                projector.refresh_soon()

    async def send(
        self,
        method: str,
        path: str,
        key: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request; a body that is not bytes goes as JSON."""
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        if body is not None:
            sent.setdefault("content-type", "application/json")
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return await self.http.request(method, path, headers=sent, content=content, **more)

    async def post(self, path: str, key: str | None, body: object = None, **headers: str) -> httpx.Response:
        """A command; `idempotency_key="x"` becomes the header `Idempotency-Key: x`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send("POST", path, key, {} if body is None else body, named)

    async def tenant(
        self,
        name: str = "Acme",
        *,
        rate: int | None = FAST,
        plan: Plan = Plan.BUSINESS,
        country: str | None = None,
        sends_for: SendsFor = SendsFor.ITSELF,
    ) -> TestTenant:
        """A tenant, opened, with an owner's key."""
        tenant_id, owner, workspace = (new_id(now()) for _ in range(3))
        command = OpenTenant.model_validate(
            {
                "name": name,
                "tenant_slug": f"{name.lower()}-{tenant_id.hex[-12:]}",
                "plan": plan,
                "country": country,
                "sends_for": sends_for,
                "commands_a_minute": rate,
                "workspace_id": workspace,
                "owner_id": owner,
                "owner_email": f"owner@{name.lower()}.example",
                "owner_name": f"{name} Owner",
            }
        )
        await self.act(tenant_id, command, tenant_id, opens_log=True)
        made = TestTenant(tenant_id, workspace, owner, "")
        made.key = await self.key(made, TenantRole.OWNER)
        return made

    async def key(self, tenant: TestTenant, role: TenantRole, **fields: Any) -> str:
        """A key of a role in a tenant."""
        key_id = new_id(now())
        text = new_api_key(tenant.id, key_id).text
        command = CreateApiKey.model_validate({"label": f"{role} of tests", "role": role, **fields})
        await self.act(tenant.id, command.carrying(self.parts.hasher.hmac(tenant.id, text)), key_id)
        tenant.keys[role] = text
        return text

    async def staff(self, role: StaffRole = StaffRole.SUPER_ADMIN) -> tuple[UUID, str]:
        """Somebody of the platform, and their key."""
        staff_id, key_id = new_id(now()), new_id(now())
        added = AddStaff.model_validate(
            {"role": role, "email": f"{role}@platform.example", "full_name": "Some One"}
        )
        await self.act(PLATFORM, added, staff_id, opens_log=True)
        text = new_api_key(PLATFORM, key_id).text
        created = CreateStaffKey.model_validate({"staff_id": staff_id, "label": "tests"})
        await self.act(PLATFORM, created.carrying(self.parts.hasher.hmac(PLATFORM, text)), key_id)
        return staff_id, text

    async def act(
        self, tenant_id: UUID, command: Command, target: UUID, *, opens_log: bool = False
    ) -> Outcome:
        """Execute a command as the system itself."""
        actor = Actor(ActorKind.SYSTEM, tenant_id)
        principal = Principal(tenant_id, actor, frozenset(Permission), None, 0)
        body = command.model_dump_json().encode()
        return await self.parts.commands.execute(Order(principal, command, target, body, opens_log=opens_log))


@asynccontextmanager
async def serving(
    database: Database,
    folder: Path,
    clock: Clock = now,
    payments: PaymentGateway | None = None,
    **settings: Any,
) -> AsyncIterator[Api]:
    """The API over a database, in this process."""
    _lend_passwords(database, folder)
    configured = Settings(data=folder, **settings)
    async with composed(configured, database.admin, clock=clock, payments=payments) as parts:
        parts.denials.every = 3_600.0  # tests enter them when they want to, however long they take
        transport = httpx.ASGITransport(app=create_app(parts), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://penguin.test") as client:
            yield Api(parts, client, database)


@contextmanager
def analytics_of(api: Api) -> Iterator[None]:
    """The owner of the analytics file, in a thread of this process; on a busy machine its file takes a while."""
    stop, ready = threading.Event(), threading.Event()
    settings = replace(olap_settings(api.parts.settings, api.database.admin), min_position_seconds=20)
    owner = threading.Thread(target=run_owner, args=(settings, stop, ready.set))
    owner.start()
    try:
        if not ready.wait(30):
            raise TimeoutError("analytics did not open")
        yield
    finally:
        stop.set()
        owner.join()


def _lend_passwords(database: Database, folder: Path) -> None:
    file = folder / "secrets" / "postgres.json"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(database.passwords.file.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[Api]:
    """The API on an empty database of its own."""
    async with serving(database, tmp_path) as made:
        yield made
