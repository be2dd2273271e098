"""Position tokens: opaque strings that say where in a log an answer was made.

A token holds the log's epoch and a position. A restore that lost its tail starts a new epoch, so that an old token of
the lost tail is told from a new one of the same number.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass


class MalformedPosition(ValueError):
    """Not a position token of ours. Pass a token back exactly as it was given."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A point in a log: epoch first, so that tokens compare across a restore."""

    epoch: int
    n: int

    def token(self) -> str:
        """The opaque form, safe in a URL: unpadded base64url of `p1.<epoch>.<n>`."""
        return base64.urlsafe_b64encode(f"p1.{self.epoch}.{self.n}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> Position:
        """Read a token back. Raises `MalformedPosition`."""
        try:
            raw = base64.b64decode(
                token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            kind, epoch, n = raw.decode("ascii").split(".")
            position = cls(int(epoch), int(n))
        except (ValueError, binascii.Error) as error:
            raise MalformedPosition(MalformedPosition.__doc__) from error
        if kind != "p1" or position.epoch < 0 or position.n < 0 or position.token() != token:
            raise MalformedPosition(MalformedPosition.__doc__)
        return position
