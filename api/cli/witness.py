"""`penguinmails witness`: a witness of other installations' logs, its key, and what it caught."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, data, rows, words
from api.ops.errors import CannotRun

app = typer.Typer(
    cls=Group,
    invoke_without_command=True,
)

Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Folder of witness.toml, the witness's key and its memory; else `witness` in the data folder.",
        show_default=False,
    ),
]


@app.callback()
def witness(
    context: typer.Context, *, folder: Folder = None, data_folder: Data = None, json_: Json = False
) -> None:
    """Run a witness, which cosigns checkpoints of the logs that witness.toml names. It needs no database.

    docs/witness.md says how to set one up. Ctrl-C or SIGTERM stops it, in order.
    """
    context.obj = (folder, data_folder)
    if context.invoked_subcommand is not None:
        return
    from api.ops import logs
    from api.witness.serving import serve

    settings = settings_of(data_folder)
    logs.set_up("witness", level=settings.log_level, form=settings.log_format)

    def tell(address: str, key: str) -> None:
        if json_:
            data({"process": "witness", "address": address, "key": key})
            sys.stdout.flush()
        else:
            words(f"Witness at {address}\n  {key}")

    serve(_chosen(context), tell)


@app.command()
def key(
    context: typer.Context, *, folder: Folder = None, data_folder: Data = None, json_: Json = False
) -> None:
    """Show the witness's verifier key, for whoever asks it to cosign or trusts it; made where there is none."""
    from api.witness.serving import witness_in

    del json_
    with witness_in(_chosen(context, folder, data_folder)) as (_, kept):
        told = str(kept.key.verifier)
    data({"key": told}, [told])


@app.command()
def contradictions(
    context: typer.Context, *, folder: Folder = None, data_folder: Data = None, json_: Json = False
) -> None:
    """Show each log that signed two pasts: one the witness had cosigned, and another. Both notes prove it."""
    from api.witness.serving import witness_in

    del json_
    with witness_in(_chosen(context, folder, data_folder)) as (_, kept):
        found = kept.memory.contradictions()
    rows(
        (
            {"origin": origin, "size": size, "cosigned": cosigned.decode(), "told": told.decode()}
            for origin, size, cosigned, told in found
        ),
        ["origin", "size", "cosigned", "told"],
    )
    if not found:
        words("None.")


@app.command()
def introduce(*, data_folder: Data = None, json_: Json = False) -> None:
    """Show what a witness's witness.toml has to say to know this installation's logs, those to come among them.

    The notary must have run once. Show it again when keys were rotated.
    """
    from adapters.keys.notary import FILE, KeptSigningKeys, SqliteNotaryMemory
    from adapters.keys.sqlite import SqliteKeyStore
    from application.ports.notary import NotaryMemoryUnusable
    from domain.audit.notes import SignatureType, VerifierKey

    del json_
    settings = settings_of(data_folder)
    if not (settings.keys_folder / FILE).exists():
        raise NotThere(
            f"No notary has run for {settings.root} yet. Start it, or name the folder with --data."
        )
    store = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)
    try:
        with contextlib.closing(SqliteNotaryMemory(settings.keys_folder)) as memory:
            name = memory.name
            found = KeptSigningKeys(store, memory).signing()
    except NotaryMemoryUnusable as error:
        raise CannotRun(str(error)) from error
    finally:
        store.close()
    told = [str(VerifierKey(name, SignatureType.ED25519, one.public_key)) for one in found]
    lines = ["[[logs]]", f'origin = "{name}/*"', "keys = [", *(f'  "{one}",' for one in told), "]"]
    data({"origin": f"{name}/*", "keys": told}, lines)


def _chosen(context: typer.Context, folder: Path | None = None, data_folder: Path | None = None) -> Path:
    """The folder that is named behind a command, else before it."""
    before: tuple[Path | None, Path | None] = context.obj
    folder, data_folder = folder or before[0], data_folder or before[1]
    if folder is not None:
        return folder.expanduser().absolute()
    return settings_of(data_folder).root / "witness"
