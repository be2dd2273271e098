"""Whoever changes what was signed is found by making every root anew, and the first wrong position is named."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.keys.ed25519 import verify
from adapters.postgres.restored import start_epoch
from domain.audit.origins import LogId
from projections.audit.fsck import Looked, logs_of, look
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
    ("change", "position", "words"),
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
            "the log ends at 650",
        ),
        ("UPDATE ledger.tiles SET hashes = hashes || 'x' WHERE {of} AND level = 1", None, None),
        (
            "UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, 0) WHERE {of} AND (level, tile) = (0, 1)",
            258,
            "position 258 is not the one",
        ),
        (
            "UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, 0) WHERE {of} AND level = 1",
            None,
            "tile/1/000.p/2 is not what the events make",
        ),
        (
            "UPDATE ledger.trees SET frontier = set_byte(frontier, 9, 255 - get_byte(frontier, 9)) WHERE {of}",
            None,
            "tree is not what",
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
    ],
)
def test_a_change_is_found(
    ready: tuple[Office, LogId], change: str, position: int | None, words: str | None
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
    assert found.position == position
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
    assert any("from position 301 to 700" in said for said in found.wrong)


def test_what_a_restore_lost_is_not_missing(database: Database, tmp_path: Path) -> None:
    with office(database, tmp_path) as signing:
        of = signing.log()
        signing.add(of, 90)
        signing.sign()
        signing.admin.execute("DELETE FROM log.events WHERE position > 50")
        signing.admin.execute("UPDATE log.heads SET position = 50")
        (found,) = all_looked(signing)
        assert found.position == 51
        start_epoch(database.maintenance, signing.now)
        (found,) = all_looked(signing)
        assert (found.wrong, found.signed) == (
            ["Its tree is not what the events make."],
            0,
        ) or found.wrong == []
        signing.add(of, 3)
        signing.sign()
        (found,) = all_looked(signing)
        assert (found.wrong, found.signed, found.checkpoints) == ([], 53, 2)
