"""What a bundle is made from: handed in by whoever has the log, so that it is written alike from any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.audit.covering import Spans
from domain.audit.notes import VerifierKey
from domain.audit.origins import LogKind
from domain.audit.tiles import ReadTile


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a filter left out of the positions that were looked at: its name, what it asks for, how many rows."""

    filter: str
    asked: str
    rows: int


@dataclass(frozen=True, slots=True)
class LogPart:
    """What is taken of one log.

    `chosen` are leaves, position - 1. `envelopes` gives the stored bytes of exactly these, in order, anew each time it
    is called. `looked_at` are the positions, first and last, that the question was put to; `hidden` sums to those of
    them that were not chosen. `checkpoint` is the signed note that all is proven against, `older` are notes of the same
    log: of every epoch after the first at least one has to be among them. `splits` are sizes of checkpoints that
    somebody keeps and did not hand in; `proofs` are chosen positions that come with a proof for others' verifiers.
    """

    log: LogKind
    chosen: Spans
    envelopes: Callable[[], Iterable[bytes]]
    read: ReadTile
    checkpoint: bytes
    looked_at: tuple[int, int]
    hidden: Sequence[Hidden] = ()
    older: Sequence[bytes] = ()
    splits: Sequence[int] = ()
    proofs: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A bundle that somebody asked for.

    `question` says in data what was asked: logs, period or positions, subject, campaign, filters. `schema_of` gives the
    JSON Schema of a stored form, or None where only another version of the product knows it. `packs` are law packs as
    they were given, by the name that they are told apart by.
    """

    tenant: UUID
    product: str
    installation: str
    question: Mapping[str, Any]
    parts: Sequence[LogPart]
    keys: Sequence[VerifierKey]
    schema_of: Callable[[str, int], bytes | None]
    packs: Mapping[str, bytes] = field(default_factory=dict)
