"""What every key store does; and what the one in a file does when it is shared, copied, rotated and interrupted."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.keys import sqlite
from adapters.keys.memory import MemoryKeyStore
from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import KeyStore, KeysUnavailable, RotationIncomplete, SubjectKey
from domain.kernel.personal import KeyKind

TENANT = UUID("0198c0de-0000-7000-8000-000000000001")


def subject(kind: KeyKind = KeyKind.PROFILE, tenant: UUID = TENANT) -> SubjectKey:
    return tenant, str(uuid4()), kind


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    made = SqliteKeyStore(tmp_path / "keys")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> Iterator[SqliteKeyStore]:
    made = SqliteKeyStore(folder)
    yield made
    made.close()


def reopened(folder: Path, wanted: list[SubjectKey]) -> dict[SubjectKey, bytes]:
    """What a process that starts now finds."""
    fresh = SqliteKeyStore(folder)
    try:
        return dict(fresh.find(wanted))
    finally:
        fresh.close()


def test_a_key_is_made_once_and_found_again(store: KeyStore) -> None:
    one, other = subject(), subject(KeyKind.EVIDENCE)
    assert store.find([one]) == {}
    made = store.obtain([one, other, one])
    assert len(made) == len(set(made.values())) == 2
    assert all(len(key) == 32 for key in made.values())
    assert store.obtain([one]) == {one: made[one]}
    assert store.find([one, other, subject()]) == made


def test_a_destroyed_key_is_never_made_again(store: KeyStore) -> None:
    one, never, kept = subject(), subject(), subject()
    store.obtain([one, kept])
    before = store.generation()
    assert store.destroy([one, never]) == 1
    assert store.generation() > before
    assert store.find([one, never]) == {}
    assert set(store.obtain([one, never, kept])) == {kept}
    assert store.destroy([one]) == 0


def test_tenants_and_kinds_have_keys_of_their_own(store: KeyStore) -> None:
    name = str(uuid4())
    asked = [(tenant, name, kind) for tenant in (TENANT, uuid4()) for kind in KeyKind]
    assert len(set(store.obtain(asked).values())) == 4
    store.destroy(asked[:1])
    assert set(store.find(asked)) == set(asked[1:])


def test_many_at_once_some_of_them_known(store: KeyStore) -> None:
    elsewhere = UUID(int=7)
    known = [subject(), subject(KeyKind.EVIDENCE), subject(tenant=elsewhere)]
    fresh = [subject(kind, tenant) for kind in KeyKind for tenant in (TENANT, elsewhere) for _ in range(40)]
    gone = subject()
    before = store.obtain([*known, gone])
    store.destroy([gone])
    made = store.obtain([*fresh, *known, gone])
    assert set(made) == {*fresh, *known}
    assert len(set(made.values())) == len(made)
    assert {key: made[key] for key in known} == {key: before[key] for key in known}
    assert store.find([*fresh, *known, gone]) == made == store.obtain([*fresh, *known])


def test_pseudonym_keys_stay(store: KeyStore) -> None:
    (key,) = store.hmac_keys(TENANT)
    assert len(key) == 32
    assert store.hmac_keys(TENANT) == [key] != store.hmac_keys(uuid4())


def test_a_tenant_is_rotated_once_after_its_first_destroyed_key(store: KeyStore) -> None:
    one, other, kept = subject(), subject(), subject()
    made = store.obtain([one, other, kept])
    pseudonyms = store.hmac_keys(TENANT)
    started = datetime.now(UTC)
    assert store.rotate_due(started + timedelta(days=1)) == []
    store.destroy([one])
    store.destroy([other])
    assert store.rotate_due(started - timedelta(days=1)) == []
    assert store.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == [TENANT]
    assert store.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == []
    assert store.find([one, other, kept]) == {kept: made[kept]}
    assert store.hmac_keys(TENANT) == pseudonyms
    store.destroy([kept])
    assert store.rotate_due(datetime.now(UTC) + timedelta(seconds=1)) == [TENANT]


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    made = SqliteKeyStore(folder)
    made.obtain([subject()])
    assert folder.stat().st_mode & 0o777 == 0o700
    names = {path.name for path in folder.iterdir()}
    assert {"master.key", "keks.json", "keys.sqlite", "keys.sqlite-wal"} <= names
    for path in folder.iterdir():
        assert path.name == "keks.lock" or path.stat().st_mode & 0o777 == 0o600, path.name
    made.close()


def test_two_processes_agree(folder: Path) -> None:
    wanted = [(TENANT, f"subject-{n}", KeyKind.PROFILE) for n in range(50)]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(4) as pool:
        found = pool.starmap(obtain_in_a_process, [(folder, wanted)] * 8)
    assert all(one == found[0] for one in found)
    assert len(set(found[0])) == 50


def obtain_in_a_process(folder: Path, wanted: list[SubjectKey]) -> list[bytes]:
    made = SqliteKeyStore(folder)
    try:
        keys = made.obtain(wanted)
        return [keys[key] for key in wanted]
    finally:
        made.close()


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
    for extra in ("keys.sqlite-wal", "keys.sqlite-shm"):
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


class PowerCut(BaseException):
    """The process ends here."""


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


def test_a_master_key_is_whole_or_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_: int) -> None:
        raise PowerCut

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(PowerCut):
        SqliteKeyStore(folder)
    monkeypatch.undo()
    made = SqliteKeyStore(folder)
    one = subject()
    found = made.obtain([one])
    made.close()
    assert len((folder / "master.key").read_bytes()) == 32
    assert reopened(folder, [one]) == found


def test_another_master_key_opens_nothing(folder: Path, keys: SqliteKeyStore) -> None:
    one = subject()
    keys.obtain([one])
    stranger = SqliteKeyStore(folder, master_key=bytes(32))
    try:
        with pytest.raises(KeysUnavailable):
            stranger.find([one])
    finally:
        stranger.close()


def test_many_keys_are_found_at_once(store: KeyStore) -> None:
    odd = [(TENANT, name, KeyKind.PROFILE) for name in ('a"b\\c', "Zoë \u2603", "'; DROP TABLE keys", "")]
    other = UUID("0198c0de-0000-7000-8000-000000000002")
    wanted = [
        *odd,
        *(subject(kind, tenant) for tenant in (TENANT, other) for kind in KeyKind for _ in range(30)),
    ]
    made = store.obtain(wanted)
    assert len(set(made.values())) == len(wanted)
    assert store.find([*reversed(wanted), subject(), *wanted]) == made
    gone = wanted[::3]
    store.destroy(gone)
    assert store.find(wanted) == {key: value for key, value in made.items() if key not in gone}


def test_looking_for_keys_never_reads_the_whole_table(keys: SqliteKeyStore, folder: Path) -> None:
    keys.obtain([subject()])
    with closing(sqlite3.connect(folder / "keys.sqlite")) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {sqlite._MANY}", ("[]", b"", "")).fetchall()
    assert [row[-1] for row in plan][-1].startswith("SEARCH keys USING PRIMARY KEY (tenant=? AND subject=?")


def spoil_a_row(folder: Path, tenant: UUID) -> None:
    write(folder, "UPDATE keys SET wrapped = zeroblob(60) WHERE tenant = ? AND wrapped IS NOT NULL", tenant)


def cut_a_row(folder: Path, tenant: UUID) -> None:
    write(folder, "UPDATE keys SET wrapped = x'00' WHERE tenant = ? AND wrapped IS NOT NULL", tenant)


def spoil_a_key_encryption_key(folder: Path, tenant: UUID) -> None:
    file = folder / "keks.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), tenant.hex: {"1": "not of base64"}}))


def write(folder: Path, statement: str, tenant: UUID) -> None:
    with closing(sqlite3.connect(folder / "keys.sqlite")) as database, database:
        database.execute(statement, (tenant.bytes,))


@pytest.mark.parametrize("trouble", [spoil_a_row, cut_a_row, spoil_a_key_encryption_key])
def test_a_tenant_whose_keys_cannot_be_read_keeps_no_other_from_being_rotated(
    folder: Path, trouble: Callable[[Path, UUID], None]
) -> None:
    tenants = [UUID(int=TENANT.int + n) for n in range(3)]
    bad = tenants[1]
    store = SqliteKeyStore(folder)
    made = dict(store.obtain([subject(tenant=tenant) for tenant in tenants]))
    store.destroy([subject(tenant=tenant) for tenant in tenants])
    trouble(folder, bad)
    store.close()
    store = SqliteKeyStore(folder)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    for rotated in ({tenants[0], tenants[2]}, set()):
        with pytest.raises(RotationIncomplete) as told:
            store.rotate_due(soon)
        assert (set(told.value.rotated), told.value.failed) == (rotated, (bad,))
    store.destroy([subject(tenant=tenants[2])])
    with pytest.raises(RotationIncomplete) as told:
        store.rotate_due(datetime.now(UTC) + timedelta(seconds=1))
    assert (told.value.rotated, told.value.failed) == ((tenants[2],), (bad,)), "tried last time, and first"
    readable = [key for key in made if key[0] != bad]
    assert store.find(readable) == {key: made[key] for key in readable}
    store.close()


def test_with_another_master_key_a_rotation_changes_nothing(folder: Path, keys: SqliteKeyStore) -> None:
    made = keys.obtain([subject()])
    keys.destroy([subject()])
    before, soon = (folder / "keks.json").read_bytes(), datetime.now(UTC) + timedelta(seconds=1)
    with closing(SqliteKeyStore(folder, b"x" * 32)) as other, pytest.raises(RotationIncomplete):
        other.rotate_due(soon)
    assert (folder / "keks.json").read_bytes() == before
    assert keys.rotate_due(soon) == [TENANT]
    assert keys.find(made) == made


def lose_the_key_file(folder: Path, _: SqliteKeyStore) -> None:
    (folder / "keks.json").unlink()


def spoil_the_key_file(folder: Path, _: SqliteKeyStore) -> None:
    (folder / "keks.json").write_text("{")


def spoil_the_database(_: Path, store: SqliteKeyStore) -> None:
    store._reader.execute("PRAGMA query_only=OFF")
    for table in ("keys", "generation"):
        store._reader.execute(f"DROP TABLE {table}")


@pytest.mark.parametrize("trouble", [lose_the_key_file, spoil_the_key_file, spoil_the_database])
def test_a_store_that_fails_says_so_in_the_ports_words(
    folder: Path, trouble: Callable[[Path, SqliteKeyStore], None]
) -> None:
    one = subject()
    first = SqliteKeyStore(folder)
    first.obtain([one])
    first.close()
    store = SqliteKeyStore(folder)
    trouble(folder, store)
    with pytest.raises(KeysUnavailable):
        store.find([one])
    with pytest.raises(KeysUnavailable):
        store.obtain([one])
    store.close()
    with pytest.raises(KeysUnavailable):
        store.generation()
