"""Tiles and bundles are named, filled and read as C2SP tlog-tiles says. Examples are the specification's."""

from collections import Counter

import pytest

from domain.audit.errors import EntryTooLong, ForeignTilePath, MalformedTile, OutsideTheTree
from domain.audit.tiles import (
    Bundle,
    Tile,
    bundle_of,
    bundles_changed,
    entries_in,
    hashes_in,
    nodes_from,
    read_path,
    tile_of,
    tiles_changed,
    width_at,
)
from domain.audit.tree import Frontier, leaf_hash


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tile/0/x001/x234/067", Tile(0, 1_234_067)),
        ("tile/0/000", Tile(0, 0)),
        ("tile/0/x001/067.p/1", Tile(0, 1067, 1)),
        ("tile/63/999.p/255", Tile(63, 999, 255)),
        ("tile/2/x001/000", Tile(2, 1000)),
        ("tile/entries/x001/x234/067", Bundle(1_234_067)),
        ("tile/entries/273.p/112", Bundle(273, 112)),
    ],
)
def test_a_path_names_a_tile(path: str, found: Tile | Bundle) -> None:
    assert read_path(path) == found
    assert found.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/x001",
        "tile/0/x1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/../000",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/entries/0",
        "tile/entries/entries/000",
        "tile/0/" + "x001/" * 7 + "000",
        "tile/0/" + "x001/" * 5000 + "000",
    ],
)
def test_other_paths_are_foreign(path: str) -> None:
    with pytest.raises(ForeignTilePath):
        read_path(path)


def test_the_tiles_of_a_tree_of_70_000() -> None:
    tiles = list(tiles_changed(0, 70_000))
    full = Counter(tile.level for tile in tiles if tile.width == 256)
    assert full == {0: 273, 1: 1}
    assert [tile for tile in tiles if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(bundles_changed(69_999, 70_000)) == [Bundle(273, 112)]


def test_the_tiles_of_a_tree_of_256() -> None:
    assert list(tiles_changed(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_changed(255, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_changed(256, 257)) == [Tile(0, 1, 1)]
    assert list(tiles_changed(256, 256)) == []
    with pytest.raises(OutsideTheTree):
        list(tiles_changed(257, 256))


def test_a_tree_has_the_hashes_up_to_its_width() -> None:
    assert [width_at(0, 0, 0), width_at(0, 1, 300), width_at(0, 2, 300), width_at(1, 0, 300)] == [0, 44, 0, 1]
    assert Tile(0, 1, 44).is_of(300)
    assert Tile(0, 1, 3).is_of(300)
    assert not Tile(0, 1, 45).is_of(300)
    assert not Tile(1, 1, 1).is_of(300)
    assert not Tile(63, 0, 1).is_of(2**63 - 1)
    assert Bundle(0).is_of(300)
    assert not Bundle(1).is_of(300)


def test_where_a_node_is() -> None:
    assert tile_of(0, 300) == (0, 1, 44, 1)
    assert tile_of(7, 1) == (0, 0, 128, 128)
    assert tile_of(7, 2) == (0, 1, 0, 128)
    assert tile_of(8, 300) == (1, 1, 44, 1)
    assert tile_of(17, 3) == (2, 0, 6, 2)


def test_a_tile_of_the_wrong_width_is_refused() -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(3)]
    assert hashes_in(Tile(0, 0, 3), lambda _: b"".join(leaves)) == leaves
    for wrong in (b"", b"".join(leaves[:2]), b"".join(leaves)[:-1], b"".join(leaves) + b"\x00"):
        with pytest.raises(MalformedTile, match=r"tile/0/000\.p/3 has \d+ bytes; 3 hashes have 96"):
            hashes_in(Tile(0, 0, 3), {Tile(0, 0, 3): wrong}.__getitem__)
    node = nodes_from(lambda _: b"".join(leaves), 3)
    assert node(1, 0) == Frontier().adding(leaves[:2]).frontier.root
    for level, index in ((0, 3), (1, 1), (2, 0), (8, 0)):
        with pytest.raises(OutsideTheTree):
            node(level, index)


def test_bundles() -> None:
    entries = [b"", b"a", b"x" * 65_535]
    data = bundle_of(entries)
    assert data[:5] == b"\x00\x00\x00\x01a"
    assert entries_in(Bundle(0, 3), data) == entries
    assert len(bundle_of([bytes(32)] * 256)) == 256 * 34
    for wrong in (b"", data[:-1], data + b"\x00", data + b"\x00\x00", data[2:]):
        with pytest.raises(MalformedTile):
            entries_in(Bundle(0, 3), wrong)
    with pytest.raises(EntryTooLong, match="65,536 bytes"):
        bundle_of([b"x" * 65_536])
    for number in (0, 257):
        with pytest.raises(MalformedTile):
            bundle_of([b""] * number)
