"""Asks witnesses to cosign: each at its own pace, beside the notary and never in its way.

What a witness saw stands in the database, so that whatever is killed when, the next start asks from there. A witness
whose answer was lost tells what it cosigned, and is asked again from that.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg

from domain.audit.notes import Note
from domain.audit.witnessing import AddCheckpoint, Found, cosignature_in
from domain.kernel.errors import Refusal
from projections.audit.cosignatures import count_unwitnessed, find_due, hold, keep, proven

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from psycopg import Connection

    from application.ports.witnesses import Answered, Witness
    from domain.audit.notes import Verify
    from domain.audit.origins import LogId
    from domain.audit.witnessing import Quorum
    from projections.audit.cosignatures import Due

log = logging.getLogger(__name__)

_AT_ONCE: Final = 200
_LOOK: Final = 10.0
"""Seconds between two looks for what is due."""

_COUNT: Final = 60.0
_LONGEST_PAUSE: Final = 600.0
_SOON: Final = timedelta(minutes=1)
_LATER: Final = timedelta(hours=1)
_CLOCKS: Final = timedelta(days=1)
"""A cosignature of a moment further off than this is not taken: its witness's clock is wrong."""


@dataclass(slots=True)
class Figures:
    """How one witness stands; read from any thread."""

    asked: int = 0
    cosigned: int = 0
    refused: int = 0
    wrong: int = 0
    contradicted: int = 0
    away: int = 0
    waiting: int = 0


@dataclass(slots=True)
class _Place:
    """One witness as it is asked: its key, its figures, and which logs it is not asked about until when."""

    key: str
    name: str
    witness: Witness
    figures: Figures = field(default_factory=Figures)
    resting: dict[LogId, datetime] = field(default_factory=dict)
    pause: float = 0.0
    said: str = ""


class Cosigning:
    """Asks the witnesses of a rule about an installation's checkpoints."""

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        quorum: Quorum,
        witnesses: Mapping[str, Witness],
        verify: Verify,
        clock: Callable[[], datetime],
    ) -> None:
        """`witnesses`: by their keys' names, each of the rule's. `connect` gives a connection as the notary's role."""
        self._connect = connect
        self._quorum = quorum
        self._keys = {str(key): key for key in quorum.witnesses}
        self._places = [_Place(str(key), key.name, witnesses[key.name]) for key in quorum.witnesses]
        self._verify = verify
        self._clock = clock
        self._connection: Connection[Any] | None = None
        # One thread, so that its one connection is used by one after the other, also while the loop is being left.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="witnesses")
        self.unwitnessed = 0
        """Logs that too few witnesses saw of late, when last counted."""

    @property
    def figures(self) -> dict[str, Figures]:
        """How each witness stands, by its name."""
        return {place.name: place.figures for place in self._places}

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set; what is being asked then is asked again by the next start."""
        running = [
            asyncio.create_task(self._counting(stop)),
            *(asyncio.create_task(self._asking(stop, place)) for place in self._places),
        ]
        await stop.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.close()

    async def once(self) -> None:
        """Ask every witness about all that is due."""
        for place in self._places:
            while await self._round(place):
                pass
        await self._count()

    async def close(self) -> None:
        """Leave the database, once what is being done there is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)
        self._thread.shutdown(wait=False)

    async def _asking(self, stop: asyncio.Event, place: _Place) -> None:
        while not stop.is_set():
            more = await self._safely(self._round(place))
            await _wait(stop, 0.0 if more else max(_LOOK, place.pause))

    async def _counting(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._safely(self._count())
            await _wait(stop, _COUNT)

    async def _safely(self, work: Awaitable[bool | None]) -> bool:
        """Whether there is more to do; the notary, whose process this is, signs on whatever happens here."""
        try:
            return bool(await work)
        except psycopg.Error as error:
            log.warning("witnesses: the database is away, trying again: %s", type(error).__name__)
        except Exception:
            log.exception("witnesses: a mistake of ours, trying again")
        return False

    async def _count(self) -> None:
        self.unwitnessed = await self._in_database(
            count_unwitnessed, [place.key for place in self._places], self._quorum.least, self._clock()
        )

    async def _round(self, place: _Place) -> bool:
        """Ask one witness about what is due; whether there is more."""
        now = self._clock()
        place.resting = {one: until for one, until in place.resting.items() if until > now}
        found = await self._in_database(find_due, place.key, list(place.resting), now, _AT_ONCE)
        place.figures.waiting = len(found)
        for due in found:
            if not await self._ask(place, due):
                return False
            place.figures.waiting -= 1
        return len(found) == _AT_ONCE

    async def _ask(self, place: _Place, due: Due) -> bool:
        """Ask about one checkpoint; whether the witness may be asked on."""
        answer, old = await self._sent(place, due, due.since), due.since
        if answer is not None and answer.found is Found.OTHER_SIZE and (answer.size or 0) <= due.size:
            if answer.size == old:  # of one size it can differ in the root alone
                answer = answer._replace(found=Found.TWO_ROOTS)
            else:
                answer = await self._sent(place, due, answer.size or 0)
        if answer is None:
            return True
        if answer.found is None:
            self._is_away(place, answer)
            return False
        place.pause, place.figures.away = 0.0, 0
        if answer.found is Found.CONSISTENT:
            await self._take(place, due, answer.body)
        else:
            self._is_refused(place, due, answer.found)
        return True

    async def _sent(self, place: _Place, due: Due, old: int) -> Answered | None:
        """What the witness answers; None where our own tiles do not prove what it would have to be shown."""
        try:
            proof = await self._in_database(proven, due, old)
        except Refusal:
            place.resting[due.log] = self._clock() + _SOON
            log.warning(
                "witnesses: the tiles of a log do not prove its checkpoint", extra={"witness": place.name}
            )
            return None
        await self._in_database(hold, due)
        place.figures.asked += 1
        return await place.witness.add_checkpoint(AddCheckpoint(old, proof, due.note).to_bytes())

    async def _take(self, place: _Place, due: Due, body: bytes) -> None:
        text, now = due.checkpoint.text, self._clock()
        try:
            signature, at = cosignature_in(body, text, self._keys[place.key], self._verify)
        except Refusal as refusal:
            place.figures.wrong += 1
            place.resting[due.log] = now + _LATER
            log.error(  # noqa: TRY400 - what a stranger answered is no mistake of ours
                "witnesses: a witness answers what its key did not sign",
                extra={"witness": place.name, "error": type(refusal).__name__},
            )
            return
        if abs(at - now.timestamp()) > _CLOCKS.total_seconds():
            place.figures.wrong += 1
            place.resting[due.log] = now + _LATER
            log.error("witnesses: the clock of a witness is wrong", extra={"witness": place.name})
            return
        line = Note(text, (signature,)).to_bytes().removeprefix(f"{text}\n".encode())
        await self._in_database(keep, due, place.key, line, now)
        place.figures.cosigned += 1
        if place.said:
            log.warning("witnesses: a witness cosigns again", extra={"witness": place.name})
            place.said = ""

    def _is_away(self, place: _Place, answer: Answered) -> None:
        place.figures.away = 1
        place.pause = min(max(_LOOK, place.pause * 2), _LONGEST_PAUSE) if answer.wait is None else answer.wait
        self._say(place, answer.trouble)

    def _is_refused(self, place: _Place, due: Due, found: Found) -> None:
        """A witness that knows more than this is asked again soon; every other no is for people to look into."""
        place.resting[due.log] = self._clock() + (_SOON if found is Found.OTHER_SIZE else _LATER)
        if found in {Found.TWO_ROOTS, Found.NOT_PROVEN}:
            place.figures.contradicted += 1
            log.error(
                "witnesses: a witness saw another past of a log than is here",
                extra={"witness": place.name, "trouble": found.value, "origin": due.checkpoint.origin},
            )
        else:
            place.figures.refused += 1
            self._say(place, found.value)

    def _say(self, place: _Place, trouble: str) -> None:
        """Name a witness that does not cosign, once for as long as it is the same."""
        if place.said != trouble:
            place.said = trouble
            log.warning(
                "witnesses: a witness does not cosign", extra={"witness": place.name, "trouble": trouble}
            )

    async def _in_database(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._worked, work, given)

    def _worked(self, work: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection, *given)
        except psycopg.Error:
            self._leave()
            raise

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
