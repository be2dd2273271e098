"""The first steps of a start: the platform's log, and the demo where it is wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import structlog

from api.demo.make import Demo
from api.ops.bootstrap import admin_key_file, bootstrap
from domain.kernel.ids import PLATFORM

if TYPE_CHECKING:
    from pathlib import Path

    from api.composition import Composition

log = structlog.get_logger(__name__)
_FILE: Final = "first-run.json"


async def prepare(parts: Composition, *, demo: bool) -> dict[str, Any]:
    """Open the platform's log, and make the demo if this is the first start and it is wanted.

    Gives what the banner needs. Keys are in it only at the start that made them. An unfinished demo is finished.
    """
    file = parts.settings.root / "run" / _FILE
    known = _read(file)
    if known is None:
        wanted = demo and await parts.log.head(PLATFORM) is None
        known = {"demo": wanted, "done": not wanted}
        _write(file, known)
    first = not admin_key_file(parts.settings.root).exists()
    await bootstrap(parts)
    told: dict[str, Any] = {"first": first, "demo": None}
    if not known["done"]:
        log.info("making the demo workspace")
        made = await Demo(parts).make()
        known = {"demo": True, "done": True, "made": {name: made[name] for name in made if name != "key"}}
        _write(file, known)
        return {**told, "demo": made}
    if known["demo"]:
        told["demo"] = known["made"]
    return told


def _read(file: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def _write(file: Path, told: dict[str, Any]) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(told) + "\n", encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(file)
