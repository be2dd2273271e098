"""Hashes, roots and proofs of the eight leaves that Certificate Transparency's implementations test with.

The values are those of github.com/transparency-dev/merkle, testonly/constants.go and proof/verify_test.go.
"""

import pytest

from domain.audit.errors import MalformedFrontier, MalformedHash, OutsideTheTree
from domain.audit.paths import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from domain.audit.tree import EMPTY_ROOT, Frontier, Run, leaf_hash

ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(root)
    for root in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): INCLUSION[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
    (6, 7): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
NODES = {
    (level, run.first + n): hashed
    for level, run in enumerate(Frontier().adding(LEAVES).runs)
    for n, hashed in enumerate(run.hashes)
}


def read(level: int, index: int) -> bytes:
    return NODES[level, index]


def test_roots() -> None:
    assert ROOTS[0] == EMPTY_ROOT
    assert [Frontier().adding(LEAVES[:size]).frontier.root for size in range(9)] == ROOTS


@pytest.mark.parametrize(("place", "hashes"), INCLUSION.items())
def test_inclusion(place: tuple[int, int], hashes: tuple[str, ...]) -> None:
    index, size = place
    proof = inclusion_proof(index, size, read)
    assert [hashed.hex() for hashed in proof] == list(hashes)
    verdict = verify_inclusion(LEAVES[index], index, size, ROOTS[size], proof)
    assert (verdict.holds, verdict.words) == (
        True,
        f"The leaf is number {index} of the tree of {size} leaves.",
    )


@pytest.mark.parametrize(("sizes", "hashes"), CONSISTENCY.items())
def test_consistency(sizes: tuple[int, int], hashes: tuple[str, ...]) -> None:
    old, new = sizes
    proof = consistency_proof(old, new, read)
    assert [hashed.hex() for hashed in proof] == list(hashes)
    verdict = verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)
    assert (verdict.holds, verdict.words) == (True, f"The first {old} leaves of {new} are as they were.")


def test_nothing_is_shown_of_an_empty_tree() -> None:
    assert consistency_proof(0, 8, read) == ()
    assert verify_consistency(0, ROOTS[0], 8, ROOTS[8], ()).holds
    wrong = verify_consistency(0, ROOTS[1], 8, ROOTS[8], ())
    assert wrong.words == "The root of the old tree, which has no leaves, is not that of an empty tree."
    assert not verify_inclusion(LEAVES[0], 0, 0, ROOTS[0], ()).holds


def test_a_verdict_says_what_is_wrong() -> None:
    proof = inclusion_proof(0, 8, read)
    said = [
        verify_inclusion(LEAVES[0], 8, 8, ROOTS[8], proof),
        verify_inclusion(LEAVES[0], 0, 8, ROOTS[8], proof[:-1]),
        verify_inclusion(LEAVES[0], 0, 8, ROOTS[8], [*proof, ROOTS[8]]),
        verify_inclusion(LEAVES[0], 0, 8, ROOTS[7], proof),
        verify_inclusion(LEAVES[0], 0, 8, ROOTS[8], [proof[0][:31], *proof[1:]]),
        verify_consistency(8, ROOTS[8], 1, ROOTS[1], proof),
        verify_consistency(1, ROOTS[1], 8, ROOTS[8], ()),
        verify_consistency(2, ROOTS[1], 8, ROOTS[8], consistency_proof(2, 8, read)),
        verify_consistency(1, ROOTS[1], 8, ROOTS[7], proof),
        verify_consistency(1, ROOTS[1], 3, ROOTS[2], consistency_proof(1, 2, read)),
        verify_consistency(1, ROOTS[1], 2, ROOTS[2], [*consistency_proof(1, 2, read), ROOTS[2]]),
        verify_consistency(8, ROOTS[8], 8, ROOTS[7], ()),
        verify_consistency(8, ROOTS[8], 8, ROOTS[8], proof),
    ]
    assert [verdict.words for verdict in said] == [
        "A tree of 8 leaves has no leaf 8.",
        "The proof has too few hashes, 2: it ends below the root.",
        "The proof has too many hashes, 4: it goes on beyond the root.",
        "The proof of leaf 0 leads to another root than the tree's.",
        "A hash has 31 bytes; each has 32.",
        "A tree of 8 leaves is not the beginning of one of 1.",
        "The proof is empty, and the tree has grown.",
        "The proof leads to another root of 8 leaves than the new tree's.",
        "The proof leads to another root of 8 leaves than the new tree's.",
        "The proof has too few hashes, 1: it ends below the root.",
        "The proof has too many hashes, 2: it goes on beyond the root.",
        "Two trees of 8 leaves have two roots.",
        "There is nothing to be shown, and yet the proof is not empty.",
    ]
    assert not any(verdict.holds for verdict in said)


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (0, 0), (0, -1)])
def test_no_proof_is_made_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(OutsideTheTree, match=r"they are counted from 0\."):
        inclusion_proof(index, size, read)


@pytest.mark.parametrize(("old", "new"), [(-1, 8), (8, 7)])
def test_no_proof_is_made_of_sizes_out_of_order(old: int, new: int) -> None:
    with pytest.raises(OutsideTheTree, match="is not the beginning of one of"):
        consistency_proof(old, new, read)


def test_growth_tells_which_nodes_it_completed() -> None:
    five = Frontier().adding(LEAVES[:5]).frontier
    assert five.nodes == (NODES[2, 0], NODES[0, 4])
    grown = five.adding(LEAVES[5:7])
    assert grown.runs == (Run(5, [NODES[0, 5], NODES[0, 6]]), Run(2, [NODES[1, 2]]))
    assert grown.frontier == Frontier(7, (NODES[2, 0], NODES[1, 2], NODES[0, 6]))
    assert five.adding([]).frontier == five


def test_what_is_no_frontier_is_refused() -> None:
    kept = Frontier(3, (NODES[1, 0], NODES[0, 2])).to_bytes()
    assert kept == b"\x00" * 7 + b"\x03" + NODES[1, 0] + NODES[0, 2]
    for wrong in (b"", kept[:7], kept[:-1], kept[:-32], kept + NODES[0, 3], b"\xff" * 8 + kept[8:]):
        with pytest.raises(MalformedFrontier):
            Frontier.from_bytes(wrong)
    with pytest.raises(MalformedFrontier):
        Frontier(-1)
    with pytest.raises(OutsideTheTree):
        Frontier.read(-1, read)
    with pytest.raises(MalformedHash):
        Frontier(1, (b"short",))
    with pytest.raises(MalformedHash):
        Frontier().adding([LEAVES[0], LEAVES[1][:-1]])
