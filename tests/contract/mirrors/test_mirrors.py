"""What every place of checkpoints does alike, whether it is memory, a folder or a bucket."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from adapters.folders.local import LocalFolders
from adapters.mirrors.bucket import BucketMirrors
from adapters.mirrors.folder import FolderMirrors
from adapters.mirrors.memory import MemoryMirrors
from adapters.mirrors.places import PlacedMirrors
from adapters.mirrors.settings import BucketSettings, BucketsMisconfigured, read_buckets
from application.ports.mirrors import HoldsAnother, Mirrors, Place, PlaceTrouble, PlaceUnusable
from tests.support.buckets import KEY, SECRET, BucketServer

HERE = Place(UUID(int=7), "ledger/outside", "archive")
TILE = "events/tile/0/x001/067.p/3"


def test_what_is_not_there_is_none(mirrors: Mirrors) -> None:
    assert mirrors.read(HERE, "events/checkpoint") is None
    mirrors.replace(HERE, "events/checkpoint", b"one")
    assert mirrors.read(HERE, "events/checkpoints") is None
    assert mirrors.read(HERE._replace(tenant_id=UUID(int=8)), "events/checkpoint") is None
    assert mirrors.read(HERE._replace(folder="ledger"), "events/checkpoint") is None


def test_a_checkpoint_is_replaced_and_a_tile_never(mirrors: Mirrors) -> None:
    for content in (b"one", b"two", b""):
        mirrors.replace(HERE, "events/checkpoint", content)
        assert mirrors.read(HERE, "events/checkpoint") == content
    mirrors.create(HERE, TILE, b"hashes")
    mirrors.create(HERE, TILE, b"hashes")
    with pytest.raises(HoldsAnother) as other:
        mirrors.create(HERE, TILE, b"others")
    assert other.value.path == TILE
    assert mirrors.read(HERE, TILE) == b"hashes"


def test_of_many_who_create_at_once_one_does(mirrors: Mirrors) -> None:
    contents = [bytes([n]) * 8_192 for n in range(6)]

    def create(content: bytes) -> bool:
        try:
            mirrors.create(HERE, TILE, content)
        except HoldsAnother:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(create, contents))
    assert sum(made) == 1
    assert mirrors.read(HERE, TILE) == contents[made.index(True)]


def test_a_file_system_without_links_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    monkeypatch.setattr(os, "link", none)
    folder, place = FolderMirrors(LocalFolders(tmp_path)), HERE._replace(bucket=None)
    for _ in range(2):
        folder.create(place, TILE, b"hashes")
    with pytest.raises(HoldsAnother):
        folder.create(place, TILE, b"others")
    assert folder.read(place, TILE) == b"hashes"
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["3"]


def test_a_folder_holds_whole_files_and_no_link_leads_out(tmp_path: Path) -> None:
    folder, root = FolderMirrors(LocalFolders(tmp_path / "root")), tmp_path / "root"
    place = HERE._replace(bucket=None)
    folder.create(place, TILE, b"hashes")
    tenant = root / str(place.tenant_id)
    assert [one.name for one in tenant.rglob("*") if one.is_file()] == ["3"]
    assert (tenant / "ledger/outside" / TILE).stat().st_mode & 0o777 == 0o640
    (tmp_path / "secret").write_bytes(b"secret")
    (tenant / "ledger/outside/events/checkpoint").symlink_to(tmp_path / "secret")
    for where, path in (
        (place, "events/checkpoint"),
        (place, f"../{TILE}"),
        (place._replace(folder=".."), "x"),
        (place, "events/tile"),
    ):
        with pytest.raises(PlaceUnusable) as refused:
            folder.read(where, path)
        assert refused.value.trouble is PlaceTrouble.DENIED


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"bucket": "nobody-made-it"}, PlaceTrouble.DENIED),
        ({"endpoint": "http://127.0.0.1:9"}, PlaceTrouble.UNREACHABLE),
    ],
)
def test_a_bucket_that_cannot_be_used_says_why_in_a_word(
    server: BucketServer, change: dict[str, str], trouble: PlaceTrouble
) -> None:
    mirrors = BucketMirrors({"archive": server.bucket().model_copy(update=change)})
    with pytest.raises(PlaceUnusable) as refused:
        mirrors.replace(HERE, "events/checkpoint", b"one")
    assert refused.value.trouble is trouble
    assert refused.value.__cause__ is None


def test_objects_lie_below_prefix_tenant_and_folder(server: BucketServer) -> None:
    settings = server.bucket(prefix="penguin/ledger")
    BucketMirrors({"archive": settings}).create(HERE, TILE, b"hashes")
    assert server.objects(settings.bucket) == {
        f"penguin/ledger/{HERE.tenant_id}/ledger/outside/{TILE}": b"hashes"
    }


def test_a_place_is_in_the_bucket_that_it_names_or_in_a_folder() -> None:
    folders, buckets = MemoryMirrors(), MemoryMirrors()
    both, none = PlacedMirrors(folders, buckets), PlacedMirrors(folders, None)
    both.create(HERE, TILE, b"1")
    none.replace(HERE._replace(bucket=None), TILE, b"2")
    assert (list(buckets.files.values()), list(folders.files.values())) == ([b"1"], [b"2"])
    for mirrors in (none, BucketMirrors({})):
        with pytest.raises(PlaceUnusable) as refused:
            mirrors.read(HERE, TILE)
        assert refused.value.trouble is PlaceTrouble.NOT_SET_UP


def test_settings_of_buckets_come_from_a_file_of_their_owner_alone_and_keys_are_never_said(
    tmp_path: Path, server: BucketServer
) -> None:
    assert read_buckets(tmp_path, None) == {}
    file, made = tmp_path / "buckets.json", server.bucket()
    file.write_text(
        f'{{"archive": {{"bucket": "{made.bucket}", "access_key_id": "{KEY}", "secret_access_key": "{SECRET}"}}}}'
    )
    file.chmod(0o644)
    with pytest.raises(BucketsMisconfigured, match="chmod 600"):
        read_buckets(tmp_path, None)
    file.chmod(0o600)
    (found,) = read_buckets(tmp_path, None).values()
    assert found.secret_access_key.get_secret_value() == SECRET
    assert SECRET not in repr(found)
    keys = f'"access_key_id": "{KEY}", "secret_access_key": "{SECRET}"'
    for wrong, named in (
        ("{", "Invalid JSON"),
        ('{"archive": {}}', "/archive/bucket"),
        (f'{{"a": {{"bucket": "abc", {keys}, "x": 1}}}}', "/a/x"),
        (f'{{"a": {{"bucket": "abc", "endpoint": "http://far.example", {keys}}}}}', "/a/endpoint"),
    ):
        with pytest.raises(BucketsMisconfigured) as refused:
            read_buckets(tmp_path, wrong)
        assert named in str(refused.value)
        assert SECRET not in str(refused.value)
    assert BucketSettings.model_fields["secret_access_key"].is_required()
