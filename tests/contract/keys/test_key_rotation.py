"""Rotation of key-encryption keys in a file that is shared, copied and interrupted."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from adapters.keys import sqlite
from adapters.keys.gone import NAME
from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import KeysUnavailable, SubjectKey
from domain.kernel.personal import KeyKind
from tests.support.key_stores import TENANT, PowerCut, reopened, subject


def test_rotation_keeps_what_lives(folder: Path, keys: SqliteKeyStore) -> None:
    wanted = [subject() for _ in range(20)]
    made, pseudonyms = keys.obtain(wanted), keys.hmac_keys(TENANT)
    for _ in range(3):
        keys.rotate(TENANT)
    assert keys.find(wanted) == reopened(folder, wanted) == made
    assert keys.hmac_keys(TENANT) == pseudonyms


def test_a_copy_from_before_opens_no_destroyed_key_after_rotation(folder: Path, tmp_path: Path) -> None:
    gone, kept = subject(), subject()
    first = SqliteKeyStore(folder)
    first.obtain([gone, kept])
    first.close()
    backup = tmp_path / "keys.sqlite.backup"
    shutil.copy(folder / "keys.sqlite", backup)
    second = SqliteKeyStore(folder)
    second.destroy([gone])
    assert second.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == [TENANT]
    second.close()
    assert set(reopened(folder, [gone, kept])) == {kept}
    shutil.copy(backup, folder / "keys.sqlite")
    for extra in ("keys.sqlite-wal", "keys.sqlite-shm", NAME):
        (folder / extra).unlink(missing_ok=True)
    with pytest.raises(KeysUnavailable):
        reopened(folder, [gone])


def test_what_another_process_rotated_away_seals_nothing_more(folder: Path, keys: SqliteKeyStore) -> None:
    """A process that knew the old key-encryption key makes keys that are still there after a restart."""
    keys.obtain([subject()])
    elsewhere = SqliteKeyStore(folder)
    elsewhere.rotate(TENANT)
    elsewhere.close()
    fresh = subject()
    made = keys.obtain([fresh])
    assert reopened(folder, [fresh]) == made


def test_pseudonym_keys_are_read_while_another_writes(folder: Path, keys: SqliteKeyStore) -> None:
    known = keys.hmac_keys(TENANT)
    found: list[list[bytes]] = []
    with keys._lock, keys._transaction():
        reader = threading.Thread(target=lambda: found.append(keys.hmac_keys(TENANT)))
        reader.start()
        reader.join(5)
    assert found == [known]
    elsewhere = SqliteKeyStore(folder)
    elsewhere.rotate(TENANT)
    elsewhere.close()
    assert keys.hmac_keys(TENANT) == known


POINTS = [
    "before the file",
    "after the file",
    "before commit",
    "after commit",
    "before the drop",
    "after the drop",
]


@pytest.mark.parametrize("point", POINTS)
def test_rotation_interrupted_anywhere_loses_nothing(
    folder: Path, tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, gone = [subject() for _ in range(5)], subject()
    first = SqliteKeyStore(folder)
    made = {**first.obtain(wanted)}
    first.obtain([gone])
    backup = tmp_path / "before"
    first.close()
    shutil.copytree(folder, backup)
    victim = SqliteKeyStore(folder)
    victim.destroy([gone])
    interrupt(victim, point, monkeypatch)
    with pytest.raises(PowerCut):
        victim.rotate(TENANT)
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed)  # what a process that died here leaves
    monkeypatch.undo()

    assert reopened(crashed, wanted) == made
    assert reopened(crashed, [gone]) == {}
    after = SqliteKeyStore(crashed)
    # Halfway through, or not begun: due either way. Over, when nothing but the last word was missing.
    due = after.rotate_due(datetime.now(UTC) + timedelta(seconds=1))
    assert due == ([] if point == "after the drop" else [TENANT])
    more = after.obtain([subject()])
    after.close()
    assert reopened(crashed, [*wanted, *more]) == {**made, **more}
    shutil.copy(backup / "keys.sqlite", crashed / "keys.sqlite")
    (crashed / NAME).unlink()
    with pytest.raises(KeysUnavailable):
        reopened(crashed, [gone])
    victim.close()


def interrupt(store: SqliteKeyStore, point: str, patch: pytest.MonkeyPatch) -> None:
    """Have the store's process end at this point of its next rotation."""
    edit, edits = store._keks._edit, 0
    replace = Path.replace

    def edited(*arguments: object) -> object:
        nonlocal edits
        edits += 1
        if (point, edits) == ("before the drop", 2):
            raise PowerCut
        result = edit(*arguments)  # type: ignore[arg-type]  # passed through as it came
        if (point, edits) in (("after the file", 1), ("after the drop", 2)):
            raise PowerCut
        return result

    def replaced(path: Path, target: Path) -> Path:
        if point == "before the file" and path.name == "keks.json.new":
            raise PowerCut
        return replace(path, target)

    patch.setattr(store._keks, "_edit", edited)
    patch.setattr(Path, "replace", replaced)
    if point in ("before commit", "after commit"):
        patch.setattr(store, "_database", Cut(store._database, point))


def old_and_new(folder: Path) -> tuple[set[str], set[int]]:
    """The tenant's key-encryption keys there are, and those that its keys are wrapped with."""
    keks = json.loads((folder / "keks.json").read_text())[TENANT.hex]
    with closing(sqlite3.connect(folder / "keys.sqlite")) as database:
        used = database.execute(
            "SELECT kek FROM keys WHERE tenant = ?1 AND wrapped IS NOT NULL"
            " UNION SELECT kek FROM pseudonym_keys WHERE tenant = ?1",
            (TENANT.bytes,),
        ).fetchall()
    return set(keks), {kek for (kek,) in used}


@pytest.fixture
def slices_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_SLICE", 2)
    monkeypatch.setattr(sqlite, "_PAUSE", 0)


def before_each_slice(store: SqliteKeyStore, act: Callable[[int], None], patch: pytest.MonkeyPatch) -> None:
    """Have this done before each slice of the store's rotations, which are counted from 0."""
    rewrap, count = store._rewrap, itertools.count()

    def rewrapped(tenant: bytes, fresh: int, after: tuple[str, str]) -> tuple[str, str] | None:
        act(next(count))
        return rewrap(tenant, fresh, after)

    patch.setattr(store, "_rewrap", rewrapped)


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.usefixtures("slices_of_two")
@pytest.mark.parametrize("done", range(4))
def test_a_rotation_that_ended_between_slices_is_gone_on_with(
    folder: Path, keys: SqliteKeyStore, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, gone = [subject(kind) for kind in KeyKind for _ in range(3)], subject()
    made, pseudonyms = dict(keys.obtain([*wanted, gone])), keys.hmac_keys(TENANT)
    keys.destroy([gone])
    del made[gone]

    def cut(number: int) -> None:
        if number == done:
            raise PowerCut

    before_each_slice(keys, cut, monkeypatch)
    with pytest.raises(PowerCut):
        keys.rotate_due(datetime.now(UTC) + timedelta(seconds=1))
    assert old_and_new(folder) == ({"1", "2"}, {1} if not done else {1, 2})

    second = SqliteKeyStore(folder)
    fresh = second.obtain([subject()])

    def all_open(_: int) -> None:
        assert keys.find(wanted) == second.find(wanted) == reopened(folder, wanted) == made
        assert keys.hmac_keys(TENANT) == second.hmac_keys(TENANT) == pseudonyms

    before_each_slice(second, all_open, monkeypatch)
    assert second.rotate_due(LONG_AGO) == [TENANT]
    all_open(4)
    assert second.find([gone]) == {}
    assert reopened(folder, list(fresh)) == fresh
    assert old_and_new(folder) == ({"2"}, {2})
    assert second.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == []
    second.close()


@pytest.mark.usefixtures("slices_of_two")
def test_a_rotation_that_is_asked_to_stop_goes_on_later(folder: Path, keys: SqliteKeyStore) -> None:
    made = keys.obtain([subject() for _ in range(5)])
    keys.destroy([subject()])
    soon = datetime.now(UTC) + timedelta(seconds=1)
    assert keys.rotate_due(soon, lambda: True) == []
    assert old_and_new(folder) == ({"1"}, {1})
    asked = iter([False, True, True])
    assert keys.rotate_due(soon, lambda: next(asked)) == []
    assert old_and_new(folder) == ({"1", "2"}, {1, 2})
    assert keys.rotate_due(soon) == [TENANT]
    assert old_and_new(folder) == ({"2"}, {2})
    assert keys.find(made) == made


@pytest.mark.usefixtures("slices_of_two")
def test_others_write_between_the_slices_of_a_rotation(
    folder: Path, keys: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = SqliteKeyStore(folder)
    elsewhere._database.execute("PRAGMA busy_timeout=0")  # would fail at once where it had to wait
    made = dict(keys.obtain([subject() for _ in range(7)]))
    changes: list[int] = []

    def write(_: int) -> None:
        changes.append(keys._database.total_changes)
        made.update(elsewhere.obtain([subject(), subject(tenant=UUID(int=7))]))

    before_each_slice(keys, write, monkeypatch)
    keys.rotate(TENANT)
    changes.append(keys._database.total_changes)
    elsewhere.close()
    assert [after - before for before, after in itertools.pairwise(changes)] == [2, 2, 2, 1]
    assert keys.find(made) == reopened(folder, list(made)) == made
    assert old_and_new(folder) == ({"2"}, {2})


@pytest.mark.usefixtures("slices_of_two")
def test_a_key_destroyed_while_its_tenant_is_rotated_is_due_again(
    folder: Path, keys: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row may have been wrapped anew already, and copied to a backup: under the key that stays."""
    wanted = sorted(subject() for _ in range(4))
    keys.obtain(wanted)

    def destroy(number: int) -> None:
        if number == 1:
            keys.destroy(wanted[:1])

    before_each_slice(keys, destroy, monkeypatch)
    keys.rotate(TENANT)
    assert old_and_new(folder) == ({"2"}, {2})
    assert keys.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == [TENANT]
    assert old_and_new(folder) == ({"3"}, {3})


def test_a_rotation_opens_the_key_file_no_more_often_for_more_keys(
    keys: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    load = keys._keks._load

    def loaded() -> dict[str, dict[str, str]]:
        looks[-1] += 1
        return load()

    monkeypatch.setattr(keys._keks, "_load", loaded)
    for more in (3, 300):
        looks.append(0)
        keys.obtain([subject() for _ in range(more)])
        looks[-1] = 0
        keys.rotate(TENANT)
    assert looks[0] == looks[1]


def test_keys_read_while_another_process_rotates_are_read_again(
    folder: Path, keys: SqliteKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [subject() for _ in range(3)]
    made = keys.obtain(wanted)
    reader = SqliteKeyStore(folder)  # knows no key-encryption key yet
    open_all = reader._all_opened
    looks = itertools.count()

    def opened(
        tenant: bytes, asked: list[SubjectKey], rows: Iterable[tuple[int, int, bytes | None]]
    ) -> dict[SubjectKey, bytes | None]:
        if next(looks) == 0:
            keys.rotate(TENANT)
        return open_all(tenant, asked, rows)

    monkeypatch.setattr(reader, "_all_opened", opened)
    assert reader.find(wanted) == made
    assert next(looks) == 2
    reader.close()


def test_what_was_destroyed_before_there_were_marks_is_due(folder: Path) -> None:
    gone, kept, elsewhere = subject(), subject(), subject(tenant=UUID(int=7))
    first = SqliteKeyStore(folder)
    made = first.obtain([gone, kept, elsewhere])
    first.destroy([gone])
    first._database.execute("DROP TABLE destroyed")  # as earlier versions left it
    first.close()
    second = SqliteKeyStore(folder)
    assert second.rotate_due(LONG_AGO) == [TENANT]
    assert second.find([gone, kept, elsewhere]) == {key: made[key] for key in (kept, elsewhere)}
    second.close()
    third = SqliteKeyStore(folder)
    assert third.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == []
    third.close()


class Cut:
    """A connection that ends its process around COMMIT."""

    def __init__(self, real: sqlite3.Connection, point: str) -> None:
        self._real, self._point = real, point

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if statement == "COMMIT" and self._point == "before commit":
            raise PowerCut
        cursor = self._real.execute(statement, parameters)
        if statement == "COMMIT":
            raise PowerCut
        return cursor

    def executemany(self, *arguments: object) -> sqlite3.Cursor:
        return self._real.executemany(*arguments)  # type: ignore[arg-type]  # passed through as it came
