"""Stripe's signatures of webhooks: HMAC-SHA-256 over the moment and the raw body.

The `stripe` package has the same; it takes the time from the machine's clock alone, which neither a test nor a replay
of what was received can set, and accepts moments to come.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from application.ports.payments import BadSignature

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE: Final = 300
"""Seconds that a signature may be old, or ahead of our clock."""

_LONGEST: Final = 2_000


def _signed(body: bytes, secret: str, moment: int) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()


def signature_header(body: bytes, secret: str, moment: int) -> str:
    """The `Stripe-Signature` of a body sent at a moment."""
    return f"t={moment},v1={_signed(body, secret, moment)}"


def verify(body: bytes, header: str | None, secrets: Sequence[str], now: int) -> None:
    """Whether one of our secrets signed this, not long ago; several while one takes the place of another.

    Raises `BadSignature`.
    """
    if not header or len(header) > _LONGEST:
        raise BadSignature("no Stripe-Signature that can be read")
    parts = [part.partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(moments) != 1 or not moments[0].isascii() or not moments[0].isdecimal() or not given:
        raise BadSignature("no moment, or no signature of version 1")
    moment = int(moments[0])
    expected = [_signed(body, secret, moment) for secret in secrets]
    matches = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in given]
    if not any(matches):
        raise BadSignature("not signed with our secret, or changed on the way")
    if abs(now - moment) > TOLERANCE:
        raise BadSignature("signed too long ago, or ahead of our clock: is this machine's clock right?")
