"""The notary over real logs: what it signs, what it refuses, and that nothing it is killed in the middle of is lost."""

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

from adapters.keys.notary import SqliteNotaryMemory
from adapters.postgres.restored import start_epoch
from application.ports.notary import NotaryMemoryUnusable
from domain.audit.origins import LogKind, Origin
from domain.audit.paths import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from domain.audit.tiles import nodes_from, tiles_changed
from domain.audit.tree import leaf_hash
from projections.audit import notary as module
from projections.audit import trees
from tests.support.database import Database
from tests.support.naive_tree import mth
from tests.support.notary import Office, office
from tests.support.note_verifier import verified


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    """A notary's office."""
    with office(database, tmp_path / "keys") as made:
        yield made


def test_every_log_has_the_tree_of_its_envelopes(signing: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVENTS_AT_ONCE", 90)
    drawn = random.Random(5)
    logs = [signing.log(LogKind.EVENTS if n % 2 else LogKind.ACCESS) for n in range(5)]
    for _ in range(6):
        for of in logs:
            signing.add(of, drawn.choice([0, 1, 3, 70, 300]))
        signing.sign()
    for of in logs:
        entries, checkpoint = signing.entries(of), signing.checkpoint(of)
        assert (checkpoint.size, checkpoint.root) == (len(entries), mth(entries))
        assert checkpoint.origin == str(Origin("penguinmails.test/ledger", of.tenant_id, of.log, 1))
        assert (checkpoint.epoch, checkpoint.kept) == (1, None)
        assert verified(signing.note(of), *map(str, signing.verifier_keys(of))) == {checkpoint.origin: None}
        for tile in tiles_changed(0, len(entries)):
            assert len(signing.tile(of, tile)) == tile.width * 32
        read = nodes_from(partial(signing.tile, of), len(entries))
        index = drawn.randrange(len(entries))
        proof = inclusion_proof(index, len(entries), read)
        assert verify_inclusion(leaf_hash(entries[index]), index, len(entries), checkpoint.root, proof).holds
        old = drawn.randrange(1, len(entries))
        assert verify_consistency(
            old, mth(entries[:old]), len(entries), checkpoint.root, consistency_proof(old, len(entries), read)
        ).holds
    assert signing.notary.counters.rebuilt == 0


def test_many_events_at_once_widen_a_tile_several_times(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 5_000)
    assert not signing.notary.step(signing.connection)
    entries = signing.entries(of)
    assert signing.checkpoint(of).root == mth(entries)
    assert b"".join(
        signing.tile(of, tile) for tile in tiles_changed(0, 5_000) if tile.level == 0
    ) == b"".join(map(leaf_hash, entries))


def test_envelopes_are_the_same_bytes_whatever_is_in_them(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 6)
    texts = ['a "b" \\ /', "tab\tline\nend\r\b\f\x01\x1f\x7f", "Łódź 🐧 \u2028", "<&>'", "", "x" * 3_000]
    for position, text in enumerate(texts, 1):
        signing.admin.execute(
            "UPDATE log.events SET stream = %s, name = %s, payload = %s, metadata = %s, version = %s,"
            " recorded_at = %s::timestamptz WHERE position = %s",
            (
                f"odd:{text}",
                text,
                text.encode(),
                b'{"actor":null}',
                position,
                f"2026-0{position}-01T23:59:59.{position:06}+14",
                position,
            ),
        )
    signing.sign()
    assert signing.checkpoint(of).root == mth(signing.entries(of))


def test_killed_between_memory_and_database_it_signs_the_same(
    signing: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = signing.log()
    signing.add(of, 300)
    signing.sign()
    signing.add(of, 40)
    whole = trees.move

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        signing.notary.step(signing.connection)
    assert signing.checkpoint(of).size == 300
    monkeypatch.setattr(module, "move", whole)
    signing.add(of, 7)  # what came meanwhile follows what was meant to be signed
    signing.again()
    signing.sign()
    assert signing.checkpoint(of).root == mth(signing.entries(of))
    assert [one.size for one in signing.memory.history(of)] == [347]
    assert signing.notary.counters.rebuilt == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log.events SET payload = '{}' WHERE position = 17",
        "DELETE FROM log.events WHERE position = 400",
        "DELETE FROM log.events WHERE position > 380; UPDATE log.heads SET position = 380",
        "DELETE FROM log.events WHERE position = 30",
    ],
    ids=["edited", "last-deleted", "rolled-back", "deleted"],
)
def test_another_past_is_refused_with_words_and_others_go_on(signing: Office, change: str) -> None:
    of = signing.log()
    signing.add(of, 250)
    signing.sign()
    signing.now += timedelta(hours=2)
    signing.add(of, 150)
    signing.sign()
    before = signing.note(of)
    for statement in change.split(";"):
        signing.admin.execute(statement)
    # The tree is made anew from the log: as after a crash of a notary that somebody else wrote for.
    signing.admin.execute(
        "UPDATE ledger.trees SET frontier = frontier || ''::bytea, size = size - 1, epoch = 0"
    )
    other = signing.log()
    signing.add(other, 5)
    signing.sign()
    assert signing.note(of) == before
    assert signing.checkpoint(other).size == 5
    words = signing.refused()[of.tenant_id]
    assert any(
        said in words
        for said in ("from position 1 to 250", "ends at position 380", "position 400", "position 30")
    )
    signing.now += timedelta(minutes=2)
    signing.sign()
    assert of.tenant_id in signing.refused(), "nothing is as it was yet"


def test_a_log_that_is_put_right_is_signed_again_though_it_did_not_grow(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 40)
    signing.sign()
    signing.admin.execute("CREATE TABLE kept AS SELECT * FROM log.events")
    signing.admin.execute("DELETE FROM log.events WHERE position = 12")
    signing.admin.execute("UPDATE ledger.trees SET size = 39")
    signing.sign()
    assert of.tenant_id in signing.refused()
    signing.admin.execute("UPDATE ledger.trees SET size = 40")
    signing.now += timedelta(minutes=2)
    signing.sign()
    assert of.tenant_id in signing.refused(), "the event is still gone"
    signing.admin.execute("INSERT INTO log.events SELECT * FROM kept WHERE position = 12")
    signing.now += timedelta(minutes=2)
    signing.sign()
    assert signing.refused() == {}
    assert signing.checkpoint(of).root == mth(signing.entries(of))


def test_a_lost_tree_is_made_anew_and_signed_the_same(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 700)
    signing.sign()
    note = signing.note(of)
    signing.admin.execute("DELETE FROM ledger.tiles")
    signing.admin.execute("DELETE FROM ledger.trees")
    signing.sign()
    assert signing.note(of) == note
    assert len(signing.admin.execute("SELECT FROM ledger.tiles").fetchall()) == 4


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.trees SET frontier = 'x'",
        "UPDATE ledger.trees SET frontier = set_byte(frontier, 9, 0)",
        "UPDATE ledger.trees SET size = 3",
        "UPDATE ledger.tiles SET hashes = set_byte(hashes, 33, 0) WHERE tile = 1",
        "UPDATE ledger.tiles SET hashes = substr(hashes, 1, 32)",
    ],
)
def test_a_spoilt_tree_is_made_anew_and_nobody_waits(signing: Office, change: str) -> None:
    of = signing.log()
    signing.add(of, 300)
    signing.sign()
    signing.admin.execute(change)
    other = signing.log()
    signing.add(other, 5)
    signing.add(of, 5)
    signing.sign()
    for log in (of, other):
        assert signing.checkpoint(log).root == mth(signing.entries(log))
    assert signing.refused() == {}
    tiles = b"".join(signing.tile(of, tile) for tile in tiles_changed(0, 305) if tile.level == 0)
    assert tiles == b"".join(map(leaf_hash, signing.entries(of)))
    assert signing.notary.counters.rebuilt == 1


def test_a_memory_that_was_lost_is_made_up_from_what_was_signed(signing: Office) -> None:
    of, other = signing.log(), signing.log()
    signing.add(of, 20)
    signing.add(other, 20)
    signing.sign()
    signing.admin.execute(
        "UPDATE log.events SET payload = '{}' WHERE position = 3 AND tenant_id = %s", (other.tenant_id,)
    )
    signing.add(of, 3)
    signing.add(other, 3)
    signing.memory._database.execute("DELETE FROM latest")
    signing.sign()
    assert signing.checkpoint(of).root == mth(signing.entries(of))
    assert signing.checkpoint(other).size == 20
    assert "from position 1 to 20" in signing.refused()[other.tenant_id]


def test_a_restore_opens_an_epoch_that_says_what_was_kept(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 300)
    signing.sign()
    first = signing.checkpoint(of)
    signing.now += timedelta(hours=1)
    signing.add(of, 100)
    signing.sign()
    lost = signing.checkpoint(of)
    signing.admin.execute("DELETE FROM log.events WHERE position > 350")
    signing.admin.execute("UPDATE log.heads SET position = 350")
    raised = start_epoch(signing.database.maintenance, signing.now)
    signing.add(of, 9)
    signing.sign()
    now = signing.checkpoint(of)
    assert (now.epoch, now.kept, now.size) == (raised.epoch, 350, 359)
    assert now.origin == str(Origin("penguinmails.test/ledger", of.tenant_id, of.log, raised.epoch))
    assert now.root == mth(signing.entries(of))
    read = nodes_from(partial(signing.tile, of), 359)
    proof = consistency_proof(300, 359, read)
    assert verify_consistency(300, first.root, 359, now.root, proof).holds
    assert lost.size > (now.kept or 0)
    kept = signing.admin.execute("SELECT epoch, size FROM ledger.checkpoints ORDER BY 1, 2").fetchall()
    assert kept == [(1, 300), (1, 400)]
    # An epoch that no restore opened, and a database of before one, are refused.
    signing.admin.execute("UPDATE log.heads SET epoch = epoch + 1")
    signing.sign()
    assert "No restore was told" in signing.refused()[of.tenant_id]
    signing.admin.execute("UPDATE log.heads SET epoch = 1")
    signing.now += timedelta(minutes=2)
    signing.sign()
    assert "of before a restore" in signing.refused()[of.tenant_id]
    signing.admin.execute("UPDATE log.heads SET epoch = %s", (raised.epoch,))
    signing.add(of, 1)
    signing.now += timedelta(minutes=2)
    signing.sign()
    assert signing.refused() == {}
    assert signing.checkpoint(of).size == 360


@pytest.mark.parametrize(
    "change",
    ["UPDATE ledger.epochs SET kept = 20", "DELETE FROM ledger.epochs"],
    ids=["lessened", "forgotten"],
)
def test_what_a_restore_kept_is_never_signed_otherwise(signing: Office, change: str) -> None:
    of = signing.log()
    signing.add(of, 50)
    signing.sign()
    signing.admin.execute("DELETE FROM log.events WHERE position > 40")
    signing.admin.execute("UPDATE log.heads SET position = 40")
    start_epoch(signing.database.maintenance, signing.now)
    signing.add(of, 5)
    signing.sign()
    assert signing.checkpoint(of).kept == 40
    before = signing.note(of)
    signing.admin.execute(change)
    signing.add(of, 5)
    signing.sign()
    assert signing.note(of) == before
    assert any(
        said in signing.refused()[of.tenant_id] for said in ("what a restore kept", "No restore was told")
    )


def test_a_restore_that_is_put_in_afterwards_is_not_signed(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 50)
    signing.sign()
    signing.admin.execute(
        "INSERT INTO ledger.epochs VALUES (%s, 'events', 1, 3, clock_timestamp())", (of.tenant_id,)
    )
    signing.add(of, 5)
    signing.sign()
    assert signing.checkpoint(of).size == 50
    assert "what a restore kept" in signing.refused()[of.tenant_id]


def test_signing_once_more_what_was_remembered_keeps_no_other_checkpoints_than_the_database(
    signing: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = signing.log()
    signing.add(of, 10)
    whole = trees.move

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        signing.notary.step(signing.connection)
    monkeypatch.setattr(module, "move", whole)
    for minutes in (70, 40, 70):
        signing.now += timedelta(minutes=minutes)
        signing.again()
        signing.sign()
        signing.add(of, 10)
    kept = signing.admin.execute("SELECT size FROM ledger.checkpoints ORDER BY size").fetchall()
    assert [one.size for one in signing.memory.history(of)] == [*(size for (size,) in kept), 30]


def test_keys_are_rotated_with_both_signing_for_a_while(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 1)
    signing.sign()
    (old,) = signing.verifier_keys(of)
    assert signing.memory.begin_rotation() == 2
    signing.notary.tell_keys(signing.connection)
    signing.add(of, 1)
    signing.sign()
    _, new = signing.verifier_keys(of)
    for key in (old, new):
        assert verified(signing.note(of), str(key)) == {old.name: None}
    assert signing.memory.end_rotation() == (1,)
    signing.notary.tell_keys(signing.connection)
    signing.add(of, 1)
    signing.sign()
    assert verified(signing.note(of), str(new)) == {new.name: None}
    with pytest.raises(InvalidSignature):
        verified(signing.note(of), str(old))
    until = signing.admin.execute("SELECT signs_until IS NULL FROM ledger.keys ORDER BY number").fetchall()
    assert until == [(False,), (True,)]


def test_two_notaries_do_not_sign_at_once(signing: Office) -> None:
    with signing.memory.held():
        second = SqliteNotaryMemory(signing.folder)
        assert second.name == "penguinmails.test/ledger"
        with pytest.raises(NotaryMemoryUnusable, match="another notary"), second.held():
            pass
        second.close()


def test_a_second_root_is_never_remembered(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 4)
    signing.sign()
    (known,) = signing.memory.history(of)
    for other in (known._replace(root=bytes(32)), known._replace(size=3)):
        with pytest.raises(ValueError, match="signed otherwise"):
            signing.memory.remember([other], signing.now)
    assert signing.memory.history(of) == [known]


def test_the_notary_may_change_no_event(signing: Office) -> None:
    of = signing.log()
    signing.add(of, 1)
    for statement in (
        "UPDATE log.events SET version = 2",
        "DELETE FROM log.events",
        "DELETE FROM ledger.checkpoints",
    ):
        with pytest.raises(Exception, match="permission denied"):
            signing.connection.execute(statement)
