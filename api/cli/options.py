"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.output import NotThere
from api.settings import Settings

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder; else PENGUINMAILS_DATA, else `var`.", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="PENGUINMAILS_KEY",
        help="API key to act with, or @FILE that holds one.",
        show_default=False,
        show_envvar=True,
    ),
]


StaffKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="PENGUINMAILS_STAFF_KEY",
        help="Key of staff to act with, or @FILE; else the first super admin's, in the data folder.",
        show_default=False,
        show_envvar=True,
    ),
]


def settings_of(data: Path | None = None, **changes: Any) -> Settings:
    """The settings: the environment's, with what the command line says instead."""
    given = {name: value for name, value in {"data": data, **changes}.items() if value is not None}
    return Settings(**given)


def key_text(key: str | None) -> str | None:
    """The text of a key given as itself or as `@FILE`."""
    if key is None or not key.startswith("@"):
        return key
    try:
        return Path(key[1:]).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise NotThere(f"--key names the file {key[1:]}, which cannot be read") from None
