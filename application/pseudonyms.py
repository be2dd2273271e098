"""Pseudonyms: HMACs under the keys of a tenant, in the one form that look-ups and what is stored agree on."""

from __future__ import annotations

import hmac
from typing import Final

SECRET: Final = "secret"  # noqa: S105 - the purpose of the HMAC, no secret
"""The purpose under which secrets are known that were shown once: API keys, tokens of invitations."""


def pseudonym(key: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA-256 of a value, for one purpose; hex."""
    return hmac.digest(key, f"{purpose}|{value}".encode(), "sha256").hex()


def is_one_of(shown: list[str], stored: str) -> bool:
    """Whether a stored pseudonym is among those of a value under all live keys; in constant time per key."""
    found = [hmac.compare_digest(one, stored) for one in shown]
    return any(found)
