"""What killed uploads leave goes while the worker runs: the half file after a day, the key a week later."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from adapters.blobs.local import LocalBlobs
from adapters.keys.memory import MemoryKeyStore
from application.ports.blobs import BlobMissing
from application.ports.keys import KeysUnavailable, SubjectKey
from application.sweeping import sweep_regularly
from domain.kernel.personal import KeyKind

TENANT, KILLED, KEPT, NEW = (UUID(int=n) for n in range(1, 5))
NOW = datetime.now(UTC)


class Installation:
    """Blobs, and somebody who sweeps them at moments of the test's choice."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder, MemoryKeyStore()
        self.blobs = LocalBlobs(folder, self.keys)

    def upload_and_kill(self, owner: UUID) -> None:
        """What is there when the process ends in the midst of it: nobody tidies up."""
        self.blobs._writer(TENANT, owner, "file")._file.close()

    def found(self, pattern: str) -> list[Path]:
        return list(self.folder.glob(pattern))

    async def sweep(self, after: timedelta) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(sweep_regularly(self.blobs, lambda: NOW + after, stop, every=0.001))
        await asyncio.sleep(0.05)
        stop.set()
        await running

    def parts(self) -> int:
        return len(self.found("*/*/*.part"))

    def has_key(self, owner: UUID) -> bool:
        return bool(self.keys.find([(TENANT, str(owner), KeyKind.PROFILE)]))


async def test_what_a_killed_upload_left_goes_and_at_last_its_key(tmp_path: Path) -> None:
    there = Installation(tmp_path)
    there.upload_and_kill(KILLED)
    there.blobs.write(TENANT, KEPT, "file", [b"kept"])
    there.upload_and_kill(KEPT)
    await there.sweep(timedelta(hours=23))
    assert there.parts() == 2
    await there.sweep(timedelta(hours=25))
    assert there.parts() == 0
    await there.sweep(timedelta(days=6))
    assert there.has_key(KILLED), "it may be sent again under its key"
    await there.sweep(timedelta(days=8))
    assert not there.has_key(KILLED)
    assert {path.name for path in there.found("*/*")} == {str(KEPT)}
    assert b"".join(there.blobs.read(TENANT, KEPT, "file")) == b"kept"
    with pytest.raises(BlobMissing):
        there.blobs.write(TENANT, KILLED, "file", [b"late"])


async def test_an_object_that_something_came_to_lately_keeps_its_key(tmp_path: Path) -> None:
    there = Installation(tmp_path)
    there.upload_and_kill(NEW)
    (part,) = there.found("*/*/*.part")
    long_ago = (NOW - timedelta(days=30)).timestamp()
    os.utime(part, (long_ago, long_ago))
    os.utime(part.parent, (long_ago, long_ago))
    await there.sweep(timedelta(0))
    assert (there.parts(), there.has_key(NEW)) == (0, True), "the file went just now, its key a week later"
    there.blobs.write(TENANT, NEW, "file", [b"sent again"])
    os.utime(part.parent, (long_ago, long_ago))
    await there.sweep(timedelta(days=30))
    assert there.has_key(NEW)


async def test_a_key_store_that_fails_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Installation(tmp_path)
    there.upload_and_kill(KILLED)
    destroy, fails = there.keys.destroy, iter([True, False])

    def failing(keys: Iterable[SubjectKey]) -> int:
        if next(fails, False):
            raise KeysUnavailable
        return destroy(keys)

    monkeypatch.setattr(there.keys, "destroy", failing)
    await there.sweep(timedelta(days=9))
    assert not there.has_key(KILLED)
