"""A backup of the key store: taken while others write, put back where there is none; what was destroyed stays so."""

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.backup import errors, manifest
from adapters.backup import keys as backup_of_keys
from adapters.backup.files import untold
from adapters.keys.sqlite import SqliteKeyStore
from api.ops import backups
from api.settings import Settings
from application.ports.keys import SubjectKey
from domain.kernel.personal import KeyKind

TENANT = UUID(int=7)


def key(subject: str, tenant: UUID = TENANT) -> SubjectKey:
    return tenant, subject, KeyKind.PROFILE


def settings_for(folder: Path) -> Settings:
    return Settings(data=folder)


def restored(
    settings: Settings, *, of_keys: Path | None = None, destroyed: Path | None = None
) -> backups.Restored:
    now = datetime.now(UTC)
    return backups.restore(settings, untold, now=now, of_keys=of_keys, destroyed=destroyed)


def made(data: Path, *subjects: str) -> dict[SubjectKey, bytes]:
    """Keys of an installation."""
    store = SqliteKeyStore(data / "keys")
    try:
        store.hmac_keys(TENANT)
        return dict(store.obtain(map(key, subjects)))
    finally:
        store.close()


def destroyed(data: Path, *subjects: str) -> None:
    store = SqliteKeyStore(data / "keys")
    store.destroy(map(key, subjects))
    store.close()


def found(data: Path, *subjects: str) -> dict[SubjectKey, bytes]:
    store = SqliteKeyStore(data / "keys")
    try:
        return dict(store.find(map(key, subjects)))
    finally:
        store.close()


def listed(file: Path) -> set[str]:
    return {json.loads(line)[1] for line in file.read_text().splitlines()}


def test_keys_come_back_with_the_master_key_at_hand_and_no_other_way(tmp_path: Path) -> None:
    here, there, backup = tmp_path / "here", tmp_path / "there", tmp_path / "backup"
    keys = made(here, "ann", "ben")
    backups.take_keys(settings_for(here), backup, master_key=False, tell=untold)
    master = (here / "keys" / "master.key").read_bytes()
    assert {one.name for one in backup.iterdir()} == {
        "manifest.json",
        "keys.sqlite",
        "keks.json",
        "destroyed.list",
    }
    for file in backup.iterdir():
        assert master not in file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600
    assert backup.stat().st_mode & 0o777 == 0o700
    with pytest.raises(errors.MasterKeyMissing):
        restored(settings_for(there), of_keys=backup)
    (there / "keys").mkdir(parents=True, exist_ok=True)
    (there / "keys" / "master.key").write_bytes(bytes(32))
    with pytest.raises(errors.MasterKeyWrong):
        restored(settings_for(there), of_keys=backup)
    assert {one.name for one in (there / "keys").iterdir()} == {"master.key"}
    (there / "keys" / "master.key").write_bytes(master)
    assert restored(settings_for(there), of_keys=backup).keys_put
    assert found(there, "ann", "ben") == keys
    assert not restored(settings_for(there), of_keys=backup).keys_put, "the same again is done already"
    with pytest.raises(errors.KeysThere):
        restored(settings_for(here), of_keys=backup)


def test_the_master_key_goes_along_when_it_is_asked_for(tmp_path: Path) -> None:
    here, there, backup = tmp_path / "here", tmp_path / "there", tmp_path / "backup"
    keys = made(here, "ann")
    backups.take_keys(settings_for(here), backup, master_key=True, tell=untold)
    assert restored(settings_for(there), of_keys=backup).keys_put
    assert found(there, "ann") == keys
    (here / "keys" / "master.key").unlink()
    with pytest.raises(errors.NoMasterKeyFile):
        backups.take_keys(settings_for(here), tmp_path / "another", master_key=True, tell=untold)


def test_what_was_destroyed_since_stays_destroyed_by_the_list_in_place(tmp_path: Path) -> None:
    here, backup = tmp_path / "here", tmp_path / "backup"
    keys = made(here, "ann", "ben", "eve")
    destroyed(here, "eve")
    backups.take_keys(settings_for(here), backup, master_key=False, tell=untold)
    destroyed(here, "ann")
    newest = (here / "keys" / "destroyed.list").read_bytes()
    for name in ("keys.sqlite", "keks.json"):
        (here / "keys" / name).unlink()
    assert restored(settings_for(here), of_keys=backup).keys_put
    assert found(here, "ann", "ben", "eve") == {key("ben"): keys[key("ben")]}
    assert (here / "keys" / "destroyed.list").read_bytes().startswith(newest), "the newest list wins"


def test_what_was_destroyed_is_known_from_the_backups_list_and_from_another_one(tmp_path: Path) -> None:
    here, there, backup = tmp_path / "here", tmp_path / "there", tmp_path / "backup"
    keys = made(here, "ann", "ben", "eve")
    destroyed(here, "eve")
    backups.take_keys(settings_for(here), backup, master_key=True, tell=untold)
    destroyed(here, "ann", "never-was")
    newer = tmp_path / "newer.list"
    shutil.copy(here / "keys" / "destroyed.list", newer)
    newer.write_bytes(newer.read_bytes() + b'["half a li')  # a crash left it
    assert restored(settings_for(there), of_keys=backup).keys_put
    assert found(there, "ann", "ben", "eve") == {key(one): keys[key(one)] for one in ("ann", "ben")}
    assert listed(there / "keys" / "destroyed.list") == {"eve"}
    assert restored(settings_for(there), destroyed=newer).keys_destroyed_by_list == 1
    assert found(there, "ann", "ben", "eve") == {key("ben"): keys[key("ben")]}
    assert listed(there / "keys" / "destroyed.list") == {"ann", "eve", "never-was"}
    assert restored(settings_for(there), destroyed=newer).keys_destroyed_by_list == 0
    (tmp_path / "none.list").write_text("no list at all\n")
    for name in ("none.list", "missing.list"):
        with pytest.raises(errors.ListUnreadable):
            restored(settings_for(there), destroyed=tmp_path / name)


class Slow(sqlite3.Connection):
    """Leaves others time between any two looks at the store."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        time.sleep(0.02)
        return super().execute(*arguments)


def test_a_backup_is_whole_whatever_is_made_rotated_and_destroyed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        backup_of_keys,
        "_connected",
        lambda file: sqlite3.connect(file, isolation_level=None, timeout=30, factory=Slow),
    )
    here = tmp_path / "here"
    keys = made(here, *(f"kept{number}" for number in range(200)))
    stop = threading.Event()
    amiss: list[BaseException] = []

    def busy() -> None:
        store = SqliteKeyStore(here / "keys")
        try:
            number = 0
            while not stop.is_set():
                number += 1
                store.obtain([key(f"new{number}"), key("first", uuid4())])
                store.destroy([key(f"new{number}")])
                store.rotate(TENANT)
        except BaseException as error:
            amiss.append(error)
            raise
        finally:
            store.close()

    worker = threading.Thread(target=busy)
    worker.start()
    try:
        for number in range(6):
            backups.take_keys(settings_for(here), tmp_path / f"backup{number}", master_key=True, tell=untold)
    finally:
        stop.set()
        worker.join()
    assert amiss == []
    kekses = set()
    for number in range(6):
        there = tmp_path / f"there{number}"
        assert restored(settings_for(there), of_keys=tmp_path / f"backup{number}").keys_put
        assert found(there, *(subject for _, subject, _ in keys)) == keys
        kekses.add((tmp_path / f"backup{number}" / "keks.json").read_bytes())
    assert len(kekses) > 1, "the control: it was busy"


def test_what_is_amiss_with_a_backup_of_keys_is_refused_by_name(tmp_path: Path) -> None:
    here, good = tmp_path / "here", tmp_path / "good"
    made(here, "ann")
    backups.take_keys(settings_for(here), good, master_key=True, tell=untold)

    def without_keks(folder: Path) -> None:
        """Somebody who writes hashes as well is found by what does not fit together."""
        (folder / "keks.json").write_text("{}")
        kept = manifest.read(folder, manifest.Keys)
        (folder / "manifest.json").unlink()
        told = {"bytes": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}
        files = tuple(one.model_copy(update=told) if one.name == "keks.json" else one for one in kept.files)
        manifest.write(folder, kept.model_copy(update={"files": files}))

    amiss: dict[str, tuple[Callable[[Path], object], type[errors.BackupRefused]]] = {
        "lost": (lambda folder: (folder / "keys.sqlite").unlink(), errors.FileMissing),
        "cut": (
            lambda folder: (folder / "keys.sqlite").write_bytes((folder / "keys.sqlite").read_bytes()[:-1]),
            errors.FileTruncated,
        ),
        "edited": (
            lambda folder: (folder / "keks.json").write_bytes(
                (folder / "keks.json").read_bytes().replace(b"1", b"2", 1)
            ),
            errors.FileAltered,
        ),
        "unwrapped": (without_keks, errors.KeysDiffer),
    }
    for name, (change, refusal) in amiss.items():
        shutil.copytree(good, tmp_path / name)
        change(tmp_path / name)
        with pytest.raises(refusal):
            backups.verify(tmp_path / name, untold)
        with pytest.raises(refusal):
            restored(settings_for(tmp_path / "there"), of_keys=tmp_path / name)
        assert not (tmp_path / "there" / "keys" / "keys.sqlite").exists()
    with pytest.raises(errors.KeysMissing):
        backups.take_keys(settings_for(tmp_path / "nowhere"), tmp_path / "x", master_key=False, tell=untold)


def test_keys_are_kept_apart_from_the_events(tmp_path: Path) -> None:
    events = tmp_path / "events"
    for keys in (events, events / "keys", tmp_path):
        with pytest.raises(errors.SamePlace):
            backups.must_be_apart(keys, events)
    backups.must_be_apart(tmp_path / "keys", events)
    backups.must_be_apart(tmp_path / "keys", None)
    events.mkdir()
    (events / "manifest.json").write_text("{}")
    with pytest.raises(errors.SamePlace):
        backups.must_be_apart(events / "deep" / "keys", None)
