"""The data folder, where it is made."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FolderUnusable(CannotRun):
    """The data folder is none and cannot be made; the message says why and what to do."""


@contextmanager
def made(root: Path) -> Iterator[None]:
    """Say what is wrong with a data folder that the block cannot make. Raises `FolderUnusable`."""
    if root.exists() and not root.is_dir():
        raise FolderUnusable(f"{root} is not a folder. Name another with --data or PENGUINMAILS_DATA.")
    try:
        yield
    except PermissionError:
        raise  # it names the file in question, which may lie deep in a folder that is there
    except OSError as error:
        raise FolderUnusable(
            f"The data folder {root} cannot be made: {error.strerror}. "
            "Name another with --data or PENGUINMAILS_DATA."
        ) from None
