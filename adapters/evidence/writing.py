"""Bundles are written in one go: in whatever order they are read, in bounded memory, always the same bytes.

Nothing is asked of a clock, of chance or of the machine. Whoever lost the connection asks again and lets `from_byte`
leave out what they have: everything is read and hashed once more, which costs what the first time cost, and nothing has
to be kept between.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import orjson

from adapters.evidence import format as named
from adapters.evidence.packing import Packing
from adapters.evidence.report import Seen, report
from adapters.evidence.source import Asked, LogPart
from domain.audit.checkpoints import Checkpoint
from domain.audit.covering import left_out
from domain.audit.errors import OutsideTheTree
from domain.audit.notes import Note
from domain.audit.paths import inclusion_proof
from domain.audit.proofs import TlogProof
from domain.audit.tiles import WIDTH, ReadTile, Tile, nodes_from, width_at
from domain.audit.tree import HASH_BYTES

_CHUNK: Final = 256 * 1024
_TILES_KEPT: Final = 64
"""Of those around a gap; each has 8 KiB at most."""


class LogIncomplete(Exception):
    """The log did not give the events that the bundle is to hold: `audit fsck` tells what it lacks."""


def bundle(asked: Asked) -> Iterator[bytes]:
    """The bundle's bytes, in chunks. Raises `LogIncomplete` where the log does not give what was chosen.

    Raises `ValueError` where what is hidden does not make up for what was not chosen.
    """
    for part in asked.parts:
        _check(part)
    packing, seen = Packing(), Seen()
    heads: dict[str, Checkpoint] = {part.log: _checkpoint(part.checkpoint) for part in asked.parts}
    for part in asked.parts:
        head = heads[part.log]
        older = {(one.epoch or 0, one.size): note for note in part.older for one in (_checkpoint(note),)}
        folder = f"{part.log}/"
        yield from packing.member(folder + named.EVENTS, _gathered(_lines(part, seen)))
        yield from packing.member(folder + named.LEAVES, _gathered(_leaves(part, head)))
        splits = [size for size in (*(size for _, size in older), *part.splits) if size <= head.size]
        yield from packing.member(folder + named.GAPS, _gathered(_gaps(part, head, splits)))
        yield from packing.member(folder + named.CHECKPOINT, [part.checkpoint])
        for (epoch, size), note in sorted(older.items()):
            yield from packing.member(named.checkpoint_name(part.log, epoch, size), [note])
        for position in part.proofs:
            yield from packing.member(named.proof_name(part.log, position), [_proof(part, head, position)])
    unknown: list[str] = []
    for name, version in sorted(seen.shapes):
        schema = asked.schema_of(name, version)
        if schema is None:
            unknown.append(f"{name}@{version}")
        else:
            yield from packing.member(named.schema_name(name, version), [schema])
    for name, pack in sorted(asked.packs.items()):
        yield from packing.member(named.PACKS + name, [pack])
    keys = "".join(f"{key}\n" for key in asked.keys)
    yield from packing.member(named.KEYS, [keys.encode()])
    yield from packing.member(named.COMPLETENESS, [_document(_completeness(asked, heads))])
    yield from packing.member(named.REPORT, _gathered(report(asked, heads, seen)))
    manifest = {
        "format": named.FORMAT,
        "product": asked.product,
        "installation": asked.installation,
        "tenant": str(asked.tenant),
        "logs": [part.log for part in asked.parts],
        "asked": asked.question,
        "schemas_unknown": unknown,
        "files": [member._asdict() for member in packing.members],
    }
    yield from packing.member(named.MANIFEST, [_document(manifest)])
    yield from packing.end()


def from_byte(start: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes without the first `start`."""
    for chunk in chunks:
        if start < len(chunk):
            yield chunk[start:]
        start = max(0, start - len(chunk))


def _check(part: LogPart) -> None:
    first, last = part.looked_at
    inside = all(first <= one.first + 1 and one.end <= last for one in part.chosen)
    if not inside or part.chosen.count + sum(one.rows for one in part.hidden) != max(0, last - first + 1):
        raise ValueError(f"What was chosen and what was hidden do not make up positions {first} to {last}.")


def _lines(part: LogPart, seen: Seen) -> Iterator[bytes]:
    positions = (leaf + 1 for first, end in part.chosen for leaf in range(first, end))
    for position, envelope in itertools.zip_longest(positions, part.envelopes()):
        try:
            event = None if envelope is None or b"\n" in envelope else orjson.loads(envelope)
        except orjson.JSONDecodeError:
            event = None
        if envelope is None or event is None or event["position"] != position:
            there = (
                "nothing"
                if envelope is None
                else "no event"
                if event is None
                else f"position {event['position']}"
            )
            raise LogIncomplete(f"The log {part.log} gives {there} where position {position} was chosen.")
        seen.take(part.log, event)
        yield envelope + b"\n"


def _leaves(part: LogPart, head: Checkpoint) -> Iterator[bytes]:
    for first, end in part.chosen:
        if end > head.size:
            raise OutsideTheTree(f"The checkpoint of {part.log} covers {head.size} positions, not {end}.")
        at = first
        while at < end:
            index, offset = divmod(at, WIDTH)
            tile = part.read(Tile(0, index, width_at(0, index, head.size)))
            until = min(end, (index + 1) * WIDTH)
            yield tile[offset * HASH_BYTES : (offset + until - at) * HASH_BYTES]
            at = until


def _gaps(part: LogPart, head: Checkpoint, splits: list[int]) -> Iterator[bytes]:
    read: ReadTile = lru_cache(_TILES_KEPT)(part.read)
    node = nodes_from(read, head.size)
    for level, index in left_out(part.chosen, head.size, splits):
        hashed = base64.b64encode(node(level, index))
        first, last = (index << level) + 1, (index + 1) << level
        yield b'{"first":%d,"last":%d,"hash":"%b"}\n' % (first, last, hashed)


def _proof(part: LogPart, head: Checkpoint, position: int) -> bytes:
    hashes = inclusion_proof(position - 1, head.size, nodes_from(part.read, head.size))
    return TlogProof(position - 1, hashes, part.checkpoint).to_bytes()


def _completeness(asked: Asked, heads: dict[str, Checkpoint]) -> dict[str, Any]:
    """The certificate: what was looked at, what is here, what was hidden, and how this is checked."""
    logs = {
        part.log: {
            "positions": {"first": part.looked_at[0], "last": part.looked_at[1]},
            "rows": part.chosen.count,
            "hidden": [{"filter": one.filter, "asked": one.asked, "rows": one.rows} for one in part.hidden],
            "checkpoint": {
                "origin": heads[part.log].origin,
                "size": heads[part.log].size,
                "root": base64.b64encode(heads[part.log].root).decode(),
            },
        }
        for part in asked.parts
    }
    return {
        "logs": logs,
        "asked": asked.question,
        "verify": "penguinmails audit verify BUNDLE --key VERIFIER_KEY --checkpoint OLDER_CHECKPOINT",
    }


def _checkpoint(note: bytes) -> Checkpoint:
    return Checkpoint.read(Note.read(note).text)


def _document(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n").encode()


def _gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks worth sending on."""
    held, size = list[bytes](), 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
