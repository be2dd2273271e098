"""`penguinmails audit certificate`: a small file that shows why one message was sent, or was not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.door import Url, door_of
from api.cli.options import Data, Key
from api.cli.output import Json, data, words
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.kernel.errors import Refusal


def certificate(
    message: Annotated[str, typer.Argument(help="The message's id, or the position of a decision.")],
    *,
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help="Where it is written, a zip archive.")],
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="With all that the person's stream told by then: decisions on other messages too.",
            show_default=False,
        ),
    ] = False,
    compare: Annotated[
        list[Path] | None,
        typer.Option(
            "--compare",
            exists=True,
            dir_okay=False,
            help="An older checkpoint that you keep: the file can be compared with it; again for more.",
        ),
    ] = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Write what proves who decided on a message, by which law, on what, and that it was before it was sent.

    Of a message that was held or denied it says why. Personal values in it are sealed. Recorded in the access log.
    """
    del json_
    sizes = ",".join(str(_size(file)) for file in compare or ())
    wanted = {"whole": str(whole).lower()} | ({"compare": sizes} if sizes else {})
    with door_of(url, data_folder, key) as door:
        answer = door.save(f"/v1/ledger/certificates/{message}", wanted, to)
        door.drawn()
    rows = int(answer.headers["penguin-rows"])
    data(
        {"file": str(to), "bytes": to.stat().st_size, "events": rows},
        [f"events  {rows}", f"bytes   {to.stat().st_size}"],
    )
    words(f"What it shows: penguinmails audit verify {to} --key VERIFIER_KEY")


def _size(file: Path) -> int:
    try:
        return Checkpoint.read(Note.read(file.read_bytes()).text).size
    except Refusal as refusal:
        raise typer.BadParameter(f"{file}: {refusal.detail}", param_hint="--compare") from None
