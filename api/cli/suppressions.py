"""`penguinmails import suppressions` and `export suppressions`: addresses to which nothing goes, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.cli import imports
from api.cli.door import Url, door_of
from api.cli.imports import (
    Columns,
    Dates,
    Delimiter,
    Encoding,
    Errors,
    SameKey,
    Timezone,
    bring_in,
    columns_of,
    digest_of,
)
from api.cli.options import Data, Key
from api.cli.output import Group, Json, data, words
from application.exporting import Written
from domain.audience.intake import FileKind

app = typer.Typer(cls=Group, help="What goes out as a file.", no_args_is_help=True)

_WHOLE = "# "


@imports.app.command("suppressions")
def import_suppressions(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file.")],
    *,
    workspace: Annotated[
        UUID | None,
        typer.Option(
            "--workspace", help="Whose people see the import; may be left out where there is one workspace."
        ),
    ] = None,
    map_: Columns = None,
    date_order: Dates = None,
    timezone: Timezone = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; enter none.")
    ] = False,
    errors: Errors = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Import a suppression list: addresses, or MD5, SHA-1 and SHA-256 hashes of them, as other tools export them.

    Nothing goes to them from then on, in the whole tenant. The same list again enters nothing. Run it again after an
    interruption: it goes on.
    """
    del json_
    mapping = {"columns": columns_of(map_ or []), "date_order": date_order, "timezone": timezone}
    mapping = {name: value for name, value in mapping.items() if value}
    kind = FileKind.SUPPRESSIONS.value
    with door_of(url, data_folder, key) as door:
        into = str(workspace) if workspace is not None else door.only_workspace()
        same = idempotency_key or digest_of(file, into, encoding, delimiter, kind)
        reading = {"encoding": encoding, "delimiter": delimiter, "kind": kind}
        uploaded = door.upload(file, into, same, {name: value for name, value in reading.items() if value})
        bring_in(door, uploaded, file, {"mapping": mapping}, same, errors, dry_run=dry_run)


@app.command("suppressions")
def export_suppressions(
    to: Annotated[Path, typer.Argument(dir_okay=False, help="Where the CSV file is written.")],
    *,
    as_: Annotated[
        Written, typer.Option("--as", help="Addresses, or hashes for who must not learn them.")
    ] = Written.ADDRESS,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Write every suppressed address of the tenant to a file, which only you may read. Recorded in the access log.

    What cannot be in it (erased people, addresses known by a hash alone) is counted in its last line.
    """
    from api.ops.errors import CannotRun

    del json_
    draft, count, last = to.with_name(f"{to.name}.new"), 0, ""
    with door_of(url, data_folder, key) as door:
        draft.touch(mode=0o600)
        with draft.open("w", encoding="utf-8", newline="") as file:
            for line in door.lines("/v1/audience/suppressions/export", {"as": as_.value}):
                file.write(f"{line}\r\n")
                count, last = count + 1, line
        door.drawn()
    said = last.strip('",')
    if not said.startswith(_WHOLE):
        draft.unlink()
        raise CannotRun("The list broke off before its end. Run the same command again.")
    draft.replace(to)
    data({"file": str(to), "entries": count - 2, "told": said}, [f"entries   {count - 2}"])
    words(said.removeprefix(_WHOLE))
