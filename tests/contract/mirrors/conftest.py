"""Places: in memory, in folders, and in a bucket of a server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.folders.local import LocalFolders
from adapters.mirrors.bucket import BucketMirrors
from adapters.mirrors.folder import FolderMirrors
from adapters.mirrors.memory import MemoryMirrors
from application.ports.mirrors import Mirrors
from tests.support.buckets import BucketServer, bucket_server


@pytest.fixture(scope="session")
def server() -> Iterator[BucketServer]:
    with bucket_server() as made:
        yield made


@pytest.fixture(params=["memory", "folder", "bucket"])
def mirrors(request: pytest.FixtureRequest, tmp_path: Path) -> Mirrors:
    """Each of them."""
    if request.param == "memory":
        return MemoryMirrors()
    if request.param == "folder":
        return FolderMirrors(LocalFolders(tmp_path))
    server: BucketServer = request.getfixturevalue("server")
    return BucketMirrors({"archive": server.bucket()})
