"""`penguinmails audit export`: an evidence bundle out of the logs, which may be gone on with where it broke off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from api.cli.door import Url, door_of
from api.cli.history import time
from api.cli.options import Data, Key
from api.cli.output import Json, Refused, data, words
from domain.audit.origins import LogKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUESTION: Final = "/v1/ledger/evidence/question"
_BUNDLE: Final = "/v1/ledger/evidence"


def export(
    to: Annotated[Path, typer.Argument(dir_okay=False, help="Where the bundle is written, a zip archive.")],
    *,
    log: Annotated[
        list[LogKind] | None, typer.Option("--log", help="Which log; again for both. Events unless given.")
    ] = None,
    about: Annotated[
        UUID | None,
        typer.Option(
            "--about",
            help="Events that name this id: of a person, a campaign, a message.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Events of this name alone; again for more.")
    ] = None,
    actor: Annotated[
        UUID | None, typer.Option("--actor", help="Events that this member or key made.", show_default=False)
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="From this time on.", show_default=False)
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Until before this time.", show_default=False)
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(
            "--compare",
            exists=True,
            dir_okay=False,
            help="An older checkpoint that you keep: the bundle can be compared with it; again for more.",
        ),
    ] = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Write events with what proves them to a file, to be verified offline. Recorded in the access log.

    Personal values in it are sealed. Interrupted, the same command goes on where it stopped.
    """
    del json_
    question = {
        "logs": [one.value for one in log or [LogKind.EVENTS]],
        "about": None if about is None else str(about),
        "names": name or [],
        "actor": None if actor is None else str(actor),
        "after": None if after is None else time(after).isoformat(),
        "before": None if before is None else time(before).isoformat(),
        "compare": [file.read_text(encoding="utf-8") for file in compare or []],
    }
    part, kept = to.with_name(f"{to.name}.part"), to.with_name(f"{to.name}.question")
    with door_of(url, data_folder, key) as door:
        begun = _begun(part, kept, question)
        if begun is None:
            told = door.post(_QUESTION, question).json()["data"]
            begun = {"asked": question, **told}
            part.unlink(missing_ok=True)
            kept.touch(mode=0o600)
            kept.write_text(json.dumps(begun), encoding="utf-8")
            part.touch(mode=0o600)
        else:
            words(f"Going on after {part.stat().st_size:,} bytes.")
        door.save_more(_BUNDLE, begun["question"], part)
        door.drawn()
    part.replace(to)
    kept.unlink()
    rows = sum(one["rows"] for one in begun["logs"])
    hidden = sum(one["rows"] for told in begun["logs"] for one in told["hidden"])
    data(
        {"file": str(to), "bytes": to.stat().st_size, "logs": begun["logs"]},
        [f"events    {rows}", f"left out  {hidden}", f"bytes     {to.stat().st_size}"],
    )
    words(f"Verify it: penguinmails audit verify {to} --key VERIFIER_KEY")


def _begun(part: Path, kept: Path, question: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an interrupted export began with. Raises `Refused` where it asked for something else."""
    if not part.exists() or not kept.exists():
        return None
    try:
        begun: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if begun.get("asked") != question:
        raise Refused(f"{part} is what is there of another question. Remove it, or name another file.")
    return begun
