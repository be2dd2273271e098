"""Whoever changes what was signed is found by making every root anew, and the first wrong position is named."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.keys.ed25519 import verify
from adapters.postgres.restored import start_epoch
from domain.audit.origins import LogId
from domain.audit.tree import leaves_of
from projections.audit.fsck import Looked, logs_of, look, look_at_keys
from tests.support.database import Database
from tests.support.notary import Office, office

EVENTS = 700


@pytest.fixture(scope="module")
def ready(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, LogId]]:
    """A log that was signed twice, and another one beside it."""
    with office(module_database, tmp_path_factory.mktemp("keys")) as made:
        of, other = made.log(), made.log()
        made.add(other, 30)
        made.add(of, 300)
        made.sign()
        made.now += timedelta(hours=2)
        made.add(of, EVENTS - 300)
        made.sign()
        yield made, of


def looked(signing: Office, of: LogId) -> Looked:
    found = {one.log: one for one in all_looked(signing)}
    assert all(not one.wrong for log, one in found.items() if log != of)
    return found[of]


def all_looked(signing: Office) -> list[Looked]:
    return [
        look(signing.connection, one, signing.memory.history(one[0]), verify)
        for one in logs_of(signing.connection)
    ]


def test_what_nobody_changed_holds(ready: tuple[Office, LogId]) -> None:
    signing, of = ready
    found = looked(signing, of)
    assert (found.wrong, found.events, found.signed, found.checkpoints) == ([], EVENTS, EVENTS, 2)
    (alone,) = [
        look(signing.connection, one, [], verify) for one in logs_of(signing.connection, of.tenant_id)
    ]
    assert (alone.wrong, alone.signed) == ([], EVENTS)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (
            "UPDATE log.events SET payload = '{}' WHERE {of} AND position = 513",
            513,
            "position 513 is not the one",
        ),
        (
            "UPDATE log.events SET version = 9 WHERE {of} AND position = 1",
            1,
            "position 1 ",
        ),
        ("DELETE FROM log.events WHERE {of} AND position = 44", 44, "44 is not in the log"),
        (
            "DELETE FROM log.events WHERE {of} AND position > 650; UPDATE log.heads SET position = 650 WHERE {of}",
            651,
            "700 events were signed, and the log has 650",
        ),
        ("UPDATE ledger.tiles SET hashes = hashes || 'x' WHERE {of} AND level = 1", None, None),
        (
            "UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, 0) WHERE {of} AND (level, tile) = (0, 1)",
            258,
            "position 258 is not the one",
        ),
        (
            "UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, 0) WHERE {of} AND level = 1",
            (257, 512),
            "tile/1/000.p/2 is not what the events make",
        ),
        (
            "UPDATE ledger.trees SET frontier = set_byte(frontier, 9, 255 - get_byte(frontier, 9)) WHERE {of}",
            None,
            "tree is not the one of its latest checkpoint",
        ),
        ("UPDATE ledger.trees SET frontier = 'x' WHERE {of}", None, "tree cannot be read"),
        (
            "UPDATE ledger.trees SET note = set_byte(note, 60, 65) WHERE {of}",
            None,
            "not one that this installation signed",
        ),
        (
            "UPDATE ledger.checkpoints SET note = (SELECT note FROM ledger.trees WHERE NOT {of}) WHERE {of}",
            None,
            "stands among those of this log",
        ),
        ("DELETE FROM ledger.trees WHERE {of}", None, "not in the database"),
        ("UPDATE ledger.trees SET size = size - 3 WHERE {of}", None, "not the one of its latest"),
        (
            (
                "UPDATE log.events SET payload = '{}' WHERE {of} AND position = 40;"
                "DELETE FROM log.events WHERE {of} AND position = 300"
            ),
            40,
            "300 is not in the log",
        ),
        (
            (
                "ALTER TABLE log.events DROP CONSTRAINT events_tenant_id_position_key;"
                "UPDATE log.events SET position = 12 WHERE {of} AND position = 13"
            ),
            12,
            "12 is twice in the log",
        ),
        ("DELETE FROM ledger.checkpoints WHERE {of}", None, "of 300 events, epoch 1, is not in the database"),
        (
            "UPDATE ledger.checkpoints SET size = 299 WHERE {of}",
            None,
            "of 300 events, epoch 1, stands where that of 299",
        ),
        ("UPDATE log.heads SET epoch = 7 WHERE {of}", None, "No restore was told that opened epoch 7"),
        ("UPDATE log.heads SET epoch = 0 WHERE {of}", None, "in epoch 0, and 1 was signed"),
        (
            "INSERT INTO ledger.epochs SELECT tenant_id, 'events', 1, 3, recorded_at FROM log.heads WHERE {of}",
            None,
            "No restore began epoch 1",
        ),
    ],
)
def test_a_change_is_found(
    ready: tuple[Office, LogId], change: str, place: int | tuple[int, int] | None, words: str | None
) -> None:
    signing, of = ready
    with signing.connection.transaction(force_rollback=True), signing.admin.transaction(force_rollback=True):
        for statement in change.replace("{of}", f"tenant_id = '{of.tenant_id}'").split(";"):
            signing.admin.execute(statement)
        whole = signing.connection
        signing.connection = signing.admin  # who sees what is not committed
        try:
            found = looked(signing, of)
        finally:
            signing.connection = whole
    assert found.place == ((place, place) if isinstance(place, int) else place)
    if words is None:
        assert found.wrong == []
    else:
        assert any(re.search(words, said) for said in found.wrong), found.wrong


def test_what_was_changed_wholly_is_found_by_what_was_signed(ready: tuple[Office, LogId]) -> None:
    signing, of = ready
    with signing.admin.transaction(force_rollback=True):
        signing.admin.execute(
            "UPDATE log.events SET payload = '{}' WHERE tenant_id = %s AND position = 350", (of.tenant_id,)
        )
        for table in ("tiles", "trees", "checkpoints"):
            gone = f"DELETE FROM ledger.{table} WHERE tenant_id = %s"  # noqa: S608 - our own tables
            signing.admin.execute(gone, (of.tenant_id,))
        (found,) = [
            look(signing.admin, one, signing.memory.history(one[0]), verify)
            for one in logs_of(signing.admin, of.tenant_id)
        ]
    assert found.place == (301, 700)
    assert any("from position 301 to 700" in said for said in found.wrong)


def test_hashes_that_were_rewritten_name_nothing_exactly(ready: tuple[Office, LogId]) -> None:
    signing, of = ready
    with signing.admin.transaction(force_rollback=True):
        for position, byte in ((350, 1), (400, 2)):
            signing.admin.execute(
                "UPDATE log.events SET payload = %s WHERE tenant_id = %s AND position = %s",
                (b'{"n":%d}' % byte, of.tenant_id, position),
            )
        (leaf,) = leaves_of([signing.envelopes(of)[349]])
        signing.admin.execute(
            "UPDATE ledger.tiles SET hashes = overlay(hashes PLACING %s FROM %s) WHERE tenant_id = %s AND level = 0"
            " AND tile = 1",
            (leaf, (349 - 256) * 32 + 1, of.tenant_id),
        )
        (found,) = [
            look(signing.admin, one, signing.memory.history(one[0]), verify)
            for one in logs_of(signing.admin, of.tenant_id)
        ]
    assert found.place == (301, 400)


def test_only_keys_of_the_installation_sign(ready: tuple[Office, LogId]) -> None:
    signing, of = ready
    ours = signing.keys.ever()
    assert look_at_keys(signing.connection, ours) == []
    with signing.admin.transaction(force_rollback=True):
        signing.admin.execute("UPDATE ledger.keys SET public_key = %s", (bytes(32),))
        signing.admin.execute(
            "INSERT INTO ledger.keys SELECT 2, name, %s, signs_from FROM ledger.keys", (bytes(32),)
        )
        assert look_at_keys(signing.admin, ours) == [
            f"Key {n} is not one of this installation." for n in (1, 2)
        ]
        signing.admin.execute("DELETE FROM ledger.keys")
        assert look_at_keys(signing.admin, ours) == ["Key 1 is not in the database."]
        (found,) = [
            look(signing.admin, one, signing.memory.history(one[0]), verify, keys=ours.values())
            for one in logs_of(signing.admin, of.tenant_id)
        ]
    assert (found.wrong, found.checkpoints) == ([], 2)


def test_what_a_restore_lost_is_not_missing(database: Database, tmp_path: Path) -> None:
    with office(database, tmp_path) as signing:
        of = signing.log()
        signing.add(of, 90)
        signing.sign()
        signing.admin.execute("DELETE FROM log.events WHERE position > 50")
        signing.admin.execute("UPDATE log.heads SET position = 50")
        (found,) = all_looked(signing)
        assert found.place == (51, 51)
        start_epoch(database.maintenance, signing.now)
        (found,) = all_looked(signing)
        assert (found.wrong, found.signed) == ([], 0)
        signing.add(of, 3)
        signing.sign()
        (found,) = all_looked(signing)
        assert (found.wrong, found.signed, found.checkpoints) == ([], 53, 2)
