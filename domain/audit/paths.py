"""Proofs of a tree: that a leaf is in it, and that an older tree is its beginning.

Made as RFC 6962 sections 2.1.1 and 2.1.2 define them, verified by the steps of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
A proof's hashes go from the leaf's neighbour up to the root's child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.audit.errors import OutsideTheTree
from domain.audit.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    MOST_LEAVES,
    Node,
    ReadNode,
    complete_subtrees,
    joined,
    node_hash,
)

Part = tuple[Node, ...]
"""The complete subtrees, largest first, that one hash of a proof is made of; all but the last hash have one."""


@dataclass(frozen=True, slots=True)
class ProofVerdict:
    """Whether a proof shows what it is to show, in words."""

    holds: bool
    words: str


def inclusion_parts(index: int, size: int) -> tuple[Part, ...]:
    """What the hashes of a proof are made of that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise OutsideTheTree(f"A tree of {size} leaves has no leaf {index}; they are counted from 0.")
    parts: list[Part] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left(end - first)
        if index < middle:
            parts.append(tuple(complete_subtrees(middle, end)))
            end = middle
        else:
            parts.append(tuple(complete_subtrees(first, middle)))
            first = middle
    return tuple(reversed(parts))


def consistency_parts(old: int, new: int) -> tuple[Part, ...]:
    """What the hashes of a proof are made of that the first `old` leaves of `new` are as they were (RFC 6962, 2.1.2).

    Nothing has to be shown of an empty tree, or of a tree that has not grown: both proofs are empty.
    """
    if not 0 <= old <= new:
        raise OutsideTheTree(f"A tree of {old} leaves is not the beginning of one of {new}.")
    if old in {0, new}:
        return ()
    parts: list[Part] = []
    first, end, known = 0, new, True
    while end != old:
        middle = first + _left(end - first)
        if old <= middle:
            parts.append(tuple(complete_subtrees(middle, end)))
            end = middle
        else:
            parts.append(tuple(complete_subtrees(first, middle)))
            first, known = middle, False
    if not known:
        parts.append(tuple(complete_subtrees(first, end)))
    return tuple(reversed(parts))


def inclusion_proof(index: int, size: int, read: ReadNode) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the tree of `size` leaves (RFC 6962 section 2.1.1)."""
    return tuple(_hash(part, read) for part in inclusion_parts(index, size))


def consistency_proof(old: int, new: int, read: ReadNode) -> tuple[bytes, ...]:
    """The proof that the tree of `old` leaves is the beginning of that of `new` (RFC 6962 section 2.1.2)."""
    return tuple(_hash(part, read) for part in consistency_parts(old, new))


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> ProofVerdict:
    """Whether the leaf of this hash is number `index` of the tree of this size and root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size <= MOST_LEAVES:
        return _no(f"A tree of {size} leaves has no leaf {index}.")
    if wrong := _of_wrong_length(leaf, root, *proof):
        return wrong
    sides = _sides(index, size - 1, len(proof), len(proof))
    if isinstance(sides, ProofVerdict):
        return sides
    reached = leaf
    for hashed, left in zip(proof, sides, strict=True):
        reached = node_hash(hashed, reached) if left else node_hash(reached, hashed)
    if reached != root:
        return _no(f"The proof of leaf {index} leads to another root than the tree's.")
    return ProofVerdict(holds=True, words=f"The leaf is number {index} of the tree of {size} leaves.")


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> ProofVerdict:
    """Whether the tree of the old root is the beginning of that of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new <= MOST_LEAVES:
        return _no(f"A tree of {old} leaves is not the beginning of one of {new}.")
    if wrong := _of_wrong_length(old_root, new_root, *proof):
        return wrong
    if old in {0, new}:
        return _without_growth(old, old_root, new, new_root, proof)
    if not proof:
        return _no("The proof is empty, and the tree has grown.")
    return _grown(old, old_root, new, new_root, proof)


def _without_growth(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> ProofVerdict:
    """Of an empty tree, or two of one size: nothing is to be shown, and so no proof may be given."""
    if proof:
        return _no("There is nothing to be shown, and yet the proof is not empty.")
    if old == new and old_root != new_root:
        return _no(f"Two trees of {old} leaves have two roots.")
    if old == 0 and old_root != EMPTY_ROOT:
        return _no("The root of the old tree, which has no leaves, is not that of an empty tree.")
    return _consistent(old, new)


def _grown(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> ProofVerdict:
    """RFC 9162 section 2.1.4.2, steps 2 to 7: both roots are made from the one proof."""
    hashes = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    sides = _sides(place, last, len(hashes) - 1, len(proof))
    if isinstance(sides, ProofVerdict):
        return sides
    to_old = to_new = hashes[0]
    for hashed, left in zip(hashes[1:], sides, strict=True):
        if left:
            to_old = node_hash(hashed, to_old)
        to_new = node_hash(hashed, to_new) if left else node_hash(to_new, hashed)
    if to_old != old_root:
        return _no(f"The proof leads to another root of the first {old} leaves than the old tree's.")
    if to_new != new_root:
        return _no(f"The proof leads to another root of {new} leaves than the new tree's.")
    return _consistent(old, new)


def _sides(place: int, last: int, steps: int, given: int) -> list[bool] | ProofVerdict:
    """Of each hash on the way from a node to the root, whether it stands to the left (RFC 9162 section 2.1.3.2).

    `place` is the node's, `last` its level's last; `given`: the proof's length. What is no way up is a verdict.
    """
    sides: list[bool] = []
    for _ in range(steps):
        if last == 0:
            return _no(f"The proof has too many hashes, {given}: it goes on beyond the root.")
        sides.append(bool(place & 1) or place == last)
        if sides[-1]:
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        return _no(f"The proof has too few hashes, {given}: it ends below the root.")
    return sides


def _left(size: int) -> int:
    """How many leaves are left of the root of a tree of two or more: the largest power of two below its size."""
    return 1 << ((size - 1).bit_length() - 1)


def _hash(part: Part, read: ReadNode) -> bytes:
    return joined([read(level, index) for level, index in part])


def _of_wrong_length(*hashes: bytes) -> ProofVerdict | None:
    wrong = next((hashed for hashed in hashes if len(hashed) != HASH_BYTES), None)
    return None if wrong is None else _no(f"A hash has {len(wrong)} bytes; each has {HASH_BYTES}.")


def _consistent(old: int, new: int) -> ProofVerdict:
    return ProofVerdict(holds=True, words=f"The first {old} leaves of {new} are as they were.")


def _no(words: str) -> ProofVerdict:
    return ProofVerdict(holds=False, words=words)
