"""Files that commands write answers to: in which form, and so that only you may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from adapters.exports.names import FileName

if TYPE_CHECKING:
    from pathlib import Path


def form_of(said: FileName | None, output: Path | None) -> FileName | None:
    """The form that is said, else that of the file's ending; None where no file is asked for."""
    if output is None:
        if said is not None:
            raise typer.BadParameter("say where the file is written", param_hint="--output")
        return None
    try:
        return said or FileName(output.suffix.removeprefix("."))
    except ValueError:
        known = ", ".join(FileName)
        raise typer.BadParameter(f"say one of {known}", param_hint="--format") from None


def put(content: bytes, to: Path) -> None:
    """Write a file whole or not at all; nobody else may read it."""
    draft = to.with_name(f"{to.name}.new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(to)
