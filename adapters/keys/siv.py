"""Sealing with AES-256-SIV (RFC 5297): no nonce that could come twice, however many links a tenant sends."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


class AesSiv:
    """See `application.ports.sealing.Sealing`. Tags are compared in constant time."""

    def seal(self, key: bytes, content: bytes, bound: bytes) -> bytes:
        """See `Sealing.seal`."""
        return AESSIV(key).encrypt(content, [bound])

    def open(self, key: bytes, sealed: bytes, bound: bytes) -> bytes | None:
        """See `Sealing.open`."""
        try:
            return AESSIV(key).decrypt(sealed, [bound])
        except (InvalidTag, ValueError):  # ValueError: too short to hold anything
            return None
