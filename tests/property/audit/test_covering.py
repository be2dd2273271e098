"""Any choice of leaves, with subtrees for what it leaves out, makes the root of every size that is named."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.covering import Spans, Walk, left_out, subtree_of, subtrees
from domain.audit.errors import MalformedCover, OutsideTheTree
from domain.audit.tree import Frontier, leaf_hash
from tests.support import naive_tree

MOST = 300
ENTRIES = [b"%d" % n for n in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [naive_tree.mth(ENTRIES[:size]) for size in range(MOST + 1)]
NODES = {
    (level, run.first + n): hashed
    for level, run in enumerate(Frontier().adding(LEAVES).runs)
    for n, hashed in enumerate(run.hashes)
}


@st.composite
def choices(draw: st.DrawFn) -> tuple[int, list[int], set[int]]:
    size = draw(st.integers(0, MOST))
    among = st.integers(0, max(0, size - 1))
    chosen = draw(st.sets(among, max_size=60)) if size else set()
    if size and draw(st.booleans()):
        first = draw(among)
        chosen |= set(range(first, draw(st.integers(first, size))))
    return size, sorted(chosen), draw(st.sets(st.integers(0, size), max_size=8)) | {size}


def walked(size: int, chosen: list[int], sizes: set[int], splits: set[int]) -> Walk:
    walk, spans = Walk(size, sizes), {span.first: span for span in Spans.of(chosen)}
    gaps = {index << level: (level, index) for level, index in left_out(spans.values(), size, splits)}
    while walk.size < size:
        if walk.size in spans:
            walk.leaves(LEAVES[slice(*spans[walk.size])])
        else:
            node = gaps[walk.size]
            walk.subtree(node, NODES[node])
    return walk


@settings(max_examples=150)
@given(choices())
def test_every_named_size_has_the_root_that_the_definition_gives(
    choice: tuple[int, list[int], set[int]],
) -> None:
    size, chosen, sizes = choice
    walk = walked(size, chosen, sizes, sizes)
    assert walk.size == size
    assert walk.roots == {named: ROOTS[named] for named in sizes}


@settings(max_examples=60)
@given(choices(), st.sets(st.integers(0, MOST), max_size=5))
def test_a_size_within_a_subtree_has_no_root_and_the_others_theirs(
    choice: tuple[int, list[int], set[int]], others: set[int]
) -> None:
    size, chosen, sizes = choice
    roots = walked(size, chosen, sizes | others, sizes).roots
    assert sizes <= roots.keys() <= sizes | others
    assert all(root == ROOTS[named] for named, root in roots.items())


@settings(max_examples=100)
@given(choices())
def test_the_cover_is_each_leaf_left_out_once_in_few_subtrees(
    choice: tuple[int, list[int], set[int]],
) -> None:
    size, chosen, splits = choice
    cover = list(left_out(Spans.of(chosen), size, splits))
    covered = [leaf for level, index in cover for leaf in range(index << level, (index + 1) << level)]
    assert covered == sorted(set(range(size)) - set(chosen))
    for level, index in cover:
        assert not any(index << level < split < (index + 1) << level for split in splits)
    assert len(cover) <= 2 * size.bit_length() * (len(Spans.of(chosen)) + len(splits) + 1)


@settings(max_examples=60)
@given(st.integers(0, MOST), st.integers(0, MOST))
def test_subtrees_are_aligned_and_none_could_be_larger(one: int, other: int) -> None:
    first, end = sorted((one, other))
    found = list(subtrees(first, end))
    spans = [(index << level, (index + 1) << level) for level, index in found]
    assert [subtree_of(*span) for span in spans] == found
    assert [at for span in spans for at in range(*span)] == list(range(first, end))
    assert not any(a == b and not index & 1 for (a, index), (b, _) in pairwise(found))


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 7))
def test_spans_are_as_few_as_can_be_and_are_cut_into_batches(chosen: list[bool], most: int) -> None:
    leaves = [leaf for leaf, is_in in enumerate(chosen) if is_in]
    spans = Spans.of(leaves)
    assert [leaf for first, end in spans for leaf in range(first, end)] == leaves
    assert (spans.count, len(spans)) == (
        len(leaves),
        sum(one - 1 not in leaves for one in leaves),
    )
    batches = [[leaf for span in batch for leaf in range(*span)] for batch in spans.batches(most)]
    assert [leaf for batch in batches for leaf in batch] == leaves
    assert all(len(batch) == most for batch in batches[:-1])


def test_what_does_not_follow_is_refused() -> None:
    walk = Walk(8)
    walk.subtree((1, 0), LEAVES[0])
    for wrong, said in {(0, 1): "lies over", (2, 0): "lies over", (0, 3): "a hole", (1, 2): "a hole"}.items():
        with pytest.raises(MalformedCover, match=said):
            walk.subtree(wrong, LEAVES[0])
    with pytest.raises(MalformedCover, match="8 leaves; 9"):
        walk.leaves(LEAVES[:7])
    with pytest.raises(MalformedCover, match="bytes"):
        walk.subtree((0, 2), b"short")
    walk.leaves(LEAVES[2:8])
    with pytest.raises(MalformedCover, match="8 leaves"):
        walk.subtree((3, 1), LEAVES[0])


@pytest.mark.parametrize(("first", "end"), [(0, 3), (1, 3), (2, 6), (4, 4), (5, 4), (-2, 0), (0, 2**64)])
def test_leaves_that_are_no_subtree_are_refused(first: int, end: int) -> None:
    with pytest.raises(MalformedCover):
        subtree_of(first, end)


@pytest.mark.parametrize("spans", [[(2, 4), (1, 2)], [(3, 2)], [(-1, 2)]])
def test_leaves_out_of_order_are_refused(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(OutsideTheTree):
        Spans(spans)
    with pytest.raises(OutsideTheTree):
        list(left_out(spans, 9))


def test_leaves_beyond_the_tree_are_refused() -> None:
    with pytest.raises(OutsideTheTree):
        list(left_out([(2, 10)], 9))
