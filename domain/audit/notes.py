"""Signed notes: text, and who signed it (C2SP signed-note; cosignatures: C2SP tlog-cosignature).

A note is its text, an empty line, and a line for each signature. A signature names its key by name and by four bytes of
a hash; what no trusted key made is ignored, and what a trusted key is said to have made must be right. Two of the types
that the specifications assign are known here, both Ed25519: of the text itself, and of the text with a moment, by which
a witness says when it saw this. Signing and verifying come in as callables, so that this module is pure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple, Self

from domain.audit.errors import (
    MalformedNote,
    MalformedVerifierKey,
    NoteNotSigned,
    VerifierKeysCollide,
    WrongSignature,
)

MOST_SIGNATURES: Final = 64
"""Four times what every verifier must accept (signed-note, Format)."""

MOST_BYTES: Final = 1_000_000
"""A note that anyone may hand in is read whole before it is judged, so it ends somewhere."""

LATEST: Final = 2**63 - 1
"""The last second a cosignature may name (tlog-cosignature, Format)."""

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_MOMENT_BYTES: Final = 8
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_FOREIGN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
"""Control characters but the newline, and what no UTF-8 says (half of a pair, as of odd bytes on a command line)."""

_VERIFIER_KEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_BEGINNING: Final = "— "

Sign = Callable[[bytes], bytes]
"""Signs a message by Ed25519 (RFC 8032): 64 bytes."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""Whether this public key (32 bytes) made for this message this signature (64 bytes, else it did not; RFC 8032)."""


class SignatureType(IntEnum):
    """What is signed, and how (signed-note, Signature types)."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


class Signature(NamedTuple):
    """One signature line: the key's name and id, and what it made."""

    name: str
    key_id: bytes
    made: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures are looked for: a name, a type and a public key (signed-note, Verifier keys)."""

    name: str
    type: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot stand in a signature line."""
        if not is_key_name(self.name):
            raise MalformedVerifierKey(f"A key's name has letters, and no space or plus sign: {self.name!r}.")
        if len(self.public_key) != _KEY_BYTES:
            raise MalformedVerifierKey(f"An Ed25519 key has {_KEY_BYTES} bytes, not {len(self.public_key)}.")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || key) (signed-note, Signatures)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """The text that others are given: `<name>+<key id>+<type and key>`."""
        key = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The key that a text names. Its id must be that of its key, and its type one of `SignatureType`."""
        parts = _VERIFIER_KEY.fullmatch(text)
        decoded = None if parts is None else _decoded(parts[3])
        if parts is None or not decoded:
            raise MalformedVerifierKey
        if decoded[0] not in set(SignatureType):
            raise MalformedVerifierKey(f"Its type is {decoded[0]:#04x}; 0x01 and 0x04 can be verified here.")
        key = cls(parts[1], SignatureType(decoded[0]), decoded[1:])
        if key.key_id.hex() != parts[2]:
            raise MalformedVerifierKey(
                f"Its id is {parts[2]}, and that of its name and key {key.key_id.hex()}."
            )
        return key


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures. That it could be read says nothing of whether it is true: see `opened`."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would be read otherwise than it was written."""
        if not self.text.endswith("\n") or _FOREIGN.search(self.text):
            raise MalformedNote(
                "A note's text ends in a newline, is UTF-8, and has no other control characters."
            )
        if len(self.signatures) > MOST_SIGNATURES:
            raise MalformedNote(f"A note has at most {MOST_SIGNATURES} signatures.")
        for name, key_id, made in self.signatures:
            if not is_key_name(name) or len(key_id) != _ID_BYTES or not made:
                raise MalformedNote(f"A signature names its key by name and four bytes: {name!r}.")

    def to_bytes(self) -> bytes:
        """The note as it is sent and stored."""
        lines = (f"{_BEGINNING}{name} {_encoded(key_id + made)}\n" for name, key_id, made in self.signatures)
        return f"{self.text}\n{''.join(lines)}".encode()

    def with_signature(self, signature: Signature) -> Self:
        """The note with one more signature; the same one twice is kept once."""
        rest = tuple(one for one in self.signatures if one != signature)
        return type(self)(self.text, (*rest, signature))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The note in these bytes (signed-note, Format)."""
        if len(data) > MOST_BYTES:
            raise MalformedNote(f"A note has at most {MOST_BYTES:,} bytes.")
        try:
            whole = data.decode()
        except UnicodeDecodeError as fault:
            raise MalformedNote("A note is UTF-8.") from fault
        body, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise MalformedNote("An empty line stands before the signatures, and a newline ends the last.")
        signatures = tuple(read_signature(line) for line in lines[:-1].split("\n"))
        return cls(body + "\n", signatures)


def read_signature(line: str) -> Signature:
    """The signature on one line, without its newline; a witness answers with such lines (tlog-witness)."""
    name, _, encoded = line.removeprefix(_BEGINNING).partition(" ")
    made = _decoded(encoded)
    if not line.startswith(_BEGINNING) or not is_key_name(name) or made is None or len(made) <= _ID_BYTES:
        raise MalformedNote(
            "A signature's line is a dash, the key's name, and base64 of its id and signature."
        )
    return Signature(name, made[:_ID_BYTES], made[_ID_BYTES:])


def signed(text: str, key: VerifierKey, sign: Sign) -> Signature:
    """The signature of a text by its Ed25519 key (signed-note, Ed25519 signatures)."""
    if key.type is not SignatureType.ED25519:
        raise MalformedVerifierKey("A text alone is signed by a key of type 0x01.")
    return Signature(key.name, key.key_id, sign(text.encode()))


def cosigned(text: str, key: VerifierKey, sign: Sign, *, at: int) -> Signature:
    """A witness's signature of a checkpoint that it saw at this POSIX second (tlog-cosignature, Format)."""
    if key.type is not SignatureType.COSIGNATURE:
        raise MalformedVerifierKey("A text with a moment is signed by a key of type 0x04.")
    if not 0 <= at <= LATEST:
        raise MalformedNote(f"A cosignature's moment is a POSIX timestamp, not {at}.")
    return Signature(key.name, key.key_id, at.to_bytes(_MOMENT_BYTES) + sign(_cosigned_message(text, at)))


class Verified(NamedTuple):
    """A signature that its key did make; `at` is the POSIX second that a cosignature names."""

    key: VerifierKey
    at: int | None


def opened(note: Note, keys: Iterable[VerifierKey], verify: Verify) -> tuple[Verified, ...]:
    """Which of the trusted keys signed the note, in its order (signed-note, Signatures).

    Raises `NoteNotSigned` where none did, and `WrongSignature` where a trusted key is named beside what it did not
    make: the specification says that such a note should be rejected whole.
    """
    trusted: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if trusted.setdefault((key.name, key.key_id), key) != key:
            raise VerifierKeysCollide(f"Two keys are {key.name}+{key.key_id.hex()}. Leave one of them out.")
    found: list[Verified] = []
    for signature in note.signatures:
        known = trusted.get((signature.name, signature.key_id))
        if known is not None:
            found.append(_verified(note.text, signature, known, verify))
    if not found:
        raise NoteNotSigned
    return tuple(dict.fromkeys(found))


def is_key_name(name: str) -> bool:
    """Whether this may name a key: not empty, no Unicode space, plus or control character (signed-note, Format)."""
    return bool(name) and not _FOREIGN.search(name) and not any(one.isspace() or one == "+" for one in name)


def _verified(text: str, signature: Signature, key: VerifierKey, verify: Verify) -> Verified:
    made, message, at = signature.made, text.encode(), None
    if key.type is SignatureType.COSIGNATURE:
        at, made = int.from_bytes(made[:_MOMENT_BYTES]), made[_MOMENT_BYTES:]
        message = _cosigned_message(text, at)
    if (at or 0) > LATEST or not verify(key.public_key, message, made):
        raise WrongSignature(
            f"The signature of {key.name}+{key.key_id.hex()} is not right: trust none of it."
        )
    return Verified(key, at)


def _cosigned_message(text: str, at: int) -> bytes:
    """What a witness signs (tlog-cosignature, Ed25519 signed message)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes | None:
    """What base64 says (RFC 4648 section 4); None where other text than this would say the same, or it says nothing."""
    if not _BASE64.fullmatch(text):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return data if _encoded(data) == text else None
