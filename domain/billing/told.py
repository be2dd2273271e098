"""What the gateway tells: always of what is over. Its clock and ours may be apart a little."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.kernel.errors import Refusal

if TYPE_CHECKING:
    from datetime import datetime

CLOCKS_APART: Final = timedelta(minutes=5)


class TellingBeyondNow(Refusal):
    """What is told has come to be. Look whether the clocks agree, and send it again when the moment is over."""

    code = "telling-beyond-now"


def over(now: datetime, *moments: datetime | None) -> None:
    """Refuse a moment that is to come. Raises `TellingBeyondNow`."""
    if any(at is not None and at > now + CLOCKS_APART for at in moments):
        raise TellingBeyondNow
