"""What every key store does; and what the one in a file does when it is shared, or damaged."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.keys import sqlite
from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import KeyStore, KeysUnavailable, RotationIncomplete, SubjectKey
from domain.kernel.personal import KeyKind
from tests.support.key_stores import TENANT, PowerCut, reopened, subject
from tests.support.starting import LOADED


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


def test_all_keys_of_a_tenant_go_at_once_and_nobody_elses(store: KeyStore) -> None:
    one, other = subject(), subject(KeyKind.EVIDENCE)
    elsewhere = (uuid4(), str(uuid4()), KeyKind.PROFILE)
    made, pseudonyms = store.obtain([one, other, elsewhere]), store.hmac_keys(TENANT)
    theirs = store.hmac_keys(elsewhere[0])
    before = store.generation()
    assert store.destroy_tenant(TENANT) == 2
    assert store.generation() > before
    assert store.find([one, other, elsewhere]) == {elsewhere: made[elsewhere]}
    assert store.destroy_tenant(TENANT) == 0
    assert store.hmac_keys(elsewhere[0]) == theirs
    assert not set(store.hmac_keys(TENANT)) & set(pseudonyms), "what is made later is another"


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
    with LOADED.Pool(4) as pool:
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
