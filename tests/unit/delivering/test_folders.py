"""Delivered files: whole or not there, and never outside their root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapters.folders.local import LocalFolders
from application.ports.delivering import FolderUnwritable
from tests.support.given import uid

TENANT = uid(1)


def test_a_file_is_put_in_place_over_an_older_one_and_nothing_else_is_left(tmp_path: Path) -> None:
    folders = LocalFolders(tmp_path / "root")
    for content in (b"old", b"new"):
        folders.write(TENANT, "a/b", "x.csv", content)
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file == tmp_path / "root" / str(TENANT) / "a" / "b" / "x.csv"
    assert file.read_bytes() == b"new"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o640, 0o750)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("..", "x"),
        ("a/../..", "x"),
        ("a", "../x"),
        ("", "x"),
        ("a", ""),
        ("a", "."),
        ("a\0", "x"),
        ("/a", "x"),
    ],
)
def test_no_name_leads_out(tmp_path: Path, folder: str, name: str) -> None:
    with pytest.raises(FolderUnwritable):
        LocalFolders(tmp_path / "root").write(TENANT, folder, name, b"x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("part", ["tenant", "folder"])
def test_no_link_leads_out(tmp_path: Path, part: str) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    out.mkdir()
    place = root / str(TENANT) if part == "tenant" else root / str(TENANT) / "a"
    place.parent.mkdir(parents=True)
    place.symlink_to(out)
    with pytest.raises(FolderUnwritable):
        LocalFolders(root).write(TENANT, "a", "x", b"x")
    assert list(out.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    out.write_bytes(b"mine")
    (root / str(TENANT) / "a").mkdir(parents=True)
    (root / str(TENANT) / "a" / "x").symlink_to(out)
    LocalFolders(root).write(TENANT, "a", "x", b"new")
    assert (out.read_bytes(), (root / str(TENANT) / "a" / "x").read_bytes()) == (b"mine", b"new")


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = LocalFolders(tmp_path)
    folders.write(TENANT, "a", "x", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FolderUnwritable):
        folders.write(TENANT, "a", "x", b"new")
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"old"]
