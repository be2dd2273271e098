"""A set of ids behaves as a set, and its older versions stay as they were."""

import sys
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.idset import IdSet

# Few hashes, each of several ids: deep trees, leaves that share a path to the end.
ALIKE = sys.hash_info.modulus
IDS = st.builds(lambda low, high: UUID(int=high * ALIKE + low), st.integers(0, 40), st.integers(0, 5))
STEPS = st.lists(st.tuples(st.booleans(), st.lists(IDS, max_size=120)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_it_is_a_set(steps: list[tuple[bool, list[UUID]]]) -> None:
    tree, plain = IdSet(), frozenset[UUID]()
    history = [(tree, plain)]
    for adds, ids in steps:
        tree = tree.adding(ids) if adds else tree.removing(ids)
        plain = plain | frozenset(ids) if adds else plain - frozenset(ids)
        history.append((tree, plain))
    for then, expected in history:
        assert set(then) == expected
        assert len(then) == len(expected)
        assert then == IdSet(expected)
        assert all(i in then for i in expected)


def test_ids_alike_to_the_last_bit_of_the_tree_still_fit() -> None:
    ids = [UUID(int=n * ALIKE) for n in range(200)]
    assert {hash(one) for one in ids} == {0}
    tree = IdSet().adding(ids)
    assert len(tree) == 200
    assert set(tree.removing(ids[:100])) == set(ids[100:])
    assert "x" not in tree
    assert (tree == "x") is False
