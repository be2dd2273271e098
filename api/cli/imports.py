"""`penguinmails import`: a file of contacts through the running API, watched to its end; and taking one back.

The same file into the same workspace is the same import: run the command again after an interruption, of this program
or of the other side, and it goes on.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from api.cli.door import UNDONE, Door, Url, door_of
from api.cli.options import Data, Key
from api.cli.output import Group, Json, Refused, data, with_remedy, words
from domain.audience.intake import DateOrder
from domain.audience.intake.mapping import Duplicates

app = typer.Typer(cls=Group, help="Files of contacts.", no_args_is_help=True)

_PIECE: Final = 1 << 16
_COUNTS: Final = ("imported", "updated", "skipped", "rejected")

Columns = Annotated[
    list[str] | None,
    typer.Option("--map", help="COLUMN=TARGET, overriding a guess; target `ignore` leaves a column out."),
]
Dates = Annotated[
    DateOrder | None, typer.Option("--date-order", help="How dates such as 03/04/2026 are meant.")
]
Timezone = Annotated[str | None, typer.Option("--timezone", help="Zone of times without an offset.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Encoding, where it is guessed wrong.")]
Delimiter = Annotated[str | None, typer.Option("--delimiter", help="Delimiter, where it is guessed wrong.")]
Errors = Annotated[
    Path | None, typer.Option("--errors", help="Where rejected rows are written; else beside the file.")
]
SameKey = Annotated[
    str | None, typer.Option("--idempotency-key", help="Another one imports the same file anew.")
]


@app.command("contacts")
def contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file.")],
    *,
    workspace: Annotated[
        UUID | None,
        typer.Option("--workspace", help="Where the contacts go; may be left out where there is one."),
    ] = None,
    map_: Columns = None,
    date_order: Dates = None,
    duplicates: Annotated[
        Duplicates | None,
        typer.Option("--duplicates", help="What a row does whose address is there already."),
    ] = None,
    timezone: Timezone = None,
    country: Annotated[
        str | None, typer.Option("--default-country", help="ISO code for rows that name no country.")
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    list_id: Annotated[
        UUID | None, typer.Option("--list", help="List that the contacts go onto, too.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; import none.")
    ] = False,
    errors: Errors = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Import a CSV file of contacts: upload, look, import, watch; rejected rows come back as a file to correct.

    Every row ends as imported, updated, skipped or rejected; the file holds the first 100,000 that were rejected.
    Run it again after an interruption: it goes on.
    """
    del json_
    mapping = {
        "columns": columns_of(map_ or []),
        "date_order": date_order,
        "duplicates": duplicates,
        "timezone": timezone,
        "default_country": country,
    }
    mapping = {name: value for name, value in mapping.items() if value}
    with door_of(url, data_folder, key) as door:
        into = str(workspace) if workspace is not None else door.only_workspace()
        same = idempotency_key or digest_of(file, into, encoding, delimiter)
        reading = {"encoding": encoding, "delimiter": delimiter}
        uploaded = door.upload(file, into, same, {name: value for name, value in reading.items() if value})
        how = {"mapping": mapping, **({"list_id": str(list_id)} if list_id else {})}
        bring_in(door, uploaded, file, how, same, errors, dry_run=dry_run)


@app.command("rollback")
def rollback(
    import_id: Annotated[UUID, typer.Argument(help="Id of the import, as `import contacts --json` told it.")],
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Undo an import that has ended, and watch that to its end: who was new is removed, who was changed is put back.

    Opt-outs stay, and so does whatever somebody changed since. Run it again after an interruption: it goes on.
    """
    del json_
    with door_of(url, data_folder, key) as door:
        same = f"import/{import_id}/roll-back"
        door.ask("POST", f"/v1/audience/{import_id}/roll-back-import", {}, same)
        state = door.watch(str(import_id), "taking back", until=frozenset({UNDONE}))
        door.drawn()
        undone = state["undone"]
        lines = [f"{name:<9} {count}" for name, count in undone.items()]
        data({"id": state["id"], "status": state["status"], **undone}, lines)


def columns_of(given: list[str], option: str = "--map", form: str = "COLUMN=TARGET") -> dict[str, str]:
    """Columns that are sent somewhere, from `COLUMN=TARGET`."""
    columns = {}
    for one in given:
        column, equals, target = one.rpartition("=")
        if not equals or not column or not target:
            raise typer.BadParameter(f"write it as {form}", param_hint=option)
        columns[column] = target
    return columns


def digest_of(file: Path, *how: str | None) -> str:
    """The idempotency key of a file: what is in it, and how it is to be read."""
    digest = hashlib.sha256(json.dumps(how).encode())
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return f"import/{digest.hexdigest()[:40]}"


def bring_in(
    door: Door,
    uploaded: dict[str, Any],
    file: Path,
    how: dict[str, Any],
    same: str,
    errors: Path | None,
    *,
    dry_run: bool,
) -> None:
    """Import an uploaded file to its end and show what became of it; a dry run shows what would."""
    if dry_run:
        path = f"/v1/audience/imports/{uploaded['id']}/preview"
        found = door.ask("POST", path, how["mapping"])["data"]
        door.drawn()
        show_preview(found)
        return
    door.start(uploaded["id"], how, same)
    state = door.watch(uploaded["id"], "importing", (uploaded["file"] or {}).get("rows"))
    saved = door.save_errors(state, errors or file.with_name(f"{file.name}.errors.csv"))
    door.drawn()
    show_end(state, saved)


def show_preview(found: dict[str, Any]) -> None:
    """Show what an import would do."""
    lines = [f"{name:<12} {count}" for name, count in found["outcomes"].items()]
    lines += [f"  {code}: {count}" for code, count in sorted(found.get("problems", {}).items())]
    data(found, lines)
    sys.stdout.flush()
    words("Nothing was imported: this was a dry run.")
    refusal = found.get("refusal")
    if refusal is not None:
        raise Refused(with_remedy(refusal["message"], refusal), refusal)


def show_end(state: dict[str, Any], saved: Path | None) -> None:
    """Show what an import did. Raises `Refused` where it did not come to its end."""
    lines = [f"rows      {state['rows_done']}", *(f"{name:<9} {state[name]}" for name in _COUNTS)]
    lines += [f"  {code}: {count}" for code, count in sorted(state["problems"].items())]
    data({**state, "errors_file": None if saved is None else str(saved)}, lines)
    sys.stdout.flush()
    if saved is not None:
        words(f"{_which(state)} rejected rows are in {saved}, each with what to correct.")
    if state["status"] != "completed":
        failure = state.get("failure")
        raise Refused(
            with_remedy(f"The import is {state['status']}{f': {failure}' if failure else ''}.", state)
        )


def _which(state: dict[str, Any]) -> str:
    """Which of the rejected rows the error file holds."""
    kept: int = state.get("rejected_kept", state["rejected"])  # an older API kept them all
    return "The" if kept == state["rejected"] else f"The first {kept:,} of {state['rejected']:,}"
