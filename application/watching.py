"""Looking through tenants' access logs by their alert rules: what these tell is entered in the tenant's log.

At least once: the cursor moves after the alerts are in the log, so that a kill in between has them found again, and
entered no second time. Any number of processes may look.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from application.workflow import Because, Workflow
from domain.access.alerts import RaiseAlert, Watching, alert_of
from domain.access.policy import RuleName
from domain.kernel.ids import PLATFORM, derived_id

if TYPE_CHECKING:
    from uuid import UUID

    from application.access_entries import AccessEntries
    from application.commanding import Commands
    from application.ports.watching import Behind, WatchCursors
    from domain.access.alerts import Alert, Watch
    from domain.access.policy import AlertRule

log = logging.getLogger(__name__)

_EVERY: Final = 15.0
_TENANTS: Final = 100
_ENTRIES: Final = 20_000
"""Of one log at a time: the others wait meanwhile."""
_KEPT: Final = 1_000


class _Kept(NamedTuple):
    """A watch that can go on where it was, as long as what it rests on is still so."""

    epoch: int
    position: int
    watching: Watching

    def goes_on(self, behind: Behind, anew: Watching) -> bool:
        """Whether it is where one would begin, with the same rules, and quiet about the same readers."""
        there = (self.epoch, self.position) == (behind.epoch, behind.after)
        return there and (self.watching.rules, self.watching.quiet) == (anew.rules, anew.quiet)


class AccessWatch:
    """Watches the access logs of all tenants."""

    def __init__(self, commands: Commands, entries: AccessEntries, cursors: WatchCursors) -> None:
        """Enter what is told by `commands`; `cursors` say where to begin."""
        self._commands = commands
        self._entries = entries
        self._cursors = cursors
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self.raised = 0

    async def run(self, stop: asyncio.Event, every: float = _EVERY) -> None:
        """Look each `every` seconds until `stop` is set; a database that goes away is waited for."""
        while not stop.is_set():
            try:
                looked = await self.step()
            except Exception as error:  # noqa: BLE001 - the database's own errors, all of which pass
                log.warning("watch of the access logs: trouble, trying again: %s", type(error).__name__)
            else:
                if looked == _TENANTS:
                    continue  # there are more
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    async def step(self) -> int:
        """Look at logs that have something new; how many it was. One that cannot be looked at waits alone."""
        looked = 0
        for one in await self._cursors.behind(_TENANTS):
            try:
                await self.look(one)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one log keeps no other waiting
                log.warning(
                    "the access log of %s could not be watched: %s", one.tenant_id, type(error).__name__
                )
            else:
                looked += 1
        return looked

    async def look(self, behind: Behind) -> None:
        """Look through what is new in one log, or as much of it as is looked at in one go."""
        tenant_id, begin = behind.tenant_id, behind.after
        last = min(behind.last, begin + _ENTRIES)
        watch: Watch = await self._commands.state(tenant_id, "access_watch", tenant_id)
        watching = Watching(_rules(tenant_id, watch), watch.quiet, begin)
        kept = self._kept.pop(tenant_id, None)
        if kept is not None and kept.goes_on(behind, watching):
            watching = kept.watching
        else:
            begin = await self._begin(behind, watching)
        async for entries in self._entries.between(tenant_id, begin, last):
            for alert in watching.see(entries):
                await self._raise(tenant_id, behind.epoch, alert)
        await self._cursors.reached(tenant_id, behind.epoch, last)
        self._kept[tenant_id] = _Kept(behind.epoch, last, watching)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    async def _begin(self, behind: Behind, watching: Watching) -> int:
        """The position after which entries may still count in a stretch that goes on."""
        tenant_id, after = behind.tenant_id, behind.after
        head, first = await self._entries.head(tenant_id), await self._entries.at(tenant_id, after + 1)
        if head is None or first is None or after == 0:
            return after
        since = first.at - watching.looks_back
        return min(after, await self._entries.until(head, since))

    async def _raise(self, tenant_id: UUID, epoch: int, alert: Alert) -> None:
        rule, reader = alert.rule, alert.reader_id
        alert_id = alert_of(tenant_id, epoch, rule.name, reader, alert.last_position)
        workflow = Workflow(
            self._commands, tenant_id, derived_id(tenant_id, "access-watch"), Because(alert_id)
        )
        command = RaiseAlert(
            rule=rule.name,
            reader_id=reader,
            staff=alert.staff,
            counts=rule.counts,
            measured=alert.measured,
            threshold=rule.threshold,
            minutes=rule.minutes,
            epoch=epoch,
            first_position=alert.first_position,
            last_position=alert.last_position,
            first_at=alert.first_at,
            last_at=alert.last_at,
            quiet_until=alert.last_at + rule.stretch,
        )
        outcome = await workflow.execute(command, tenant_id, key=f"access-alert/{alert_id}")
        self.raised += bool(outcome.events) and not outcome.replayed


def _rules(tenant_id: UUID, watch: Watch) -> list[AlertRule]:
    """The rules of a log; at the platform staff are at home."""
    at_home = {RuleName.STAFF_ACCESS} if tenant_id == PLATFORM else set()
    return [rule for name, rule in watch.rules.items() if name not in at_home]
