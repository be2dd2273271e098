"""The deliverer: sends to each endpoint what its log holds after the endpoint's cursor, in the order of positions.

At least once: the cursor moves after the answer, so that a kill in between repeats a message under the same id. Any
number of deliverers may run; a lease keeps a run to one of them at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from application.ports.webhooks import SenderBusy, Sent
from application.webhooks.message import headers_of, message_of
from application.webhooks.retries import MOST_FAILURES, attempted, passed
from application.webhooks.secrets import signing_keys
from application.workflow import Because, Workflow
from domain.kernel.ids import derived_id
from domain.webhooks.address import wanted
from domain.webhooks.commands import PauseFailingWebhook

if TYPE_CHECKING:
    from datetime import datetime

    from application.commanding import Commands
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.log import Recorded
    from application.ports.webhooks import Progress, Run, WebhookRuns, WebhookSender

log = logging.getLogger(__name__)

_EVERY: Final = 0.5
_AT_ONCE: Final = 32
_SHARE: Final = 8
"""Turns of one tenant at the same time: slow receivers of one leave room for those of others."""
_UNTIL_FREE: Final = timedelta(seconds=5)
"""How long a message waits that there was nothing to send with."""
_READ: Final = 200
_TURN: Final = timedelta(seconds=10)
"""A turn ends after this long, so that a pause is heeded and no lease runs out; the lease is three times as long."""
_UNTIL_SEEN: Final = timedelta(minutes=1)
"""How long the view may take to show that an endpoint was paused before that is said again."""


@dataclass(slots=True)
class Counters:
    """What happened since the process began."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    paused: int = 0


@dataclass(frozen=True, slots=True)
class _Turn:
    """One stretch of a run: who holds it, with which keys it signs, when it ends."""

    run: Run
    worker: UUID
    keys: list[bytes] = field(repr=False)
    ends: datetime
    stop: asyncio.Event

    def over(self, now: datetime) -> bool:
        """Whether nothing more is begun."""
        return self.stop.is_set() or now >= self.ends


class Deliverer:
    """Delivers for all tenants of the logs that `commands` writes to."""

    def __init__(
        self,
        commands: Commands,
        codec: EventCodec,
        keys: KeyStore,
        runs: WebhookRuns,
        sender: WebhookSender,
    ) -> None:
        """Take what is needed; the moment comes from the clock of `commands`."""
        self._commands = commands
        self._codec = codec
        self._keys = keys
        self._runs = runs
        self._sender = sender
        self.counters = Counters()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; turns under way end first. A database that goes away is waited for."""
        turns: dict[UUID, asyncio.Task[None]] = {}
        while not stop.is_set():
            turns = {run_id: turn for run_id, turn in turns.items() if not turn.done()}
            try:
                for run in await self._due(_AT_ONCE - len(turns)):
                    if run.run_id not in turns:
                        turns[run.run_id] = asyncio.create_task(self._logged(run, stop))
            except Exception as error:  # noqa: BLE001 - the database's own errors, all of which pass
                log.warning("webhooks: trouble, trying again: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY)
        await asyncio.gather(*turns.values())

    async def step(self) -> int:
        """One turn of every run that is due now; how many there were."""
        due = await self._due(_AT_ONCE)
        await asyncio.gather(*(self.turn(run, asyncio.Event()) for run in due))
        return len(due)

    async def _due(self, limit: int) -> list[Run]:
        return await self._runs.due(self._commands.clock(), limit, _SHARE)

    async def _logged(self, run: Run, stop: asyncio.Event) -> None:
        try:
            await self.turn(run, stop)
        except Exception as error:  # noqa: BLE001 - the lease ends, and the next turn tries again
            log.warning(
                "webhook endpoint %s of tenant %s: a turn ended with %s",
                run.endpoint_id,
                run.tenant_id,
                type(error).__name__,
            )

    async def turn(self, run: Run, stop: asyncio.Event) -> None:
        """Send what is due of one run, for ten seconds at most."""
        worker, began = uuid4(), self._commands.clock()
        progress = await self._runs.claim(run, worker, began)
        if progress is None:
            return
        keys = await asyncio.to_thread(signing_keys, self._keys, run.tenant_id, run.secrets)
        turn, goes_on = _Turn(run, worker, keys, began + _TURN, stop), True
        while (
            goes_on
            and progress.position < run.up_to
            and progress.failures < MOST_FAILURES
            and not turn.over(self._commands.clock())
        ):
            rows = await self._commands.log.read_log(
                run.tenant_id, after=progress.position, limit=_READ, up_to=run.up_to
            )
            progress, goes_on = await self._through(turn, progress, rows)
        if progress.failures >= MOST_FAILURES:
            await self._pause(turn, progress)
        await self._runs.release(run, worker)

    async def _through(self, turn: _Turn, before: Progress, rows: list[Recorded]) -> tuple[Progress, bool]:
        """How far it came in these events, and whether the turn goes on behind them.

        Moves after each message; over events that the endpoint does not want, together with what follows them.
        """
        run, after, goes_on = turn.run, before, bool(rows)
        for row in rows:
            if not wanted(run.events, row.name):
                after = passed(after, row)
                continue
            if turn.over(self._commands.clock()):
                break
            try:
                sent = await self._send(turn, row)
            except SenderBusy:
                waiting = replace(after, next_at=self._commands.clock() + _UNTIL_FREE)
                await self._runs.move(run, turn.worker, before, waiting)
                return waiting, False
            after = attempted(after, row, sent, self._commands.clock())
            self._count(before, after, sent)
            if not await self._runs.move(run, turn.worker, before, after):
                return before, False
            before = after
            if after.attempts or after.failures >= MOST_FAILURES:
                return after, False
        if after != before and not await self._runs.move(run, turn.worker, before, after):
            return before, False
        return after, goes_on

    async def _send(self, turn: _Turn, row: Recorded) -> Sent:
        if not turn.keys:
            return Sent(None, "no-secret")
        run = turn.run
        (payload,) = self._codec.payloads([row], reveal=False)
        message = message_of(run.endpoint_id, run.epoch, row, payload)
        headers = headers_of(message, turn.keys, self._commands.clock(), replay=run.replay)
        return await self._sender.send(run.tenant_id, run.url, headers, message.body)

    async def _pause(self, turn: _Turn, progress: Progress) -> None:
        run = turn.run
        because = Because(derived_id(run.run_id, "failing", run.era))
        workflow = Workflow(self._commands, run.tenant_id, run.run_id, because)
        key = f"webhook/{run.run_id}/failing/{run.era}"
        command = PauseFailingWebhook(failures=progress.failures)
        outcome = await workflow.execute(command, run.endpoint_id, key=key)
        self.counters.paused += not outcome.replayed
        waiting = replace(progress, next_at=self._commands.clock() + _UNTIL_SEEN)
        await self._runs.move(run, turn.worker, progress, waiting)

    def _count(self, before: Progress, after: Progress, sent: Sent) -> None:
        self.counters.delivered += sent.ok
        self.counters.failed += not sent.ok
        self.counters.given_up += after.given_up - before.given_up
