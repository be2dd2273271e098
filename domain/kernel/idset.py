"""A set of ids that never changes: adding makes a new set which shares nearly all of the old one.

A list may have a million members, a person thousands of messages, their states are folded a chunk of events at a time,
and old states stay in use (caches, dry runs). Copying the set for each event would cost its whole size; changing it in
place would corrupt the old states. So the set is a tree with 32 branches a node, over the ids' hashes, since those of a
sender may differ in their high bits alone (UUID version 1); a change copies the few nodes on its way: O(ids changed x
log members).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias
from uuid import UUID

from pydantic_core import CoreSchema, core_schema

_BITS: Final = 5
_BRANCHES: Final = 1 << _BITS
_LEAF: Final = 64
_DEPTH: Final = 12
_ID: Final = 16

Node: TypeAlias = "frozenset[UUID] | tuple[Node, ...]"


class IdSet:
    """A set of ids; iteration is in no order."""

    __slots__ = ("_root", "_size")

    def __init__(self, ids: Iterable[UUID] = ()) -> None:
        """Hold `ids`."""
        new = frozenset(ids)
        self._root: Node = _with(frozenset(), new, 0)
        self._size = len(new)

    @classmethod
    def _of(cls, root: Node, size: int) -> IdSet:
        made = cls.__new__(cls)
        made._root, made._size = root, size  # noqa: SLF001 - its own parts, before anybody else sees it
        return made

    def adding(self, ids: Iterable[UUID]) -> IdSet:
        """This set and `ids`."""
        new = frozenset(i for i in ids if i not in self)
        return self._of(_with(self._root, new, 0), self._size + len(new)) if new else self

    def removing(self, ids: Iterable[UUID]) -> IdSet:
        """This set without `ids`."""
        old = frozenset(i for i in ids if i in self)
        return self._of(_without(self._root, old, 0), self._size - len(old)) if old else self

    @classmethod
    def from_text(cls, text: str) -> IdSet:
        """The set that `text()` wrote. Raises `ValueError` for another text."""
        content = b64decode(text, validate=True)
        if len(content) % _ID:
            raise ValueError("no whole number of ids")
        return cls(UUID(bytes=content[at : at + _ID]) for at in range(0, len(content), _ID))

    def text(self) -> str:
        """All ids in base64: what a snapshot keeps, half as long as the ids written out."""
        return b64encode(b"".join(sorted(i.bytes for i in self))).decode()

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        """As `text` in JSON."""
        return core_schema.no_info_after_validator_function(
            cls.from_text,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.text),
        )

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, UUID):
            return False
        node, depth = self._root, 0
        while isinstance(node, tuple):
            node, depth = node[_branch(item, depth)], depth + 1
        return item in node

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[UUID]:
        return _ids(self._root)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IdSet):
            return NotImplemented
        return self._size == other._size and all(i in other for i in self)

    def __hash__(self) -> int:
        return hash(frozenset(self))

    def __repr__(self) -> str:
        return f"IdSet({self._size} ids)"


def _branch(item: UUID, depth: int) -> int:
    return hash(item) >> (_BITS * depth) & (_BRANCHES - 1)


def _spread(ids: Iterable[UUID], depth: int) -> dict[int, set[UUID]]:
    groups: dict[int, set[UUID]] = {}
    for item in ids:
        groups.setdefault(_branch(item, depth), set()).add(item)
    return groups


def _with(node: Node, ids: frozenset[UUID], depth: int) -> Node:
    if isinstance(node, frozenset):
        merged = node | ids
        if len(merged) <= _LEAF or depth == _DEPTH:
            return merged
        node, ids = (frozenset(),) * _BRANCHES, merged
    children = list(node)
    for branch, group in _spread(ids, depth).items():
        children[branch] = _with(children[branch], frozenset(group), depth + 1)
    return tuple(children)


def _without(node: Node, ids: frozenset[UUID], depth: int) -> Node:
    if isinstance(node, frozenset):
        return node - ids
    children = list(node)
    for branch, group in _spread(ids, depth).items():
        children[branch] = _without(children[branch], frozenset(group), depth + 1)
    return tuple(children)


def _ids(node: Node) -> Iterator[UUID]:
    if isinstance(node, frozenset):
        yield from node
    else:
        for child in node:
            yield from _ids(child)
