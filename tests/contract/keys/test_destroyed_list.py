"""The list of destroyed keys: an old copy of the store brings nothing back, and no crash leaves the two apart."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.keys import gone
from adapters.keys.gone import NAME
from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import KeysUnavailable, SubjectKey
from domain.kernel.personal import KeyKind
from tests.support.key_stores import TENANT, PowerCut, reopened, subject


def listed(folder: Path) -> list[SubjectKey]:
    """The keys in the list, in its order."""
    lines = [json.loads(line) for line in (folder / NAME).read_text().splitlines()]
    assert all(tenant == str(TENANT) for tenant, _, _ in lines)
    return [(TENANT, name, KeyKind(kind)) for _, name, kind in lines]


def used(folder: Path, what: Callable[[SqliteKeyStore], object]) -> None:
    """Use the store as a process does that then ends."""
    store = SqliteKeyStore(folder)
    try:
        what(store)
    finally:
        store.close()


def put_back(copy: Path, folder: Path, *but: str) -> None:
    """Put an old copy of the folder back, without some of its files."""
    for path in folder.iterdir():
        if path.name not in but:
            path.unlink()
    for path in copy.iterdir():
        if path.name not in but:
            shutil.copy(path, folder)


def test_an_old_copy_brings_no_key_back_of_a_tenant_that_ended(folder: Path, tmp_path: Path) -> None:
    one, other = subject(), subject(KeyKind.EVIDENCE)
    elsewhere = (uuid4(), str(uuid4()), KeyKind.PROFILE)
    used(folder, lambda store: store.obtain([one, other, elsewhere]))
    used(folder, lambda store: store.hmac_keys(TENANT))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    used(folder, lambda store: store.destroy_tenant(TENANT))
    used(folder, lambda store: store.destroy_tenant(TENANT))
    assert (folder / NAME).read_text() == f'["{TENANT}", "*", "*"]\n'
    put_back(copy, folder, NAME)
    assert set(reopened(folder, [one, other, elsewhere])) == {elsewhere}
    with closing(sqlite3.connect(folder / "keys.sqlite")) as database:
        left = database.execute("SELECT count(*) FROM pseudonym_keys WHERE tenant = ?", (TENANT.bytes,))
        assert left.fetchone() == (0,)


def test_an_old_copy_of_everything_else_brings_no_key_back(folder: Path, tmp_path: Path) -> None:
    gone_since, never, kept, before = subject(), subject(KeyKind.EVIDENCE), subject(), subject()
    used(folder, lambda store: store.obtain([gone_since, kept, before]))
    used(folder, lambda store: store.destroy([before]))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    used(folder, lambda store: store.destroy([gone_since, never]))
    assert listed(folder) == [before, gone_since, never]

    put_back(copy, folder)
    assert set(reopened(folder, [gone_since, kept])) == {gone_since, kept}, "the control: without the list"
    used(folder, lambda store: store.destroy([gone_since, never]))

    put_back(copy, folder, NAME)
    back = SqliteKeyStore(folder)
    assert set(back.find([gone_since, never, kept, before])) == {kept}
    assert set(back.obtain([gone_since, never])) == set(), "nor is it made again"
    assert back.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == [TENANT], "its copies are to go too"
    back.close()


def test_a_key_is_entered_once_however_often_it_is_destroyed(folder: Path, keys: SqliteKeyStore) -> None:
    one, other = subject(), subject()
    keys.obtain([one])
    keys.destroy([one, one])
    keys.destroy([one, other])
    assert listed(folder) == [one, other]
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_what_is_in_the_list_outlives_a_crash_before_the_store_has_it(
    folder: Path, keys: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is on the disk first: whoever opens the store next finishes what was begun."""
    one, kept = subject(), subject()
    keys.obtain([one, kept])
    entering = gone.DestroyedKeys.enter

    def cut(self: gone.DestroyedKeys, rows: list[gone.Row], database: sqlite3.Connection) -> None:
        entering(self, rows, database)
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(gone.DestroyedKeys, "enter", cut)
        with pytest.raises(PowerCut):
            keys.destroy([one])
    assert set(keys.find([one, kept])) == {one, kept}, "the transaction was rolled back"
    later = subject()
    keys.destroy([later])
    assert listed(folder) == [one, later]
    assert set(reopened(folder, [one, kept, later])) == {kept}


def test_half_a_line_is_a_destruction_that_never_was(
    folder: Path, keys: SqliteKeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    one, other, kept = subject(), subject(), subject()
    keys.obtain([one, other, kept])
    keys.destroy([one])
    with (folder / NAME).open("ab") as file:
        file.write(json.dumps([str(TENANT), kept[1], "profile"]).encode()[:-12])
    keys.destroy([other])
    with caplog.at_level(logging.WARNING):
        assert set(reopened(folder, [one, other, kept])) == {kept}
    assert "1 lines of the list of destroyed keys cannot be read" in caplog.text
    caplog.clear()
    assert set(reopened(folder, [kept])) == {kept}
    assert caplog.text == "", "it agrees with the store now, and is not read again"


def test_a_list_that_was_lost_is_written_anew_from_the_store(folder: Path) -> None:
    """So does the first opening of a store that is older than the list."""
    one, kept = subject(), subject()
    used(folder, lambda store: (store.obtain([one, kept]), store.destroy([one])))
    (folder / NAME).unlink()
    assert set(reopened(folder, [one, kept])) == {kept}
    assert listed(folder) == [one]
    (folder / NAME).unlink()
    with closing(sqlite3.connect(folder / "keys.sqlite")) as database, database:
        database.execute("DROP TABLE listed")
    assert set(reopened(folder, [one, kept])) == {kept}
    assert listed(folder) == [one]


def test_no_key_is_destroyed_that_could_not_be_entered(folder: Path, keys: SqliteKeyStore) -> None:
    one = subject()
    keys.obtain([one])
    (folder / NAME).mkdir()
    with pytest.raises(KeysUnavailable):
        keys.destroy([one])
    assert set(keys.find([one])) == {one}
    (folder / NAME).rmdir()
    assert keys.destroy([one]) == 1
    assert listed(folder) == [one]
