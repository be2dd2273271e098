"""`penguinmails pack`: board packs through the running API: sealed, given back, and set against the figures of now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.door import Url, completeness_of, door_of
from api.cli.imports import SameKey
from api.cli.options import Data, Key
from api.cli.output import Group, Json, data, listed, rows, words

app = typer.Typer(cls=Group, help="Board packs, sealed for ever.", no_args_is_help=True)
PackId = Annotated[UUID, typer.Argument(help="Id of the pack, as `pack sealed` shows it.")]
_MOST_LINES = 20


@app.command("list")
def definitions(*, url: Url = None, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show the packs that can be sealed."""
    del json_
    with door_of(url, data_folder, key) as door:
        told = door.ask("GET", "/v1/packs/definitions")["data"]
        door.drawn()
    rows(told, ("name", "version", "title"))


@app.command("sealed")
def sealed_packs(*, url: Url = None, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show the packs that were sealed, the newest first."""
    del json_
    with door_of(url, data_folder, key) as door:
        told = door.ask("GET", "/v1/packs")
        door.drawn()
    columns = ("pack_id", "definition", "period_from", "period_to", "currency", "sealed_at", "pdf_sha256")
    listed(told["data"], columns, position=told["position"], following=told["next"])


@app.command("seal")
def seal(
    definition: Annotated[str, typer.Argument(help="Name of the pack, as `pack list` shows it.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First day (UTC), as 2026-10-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day (UTC), included.")],
    output: Annotated[Path, typer.Option("--output", dir_okay=False, help="Where the PDF is written.")],
    title: Annotated[
        str | None, typer.Option("--title", help="In place of the pack's own; it stands for ever.")
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option("--currency", help="Of the amounts, as USD; those of others are left out, and named."),
    ] = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Make a board pack of a period, keep it for ever, and write its PDF to a file.

    Its hashes stand in the log; the same bytes are given back whatever happens since.
    """
    del json_
    asked = {"definition": definition, "from": first, "to": last}
    asked |= {name: value for name, value in (("title", title), ("currency", currency)) if value}
    with door_of(url, data_folder, key) as door:
        sealed = door.ask("POST", "/v1/packs", asked, idempotency_key)["data"]
        door.save(sealed["pdf"], {}, output)
        door.drawn()
    lines = [
        f"{output}: {sealed['figures']} figures as of {sealed['as_of'] or 'the beginning'}",
        f"pack    {sealed['pack_id']}",
        f"sha256  {sealed['pdf_sha256']}",
    ]
    data({**sealed, "file": str(output)}, lines)


@app.command("get")
def get(
    pack_id: PackId,
    output: Annotated[Path, typer.Argument(dir_okay=False, help="Where the file is written.")],
    *,
    figures: Annotated[bool, typer.Option("--figures", help="Every figure as JSON, not the PDF.")] = False,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Write a sealed pack to a file: the same bytes for ever. Recorded in the access log."""
    del json_
    with door_of(url, data_folder, key) as door:
        path = f"/v1/packs/{pack_id}/{'figures' if figures else 'pdf'}"
        answer = door.save(path, {}, output)
        door.drawn()
    digest = answer.headers["penguin-sha256"]
    told = {"file": str(output), "sha256": digest, "completeness": completeness_of(answer)}
    data(told, [f"{output}: sha256 {digest}"])


@app.command("drift")
def drift(
    pack_id: PackId,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compute too what the position of the seal gives today.")
    ] = False,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show how far the figures of a sealed pack have moved since."""
    del json_
    with door_of(url, data_folder, key) as door:
        wanted = {"check": "true" if check else "false"}
        told = door.ask("GET", f"/v1/packs/{pack_id}", wanted=wanted)["data"]
        door.drawn()
    data(
        told, [*_lines("since it was sealed", told["drift"]), *_lines("as of its position", told["checked"])]
    )
    if told["not_computed"]:
        words(told["not_computed"])


def _lines(when: str, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    head = f"{when}: {found['differ']} of {found['compared']} figures differ"
    told = [
        f"  {one['section']} {one['measure']} ({', '.join(map(str, one['cell'].values()))}): "
        f"{one['sealed']} -> {one['now']}"
        for one in found["moved"][:_MOST_LINES]
    ]
    return [head, *told]
