"""Proofs as files: that a log holds an entry, with the checkpoint by which this can be checked (C2SP tlog-proof).

A file says `c2sp.org/tlog-proof@v1`, perhaps `extra`, which nothing vouches for, the entry's index, the hashes of its
proof of inclusion, and after an empty line the signed checkpoint, byte for byte. It is checked offline, with the log's
origin and its verifier keys in hand.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedProof
from domain.audit.notes import MOST_BYTES, Note, VerifierKey, Verify, opened
from domain.audit.paths import ProofVerdict, verify_inclusion
from domain.audit.tree import HASH_BYTES, MOST_LEAVES
from domain.kernel.errors import Refusal

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
"""What the names of such files end in."""

MOST_HASHES: Final = 63
"""So high is a tree of `MOST_LEAVES`."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_INDEX: Final = "index "
_EXTRA: Final = "extra "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """One entry's proof. `checkpoint` is the signed note as it was made; `extra` is None where the file has none."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be read back."""
        if not 0 <= self.index <= MOST_LEAVES:
            raise MalformedProof(f"An entry's index is counted from 0: {self.index}.")
        if len(self.hashes) > MOST_HASHES or any(len(one) != HASH_BYTES for one in self.hashes):
            raise MalformedProof(f"It has at most {MOST_HASHES} hashes, of {HASH_BYTES} bytes each.")

    def to_bytes(self) -> bytes:
        """The file (tlog-proof, Format)."""
        lines = [FIRST_LINE]
        if self.extra is not None:
            lines.append(_EXTRA + _encoded(self.extra))
        lines += [f"{_INDEX}{self.index}", *map(_encoded, self.hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The proof in a file. Its checkpoint is not looked at: see `verified`."""
        if len(data) > 2 * MOST_BYTES:
            raise MalformedProof(f"A proof has at most {2 * MOST_BYTES:,} bytes.")
        head, gap, checkpoint = data.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as fault:
            raise MalformedProof("Above its checkpoint it is ASCII.") from fault
        if first != FIRST_LINE or not gap:
            raise MalformedProof(
                f"It begins with `{FIRST_LINE}`, and an empty line stands before the checkpoint."
            )
        extra = _decoded(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
        index = lines.pop(0).removeprefix(_INDEX) if lines and lines[0].startswith(_INDEX) else ""
        if not _NUMBER.fullmatch(index):
            raise MalformedProof("Before its hashes it says `index`, and a number without leading zeros.")
        return cls(int(index), tuple(map(_decoded, lines)), checkpoint, extra)

    def verified(
        self, leaf: bytes, *, origin: str, keys: Iterable[VerifierKey], verify: Verify
    ) -> ProofVerdict:
        """Whether a log of this origin, by one of its own keys, has the leaf of this hash where the proof says.

        Of witnesses nothing is asked: who wants theirs opens `checkpoint` with their keys too.
        """
        try:
            note = Note.read(self.checkpoint)
            opened(note, keys, verify)
            checkpoint = Checkpoint.read(note.text)
        except Refusal as refusal:
            return ProofVerdict(holds=False, words=refusal.detail)
        if checkpoint.origin != origin:
            return ProofVerdict(
                holds=False, words=f"The checkpoint is of {checkpoint.origin!r}, not of {origin!r}."
            )
        return verify_inclusion(leaf, self.index, checkpoint.size, checkpoint.root, self.hashes)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as fault:
        raise MalformedProof("What follows the index is hashes in base64, a line each.") from fault
    if _encoded(data) != text:
        raise MalformedProof("Its base64 is not as RFC 4648 section 4 writes it.")
    return data
