"""`penguinmails`: serve an installation, or work with one."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import (
    audit,
    backup,
    billing,
    costs,
    figures,
    history,
    imports,
    jobs,
    keys,
    law,
    log_deletion,
    looking,
    packs,
    reports,
    retention,
    schedules,
    sql,
    suppressions,
    tenants,
    views,
    witness,
)
from api.cli.exits import ABOUT_EXITS, Exit
from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, Refused, data, words
from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXITS = "  ".join(f"{exit_code.value}: {about}" for exit_code, about in ABOUT_EXITS.items())

app = typer.Typer(
    cls=Group,
    name="penguinmails",
    help="Cold e-mail infrastructure on an event log.",
    epilog=f"Exit codes. {_EXITS}",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default=False)]
Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.", show_default=False),
]


@app.command()
def serve(
    *,
    data_folder: Data = None,
    host: Host = None,
    port: Port = None,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Whether the first start makes the demo workspace.")
    ] = True,
    json_: Json = False,
) -> None:
    """Serve everything: database, API, projector, worker, analytics. Ctrl-C or SIGTERM stops it, in order.

    The first start makes the data folder, the database, the keys, and the demo.
    """
    from api.cli import banner, serving

    settings = settings_of(data_folder, host=host, port=port)

    def tell(what: serving.Serving) -> None:
        if json_:
            data(banner.told(what))
            sys.stdout.flush()
        else:
            banner.show(what)

    serving.serve(settings, demo=demo, tell=tell)


_SAYS = "With --json it says on standard output when it is ready; otherwise it prints nothing there."


def _process(name: str, about: str) -> None:
    def command(
        *, data_folder: Data = None, host: Host = None, port: Port = None, json_: Json = False
    ) -> None:
        from api.ops.processes import run

        def tell(facts: Mapping[str, Any]) -> None:
            if json_:
                data({"process": name, "pid": os.getpid(), **facts})
                sys.stdout.flush()

        run(name, settings_of(data_folder, host=host, port=port), tell)
        # All is closed. DuckDB and Arrow would still spend a second, and many words, on taking themselves apart.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(Exit.OK)

    def quiet(*, data_folder: Data = None, json_: Json = False) -> None:
        command(data_folder=data_folder, json_=json_)

    function = command if name == "api" else quiet
    function.__doc__ = f"{about} Alone, beside others of the same data folder or DATABASE_URL.\n\n{_SAYS}"
    app.command(name, rich_help_panel="Processes")(function)


_process("api", "Run the API.")
_process("projector", "Run the projector, which keeps the views up with the logs.")
_process("worker", "Run the worker, which does the jobs that are due.")
_process("olap", "Run the owner of the analytics file.")
_process("notary", "Run the notary, which signs what the logs hold.")


@app.command()
def migrate(
    *,
    data_folder: Data = None,
    reset_passwords: Annotated[
        bool,
        typer.Option(
            "--reset-passwords",
            help="Give the database's roles the passwords of this data folder; locks others out.",
        ),
    ] = False,
    json_: Json = False,
) -> None:
    """Bring the database to this version: tables, roles, rights. A second run changes nothing."""
    from adapters.postgres.migrate import migrate as bring
    from api.ops.database import Schema, opened, schema_of

    del json_
    settings = settings_of(data_folder)
    with opened(settings, watch=False) as database:
        before = schema_of(database.admin)
        if before is Schema.NEWER:
            raise CannotRun("The database was migrated by a newer version of PenguinMails. Run that one.")
        rights = bring(database.admin, settings.passwords, reset_passwords=reset_passwords)
        lines = [f"schema: {'migrated' if before is Schema.BEHIND else 'current already'}", *rights]
        data({"before": before, "now": Schema.CURRENT, "rights": rights, "database": database.place}, lines)


@app.command()
def restored(
    when: Annotated[
        str,
        typer.Argument(
            help="When the backup was put back, not when it was made: 2026-11-23T14:00 (UTC without an offset)."
        ),
    ],
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Tell the logs that the database was restored from a backup. The same time again changes nothing.

    Each log starts a new epoch, so that positions which were told before the restore are known from those after it.
    Keys that the logs say are destroyed are destroyed again, in case an old copy of keys/ came back.
    Stop all processes first; docs/operations.md has the steps.
    """
    from adapters.keys.sqlite import SqliteKeyStore
    from adapters.postgres.restored import EarlierRestore, events_named, start_epoch
    from adapters.postgres.roles import Role
    from api.ops.database import Schema, opened, schema_of
    from application.restoring import KEYS_GONE, destroy_again

    del json_
    settings, moment = settings_of(data_folder), history.time(when)
    if moment > datetime.now(UTC):
        raise typer.BadParameter(f"{when} (UTC without an offset) is yet to come")
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    with opened(settings, watch=False) as database:
        if schema_of(database.admin) is not Schema.CURRENT:
            raise CannotRun("The database's schema is not that of this version. Run `penguinmails migrate`.")
        try:
            raised = start_epoch(settings.dsn(Role.MAINTENANCE, database.admin), moment)
        except EarlierRestore:
            raise Refused("A later restore was told already. Name the time of the last one.") from None
        keys = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)
        try:
            gone = destroy_again(
                events_named(settings.dsn(Role.MAINTENANCE, database.admin), KEYS_GONE.keys()), keys
            )
        finally:
            keys.close()
    told = {"restored_at": moment.isoformat(), **asdict(raised), "keys_destroyed_again": gone}
    counted = f"{raised.logs} logs and {raised.access_logs} access logs are in it now"
    done = counted if raised.logs else "told before, nothing changed"
    data(told, [f"epoch {raised.epoch}: {done}", f"keys destroyed again: {gone}"])
    words(
        "Start the processes: views read every log again by themselves. Then: penguinmails projections rebuild "
        "analytics. Webhooks go on from what the restored logs hold. Leave keys/ as it is unless it was lost too; "
        "after putting an old copy of it back, run this once more."
    )


app.add_typer(backup.app, name="backup")
app.command("restore")(backup.restore)


@app.command(hidden=True)
def prepare(
    *, data_folder: Data = None, demo: Annotated[bool, typer.Option("--demo/--no-demo")] = True
) -> None:
    """The first steps of a start, for `serve`."""
    import asyncio

    from api.composition import composed
    from api.ops import logs
    from api.ops.database import opened
    from api.ops.prepare import prepare as first_steps

    settings = settings_of(data_folder)
    logs.set_up("prepare", level=settings.log_level, form=settings.log_format)

    async def whole(server: str) -> dict[str, object]:
        async with composed(settings, server) as parts:
            return await first_steps(parts, demo=demo)

    with opened(settings, watch=False) as database:
        told = asyncio.run(whole(database.admin))
    sys.stdout.write(json.dumps(told) + "\n")


@app.command("own-stripe", hidden=True)
def own_stripe(*, data_folder: Data = None) -> None:
    """Our own Stripe, for `serve`."""
    from api.ops import logs
    from api.ops.processes.stripe import run

    settings = settings_of(data_folder)
    logs.set_up("stripe", level=settings.log_level, form=settings.log_format)
    run(settings)


@app.command()
def config(*, data_folder: Data = None, json_: Json = False) -> None:
    """Show every setting: its value, where that comes from, what it means. Secrets are not shown."""
    from api.cli.configuration import shown

    del json_
    values = shown(settings_of(data_folder), data_folder=data_folder)
    lines = [
        line
        for one in values
        for line in (
            f"{one['name']:<34} {'' if one['value'] is None else one['value']}  ({one['source']})",
            f"    {one['about']}",
        )
    ]
    data(values, lines)
    words("Set them in the environment; docs/configuration.md says more.")


tenants.tenant.command("delete-log")(log_deletion.delete_log)
app.add_typer(tenants.tenant, name="tenant")
app.add_typer(tenants.staff, name="staff")
app.add_typer(keys.app, name="key")
app.add_typer(imports.app, name="import")
app.add_typer(suppressions.app, name="export")
app.add_typer(costs.app, name="costs")
app.add_typer(packs.app, name="pack")
app.add_typer(schedules.app, name="schedule")
app.add_typer(retention.app, name="retention")
app.add_typer(billing.app, name="billing")
app.add_typer(views.app, name="projections")
app.add_typer(jobs.app, name="jobs")
app.add_typer(audit.app, name="audit")
app.add_typer(witness.app, name="witness")
app.command("report")(reports.report)
app.add_typer(figures.app, name="reports")
app.command("replay")(history.replay)
app.command("receipt")(history.receipt)
app.command("view")(looking.view)
app.command("rejudge")(law.rejudge)
app.command("sql")(sql.sql)
