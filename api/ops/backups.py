"""Backup and restore of an installation, whole: what `penguinmails backup` and `penguinmails restore` do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from adapters.backup import blobs, checking, events, keys, manifest
from adapters.backup.errors import BackupNewer, KeysMissing, NotPutBack, ProcessesRunning, SamePlace, TooEarly
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
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from psycopg import Connection

    from adapters.backup.files import Tell
    from api.settings import Settings

_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class RestoredEvents:
    """What became of the events. `erase_again`: who was erased since the backup, by tenant and addressee."""

    raised: Raised
    events: int
    files: int
    keys_destroyed_again: int
    erase_again: tuple[tuple[UUID, UUID], ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `keys_put`: None where none were asked for, False where they were there already."""

    keys_put: bool | None
    keys_destroyed_by_list: int
    events: RestoredEvents | None = None


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


def restore(
    settings: Settings,
    tell: Tell,
    *,
    now: datetime,
    of_events: Path | None = None,
    of_keys: Path | None = None,
    destroyed: Path | None = None,
    reset_passwords: bool = False,
) -> Restored:
    """Put backups back: keys where there are none, events into an empty database. Raises what is refused of it.

    First all is checked. The database is marked as half restored until the last moment, and nothing serves from it.
    What the list `destroyed` names is destroyed as well.
    """
    kept = None if of_keys is None else manifest.read(of_keys, manifest.Keys)
    told = None if of_events is None else manifest.read(of_events, manifest.Events)
    if told is not None and of_events is not None:
        _must_be_ours(of_events, told, now)
        checking.check_events(of_events, told, tell)
    if kept is not None and of_keys is not None:
        keys.check(of_keys, kept, tell)
        keys.must_fit(of_keys, settings.keys_folder, settings.master_key_bytes)
    elif not (settings.keys_folder / keys.STORE).is_file():
        raise KeysMissing(f"There is no key store in {settings.keys_folder}.")
    if destroyed is not None:
        for _ in keys.listed(destroyed):
            pass

    def keys_restored() -> tuple[bool | None, int]:
        put = None
        if kept is not None and of_keys is not None:
            put = keys.put(of_keys, kept, settings.keys_folder, settings.master_key_bytes, tell)
        if destroyed is None:
            return put, 0
        with _store(settings) as store:
            return put, keys.destroy_listed(destroyed, store)

    try:
        if told is None or of_events is None:
            # Root's embedded Postgres is another user, who must pass through it.
            mode = 0o711 if os.geteuid() == 0 else 0o700
            settings.root.mkdir(mode=mode, parents=True, exist_ok=True)
            return Restored(*keys_restored())
        with _alone(settings) as admin:
            begin_restore(admin, settings.passwords, reset_passwords=reset_passwords)
            found = keys_restored()
            return Restored(*found, events=_events_restored(settings, admin, (of_events, told), now, tell))
    except (OSError, psycopg.errors.DiskFull) as error:
        raise NotPutBack(f"{getattr(error, 'strerror', None) or 'The database has no room'}.") from error


@contextmanager
def _alone(settings: Settings) -> Iterator[str]:
    """The address of an empty database that nobody else works with."""
    if settings.database_url is not None:
        settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with opened(settings, watch=False) as database, RunState(run_folder(settings.root)).held():
        with psycopg.connect(database.admin) as connection:
            _must_be_alone(connection)
            events.must_be_empty(connection)
        yield database.admin


def _events_restored(
    settings: Settings, admin: str, backup: tuple[Path, manifest.Events], now: datetime, tell: Tell
) -> RestoredEvents:
    folder, told = backup
    with _store(settings) as store:

        def load(connection: Connection[Any]) -> None:
            events.load(connection, folder, told, tell)

        def then(connection: Connection[Any]) -> RestoredEvents:
            try:
                raised = raise_epoch(connection, now)
            except EarlierRestore:
                raise TooEarly from None
            gone = destroy_again(read_named(connection, KEYS_GONE.keys()), store)
            again = tuple(sorted(_erased_since(connection, settings)))
            blobs.unpack(folder, told.blobs, settings.blobs_folder, tell)
            count = sum(head.position for head in told.logs)
            return RestoredEvents(raised, count, told.blobs.files, gone, again)

        return put_back(admin, settings.passwords, told.revision, load, then)


def _must_be_ours(folder: Path, told: manifest.Events, now: datetime) -> None:
    """It is of this version or an older one, and its logs have been in no later epoch than comes now."""
    if told.revision not in revisions():
        raise BackupNewer(f"{folder} has the schema {told.revision}, which is not known here.")
    if max((head.epoch for head in told.logs), default=0) >= epoch_of(now):
        raise TooEarly(f"The logs in {folder} are in the epoch of this minute, or of a later one.")


@contextmanager
def _store(settings: Settings) -> Iterator[SqliteKeyStore]:
    store = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)
    try:
        yield store
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


def _must_be_alone(connection: Connection[Any]) -> None:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = ANY(%s)",
        (list(Role),),
    ).fetchone()
    if row is not None and row[0]:
        raise ProcessesRunning(f"{row[0]} connections of the product's processes are open.")
