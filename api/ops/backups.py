"""Backup and restore of an installation, whole: what `penguinmails backup` and `penguinmails restore` do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from adapters.backup import blobs, checking, events, keys, manifest
from adapters.backup.errors import BackupNewer, KeysMissing, ProcessesRunning, SamePlace, TooEarly
from adapters.backup.files import new_folder
from adapters.keys.gone import NAME as LIST
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.migrate import begin_restore
from adapters.postgres.migrate import restore as put_back
from adapters.postgres.restored import EarlierRestore, Raised, epoch_of, raise_epoch, read_named
from adapters.postgres.revisions import heads, revisions
from adapters.postgres.roles import Role
from api.ops.database import Schema, opened, schema_of
from api.ops.errors import CannotRun
from api.ops.processes import run_folder
from api.ops.state import RunState
from application.restoring import KEYS_GONE, destroy_again
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from psycopg import Connection

    from adapters.backup.files import Tell
    from api.settings import Settings

_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `erase_again`: who was erased since the backup, by tenant and addressee."""

    raised: Raised
    events: int
    files: int
    keys_destroyed_again: int
    erase_again: tuple[tuple[UUID, UUID], ...]


def take_events(settings: Settings, folder: Path, tell: Tell) -> manifest.Events:
    """Back the events up, with the sealed files, while everything runs. Raises what is refused of it."""
    with opened(settings, watch=False) as database, new_folder(folder) as part:

        def revision() -> str:
            if schema_of(database.admin) is not Schema.CURRENT:
                raise CannotRun(
                    "The database's schema is not that of this version. Run `penguinmails migrate`."
                )
            (head,) = heads()
            return head

        dsn = settings.dsn(Role.MAINTENANCE, database.admin)
        taken = events.take(dsn, part, settings.blobs_folder, revision, tell)
        checking.check_events(part, taken)
        manifest.write(part, taken)
    return taken


def take_keys(settings: Settings, folder: Path, *, master_key: bool, tell: Tell) -> manifest.Keys:
    """Back the keys up, while everything runs. Raises what is refused of it."""
    with new_folder(folder) as part:
        taken = keys.take(settings.keys_folder, part, master_key=master_key, tell=tell)
        keys.check(part, taken)
        manifest.write(part, taken)
    return taken


def must_be_apart(folder: Path, of_events: Path | None) -> None:
    """Raises `SamePlace` where a folder for keys lies in a backup of events, or one in the other."""
    place = folder.absolute()
    if of_events is not None:
        other = of_events.absolute()
        if place == other or place in other.parents or other in place.parents:
            raise SamePlace(f"{folder} and {of_events} lie one in the other.")
    for above in place.parents:
        if (above / manifest.NAME).exists():
            raise SamePlace(f"{above} is a backup.")


def verify(folder: Path, tell: Tell) -> manifest.Events | manifest.Keys:
    """Read all of a backup, of either kind; its manifest. Raises what is refused of it."""
    if manifest.kind_of(folder) == "keys":
        kept = manifest.read(folder, manifest.Keys)
        keys.check(folder, kept, tell)
        return kept
    told = manifest.read(folder, manifest.Events)
    checking.check_events(folder, told, tell)
    return told


def restore_keys(settings: Settings, folder: Path, tell: Tell) -> bool:
    """Put keys back where there are none. False: they were, by an earlier run. Raises what is refused of it."""
    kept = manifest.read(folder, manifest.Keys)
    keys.check(folder, kept)
    return keys.put(folder, kept, settings.keys_folder, settings.master_key_bytes, tell)


def destroy_listed(settings: Settings, file: Path) -> int:
    """Destroy the keys that another list of destroyed keys names; how many were there."""
    _must_have_keys(settings)
    store = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)
    try:
        return keys.destroy_listed(file, store)
    finally:
        store.close()


def restore_events(
    settings: Settings, folder: Path, now: datetime, tell: Tell, *, reset_passwords: bool = False
) -> Restored:
    """Put events back into an empty database, in a new epoch. Raises what is refused of it.

    All or nothing: until the last moment the database is marked as half restored, and nothing serves from it.
    """
    told = manifest.read(folder, manifest.Events)
    if told.revision not in revisions():
        raise BackupNewer(f"{folder} has the schema {told.revision}, which is not known here.")
    if max((head.epoch for head in told.logs), default=0) >= epoch_of(now):
        raise TooEarly(f"The logs in {folder} are in the epoch of this minute, or of a later one.")
    _must_have_keys(settings)
    checking.check_events(folder, told, tell)
    with opened(settings, watch=False) as database, RunState(run_folder(settings.root)).held():
        with psycopg.connect(database.admin) as connection:
            _must_be_alone(connection)
            events.must_be_empty(connection)
        begin_restore(database.admin, settings.passwords, reset_passwords=reset_passwords)
        store = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)

        def load(connection: Connection[Any]) -> None:
            events.load(connection, folder, told, tell)

        def then(connection: Connection[Any]) -> Restored:
            try:
                raised = raise_epoch(connection, now)
            except EarlierRestore:
                raise TooEarly from None
            gone = destroy_again(read_named(connection, KEYS_GONE.keys()), store)
            again = tuple(_erased_since(connection, settings))
            blobs.unpack(folder, told.blobs, settings.blobs_folder, tell)
            count = sum(head.position for head in told.logs)
            return Restored(raised, count, told.blobs.files, gone, again)

        try:
            return put_back(database.admin, settings.passwords, told.revision, load, then)
        finally:
            store.close()


def _erased_since(connection: Connection[Any], settings: Settings) -> set[tuple[UUID, UUID]]:
    """Who was erased after the backup was taken: their keys are destroyed, and the log says nothing of it."""
    found: set[tuple[UUID, UUID]] = set()
    batch: list[tuple[UUID, str]] = []
    file = settings.keys_folder / LIST
    for tenant, subject, kind in keys.listed(file) if file.exists() else ():
        if kind is KeyKind.PROFILE:
            batch.append((tenant, subject))
        if len(batch) == _AT_ONCE:
            found.update(events.erased_since(connection, batch))
            batch.clear()
    found.update(events.erased_since(connection, batch))
    return found


def _must_have_keys(settings: Settings) -> None:
    if not (settings.keys_folder / keys.STORE).is_file():
        raise KeysMissing(f"There is no key store in {settings.keys_folder}.")


def _must_be_alone(connection: Connection[Any]) -> None:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = ANY(%s)",
        (list(Role),),
    ).fetchone()
    if row is not None and row[0]:
        raise ProcessesRunning(f"{row[0]} connections of the product's processes are open.")
