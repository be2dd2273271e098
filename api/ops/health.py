"""`/healthz`, `/readyz`, `/metrics`: whether the process lives, whether the installation can work, and its figures.

Not ready means that commands cannot be taken: the database, its schema or the keys are amiss. Views that lag and
analytics that are away only make the installation degraded: turning every API away would make that worse.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
import psycopg
from psycopg_pool import PoolTimeout
from starlette.responses import Response
from starlette.routing import Route

from adapters.postgres.roles import Role
from api.ops.database import Schema, schema_of
from api.ops.metrics import CONTENT_TYPE, OWN_STRIPE, ask, everything, socket_path
from application.ports.analytics import AnalyticsError
from application.ports.keys import KeysUnavailable
from projections.audit.standing import standing
from projections.operational.billing_notices.waiting import waiting
from projections.runtime.oversight import status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from api.composition import Composition
    from api.ops.processes import Around
    from projections.audit.standing import Standing
    from projections.operational.billing_notices.waiting import Waiting
    from projections.runtime.oversight import BuildStatus

_PATIENCE: Final = 2.0
_SCHEMA_EVERY: Final = 30.0
LAG_BOUND: Final = 10.0
"""Seconds that the views may be behind before the installation counts as degraded."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `essential`: without it no command can be taken."""

    name: str
    ok: bool
    state: str
    essential: bool = True
    seconds: float | None = None


class Health:
    """Looks at what the API needs."""

    def __init__(self, around: Around, parts: Composition) -> None:
        """Look at what `parts` work with."""
        self._around = around
        self._parts = parts
        self._schema: tuple[float, Schema] | None = None
        self._looking: dict[str, asyncio.Task[tuple[bool, str]]] = {}

    def routes(self) -> list[Route]:
        """The three routes. None shows anything of a tenant."""
        return [
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def healthz(self, _: Request) -> Response:
        """This process answers; nothing else is looked at."""
        return _json({"state": "alive"}, 200)

    async def readyz(self, _: Request) -> Response:
        """200 when commands can be taken, 503 when not; each check by name."""
        checks = await self.checks()
        ready = all(check.ok for check in checks if check.essential)
        state = "ready" if all(check.ok for check in checks) else "degraded"
        told = {
            "state": state if ready else "not ready",
            "checks": {
                check.name: {"ok": check.ok, "state": check.state, "seconds": check.seconds}
                for check in checks
            },
        }
        return _json(told, 200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        """The figures of every process, in Prometheus's text form."""
        folder = self._around.settings.root / "run"
        more = [OWN_STRIPE] if self._around.settings.asks_own_stripe else []
        return Response(await everything(self._around.meters, folder, *more), media_type=CONTENT_TYPE)

    async def checks(self) -> list[Check]:
        """Everything, at the same time; none takes longer than two seconds."""
        return list(
            await asyncio.gather(
                self._timed("database", self._database),
                self._timed("migrations", self._migrations),
                self._timed("keys", self._keys),
                self._timed("projector", self._projector, essential=False),
                self._timed("analytics", self._analytics, essential=False),
                self._timed("ledger", self._ledger, essential=False),
                self._timed("payments", self._payments, essential=False),
                self._timed("mail", self._mail, essential=False),
            )
        )

    async def _timed(
        self, name: str, look: Callable[[], Awaitable[tuple[bool, str]]], *, essential: bool = True
    ) -> Check:
        """One look. A look that does not come back is not waited for, nor cancelled, nor begun a second time."""

        async def looked() -> tuple[bool, str]:
            try:
                return await look()
            except (psycopg.Error, PoolTimeout, AnalyticsError, KeysUnavailable, OSError) as error:
                return False, f"unreachable ({type(error).__name__})"

        begun = time.perf_counter()
        looking = self._looking.get(name)
        if looking is None or looking.done():  # what came back after its time tells of then
            looking = self._looking[name] = asyncio.create_task(looked())
        await asyncio.wait([looking], timeout=_PATIENCE)
        ok, state = False, "does not answer in time"
        if looking.done():
            self._looking.pop(name, None)
            ok, state = looking.result()
        return Check(name, ok, state, essential, round(time.perf_counter() - begun, 4))

    async def _database(self) -> tuple[bool, str]:
        async with self._parts.views.connection(timeout=_PATIENCE) as connection:
            await connection.execute("SELECT 1")
        return True, "answers"

    async def _migrations(self) -> tuple[bool, str]:
        known = self._schema
        if known is None or time.monotonic() - known[0] > _SCHEMA_EVERY:
            found = await asyncio.to_thread(schema_of, self._around.database.admin)
            known = self._schema = (time.monotonic(), found)
        return known[1] is Schema.CURRENT, known[1].value

    async def _keys(self) -> tuple[bool, str]:
        await asyncio.to_thread(self._parts.keys.generation)
        # What is open is read on though the folder is gone; no new key could be made.
        there = await asyncio.to_thread(self._parts.settings.keys_folder.is_dir)
        return there, "open" if there else "the folder is gone"

    async def _projector(self) -> tuple[bool, str]:
        builds = [build for build in await asyncio.to_thread(self._builds) if build.state == "live"]
        if not builds:
            return False, "no view was built yet"
        slowest = max(builds, key=lambda build: build.seconds)
        if slowest.seconds > LAG_BOUND:
            return False, f"{slowest.projection} is {slowest.seconds:.0f} s behind"
        if any(build.parked for build in builds):
            return False, "stopped for some tenants"
        return True, "keeps up"

    def _builds(self) -> list[BuildStatus]:
        dsn = self._around.settings.dsn(Role.PROJECTOR, self._around.database.admin)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=2) as connection:
            return status(connection)

    async def _analytics(self) -> tuple[bool, str]:
        health = await self._parts.analytics.health()
        if health.poisoned:
            return False, "stopped for some tenants"
        return True, "rebuilding" if health.rebuilding else "answers"

    async def _ledger(self) -> tuple[bool, str]:
        found = await asyncio.to_thread(self._standing)
        if found.refused:
            return False, f"logs that are not signed: {found.refused}"
        if found.seconds > LAG_BOUND:
            return False, f"{found.behind} logs wait to be signed, one for {found.seconds:.0f} s"
        return True, "signed"

    def _standing(self) -> Standing:
        dsn = self._around.settings.dsn(Role.NOTARY, self._around.database.admin)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=2) as connection:
            return standing(connection)

    async def _payments(self) -> tuple[bool, str]:
        """Stripe itself is not asked by everybody who looks; the process of our own is one of this installation's."""
        settings = self._around.settings
        if settings.stripe is None:
            return True, "not set up"
        if not settings.asks_own_stripe:
            return True, "live mode" if settings.stripe.livemode else "test mode"
        figures = await ask(socket_path(settings.root / "run", OWN_STRIPE))
        return figures is not None, "our own Stripe" if figures else "our own Stripe does not answer"

    async def _mail(self) -> tuple[bool, str]:
        """Nobody who looks has a mail server asked: what letters met that it did not take over is known."""
        settings = self._around.settings.smtp
        if settings is None:
            return True, "not set up"
        state = "not encrypted, on this machine" if settings.in_clear else "encrypted"
        found = await asyncio.to_thread(self._letters)
        if found is None or not found.letters:
            return True, state
        wait = f"letters that wait for it: {found.letters}, the oldest for {found.oldest_s:.0f} s"
        if found.trouble is None:  # it takes others, as far as is known
            return True, f"{state}; {wait}"
        return False, f"took nothing when last asked ({found.trouble}); {wait}"

    def _letters(self) -> Waiting | None:
        return waiting(self._around.settings.dsn(Role.PROJECTOR, self._around.database.admin))


def _json(told: object, status: int) -> Response:
    return Response(
        orjson.dumps(told), status, media_type="application/json", headers={"cache-control": "no-store"}
    )
