"""Ed25519 (RFC 8032) for signed notes: the callables that `domain.audit.notes` takes."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.audit.notes import Sign


def signer(seed: bytes) -> Sign:
    """Signs by the private key of this seed, 32 bytes (RFC 8032 section 5.1.5)."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign


def public_key(seed: bytes) -> bytes:
    """The public key, 32 bytes, of this seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """See `domain.audit.notes.Verify`. A key that is none made nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
