"""Commands that work on the installation directly: no server in between, the same command path."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api.cli.options import key_text
from api.cli.output import NotThere
from api.composition import composed
from api.ops import logs
from api.ops.bootstrap import admin_key_file
from api.ops.database import Schema, opened, schema_of
from api.ops.errors import CannotRun
from application.orders import Order
from application.ports.positions import Position
from application.principals import Principal, Unauthenticated
from application.queries import MOST_ROWS, QUERIES
from domain.kernel.ids import new_id
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from api.composition import Composition
    from api.settings import Settings
    from application.orders import Outcome
    from domain.kernel.commands import Command


_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Inside:
    """The installation, and who works with it."""

    parts: Composition

    async def principal(self, key: str | None, *, staff: bool = False) -> Principal:
        """Who a key speaks for. `staff`: without a key, the one in the data folder. Raises `Unauthenticated`."""
        return await self.parts.authenticator.api_key(self._text(key, staff=staff), fresh=True)

    def _text(self, key: str | None, *, staff: bool) -> str:
        text = key_text(key)
        if text is not None:
            return text
        file = admin_key_file(self.parts.settings.root)
        if staff and file.exists():
            return file.read_text(encoding="ascii").strip()
        raise Unauthenticated("Give an API key: --key, or PENGUINMAILS_KEY in the environment.")

    async def execute(
        self, principal: Principal, command: Command, target: UUID | None = None, *, key: str | None = None
    ) -> Outcome:
        """Execute a command as `principal`."""
        order = Order(
            principal=principal,
            command=command,
            target=target,
            body=command.model_dump_json().encode(),
            key=key,
            channel="cli",
        )
        return await self.parts.commands.execute(order)

    async def every(self, name: str, principal: Principal, **asked: str) -> tuple[list[dict[str, Any]], str]:
        """All rows of a query, as of now, and the position that they hold at least. `asked`: its parameters.

        Its views are waited for. Raises `ViewNotReady` without a projector.
        """
        query, parts = QUERIES[name], self.parts
        scope, tenant_id = query.scope(principal), principal.tenant_id
        head = await parts.log.head(tenant_id)
        if head is not None:
            position = Position(head.epoch, head.position)
            await parts.waiting.wait_for(query.projections, tenant_id, position, _PATIENCE)
        cursor: str | None = None
        found: list[dict[str, Any]] = []
        reached: list[Position] = []
        while True:
            async with parts.views.connection() as connection:
                page = await query.run(
                    connection, scope, query.params.model_validate(asked), cursor, MOST_ROWS
                )
            found += [row.model_dump(mode="json") for row in page.rows]
            reached.append(page.position)
            cursor = page.cursor
            if cursor is None:
                return found, min(reached).token()

    async def with_secret(
        self, principal: Principal, command: SecretCommand, make: Callable[[UUID, UUID], Any]
    ) -> tuple[Outcome, str]:
        """Execute a command whose answer holds a secret, which `make` makes for a tenant and an id."""
        target = new_id(self.parts.clock())
        secret: str = make(principal.tenant_id, target).text
        command.carrying(self.parts.hasher.hmac(principal.tenant_id, secret))
        return await self.execute(principal, command, target), secret


def position_of(outcome: Outcome) -> str:
    """Token of the position that the log has after what was done."""
    if outcome.appended is None:
        raise TypeError("a rehearsal has no position of its own")
    return outcome.appended.position.token()


@asynccontextmanager
async def inside(settings: Settings, server: str) -> AsyncIterator[Inside]:
    """The installation over the database at `server`."""
    async with composed(settings, server) as parts:
        yield Inside(parts)


def working(settings: Settings, work: Callable[[Inside], Awaitable[None]]) -> None:
    """Do some work inside the installation; the embedded database runs at least for as long."""
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(
            f"There is no installation in {settings.root}. `penguinmails serve` makes one; or name --data."
        )

    logs.set_up("cli", level="warning", form=settings.log_format)

    async def whole(server: str) -> None:
        async with inside(settings, server) as there:
            await work(there)

    with opened(settings, watch=False) as database:
        if schema_of(database.admin) is not Schema.CURRENT:
            raise CannotRun("The database's schema is not that of this version. Run `penguinmails migrate`.")
        asyncio.run(whole(database.admin))
