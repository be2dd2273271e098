"""Key stores of either sort."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.keys.memory import MemoryKeyStore
from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import KeyStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    made = SqliteKeyStore(tmp_path / "keys")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> Iterator[SqliteKeyStore]:
    made = SqliteKeyStore(folder)
    yield made
    made.close()
