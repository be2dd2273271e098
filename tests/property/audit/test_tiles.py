"""A tree's tiles hold what the specification's formula says, however it grew, and all proofs can be made of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.paths import consistency_proof, inclusion_proof
from domain.audit.tiles import Tile, nodes_from, read_path, tiles_changed, tiles_grown
from domain.audit.tree import Frontier, leaf_hash
from tests.support import naive_tree

ENTRIES = [b"%d" % n for n in range(2500)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
STEPS = st.lists(st.one_of(st.integers(0, 5), st.integers(200, 600)), min_size=1, max_size=4)


class Shelf:
    """Tiles by their paths, as a folder or a table keeps them."""

    def __init__(self) -> None:
        self.tiles: dict[str, bytes] = {}
        self.frontier = Frontier()

    def read(self, tile: Tile) -> bytes:
        return self.tiles[tile.path]

    def grow(self, more: int) -> None:
        size = self.frontier.size
        growth = self.frontier.adding(LEAVES[size : size + more])
        grown = dict(tiles_grown(size, growth, self.read))
        assert list(grown) == list(tiles_changed(size, size + more))
        for tile, data in grown.items():
            full = Tile(tile.level, tile.index).path
            assert full not in self.tiles
            self.tiles[tile.path] = data
        self.frontier = growth.frontier


@settings(max_examples=25)
@given(STEPS)
def test_tiles_are_what_the_formula_says(steps: list[int]) -> None:
    """MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) (tlog-tiles, Merkle Tree)."""
    shelf = Shelf()
    for more in steps:
        shelf.grow(more)
    seen = set()
    for path, data in shelf.tiles.items():
        tile = read_path(path)
        assert isinstance(tile, Tile)
        hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
        assert len(hashes) == tile.width
        for i, hashed in enumerate(hashes):
            at = (tile.index * 256 + i) * 256**tile.level
            if tile.level == 0:
                assert hashed == LEAVES[at]
            elif (tile.level, at) not in seen:
                seen.add((tile.level, at))
                assert hashed == naive_tree.mth(ENTRIES[at : at + 256**tile.level])


@settings(max_examples=25)
@given(STEPS, st.data())
def test_every_proof_comes_from_tiles(steps: list[int], data: st.DataObject) -> None:
    shelf = Shelf()
    for more in [1, *steps]:
        shelf.grow(more)
    new = shelf.frontier.size
    read = nodes_from(shelf.read, new)
    assert Frontier.read(new, read) == shelf.frontier
    index, old = data.draw(st.integers(0, new - 1)), data.draw(st.integers(1, new))
    assert list(inclusion_proof(index, new, read)) == naive_tree.path(index, ENTRIES[:new])
    assert list(consistency_proof(old, new, read)) == naive_tree.proof(old, ENTRIES[:new])
    assert Frontier.read(old, read) == Frontier().adding(LEAVES[:old]).frontier


@given(st.integers(0, 63), st.integers(0, 10**21 - 1), st.integers(1, 256))
def test_a_path_is_read_as_it_was_written(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert read_path(tile.path) == tile
