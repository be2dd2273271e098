"""Work beside the loop: what takes long and needs nothing but its own arguments, such as reading a whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Work(Protocol[T_co]):
    """Something to be done that gives results one after the other; it, and they, can be pickled."""

    def __call__(self) -> Iterator[T_co]:
        """Do it."""


class WorkerLost(Exception):
    """The process that did the work is gone: killed, or out of memory. Nothing of it is kept; do it again."""


class Aside(Protocol):
    """Does work where it does not hold the loop up."""

    def stream(self, work: Work[T], *, large: bool) -> AsyncGenerator[T, None]:
        """The results as they come, a few ahead of their reader at most; close it to stop the work.

        What the work raises is raised here. `large`: worth a process of its own. Raises `WorkerLost`.
        """
