"""What `penguinmails serve` says when it stands: where things are, a key, and three commands to paste."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from api.ops.bootstrap import admin_key_file, secrets_folder
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.cli.serving import Serving


def told(serving: Serving) -> dict[str, Any]:
    """Everything that the banner says, as data."""
    root = serving.settings.root
    demo = serving.prepared.get("demo")
    key_file = secrets_folder(root) / "demo-key"
    kept = {
        "database": serving.database.place,
        "keys": str(serving.settings.keys_folder),
        "files": str(serving.settings.blobs_folder),
        "analytics": str(serving.settings.olap_folder),
        "admin key": str(admin_key_file(root)),
    }
    return {
        "address": serving.address,
        "data": str(root),
        "database": {
            "embedded": serving.database.embedded is not None,
            "version": serving.database.version,
            "place": serving.database.place,
        },
        "kept": kept,
        "own_stripe": serving.own_stripe,
        "first": bool(serving.prepared.get("first")),
        "demo": None if demo is None else {"tenant": demo["tenant"], "tenant_name": demo["tenant_name"]},
        "key": None if demo is None else demo.get("key"),
        "key_file": None if demo is None else str(key_file),
        "commands": [] if demo is None else commands(serving, demo, str(key_file)),
        "register": registering(serving) if demo is None else None,
    }


def registering(serving: Serving) -> str:
    """A command that works as it is printed, in any shell and folder, with names to be put in place of its own."""
    program = Path(sys.executable).with_name("penguinmails")
    run = [str(program)] if program.is_file() else [sys.executable, "-m", "api.cli"]
    example = [
        "Example Ltd",
        "--owner-email",
        "you@example.com",
        "--owner-name",
        "Your Name",
        "--country",
        "GB",
        "--sends-for",
        "itself",
    ]
    return shlex.join([*run, "tenant", "register", *example, "--data", str(serving.settings.root)])


def commands(serving: Serving, demo: dict[str, str], key_file: str) -> list[str]:
    """Three commands that work as they are printed, one after the other."""
    contact = new_id(datetime.now(UTC))
    key = demo.get("key") or f"$(cat {shlex.quote(key_file)})"
    bearer = f'-H "Authorization: Bearer {key}"'
    headers = shlex.quote(f"{serving.settings.root}/run/last-answer")
    body = json.dumps(
        {
            "workspace_id": demo["workspace"],
            "email": f"grace.{contact.hex[-6:]}@example.com",
            "first_name": "Grace",
            "country": "US",
        }
    )
    position = f"$(sed -n 's/^penguin-position: \\([^[:space:]]*\\).*/\\1/p' {headers})"
    create = [
        f"curl -sS -X POST {serving.address}/v1/audience/{contact}/create-contact {bearer}",
        f"-H 'Content-Type: application/json' -H 'Idempotency-Key: first-{contact.hex[-6:]}'",
        f"-D {headers} -d '{body}'",
    ]
    # A view that is not there yet says so (503, Retry-After): curl waits for it.
    asking = "curl -sS --fail --retry 9"
    return [
        " ".join(create),
        f'{asking} "{serving.address}/v1/audience/contacts/{contact}?min_position={position}" {bearer}',
        f"{asking} {serving.address}/v1/reports/activity {bearer}",
    ]


def show(serving: Serving) -> None:
    """Print the banner: coloured on a terminal, plain text elsewhere. It is this command's data: standard output."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for style, line in _lines(told(serving)):
        # Never as markup: a path or a command may hold brackets.
        console.print(Text(line, style=style) if console.is_terminal else Text(line))
    sys.stdout.flush()


def _lines(what: dict[str, Any]) -> Iterator[tuple[str, str]]:
    database, kept = what["database"], what["kept"]
    yield "bold green", f"PenguinMails is up: {what['address']}"
    yield "", ""
    if database["embedded"]:
        whose = f"the embedded Postgres {database['version']} of this data folder; no other is touched"
    else:
        whose = f"your own Postgres {database['version']} (DATABASE_URL): {database['place']}"
    yield "", f"  Database   {whose}"
    yield "", f"  Data       {what['data']}"
    for name, about in _KEPT.items():
        yield "dim", f"    {name:<10} {kept[name]}  ({about})"
    if (stripe := what["own_stripe"]) is not None:
        yield (
            "",
            f"  Payments   a Stripe of our own, with the demo: pages to pay on at {stripe}; no money moves",
        )
    address = what["address"]
    yield "dim", f"  Health     {address}/readyz   figures {address}/metrics   API {address}/docs"
    yield "", ""
    yield from _key_lines(what)
    if what["commands"]:
        yield "", ""
        yield "", "  Create a contact, read it back as soon as the view has it, count what happened:"
        for command in what["commands"]:
            yield "", ""
            yield "cyan", command
    yield "", ""
    yield "dim", "  Ctrl-C stops it, in order. The same command starts it again with everything kept."


def _key_lines(what: dict[str, Any]) -> Iterator[tuple[str, str]]:
    file = what["key_file"]
    if file is None:
        where = "" if what["database"]["embedded"] else ", in a shell that has this DATABASE_URL"
        yield "", f"  Nothing is in it yet. Register a tenant, under your own names{where};"
        yield "", "  its owner's first key is shown then:"
        yield "", ""
        yield "bold", what["register"]
        return
    name = what["demo"]["tenant_name"]
    if what["key"] is not None:
        yield "", f"  A demo lives in it: {name}, and others. Its key, printed this once and kept in {file}:"
        yield "bold", f"export PENGUINMAILS_KEY={what['key']}"
    else:
        yield "", f"  The demo ({name}) is there from an earlier start; its key is in {file}:"
        yield "bold", f"export PENGUINMAILS_KEY=$(cat {shlex.quote(file)})"


_KEPT: Final = {
    "database": "every event, every view",
    "keys": "keys of personal data: back them up apart from the database",
    "files": "uploads, sealed",
    "analytics": "DuckDB; can be rebuilt",
    "admin key": "key of the platform's first super admin",
}
