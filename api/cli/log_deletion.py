"""`penguinmails tenant delete-log`: the end of a closed tenant's log, offline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.options import Data, StaffKey, settings_of
from api.cli.output import Json, NotThere, Refused, data, words

if TYPE_CHECKING:
    from api.cli.inside import Inside
    from api.settings import Settings
    from domain.kernel.commands import Command


def delete_log(
    tenant: Annotated[UUID, typer.Argument(help="Id of the tenant.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete it. There is no way back.", show_default=False)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.", show_default=False)
    ] = False,
    key: StaffKey = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Delete the whole log of a closed tenant, once its period is over and no hold stands, with all that is made of it.

    Its keys are destroyed, and its rows, files and facts deleted. What was signed of it stays, and a tombstone in the
    platform's log. Stop all processes first. Killed in between, run it again: it goes on.
    """
    del json_
    if yes is dry_run:
        raise typer.BadParameter("say either --dry-run or --yes")
    _over(settings_of(data_folder), key, tenant, yes=yes)


def _over(settings: Settings, key: str | None, tenant: UUID, *, yes: bool) -> None:
    from adapters.duckdb.files import AlreadyOwned
    from api.cli.inside import inside
    from api.ops import logs
    from api.ops.database import Schema, opened, schema_of
    from api.ops.errors import CannotRun

    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    logs.set_up("cli", level="warning", form=settings.log_format)

    async def whole(server: str) -> None:
        async with inside(settings, server) as there:
            await (_delete if yes else _show)(there, server, key, tenant)

    with opened(settings, watch=False) as database:
        if schema_of(database.admin) is not Schema.CURRENT:
            raise CannotRun("The database's schema is not that of this version. Run `penguinmails migrate`.")
        try:
            asyncio.run(whole(database.admin))
        except AlreadyOwned as error:
            raise Refused(f"Stop all processes of the installation first. {error}") from None


async def _show(there: Inside, server: str, key: str | None, tenant: UUID) -> None:
    from adapters.duckdb.files import AlreadyOwned
    from api.ops.log_deletion import log_end

    await there.principal(key, staff=True)
    end = log_end(there.parts, server)
    ending = await end.look(tenant)
    try:
        left = await asyncio.to_thread(end.rows.counted, tenant)
    except AlreadyOwned:
        left = {}
        words("Rows are counted once all processes are stopped.")
    held = ending.standing
    may = not held and ending.due_at <= there.parts.clock()
    told: dict[str, Any] = {
        "tenant": str(tenant),
        "slug": ending.registration.slug,
        "closed_at": ending.closed_at.isoformat(),
        "due_at": ending.due_at.isoformat(),
        "rule": ending.rule,
        "holds": held,
        "may_go": may,
        "begun": ending.registration.log_deleted,
        "logs": [one.model_dump() for one in ending.logs],
        "rows": left,
    }
    lines = [
        f"{name:10} {told[name]}" for name in ("tenant", "slug", "closed_at", "due_at", "holds", "may_go")
    ]
    data(told, [*lines, *(f"{table}: {count}" for table, count in sorted(left.items()))])
    words(
        "Nothing was deleted." if may else "Nothing was deleted, and it may not be yet: see due_at and holds."
    )


async def _delete(there: Inside, server: str, key: str | None, tenant: UUID) -> None:
    from api.ops.log_deletion import log_end

    who = await there.principal(key, staff=True)

    async def execute(command: Command, target: UUID) -> object:
        return await there.execute(who, command, target)

    removed = await log_end(there.parts, server).delete(tenant, execute)
    data(
        {"tenant": str(tenant), "removed": removed},
        [f"{table}: {count}" for table, count in sorted(removed.items())] or ["Nothing was left."],
    )
    words("Backups hold what they held until they expire: PENGUINMAILS_BACKUP_DAYS.")
