"""`penguinmails audit`: whether the ledger is what the logs make of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from api.cli import audit_certificate, audit_disclose, audit_export, audit_verify
from api.cli.exits import Exit
from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, rows, words

if TYPE_CHECKING:
    from projections.audit.fsck import Looked

app = typer.Typer(
    cls=Group, no_args_is_help=True, help="Prove what the logs hold, and look whether it still does."
)


@app.callback()
def about() -> None:
    """Prove what the logs hold, and look whether it still does."""


app.command("verify")(audit_verify.verify)
app.command("export")(audit_export.export)
app.command("certificate")(audit_certificate.certificate)
app.command("disclose")(audit_disclose.disclose)


@app.command("fsck")
def fsck(
    tenant: Annotated[
        UUID | None, typer.Option("--tenant", help="Of this tenant alone.", show_default=False)
    ] = None,
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Make every log's root anew from its events, and hold it against tiles, checkpoints and what the notary signed.

    Nothing is changed. Exit code 5 where something is not what was signed; the first position that is not, by name.
    """
    import psycopg

    from adapters.keys.ed25519 import verify
    from adapters.keys.notary import FILE, KeptSigningKeys, SqliteNotaryMemory
    from adapters.keys.sqlite import SqliteKeyStore
    from adapters.postgres.roles import Role
    from api.cli.progress import bars
    from api.ops.database import opened
    from projections.audit.fsck import logs_of, look, look_at_keys

    del json_
    settings = settings_of(data_folder)
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    found: list[Looked] = []
    wrong_keys: list[str] = []
    with (
        opened(settings, watch=False) as database,
        psycopg.connect(settings.dsn(Role.NOTARY, database.admin), autocommit=True) as connection,
    ):
        memory, keys = None, None
        if (settings.keys_folder / FILE).exists():
            memory = SqliteNotaryMemory(settings.keys_folder)
            keys = KeptSigningKeys(
                SqliteKeyStore(settings.keys_folder, settings.master_key_bytes), memory
            ).ever()
            wrong_keys = look_at_keys(connection, keys)
        else:
            words(f"The notary's memory is not in {settings.keys_folder}: the database alone is looked at.")
        wanted = logs_of(connection, tenant)
        with bars() as drawing:
            bar = drawing.add_task("events", total=sum(position for _, _, position in wanted))
            for log in wanted:
                remembered = [] if memory is None else memory.history(log[0])
                drawn = partial(drawing.advance, bar)
                known = None if keys is None else keys.values()
                found.append(look(connection, log, remembered, verify, drawn, keys=known))
    if tenant is not None and not found:
        raise NotThere("There is no log of this tenant here.")
    rows([_told(one) for one in found], _COLUMNS)
    for one in found:
        for said in one.wrong:
            words(f"{one.log.log} of {one.log.tenant_id}: {said}")
    for said in wrong_keys:
        words(said)
    if wrong_keys or any(one.wrong for one in found):
        words("Something is not what was signed. Keep the database as it is, and every checkpoint there is.")
        raise typer.Exit(Exit.DOES_NOT_HOLD)


_COLUMNS: Final = ("tenant", "log", "epoch", "events", "signed", "checkpoints", "holds", "first_wrong")


def _told(one: Looked) -> dict[str, Any]:
    return {
        "tenant": str(one.log.tenant_id),
        "log": one.log.log.value,
        "epoch": one.epoch,
        "events": one.events,
        "signed": one.signed,
        "checkpoints": one.checkpoints,
        "holds": not one.wrong,
        "first_wrong": None if one.place is None else one.place[0],
        "first_wrong_up_to": None if one.place is None else one.place[1],
        "wrong": one.wrong,
    }
