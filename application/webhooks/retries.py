"""What an attempt does to a run: on after a success, again after a while, on after the last attempt all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from application.ports.log import Recorded
    from application.ports.webhooks import Progress, Sent

PAUSES: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=24),
)
"""How long is waited after the first failure of a message, the second, and so on; after the sixth it is given up."""

MOST_FAILURES: Final = 100
"""So many failed attempts in a row, over all messages, pause an endpoint."""


def passed(progress: Progress, row: Recorded) -> Progress:
    """After an event that the endpoint does not want."""
    return replace(progress, position=row.position, reached_at=row.recorded_at, attempts=0)


def attempted(progress: Progress, row: Recorded, sent: Sent, at: datetime) -> Progress:
    """After an attempt to send an event."""
    told = replace(progress, last_status=sent.status, last_error=sent.error, last_at=at, next_at=at)
    if sent.ok:
        return replace(passed(told, row), failures=0)
    failed = replace(told, failures=progress.failures + 1)
    if progress.attempts < len(PAUSES):
        return replace(failed, attempts=progress.attempts + 1, next_at=at + PAUSES[progress.attempts])
    return replace(passed(failed, row), given_up=progress.given_up + 1)
