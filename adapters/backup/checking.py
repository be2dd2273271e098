"""Whether a backup is whole, from its folder alone: every file's hash, every table's rows, every log's positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.backup import blobs
from adapters.backup.errors import FileAltered, NoBackup, RowsDiffer
from adapters.backup.files import pieces, read_whole, unpacked, untold
from adapters.backup.rows import Positions, number, rows
from adapters.backup.tables import EVENTS, KEPT

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.backup.files import Tell
    from adapters.backup.manifest import Events, Table


def check_events(folder: Path, manifest: Events, tell: Tell = untold) -> None:
    """Read all of a backup of events. Raises what is refused of it: `LogNotWhole`, `FileAltered`, ...

    `tell` hears the bytes.
    """
    tables = {one.table: one for one in manifest.tables}
    if len(tables) != len(manifest.tables) or not tables.keys() <= set(KEPT):
        raise NoBackup(f"{folder} has tables of which nothing is known here.")
    for log, (events, heads) in EVENTS.items():
        if events not in tables or heads not in tables:
            raise NoBackup(f"{folder} has not both {events} and {heads}.")
        _check_log(folder, log, (tables.pop(events), tables.pop(heads)), manifest, tell)
    for kept in tables.values():
        with read_whole(pieces(folder, kept, tell)) as content:
            _counted(sum(1 for _ in rows(unpacked(content, kept.name), kept.name, 0)), kept)
    blobs.check(folder, manifest.blobs, tell)


def _check_log(folder: Path, log: str, tables: tuple[Table, Table], manifest: Events, tell: Tell) -> None:
    events, heads = tables
    if events.columns[:2] != ("tenant_id", "position"):
        raise NoBackup(f"{events.name} has other columns than a log.")
    if heads.columns[:3] != ("tenant_id", "epoch", "position"):
        raise NoBackup(f"{heads.name} has other columns than heads.")
    with read_whole(pieces(folder, heads, tell)) as content:
        found = {
            tenant: (number(epoch), number(position))
            for tenant, epoch, position in rows(unpacked(content, heads.name), heads.name, 3)
        }
        _counted(len(found), heads)
    if found != {one.tenant_id.bytes: (one.epoch, one.position) for one in manifest.logs if one.log == log}:
        raise FileAltered(f"The manifest and {heads.name} disagree about where the logs stand.")
    seen, count = Positions(log), 0
    with read_whole(pieces(folder, events, tell)) as content:
        for tenant, position in rows(unpacked(content, events.name), events.name, 2):
            seen.see(tenant, number(position))
            count += 1
        _counted(count, events)
        seen.compare({tenant: position for tenant, (_, position) in found.items()})


def _counted(count: int, kept: Table) -> None:
    if count != kept.rows:
        raise RowsDiffer(f"{kept.name} has {count} rows, the manifest says {kept.rows}.")
