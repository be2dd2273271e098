"""One personal value in the log: `{"~": kind, "s": subject, "c": ciphertext, "h": commitment}`.

- `h` = HMAC-SHA-256 of the value's JSON under a random 32-byte opening;
- `c` = nonce (12) and AES-256-GCM, under the subject's key of that kind, of opening and value's JSON, bound to tenant,
  subject, kind and field.

So one value can be shown provably (opening and value against `h`, which stands in the proven envelope), and with the
key gone neither the value nor a guess at it can be checked. `docs/envelope.md` gives the bytes with test vectors.
"""

from __future__ import annotations

import hmac
import os
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, Final

import orjson

from application.pseudonyms import hmac_sha256

if TYPE_CHECKING:
    from uuid import UUID

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from domain.kernel.personal import KeyKind

MARK: Final = "~"
PARTS: Final = {MARK, "s", "c", "h"}
OPENING: Final = 32
NONCE: Final = 12


def seal(
    cipher: AESGCM, tenant_id: UUID, subject: str, kind: KeyKind, field: str, value: object
) -> dict[str, str]:
    """A personal value as it stands in the log."""
    random = os.urandom(OPENING + NONCE)
    return seal_with(
        cipher, tenant_id, subject, kind, field, value, opening=random[:OPENING], nonce=random[OPENING:]
    )


def seal_with(
    cipher: AESGCM,
    tenant_id: UUID,
    subject: str,
    kind: KeyKind,
    field: str,
    value: object,
    *,
    opening: bytes,
    nonce: bytes,
) -> dict[str, str]:
    """`seal` with its randomness given: for test vectors."""
    bound = bound_to(tenant_id, subject, kind, field)
    sealed, commitment = sealed_parts(cipher, bound, dumps(value), opening, nonce)
    return {MARK: kind, "s": subject, "c": sealed.decode(), "h": commitment.decode()}


def sealed_parts(
    cipher: AESGCM, bound: bytes, content: bytes, opening: bytes, nonce: bytes
) -> tuple[bytes, bytes]:
    """Ciphertext and commitment, in base64."""
    sealed = nonce + cipher.encrypt(nonce, opening + content, bound)
    commitment = hmac_sha256(opening, content)
    return b2a_base64(sealed, newline=False), b2a_base64(commitment, newline=False)


def unseal(cipher: AESGCM, tenant_id: UUID, field: str, sealed: dict[str, str]) -> Any:
    """The value again. Raises `cryptography.exceptions.InvalidTag` where a byte was altered."""
    found = plain(cipher, bound_to(tenant_id, sealed["s"], sealed[MARK], field), sealed)
    return orjson.loads(found[OPENING:])


def disclose(cipher: AESGCM, tenant_id: UUID, field: str, sealed: dict[str, str]) -> tuple[bytes, bytes]:
    """Opening and value's JSON: what shows, against the commitment, that the log holds this value."""
    found = plain(cipher, bound_to(tenant_id, sealed["s"], sealed[MARK], field), sealed)
    return found[:OPENING], found[OPENING:]


def plain(cipher: AESGCM, bound: bytes, sealed: dict[str, str]) -> bytes:
    """Opening and value's JSON, in one."""
    raw = a2b_base64(sealed["c"])
    return cipher.decrypt(raw[:NONCE], raw[NONCE:], bound)


def commits_to(sealed: dict[str, str], opening: bytes, content: bytes) -> bool:
    """Whether a disclosed opening and value are the ones the envelope commits to."""
    return hmac.compare_digest(hmac.digest(opening, content, "sha256"), a2b_base64(sealed["h"]))


def bound_to(tenant_id: UUID, subject: str, kind: str, field: str) -> bytes:
    """What the ciphertext of a value is bound to."""
    return f"{tenant_id}|{subject}|{kind}|{field}".encode()


def dumps(content: object) -> bytes:
    """Deterministic JSON: sorted keys, no white space, UTF-8."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
