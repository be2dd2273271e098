"""What somebody with every right over the database may do to the ledger: trees, tiles, checkpoints, heads, keys."""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

from typing import Final

from adapters.keys.ed25519 import public_key, signer
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note, SignatureType, VerifierKey, signed
from domain.audit.tree import Frontier
from projections.audit.trees import Grower, empty, fill
from scripts.tamper_acts import (
    Act,
    Case,
    delete_closed,
    edit,
    exchange,
    insert,
    other_history,
    roll_back_log,
    swap,
    truncate,
)
from scripts.tamper_world import checkpoint, leaves_there


def rewrite(case: Case) -> None:
    """Tiles and tree are made those of the events as they now are; its checkpoint as far as that can be."""
    leaves = leaves_there(case.admin, case.of)
    tree = Grower(Frontier(), {})
    empty(case.admin, case.of)
    fill(case.admin, [(case.of, tree.add(leaves))])
    case.run(
        "UPDATE ledger.trees SET size = %s, frontier = %s WHERE {of}", len(leaves), tree.frontier.to_bytes()
    )
    way = case.drawn.choice(["as signed", "forged", "older", "unkept"])
    case.said.append(f"tiles and tree rewritten, checkpoint {way}")
    match way:
        case "forged":
            forge(case)
        case "older":
            size = case.earlier()
            if size is not None:
                _older(case, size)
        case "unkept":
            case.run("DELETE FROM ledger.checkpoints WHERE {of}")
        case _:
            pass


def forge(case: Case) -> None:
    """Checkpoints and key are those of somebody else, made of the events as they now are."""
    seed = case.drawn.randbytes(32)
    leaves = leaves_there(case.admin, case.of)
    for table in ("trees", "checkpoints"):
        for size, note in case.admin.execute(
            f"SELECT size, note FROM ledger.{table} WHERE tenant_id = %s AND log = %s".encode(), (*case.of,)
        ).fetchall():
            case.run(
                f"UPDATE ledger.{table} SET note = %s WHERE {{of}} AND size = %s",
                _forged(bytes(note), leaves[:size], seed),
                size,
            )
    if case.drawn.random() < 0.7:
        case.run("UPDATE ledger.keys SET public_key = %s", public_key(seed))


def _forged(note: bytes, leaves: list[bytes], seed: bytes) -> bytes:
    was = checkpoint(note)
    root = Frontier().adding(leaves).frontier.root
    text = Checkpoint(was.origin, len(leaves), root, was.extensions).text
    key = VerifierKey(was.origin, SignatureType.ED25519, public_key(seed))
    return Note(text, (signed(text, key, signer(seed)),)).to_bytes()


def _older(case: Case, size: int) -> None:
    """The tree's checkpoint is one that was signed at an hour before."""
    note = next(stage.notes[case.of] for stage in reversed(case.world.stages) if stage.size(case.of) == size)
    case.run("UPDATE ledger.trees SET note = %s, size = %s WHERE {of}", note, size)
    case.run("DELETE FROM ledger.checkpoints WHERE {of} AND size >= %s", size)


def edit_tiles(case: Case) -> None:
    """Hashes of leaves are altered, exchanged, or taken away."""
    position = case.position() - 1
    at, tile = position % 256 * 32, position // 256
    change = case.drawn.choice(
        [
            f"hashes = set_byte(hashes, {at}, get_byte(hashes, {at}) # 1)",
            f"hashes = overlay(hashes PLACING hashes FROM {at + 1} FOR 32)",
            f"hashes = substr(hashes, 1, {at})",
            f"hashes = substr(hashes, 1, {at + 7})",
        ]
    )
    case.run(f"UPDATE ledger.tiles SET {change} WHERE {{of}} AND level = 0 AND tile = %s", tile)


def exchange_tiles(case: Case) -> None:
    """A tile is deleted, or another one is in its place."""
    tile = (case.position() - 1) // 256
    if case.drawn.random() < 0.5 or case.size < 600:
        case.run("DELETE FROM ledger.tiles WHERE {of} AND level = 0 AND tile = %s", tile)
        return
    case.run(
        "UPDATE ledger.tiles SET hashes = (SELECT s.hashes FROM ledger.tiles s"
        " WHERE s.{mine} AND s.log = '{log}' AND s.level = 0 AND s.tile = %s) WHERE {of} AND level = 0 AND tile = %s",
        1 - min(tile, 1),
        tile,
    )


def edit_upper_tiles(case: Case) -> None:
    """A hash of a subtree is altered, or they are taken away."""
    # A bundle takes the hash of a subtree only where no event that it holds, and no checkpoint's size, is within.
    cuts = {case.world.stages[hour].size(case.of) for hour in range(len(case.world.stages))}
    blocks = range(case.size // 256)
    used = [block for block in blocks if not any(block * 256 < cut <= block * 256 + 256 for cut in cuts)]
    if not used:
        edit_tiles(case)
        return
    at = case.drawn.choice(used) * 32
    change = case.drawn.choice(
        [
            f"hashes = set_byte(hashes, {at + 5}, get_byte(hashes, {at + 5}) # 255)",
            f"hashes = substr(hashes, 1, {at})",
        ]
    )
    case.run(f"UPDATE ledger.tiles SET {change} WHERE {{of}} AND level = 1")


def edit_tree(case: Case) -> None:
    """What the notary goes on from is altered, or is gone."""
    change = case.drawn.choice(
        [
            "UPDATE ledger.trees SET frontier = set_byte(frontier, 9, get_byte(frontier, 9) # 1) WHERE {of}",
            "UPDATE ledger.trees SET frontier = 'x' WHERE {of}",
            "UPDATE ledger.trees SET size = size - 3 WHERE {of}",
            "UPDATE ledger.trees SET size = size + 3 WHERE {of}",
            "UPDATE ledger.trees SET epoch = epoch + 1 WHERE {of}",
            "DELETE FROM ledger.trees WHERE {of}",
        ]
    )
    case.run(change)


def roll_back_tree(case: Case) -> None:
    """The ledger is an older copy of itself, and the log is not."""
    size = case.earlier() or 0
    if not size:
        case.run("DELETE FROM ledger.trees WHERE {of}")
        return
    leaves = list(case.world.leaves[case.of][:size])
    tree = Grower(Frontier(), {})
    empty(case.admin, case.of)
    fill(case.admin, [(case.of, tree.add(leaves))])
    case.run("UPDATE ledger.trees SET frontier = %s WHERE {of}", tree.frontier.to_bytes())
    _older(case, size)


def edit_checkpoints(case: Case) -> None:
    """Checkpoints are altered, exchanged, or those of another log."""
    other = case.world.stages[-1].notes[next(of for of in case.world.leaves if of != case.of)]
    table = case.drawn.choice(["trees", "checkpoints"])
    byte = case.drawn.randint(0, 200)
    change = case.drawn.choice(
        [
            f"note = set_byte(note, {byte}, get_byte(note, {byte}) # 1)",
            "note = substr(note, 1, length(note) - 9)",
            "note = %s",
        ]
    )
    values = (other,) if "%s" in change else ()
    case.run(f"UPDATE ledger.{table} SET {change} WHERE {{of}}", *values)


def swap_checkpoints(case: Case) -> None:
    """Two checkpoints that are kept for ever stand in one another's place."""
    found = case.admin.execute(
        "SELECT epoch, size, note FROM ledger.checkpoints WHERE tenant_id = %s AND log = %s", (*case.of,)
    ).fetchall()
    one, other = case.drawn.sample(found, 2)
    for (epoch, size, _), (*_, note) in ((one, other), (other, one)):
        case.run(
            "UPDATE ledger.checkpoints SET note = %s WHERE {of} AND (epoch, size) = (%s, %s)",
            note,
            epoch,
            size,
        )


def delete_checkpoints(case: Case) -> None:
    """Checkpoints that are kept for ever are deleted: one, all, or the latest."""
    latest = "size = (SELECT max(size) FROM ledger.checkpoints WHERE {of})"
    which = case.drawn.choice(["true", "size > 400", latest])
    case.run(f"DELETE FROM ledger.checkpoints WHERE {{of}} AND {which}")


def edit_heads(case: Case) -> None:
    """The log's head says another epoch, or a position that is not there."""
    case.run(
        case.drawn.choice(
            [
                "UPDATE {heads} SET position = position + 5 WHERE {mine}",
                "UPDATE {heads} SET epoch = epoch + 1 WHERE {mine}",
                "UPDATE {heads} SET epoch = epoch + 1, position = position - 1 WHERE {mine}",
            ]
        )
    )


def edit_epochs(case: Case) -> None:
    """What a restore kept is told otherwise; where none was, one is put in."""
    changes = [
        "INSERT INTO ledger.epochs SELECT tenant_id, %s, epoch, 3, clock_timestamp() FROM {heads} WHERE {mine}"
    ]
    if case.world.restored is not None:
        changes = [
            "UPDATE ledger.epochs SET kept = kept - 5 WHERE {mine} AND log = %s",
            "UPDATE ledger.epochs SET kept = 0 WHERE {mine} AND log = %s",
            "DELETE FROM ledger.epochs WHERE {mine} AND log = %s",
        ]
    case.run(case.drawn.choice(changes), case.of.log.value)


def add_key(case: Case) -> None:
    """There is one more key that checkpoints are said to be verified by."""
    case.run(
        "INSERT INTO ledger.keys SELECT number + 1, name, %s, signs_from FROM ledger.keys",
        case.drawn.randbytes(32),
    )


ON_LEDGER: Final[dict[str, Act]] = {
    "hashes of leaves altered": edit_tiles,
    "tiles exchanged or deleted": exchange_tiles,
    "hashes of subtrees altered": edit_upper_tiles,
    "the ledger rolled back": roll_back_tree,
    "checkpoints altered": edit_checkpoints,
    "kept checkpoints swapped": swap_checkpoints,
    "checkpoints and keys forged": forge,
}
"""What is done to the ledger, and shows in a bundle."""

ASIDE: Final[dict[str, Act]] = {
    "the tree altered": edit_tree,
    "kept checkpoints deleted": delete_checkpoints,
    "the head altered": edit_heads,
    "epochs altered": edit_epochs,
    "a key added": add_key,
}
"""What changes nothing that was signed: everything that a bundle proves still holds."""

THOROUGH: Final = {edit, delete_closed, swap, exchange, insert, truncate, other_history, roll_back_log}
"""After which tiles and tree may be rewritten, so that the database agrees with itself."""
