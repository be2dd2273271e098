"""Progress bars of long work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress


@contextmanager
def bars() -> Iterator[Progress]:
    """Progress on standard error: bars on a terminal, nothing drawn elsewhere.

    They stay as they stood at the end. Standard output is none of theirs: it may be a file, or another program.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    drawn = console.is_terminal
    with Progress(*columns, console=console, redirect_stdout=False, disable=not drawn) as drawing:
        yield drawing
