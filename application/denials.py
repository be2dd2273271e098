"""Requests that were refused for want of a permission, in the access log: counted, and bounded.

Nothing was shown, so no answer waits for it. Each minute what came together is one entry for each reader and door, so
that nobody fills a log by knocking; a process that is killed loses a minute of it at most.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from application.ports.keys import KeysUnavailable
from application.ports.log import LogError
from domain.access.reads import RequestsDenied

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Clock
    from application.principals import Principal
    from application.reading import AccessLog

log = logging.getLogger(__name__)

_EVERY: Final = 60.0
_MOST: Final = 10_000
"""Readers and doors that are told apart in a minute; what comes beyond is entered without its door."""
ANY: Final = "*"


class _Knock(NamedTuple):
    """Who knocked at which door of whose log."""

    tenant_id: UUID
    reader_id: UUID
    query: str
    permission: str


@dataclass(slots=True)
class _Denied:
    """How often, from when to when, by whom as they were the last time."""

    principal: Principal
    ip: str | None
    since: datetime
    until: datetime
    requests: int = 1


class Denials:
    """Counts refusals, and enters them each `every` seconds."""

    def __init__(self, access: AccessLog, clock: Clock, every: float = _EVERY) -> None:
        """Enter them in `access`."""
        self._access = access
        self._clock = clock
        self.every = every
        self._waiting: dict[_Knock, _Denied] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    def note(self, principal: Principal, query: str, permission: str, ip: str | None) -> None:
        """Count a refusal."""
        now, actor = self._clock(), principal.actor
        knock = _Knock(principal.tenant_id, actor.id, query, permission)
        if knock not in self._waiting and len(self._waiting) >= _MOST:
            knock = knock._replace(query=ANY, permission=ANY)
        known = self._waiting.get(knock)
        if known is None:
            self._waiting[knock] = _Denied(principal, ip, now, now)
        else:
            known.principal, known.ip, known.until = principal, ip, now
            known.requests += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.every, self._due)

    def _due(self) -> None:
        self._timer = None
        self._flushing = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Enter what was counted so far. What cannot be entered now is counted on."""
        taken, self._waiting = self._waiting, {}
        for knock, denied in taken.items():
            event = RequestsDenied(
                reader_id=knock.reader_id,
                query=knock.query,
                permission=knock.permission,
                requests=denied.requests,
                since=denied.since,
                until=denied.until,
            )
            try:
                await self._access.enter(denied.principal, event, ip=denied.ip)
            except LookupError:
                log.info("the key of somebody who was refused is gone; nothing is entered about them")
            except (LogError, KeysUnavailable) as error:
                log.warning("refusals could not be entered, trying again: %s", type(error).__name__)
                self._back(knock, denied)

    def _back(self, knock: _Knock, denied: _Denied) -> None:
        known = self._waiting.get(knock)
        if known is None:
            self._waiting[knock] = denied
        else:
            known.since, known.requests = denied.since, known.requests + denied.requests
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.every, self._due)

    async def close(self) -> None:
        """Enter what is left, and stop."""
        if self._flushing is not None:
            await self._flushing
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
