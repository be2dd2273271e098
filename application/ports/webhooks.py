"""What delivering webhooks needs from outside: somebody who sends, and who keeps how far each run has come.

A *run* is one errand for one endpoint: the events that happen from its creation on, or a range that is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sent:
    """How one attempt ended: the status of an answer, or in one word why there was none."""

    status: int | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the receiver took it: a status of 200 to 299."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


class SenderBusy(Exception):
    """Nothing was sent: what this machine sends with is taken, by this tenant or by all. No attempt; try again soon."""


class WebhookSender(Protocol):
    """Sends one message over HTTP."""

    async def send(self, tenant_id: UUID, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """POST it, within a few seconds, following no redirect; whatever goes wrong out there is an answer too.

        No tenant takes all that is sent with, however its receivers behave. Raises `SenderBusy`.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is due, with the endpoint as the view has it now.

    `after`: where the run begins (exclusive); `up_to`: how far it may go now. `era` is the position of the event that
    last set the endpoint going: with another one, what failed before counts no more. `secrets` are ids.
    """

    tenant_id: UUID
    run_id: UUID
    endpoint_id: UUID
    url: str
    events: tuple[str, ...]
    secrets: tuple[UUID, ...]
    era: int
    after: int
    up_to: int
    epoch: int
    replay: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. `attempts` at the message after `position`; `failures` in a row over all messages.

    `reached_at`: when the event at `position` was recorded, None before the first. `given_up` counts the messages that
    failed for good.
    """

    epoch: int
    position: int
    reached_at: datetime | None
    era: int
    attempts: int
    failures: int
    given_up: int
    next_at: datetime
    last_status: int | None = None
    last_error: str | None = None
    last_at: datetime | None = None


class WebhookRuns(Protocol):
    """Where runs stand. One worker at a time holds a run, by a lease; each move is a compare-and-set."""

    async def due(self, now: datetime, limit: int, share: int) -> list[Run]:
        """Runs that have something to send at this moment and are nobody's, at most `limit`.

        Tenants take turns, and those with the fewest runs under way come first; within a tenant the longest untouched.
        No tenant is given more than `share`, what any worker holds of it included.
        """

    async def claim(self, run: Run, worker: UUID, now: datetime) -> Progress | None:
        """Make the run this worker's; None where it is another's."""

    async def move(self, run: Run, worker: UUID, before: Progress, after: Progress) -> bool:
        """Enter how far it has come; False, and nothing is entered, where it is another's by now."""

    async def release(self, run: Run, worker: UUID) -> None:
        """Let go of the run, if it is still this worker's."""
