"""What is refused of trees, notes and proofs: each says which part is wrong."""

from __future__ import annotations

from domain.kernel.errors import NotFound, Refusal, RefusalKind


class MalformedHash(Refusal):
    """A hash of a tree has 32 bytes. Give each as SHA-256 made it."""

    code = "tree-hash-malformed"
    kind = RefusalKind.INVALID


class MalformedFrontier(Refusal):
    """A frontier holds one hash for each complete subtree of its size. Read it again from where it is kept."""

    code = "frontier-malformed"
    kind = RefusalKind.INVALID


class OutsideTheTree(Refusal):
    """A tree proves its own leaves, and trees before it. Ask with a leaf below the size, and sizes in order."""

    code = "outside-the-tree"
    kind = RefusalKind.INVALID


class MalformedCover(Refusal):
    """Leaves and complete subtrees cover a tree once, in order, from its first leaf to its last. Make them again."""

    code = "tree-cover-malformed"
    kind = RefusalKind.INVALID


class MalformedNote(Refusal):
    """The bytes are no signed note (C2SP signed-note). Give the note as it was signed, byte for byte."""

    code = "note-malformed"
    kind = RefusalKind.INVALID


class MalformedVerifierKey(Refusal):
    """The text is no verifier key: name, key id and key, with plus signs between. Copy the whole line."""

    code = "verifier-key-malformed"
    kind = RefusalKind.INVALID


class VerifierKeysCollide(Refusal):
    """Two keys share name and key id, so a signature could be meant for either. Leave one of them out."""

    code = "verifier-keys-collide"
    kind = RefusalKind.INVALID


class NoteNotSigned(Refusal):
    """No key that is trusted signed the note. Give the verifier key of whoever signed, if you trust it."""

    code = "note-not-signed"
    kind = RefusalKind.INVALID


class WrongSignature(Refusal):
    """A trusted key is named beside a signature that it did not make. The note was altered: trust none of it."""

    code = "note-signature-wrong"
    kind = RefusalKind.INVALID


class MalformedCheckpoint(Refusal):
    """The text is no checkpoint (C2SP tlog-checkpoint): origin, size, root, then extensions, a line each."""

    code = "checkpoint-malformed"
    kind = RefusalKind.INVALID


class ForeignCheckpoint(Refusal):
    """The checkpoint is of another tenant's log, or of another of the logs. Give one that was got for this log."""

    code = "checkpoint-foreign"
    kind = RefusalKind.INVALID


class LongerCheckpoint(Refusal):
    """The checkpoint is of more events than are signed now. Keep it: events that it covered are not there."""

    code = "checkpoint-longer"


class TwoRoots(Refusal):
    """Two checkpoints give one log of one size two roots, so its history was changed. Keep both as evidence."""

    code = "checkpoints-contradict"


class MalformedProof(Refusal):
    """The bytes are no proof of inclusion (C2SP tlog-proof). Give the file as it was handed out."""

    code = "tlog-proof-malformed"
    kind = RefusalKind.INVALID


class LogNotWhole(Refusal):
    """The log is not what was signed of it: something is missing, or altered. `penguinmails audit fsck` tells what."""

    code = "log-not-whole"


class ForeignTilePath(NotFound):
    """No tile has such a path (C2SP tlog-tiles). Ask as in `tile/0/x001/067` or `tile/entries/000.p/3`."""

    code = "tile-path-foreign"


class MalformedTile(Refusal):
    """A tile holds as many hashes as it is wide, a bundle as many entries. Fetch it again."""

    code = "tile-malformed"
    kind = RefusalKind.INVALID


class EntryTooLong(Refusal):
    """An entry of a bundle has at most 65,535 bytes. Give the digest of what is longer."""

    code = "tile-entry-too-long"
    kind = RefusalKind.INVALID


class MalformedAddCheckpoint(Refusal):
    """The bytes are no request to a witness (C2SP tlog-witness): old size, proof, empty line, signed checkpoint."""

    code = "add-checkpoint-malformed"
    kind = RefusalKind.INVALID


class MalformedQuorum(Refusal):
    """A quorum names witnesses, each with a key of its own, and no more of them than there are. Count them again."""

    code = "quorum-malformed"
    kind = RefusalKind.INVALID
