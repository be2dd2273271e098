"""`penguinmails projections`: the views, how far they are, and what an operator can do about them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, Refused, data, rows, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from projections.runtime.facts import Projection
    from projections.runtime.projector import ProjectorSettings

app = typer.Typer(cls=Group, help="The views that are made from the logs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a view; `penguinmails projections status` lists them.")]
ANALYTICS = "analytics"
"""No view of the projector's: the one file of all facts, which its owner builds anew."""


@contextmanager
def _at_work(data_folder: Path | None) -> Iterator[tuple[ProjectorSettings, Connection[Any]]]:
    import psycopg

    from api.ops import logs
    from api.ops.database import opened
    from api.ops.processes.projector import projector_settings

    settings = settings_of(data_folder)
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    logs.set_up("cli", level="warning", form=settings.log_format)
    with opened(settings, watch=False) as database:
        found = projector_settings(settings, database.admin)
        with psycopg.connect(found.dsn, autocommit=True) as connection:
            yield found, connection


def _named(settings: ProjectorSettings, name: str) -> Projection:
    for projection in settings.projections:
        if projection.name == name:
            return projection
    known = ", ".join(sorted(projection.name for projection in settings.projections))
    raise NotThere(f"There is no view {name!r}. There are: {known}.")


@app.command("status")
def status(*, data_folder: Data = None, json_: Json = False) -> None:
    """Show every view: its builds, how far behind they are, for whom one stopped and why."""
    from projections.runtime import oversight

    del json_
    with _at_work(data_folder) as (_, connection):
        columns = ("projection", "build", "state", "tenants_behind", "events", "seconds", "parked")
        rows([asdict(build) for build in oversight.status(connection)], columns)
        for one in oversight.parked(connection):
            words(
                f"{one.projection} stopped for tenant {one.tenant_id} at position {one.position}: {one.error}. "
                f"When its cause is gone: penguinmails projections retry {one.tenant_id} {one.projection}"
            )


@app.command("rebuild")
def rebuild(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a view, as `penguinmails projections status` lists them; or `analytics`."
        ),
    ],
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Build a view anew beside the live one; the projector fills it and swaps it in once it has caught up.

    `analytics` is the file of all facts, which its owner, `penguinmails olap`, fills and swaps in the same way.
    """
    from projections.runtime import builds

    del json_
    with _at_work(data_folder) as (settings, connection):
        if name == ANALYTICS:
            _rebuild_analytics(data_folder, settings.dsn)
            data({"projection": name, "state": "rebuilding"}, [f"{name}: being built anew"])
            return
        build = builds.rebuild(connection, _named(settings, name), settings.policies)
        data(
            {"projection": name, "build": build.number, "schema": build.schema},
            [f"{name}: build {build.number} begun in {build.schema}"],
        )


def _rebuild_analytics(data_folder: Path | None, server: str) -> None:
    """Ask the owner of the file. Raises `AnalyticsUnavailable` where none is running."""
    import asyncio

    from adapters.duckdb.client import FlightAnalytics
    from api.analytics import olap_settings

    async def asked() -> None:
        owner = FlightAnalytics(olap_settings(settings_of(data_folder), server))
        try:
            await owner.rebuild()
        finally:
            await owner.close()

    asyncio.run(asked())


@app.command("retry")
def retry(
    tenant: Annotated[UUID, typer.Argument(help="The tenant for whom the view stopped.")],
    name: Name,
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Let a view that stopped for a tenant try again."""
    from projections.runtime.oversight import retry as again

    del json_
    with _at_work(data_folder) as (settings, connection):
        count = again(connection, tenant, _named(settings, name).name)
        if count == 0:
            raise NotThere(f"{name} has not stopped for this tenant.")
        data({"projection": name, "tenant": str(tenant), "builds": count}, [f"{name}: trying again"])


@app.command("compare")
def compare(
    name: Annotated[list[str] | None, typer.Argument(help="Names of views; none: all of them.")] = None,
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Rebuild views into a scratch place and compare with the live ones, row by row; exit code 1 where they differ."""
    from projections.runtime.compare import compare as against

    del json_
    found = []
    with _at_work(data_folder) as (settings, connection):
        for one in name or sorted(projection.name for projection in settings.projections):
            _named(settings, one)
            comparison = against(settings, connection, one)
            found.append({"equal": comparison.equal, **asdict(comparison)})
    rows(found, ("projection", "equal", "tenants", "skipped", "rows"))
    if not all(one["equal"] for one in found):
        raise Refused("A rebuilt view differs from the live one.")
