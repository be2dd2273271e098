"""Logs in memory, and bundles of them: envelopes, tiles, signed checkpoints, as an installation has them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from adapters.evidence.packing import Packing
from adapters.evidence.source import Asked, Hidden, LogPart
from adapters.evidence.verifying import Kept
from adapters.evidence.writing import bundle
from adapters.keys.ed25519 import public_key, signer
from domain.audit.checkpoints import Checkpoint
from domain.audit.covering import Spans
from domain.audit.notes import Note, SignatureType, VerifierKey, signed
from domain.audit.origins import LogKind, Origin
from domain.audit.tiles import Tile, tiles_changed, tiles_grown
from domain.audit.tree import Frontier, leaves_of

TENANT: Final = UUID("0198c0de-0000-7000-8000-000000000001")
OTHER: Final = UUID("0198c0de-0000-7000-8000-000000000002")
INSTALLATION: Final = "mail.example"
SEED: Final = bytes(range(32))
KEY: Final = VerifierKey(INSTALLATION, SignatureType.ED25519, public_key(SEED))
_NAMES: Final = ("audience.contact_created", "audience.contact_changed", "billing.subscription_paused")
_DAY: Final = 7


def envelope(position: int, tenant: UUID = TENANT, text: str = "") -> bytes:
    """An event's envelope as docs/envelope.md tells it; `text` is what somebody wrote."""
    sealed = {
        "c": "AAECAwQFBgcICQoL",
        "h": "r7qi5cbzhWUDxrjZGXSUt9DU3gnxJ5egho878onFROc=",
        "s": str(OTHER),
        "~": "profile",
    }
    actor = {"grant": None, "id": str(OTHER), "kind": "member", "member": None}
    event = {
        "metadata": {
            "actor": actor,
            "channel": "api",
            "command_name": "CreateContact",
            "ip": None,
            "reason": None,
        },
        "name": _NAMES[position % len(_NAMES)],
        "payload": {"country": "NL", "first_name": sealed, "note": text or f"number {position}"},
        "position": position,
        "recorded_at": f"2026-11-{1 + position // 100 % 28:02d}T{position % 100 // 5:02d}:00:00.{position:06d}Z",
        "schema_version": 1,
        "stream": f"contact:{position % 5}",
        "tenant": str(tenant),
        "version": position,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


class Log:
    """One log as it is kept: the envelopes, and the tree made of them when they came."""

    def __init__(
        self, envelopes: Sequence[bytes], log: LogKind = LogKind.EVENTS, tenant: UUID = TENANT
    ) -> None:
        """Take the envelopes in, and make the tiles of each size anew where they are asked for."""
        self.envelopes, self.log, self.tenant = list(envelopes), log, tenant
        self.leaves = leaves_of(envelopes)
        self.tiles: dict[Tile, bytes] = {}

    def read(self, tile: Tile) -> bytes:
        """A tile, cut from the widest there is."""
        if not self.tiles:
            self.tiles = dict(tiles_grown(0, Frontier().adding(self.leaves), lambda _: b""))
        wide = next(one for one in self.tiles if (one.level, one.index) == (tile.level, tile.index))
        return self.tiles[wide][: tile.width * 32]

    def checkpoint(
        self, size: int | None = None, epoch: int = 1, kept: int | None = None, seed: bytes = SEED
    ) -> bytes:
        """The signed checkpoint of the first `size` leaves."""
        number = len(self.leaves) if size is None else size
        origin = str(Origin(INSTALLATION, self.tenant, self.log, epoch))
        root = Frontier().adding(self.leaves[:number]).frontier.root
        text = Checkpoint.of(origin, number, root, epoch=epoch, kept=kept).text
        key = VerifierKey(origin, SignatureType.ED25519, public_key(seed))
        return Note(text).with_signature(signed(text, key, signer(seed))).to_bytes()

    def part(
        self, positions: Iterable[int] | None = None, older: Sequence[bytes] = (), **other: Any
    ) -> LogPart:
        """What a bundle takes of it: all, or these positions."""
        chosen = Spans.of(range(len(self.leaves)) if positions is None else (one - 1 for one in positions))

        def envelopes() -> Iterable[bytes]:
            return (self.envelopes[leaf] for first, end in chosen for leaf in range(first, end))

        left = len(self.leaves) - chosen.count
        hidden = [Hidden("stream", "contact:1", left)] if left else []
        looked_at = (1, len(self.leaves))
        made = LogPart(self.log, chosen, envelopes, self.read, self.checkpoint(), looked_at, hidden, older)
        return replace(made, **other)


def log_of(size: int, log: LogKind = LogKind.EVENTS) -> Log:
    """A log of so many events."""
    return Log([envelope(position) for position in range(1, size + 1)], log)


def asked(*parts: LogPart, **other: Any) -> Asked:
    """A bundle of these parts."""
    made = Asked(TENANT, "0.1.0", INSTALLATION, {"logs": [part.log for part in parts]}, parts, [KEY], schema)
    return replace(made, **other)


def schema(name: str, version: int) -> bytes | None:
    """A schema of any event but one."""
    return None if name == _NAMES[-1] else json.dumps({"title": f"{name} {version}"}).encode()


def written(*parts: LogPart, **other: Any) -> bytes:
    """The bundle of these parts."""
    return b"".join(bundle(asked(*parts, **other)))


def opened(data: bytes) -> io.BytesIO:
    """A bundle as a verifier is given it."""
    return io.BytesIO(data)


def contents(data: bytes) -> dict[str, bytes]:
    """The files of a bundle."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes], *, listed: bool = True) -> bytes:
    """A bundle of these files, packed as the product does; `listed`: its manifest tells of them as they are now."""
    packing, made = Packing(), bytearray()
    for name, content in files.items():
        now = content
        if name == "manifest.json" and listed:
            told = json.loads(content) | {"files": [one._asdict() for one in packing.members]}
            now = json.dumps(told).encode()
        made += b"".join(packing.member(name, [now]))
    return bytes(made) + b"".join(packing.end())


def changed(data: bytes, *, listed: bool = True, **files: Callable[[bytes], bytes] | None) -> bytes:
    """A bundle with some files as these functions make them; None takes one out. `a__b` is the file a/b."""
    found = contents(data)
    for name, change in files.items():
        full = next(one for one in found if one.replace("/", "__").replace(".", "_") == name)
        if change is None:
            del found[full]
        else:
            found[full] = change(found[full])
    return packed(found, listed=listed)


def mirrored(log: Log, size: int, folder: Path) -> Kept:
    """A checkpoint of a log in a folder, with its tiles beside it as they are served."""
    for tile in tiles_changed(0, size):
        if not tile.level:
            place = folder / tile.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(log.read(tile))
    return Kept("kept", log.checkpoint(size), folder)
