"""Once an hour the checkpoints of all logs are noted in the platform's own log.

What is noted already is known by its streams, so that nothing is noted twice whatever was killed; and the database
cannot tell a past that contradicts what was noted without being found out.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from application.ports.log import LogError
from application.workflow import Because, Workflow
from domain.kernel.commands import stream_name
from domain.kernel.ids import PLATFORM, TenantId, derived_id, new_id
from domain.ledger.noted import MOST_NOTED, NOTED, LogTold, NoteCheckpoints, contradicts, noted, noted_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.commanding import Commands
    from application.ports.shown_trees import Shown, ShownTrees
    from domain.ledger.noted import NotedLog

log = logging.getLogger(__name__)

HOUR: Final = timedelta(hours=1)
LOOK: Final = 300.0
"""Seconds between two looks: a log that has just begun, and what contradicts, does not wait for the next hour."""
AGAIN: Final = 60.0
"""Seconds until it is tried again where the log or the trees could not be reached."""
ABOUT: Final = {
    "checkpoints_noted": "Checkpoints noted in the platform's log since the process began.",
    "checkpoints_contradicted": "Logs whose checkpoint contradicts what was noted of them before, at the last look.",
    "checkpoints_unreadable": "Logs of which the database has something that is no checkpoint, at the last look.",
}


class Noting:
    """Notes checkpoints. Any number of processes may do this."""

    def __init__(self, commands: Commands, trees: ShownTrees, every: timedelta = HOUR) -> None:
        """Note the checkpoints of `trees` through `commands`."""
        self._commands = commands
        self._trees = trees
        self._every = every
        self.noted = self.contradicted = self.unreadable = 0

    def figures(self) -> dict[str, float]:
        """See `ABOUT`."""
        return {name: float(getattr(self, name.removeprefix("checkpoints_"))) for name in ABOUT}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: look again and again."""
        while not stop.is_set():
            try:
                await self.look(stop)
            except LogError as error:
                log.warning("checkpoints could not be noted, trying again: %s", type(error).__name__)
                pause = AGAIN
            else:
                pause = LOOK
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def look(self, stop: asyncio.Event) -> None:
        """Note what changed. Raises `LogError`s."""
        now = self._commands.clock()
        if await self._commands.log.head(PLATFORM) is None:
            return
        contradicted = unreadable = 0
        because = Because(new_id(now))
        workflow = Workflow(self._commands, PLATFORM, derived_id(PLATFORM, "ledger.note"), because)
        async for page in self._trees.pages(MOST_NOTED):
            if stop.is_set():
                return
            known = [(told, one) for one in page if (told := _told(one)) is not None]
            unreadable += len(page) - len(known)
            contradicted += await self._note(workflow, known, self._begun(now))
        self.contradicted, self.unreadable = contradicted, unreadable

    async def _note(
        self, workflow: Workflow, known: Sequence[tuple[LogTold, Shown]], noted_for: datetime
    ) -> int:
        """Note what changed of these logs; how many of them contradict what was noted."""
        names = [stream_name(NOTED.category, noted_id(told.tenant_id, told.log)) for told, _ in known]
        found = await self._commands.streams.load(PLATFORM, [(NOTED, name) for name in names])
        states: list[NotedLog] = [state for _, state in found]
        wanted = [one for one, state in zip(known, states, strict=True) if noted(one[0], noted_for, state)]
        if wanted:
            await self._trees.keep([shown for _, shown in wanted])
            command = NoteCheckpoints(noted_for=noted_for, logs=[told for told, _ in wanted])
            # A look that is begun again may find other checkpoints: they are noted under a key of theirs.
            content = sha256(command.model_dump_json().encode()).hexdigest()
            target = noted_id(command.logs[0].tenant_id, command.logs[0].log)
            key = f"noted/{noted_for.isoformat()}/{content}"
            outcome = await workflow.execute(command, target, key=key)
            self.noted += 0 if outcome.replayed else len(outcome.events)
        wrong = [
            told for (told, _), state in zip(known, states, strict=True) if contradicts(state.head, told.head)
        ]
        for one in wrong:
            log.error(
                "the checkpoint of %s of tenant %s contradicts what the platform's log noted of it: see"
                " docs/checkpoints-outside.md",
                one.log.value,
                one.tenant_id,
            )
        return len(wrong)

    def _begun(self, now: datetime) -> datetime:
        """The beginning of the hour, or of whatever is taken for one."""
        start = datetime(1970, 1, 1, tzinfo=UTC)
        return now - (now - start) % self._every


def _told(shown: Shown) -> LogTold | None:
    (tenant_id, kind), checkpoint = shown.log, shown.checkpoint
    if checkpoint is None or checkpoint.epoch is None:
        log.error("the database has no checkpoint of %s of tenant %s that can be read", kind.value, tenant_id)
        return None
    root = base64.b64encode(checkpoint.root).decode()
    return LogTold(
        tenant_id=TenantId(tenant_id), log=kind, epoch=checkpoint.epoch, size=checkpoint.size, root=root
    )
