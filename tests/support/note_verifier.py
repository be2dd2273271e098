"""A verifier of signed notes of the tests' own, from the text of C2SP signed-note and tlog-cosignature.

Nothing of the product is imported; Ed25519 is the cryptography library's.
"""

import base64
import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verified(note: bytes, *vkeys: str) -> dict[str, int | None]:
    """Which of the verifier keys signed, and a cosignature's moment. Raises where the note is not to be trusted."""
    text, signatures = note.decode("utf-8").rsplit("\n\n", 1)
    text += "\n"
    known = {}
    for vkey in vkeys:
        name, hexed, encoded = vkey.split("+", 2)
        kind_and_key = base64.b64decode(encoded)
        key_id = hashlib.sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]
        assert key_id.hex() == hexed
        known[name, key_id] = kind_and_key
    found: dict[str, int | None] = {}
    for line in signatures.rstrip("\n").split("\n"):
        dash, name, encoded = line.split(" ")
        assert dash == "\u2014"
        raw = base64.b64decode(encoded)
        kind_and_key = known.get((name, raw[:4]), b"")
        if not kind_and_key:
            continue
        key = Ed25519PublicKey.from_public_bytes(kind_and_key[1:])
        if kind_and_key[0] == 1:
            key.verify(raw[4:], text.encode())
            found[name] = None
        else:
            assert kind_and_key[0] == 4
            (moment,) = struct.unpack(">Q", raw[4:12])
            key.verify(raw[12:], b"cosignature/v1\ntime %d\n%s" % (moment, text.encode()))
            found[name] = moment
    if not found:
        raise InvalidSignature
    return found
