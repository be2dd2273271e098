"""`penguinmails audit verify`: a bundle is judged offline, by whoever holds it.

It may run where nothing is installed but this, so it loads the standard library, typer and `cryptography`, and asks
neither settings nor a database.
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters.evidence.disclosures import MOST_BYTES as MOST_DISCLOSED
from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import MOST_KEPT, Kept, verify_bundle
from api.cli.exits import Exit
from domain.audit.notes import VerifierKey
from domain.kernel.errors import Refusal

_EXITS: Final = {
    Outcome.HOLDS: Exit.OK,
    Outcome.DOES_NOT_HOLD: Exit.DOES_NOT_HOLD,
    Outcome.CANNOT_BE_JUDGED: Exit.CANNOT_BE_JUDGED,
}


def verify(
    bundle: Annotated[Path, typer.Argument(help="The evidence bundle, a zip archive.")],
    *,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="An older checkpoint that you kept, to compare with; again for more. Where tiles of its log lie "
            "beside it (tile/0/...), the first wrong position is told exactly.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="A verifier key that you trust: the installation's, or a witness's; again for more. "
            "@FILE reads one a line.",
            show_default=False,
        ),
    ] = None,
    disclosure: Annotated[
        Path | None,
        typer.Option(help="Disclosed values, to be checked against their events.", show_default=False),
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Write JSON to standard output.", show_default=False)
    ] = False,
) -> None:
    """Verify an evidence bundle offline: what it proves, what it does not, and where it is wrong first.

    It needs neither an installation nor a network. docs/evidence.md tells the format.
    """
    try:
        verdict = _judged(bundle, checkpoint or (), key or (), disclosure)
    except _Unusable as fault:
        detail = str(fault)
        told = {"code": fault.code.name.lower().replace("_", "-"), "detail": detail}
        sys.stderr.write(f"{json.dumps(told) if json_ else f'penguinmails: {detail}'}\n")
        raise typer.Exit(fault.code) from None
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever a terminal cannot write is spelt out
        sys.stdout.reconfigure(errors="backslashreplace")
    if json_:
        sys.stdout.write(json.dumps(verdict.told(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(verdict.lines()) + "\n")
    raise typer.Exit(_EXITS[verdict.outcome])


def run() -> None:
    """The same as a program of its own, for `api.cli.program`."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command()(verify)
    try:
        app(sys.argv[3:], prog_name="penguinmails audit verify")
    except KeyboardInterrupt:
        raise SystemExit(Exit.INTERRUPTED) from None
    except Exception as fault:  # noqa: BLE001 - whatever a bundle brings about, its reader is told in words
        place = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{type(fault).__name__} at {Path(place.filename).name}:{place.lineno}"
        sys.stderr.write(f"penguinmails: a mistake of ours, so nothing was judged: {where}\n")
        raise SystemExit(Exit.MISTAKE) from None


class _Unusable(Exception):
    """Something that was named is not there, or not understood; `code` is what the process ends with."""

    def __init__(self, code: Exit, words: str) -> None:
        super().__init__(words)
        self.code = code


def _judged(bundle: Path, older: Sequence[Path], keys: Sequence[str], disclosure: Path | None) -> Verdict:
    kept = [Kept(str(file), _read(file, MOST_KEPT), file.parent) for file in older]
    trusted = [made for text in keys for made in _keys(text)]
    disclosed = None if disclosure is None else _read(disclosure, MOST_DISCLOSED)
    try:
        with bundle.open("rb") as file:
            return verify_bundle(file, kept, trusted, disclosed)
    except OSError as fault:
        raise _not_there(bundle, fault) from None


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as fault:
        raise _not_there(file, fault) from None


def _keys(text: str) -> list[VerifierKey]:
    lines = [text]
    if text.startswith("@"):
        lines = _read(Path(text[1:]), MOST_KEPT).decode(errors="replace").split("\n")
    try:
        return [VerifierKey.read(line.strip()) for line in lines if line.strip()]
    except Refusal as refusal:
        raise _Unusable(Exit.USAGE, f"--key: {refusal.detail}") from None


def _not_there(file: Path, fault: OSError) -> _Unusable:
    return _Unusable(Exit.NOT_FOUND, f"{file} cannot be read: {fault.strerror}.")
