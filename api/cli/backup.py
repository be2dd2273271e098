"""`penguinmails backup` and `penguinmails restore`: an installation into folders, and out of them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, data, words
from api.cli.progress import bars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.backup.files import Tell
    from adapters.backup.manifest import Events, Keys
    from api.ops.backups import RestoredEvents


class Default(Group):
    """A group whose command `take` is meant where none is named: `backup FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in what was left out; a word that is nearly a command is none of a folder."""
        known = [*self.commands, *ctx.help_option_names]
        if args and args[0] not in known and not get_close_matches(args[0], self.commands):
            args = ["take", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Default,
    help="Take a backup of the events, and apart from it one of the keys; or look whether one is whole.",
    no_args_is_help=True,
)
Folder = Annotated[Path | None, typer.Argument(help="A new folder for the events and the sealed files.")]


@app.command("take")
def take(
    folder: Folder = None,
    *,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="A new folder for the keys: another place than the events'."),
    ] = None,
    master_key: Annotated[
        bool,
        typer.Option("--master-key", help="With --keys: the file master.key too, which opens all of them."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Put the keys into the events' backup, or this into those.")
    ] = False,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Take a backup while everything runs: of the events, of the keys, or first of these and then of those.

    The word `take` may be left out. An interrupted one leaves nothing that looks whole; begin it again.
    """
    from api.ops import backups

    del json_
    if folder is None and keys is None:
        raise typer.BadParameter("name a folder for the events, or one for the keys with --keys")
    settings = settings_of(data_folder)
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    if keys is not None and (not force or keys.absolute() == (folder or keys.parent).absolute()):
        backups.must_be_apart(keys, folder)
    told: dict[str, Any] = {}
    lines: list[str] = []
    with _telling() as tell:
        if folder is not None:
            _add(told, lines, folder, backups.take_events(settings, folder, tell))
        if keys is not None:
            _add(told, lines, keys, backups.take_keys(settings, keys, master_key=master_key, tell=tell))
    data(told, lines)
    if keys is None:
        words("The keys are not in it: penguinmails backup --keys FOLDER, to another place.")


@app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="A backup, of events or of keys.")], *, json_: Json = False
) -> None:
    """Read a backup whole, without any installation: hashes, rows, and every log's positions from 1 to its head's."""
    from api.ops import backups

    del json_
    told: dict[str, Any] = {}
    lines: list[str] = []
    with _telling() as tell:
        _add(told, lines, folder, backups.verify(folder, tell))
    data(told, lines)


def restore(
    folder: Annotated[Path | None, typer.Argument(help="The events' backup.")] = None,
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The keys' backup, where keys/ was lost.")
    ] = None,
    destroyed: Annotated[
        Path | None,
        typer.Option(
            "--destroyed", help="Another list of destroyed keys, a newer one say: what it names goes too."
        ),
    ] = None,
    reset_passwords: Annotated[
        bool,
        typer.Option(
            "--reset-passwords",
            help="Give the database's roles the passwords of this data folder; locks others out.",
        ),
    ] = False,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Put a backup back: keys where there are none, events into an empty database, in a new epoch.

    Everything is checked before anything is changed. A restore that was interrupted leaves the database marked as half
    restored, and nothing serves from it: run it again. Stop all processes first.
    """
    from api.ops import backups

    del json_
    if folder is None and keys is None and destroyed is None:
        raise typer.BadParameter("name the events' backup, or the keys' with --keys")
    settings = settings_of(data_folder)
    with _telling() as tell:
        done = backups.restore(
            settings,
            tell,
            now=datetime.now(UTC),
            of_events=folder,
            of_keys=keys,
            destroyed=destroyed,
            reset_passwords=reset_passwords,
        )
    told: dict[str, Any] = {}
    lines: list[str] = []
    if done.keys_put is not None:
        told["keys"] = "put back" if done.keys_put else "there already"
        lines.append(f"keys: {told['keys']}")
    if destroyed is not None:
        told["keys_destroyed_by_list"] = done.keys_destroyed_by_list
        lines.append(f"keys destroyed by {destroyed}: {done.keys_destroyed_by_list}")
    if done.events is not None:
        _add_events(told, lines, done.events)
    data(told, lines)
    if done.events is not None:
        words(
            "Start the processes: views are made from the logs by themselves. Where olap/ is from before: penguinmails "
            "projections rebuild analytics. Who is to be erased again stays unreadable; the log knows nothing of it."
        )


def _add_events(told: dict[str, Any], lines: list[str], done: RestoredEvents) -> None:
    raised = done.raised
    again = [{"tenant_id": tenant, "addressee_id": subject} for tenant, subject in done.erase_again]
    told |= {
        "epoch": raised.epoch,
        "logs": raised.logs,
        "access_logs": raised.access_logs,
        "events": done.events,
        "files": done.files,
        "keys_destroyed_again": done.keys_destroyed_again,
        "erase_again": again,
    }
    lines += [
        f"epoch {raised.epoch}: {raised.logs} logs and {raised.access_logs} access logs",
        f"events: {done.events}, sealed files: {done.files}",
        f"keys destroyed again: {done.keys_destroyed_again}",
        *(f"erase again: {one['addressee_id']} of tenant {one['tenant_id']}" for one in again),
    ]


@contextmanager
def _telling() -> Iterator[Tell]:
    """A bar for each file."""
    with bars() as drawing:
        tasks: dict[str, Any] = {}

        def tell(name: str, more: int, total: int | None = None) -> None:
            if name not in tasks:
                tasks[name] = drawing.add_task(name, total=total)
            elif total is not None:
                drawing.reset(tasks[name], total=total)
            drawing.advance(tasks[name], more)

        yield tell


def _add(told: dict[str, Any], lines: list[str], folder: Path, kept: Events | Keys) -> None:
    from adapters.backup.manifest import fingerprint

    common = {"folder": folder, "taken_at": kept.taken_at.isoformat(), "manifest_sha256": fingerprint(folder)}
    if kept.kind == "keys":
        size = sum(one.bytes for one in kept.files)
        told["keys"] = {**common, "bytes": size, "files": [one.name for one in kept.files]}
        lines.append(f"{folder}: keys, {size} bytes, whole; manifest {common['manifest_sha256']}")
        return
    size = sum(one.bytes for one in (*kept.tables, kept.blobs))
    count = sum(head.position for head in kept.logs)
    told["events"] = {
        **common,
        "bytes": size,
        "schema": kept.revision,
        "logs": len(kept.logs),
        "events": count,
        "files": kept.blobs.files,
    }
    lines.append(
        f"{folder}: {count} events of {len(kept.logs)} logs, {kept.blobs.files} sealed files, {size} bytes, whole; "
        f"manifest {common['manifest_sha256']}"
    )
