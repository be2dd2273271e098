"""Sealing: authenticated encryption of small things under a key that is at hand."""

from __future__ import annotations

from typing import Final, Protocol

SEALING_KEY: Final = 64
"""Bytes of a key."""


class Sealing(Protocol):
    """Seals and opens. The same content under the same key gives the same bytes: what is to differ holds a nonce."""

    def seal(self, key: bytes, content: bytes, bound: bytes) -> bytes:
        """Content, not to be read or changed without `key`; it opens only beside the same `bound`."""

    def open(self, key: bytes, sealed: bytes, bound: bytes) -> bytes | None:
        """The content; None where any bit of it, the key or `bound` is another."""
