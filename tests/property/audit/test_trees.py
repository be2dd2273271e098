"""Trees, proofs and their verification against RFC 6962's recursive definitions."""

import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.paths import (
    consistency_proof,
    inclusion_parts,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from domain.audit.tree import EMPTY_ROOT, Frontier, leaf_hash
from tests.support import naive_tree

ENTRIES = [b"%d" % n + sha256(b"%d" % n).digest()[: n % 33] for n in range(2000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
NODES = {
    (level, run.first + n): hashed
    for level, run in enumerate(Frontier().adding(LEAVES).runs)
    for n, hashed in enumerate(run.hashes)
}
SMALL = 64


def read(level: int, index: int) -> bytes:
    return NODES[level, index]


def root(size: int) -> bytes:
    return Frontier.read(size, read).root


@pytest.mark.parametrize("size", [0, 1, 2, 3, 63, 64, 65, 255, 256, 257, 1023, 1024, 1999, 2000])
def test_roots(size: int) -> None:
    assert root(size) == Frontier().adding(LEAVES[:size]).frontier.root == naive_tree.mth(ENTRIES[:size])


def test_all_roots_to_64() -> None:
    assert [root(size) for size in range(SMALL + 1)] == [
        naive_tree.mth(ENTRIES[:size]) for size in range(SMALL + 1)
    ]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 300), max_size=7))
def test_it_is_the_same_however_leaves_are_added(steps: list[int]) -> None:
    frontier, nodes = Frontier(), dict[tuple[int, int], bytes]()
    for step in steps:
        grown = frontier.adding(LEAVES[frontier.size : frontier.size + step])
        frontier = grown.frontier
        for level, run in enumerate(grown.runs):
            for n, hashed in enumerate(run.hashes):
                assert (level, run.first + n) not in nodes
                nodes[level, run.first + n] = hashed
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier
    size = frontier.size
    assert frontier == Frontier.read(size, read)
    assert nodes == {
        (level, index): hashed for (level, index), hashed in NODES.items() if (index + 1) << level <= size
    }


def test_every_inclusion_to_64() -> None:
    for size in range(1, SMALL + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            assert list(proof) == naive_tree.path(index, ENTRIES[:size])
            assert verify_inclusion(LEAVES[index], index, size, root(size), proof).holds


def test_every_pair_of_sizes_to_64() -> None:
    for new in range(SMALL + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, new, read)
            assert list(proof) == (naive_tree.proof(old, ENTRIES[:new]) if old else [])
            assert verify_consistency(old, root(old), new, root(new), proof).holds


def test_random_larger_ones() -> None:
    drawn = random.Random(6962)
    for _ in range(12):
        new = drawn.randint(SMALL, 2000)
        old, index = drawn.randint(1, new), drawn.randrange(new)
        assert list(inclusion_proof(index, new, read)) == naive_tree.path(index, ENTRIES[:new])
        assert list(consistency_proof(old, new, read)) == naive_tree.proof(old, ENTRIES[:new])


@settings(max_examples=150)
@given(st.data())
def test_a_proof_shows_its_own_leaf_tree_and_place_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 2000), "size")
    index = data.draw(st.integers(0, size - 1), "index")
    proof = list(inclusion_proof(index, size, read))
    here = root(size)
    assert verify_inclusion(LEAVES[index], index, size, here, proof).holds
    other = data.draw(st.integers(0, 1999).filter(lambda n: n != index), "other")
    elsewhere = data.draw(st.integers(1, 2000).filter(lambda n: n != size), "elsewhere")
    refused = [
        (LEAVES[other], index, size, here, proof),
        (flipped(LEAVES[index], data), index, size, here, proof),
        (LEAVES[index], index, size, root(elsewhere), proof),
        (LEAVES[index], index, size, flipped(here, data), proof),
        (LEAVES[index], -1 - index, size, here, proof),
        (LEAVES[index], size, size, here, proof),
        (LEAVES[index], index, -size, here, proof),
        (LEAVES[index], index, size, here, [*proof, here]),
        (LEAVES[index], index, size, here, [here, *proof]),
        (LEAVES[index], index, size, here[:-1], proof),
        (LEAVES[index] + b"\x00", index, size, here, proof),
        (LEAVES[index], index, size, here, [*proof, b""]),
        *((LEAVES[index], index, size, here, wrong) for wrong in spoilt(proof, data)),
    ]
    if other < size:
        refused.append((LEAVES[index], other, size, here, proof))
    for leaf, at, of, to, by in refused:
        verdict = verify_inclusion(leaf, at, of, to, by)
        assert not verdict.holds
        assert verdict.words.endswith(".")


@settings(max_examples=150)
@given(st.data())
def test_a_proof_shows_its_own_two_trees_alone(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 2000), "new")
    old = data.draw(st.integers(1, new - 1), "old")
    proof = list(consistency_proof(old, new, read))
    before, after = root(old), root(new)
    assert verify_consistency(old, before, new, after, proof).holds
    refused = [
        (old, after, new, before, proof),
        (new, after, old, before, proof),
        (old, flipped(before, data), new, after, proof),
        (old, before, new, flipped(after, data), proof),
        (-old, before, new, after, proof),
        (0, before, new, after, proof),
        (0, EMPTY_ROOT, new, after, proof),
        (0, before, new, after, []),
        (old, before, old, before, proof),
        (old, before, old, after, []),
        (old, before, new, after, []),
        (old, before, new, after, [*proof, after]),
        (old, before, new, after, [before, *proof]),
        (old, before, new, after, [*proof, b"\x00"]),
        (old, before[1:], new, after, proof),
        (old, before, 2**63, after, proof),
        *((old, before, new, after, wrong) for wrong in spoilt(proof, data)),
    ]
    for first, first_root, second, second_root, by in refused:
        verdict = verify_consistency(first, first_root, second, second_root, by)
        assert not verdict.holds
        assert verdict.words.endswith(".")


def flipped(hashed: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 8 * len(hashed) - 1), "bit")
    return (int.from_bytes(hashed) ^ 1 << bit).to_bytes(len(hashed))


def spoilt(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with one bit of each hash flipped, a hash left out, broken off, given twice, or two changed over."""
    wrong = []
    for n, hashed in enumerate(proof):
        wrong += [
            [*proof[:n], flipped(hashed, data), *proof[n + 1 :]],
            [*proof[:n], *proof[n + 1 :]],
            [*proof[:n], hashed[:-1], *proof[n + 1 :]],
            [*proof[:n], hashed, *proof[n:]],
        ]
    wrong += [[*proof[:n], proof[n + 1], proof[n], *proof[n + 2 :]] for n in range(len(proof) - 1)]
    return wrong


@given(st.integers(0, 2**63 - 2), st.integers(1, 2**62))
def test_a_proof_of_any_tree_has_at_most_63_hashes(index: int, more: int) -> None:
    assert len(inclusion_parts(index, min(index + more, 2**63 - 1))) <= 63
