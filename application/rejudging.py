"""The time machine of law: past decisions judged again, under other rules, other knowledge, or with hindsight.

"Would March's sends be legal under today's rules?" "What did we know then?" A decision is a pure function of what its
addressee's stream told before it, of its message and of the packs; so it can be made again from the log alone, also
after the person was erased, since nothing that it looks at is personal.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from application.state_cache import StateCache
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import PermissionDecided
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import judged_again
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.law.facts import SuppressionKind
from domain.law.packs import load_packs
from domain.law.reading import PackUnusable, read_pack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from uuid import UUID

    from application.commanding import Clock
    from application.law_archive import LawArchive
    from application.ports.codec import EventCodec
    from application.ports.log import Recorded, TenantLog
    from application.replay import Replay
    from domain.audience.addressee_state import AddresseeState
    from domain.law.facts import Person
    from domain.law.pack import Pack

_SCAN: Final = 1_000
_TOGETHER: Final = 100
"""Decisions whose streams are read in one round trip: every request reads a stream, and waits for those before it."""
_STREAMS_KEPT: Final = 20_000
_IDS_KEPT: Final = 200_000
"""People, and messages of theirs, that a question remembers: who is decided on again is not read from the start again.

Of more people than that in each round (a campaign a month, say) those who were decided on longest ago are read anew.
"""
_AT_A_TIME: Final = 0.001
"""Seconds that judging may keep everybody else waiting."""


class PeriodReversed(Refusal):
    """A period ends after it begins. Exchange `after` and `before`."""

    code = "period-reversed"
    kind = RefusalKind.INVALID
    field = "/before"


class NotYetKnown(Refusal):
    """Nobody knows what will be known one day. Give a moment that has been, or leave `known` out."""

    code = "not-yet-known"
    kind = RefusalKind.INVALID
    field = "/known"


class PackRefused(Refusal):
    """The rule pack cannot be used. `detail` names the file, the line and the remedy; mend it and send it again."""

    code = "pack-unusable"
    kind = RefusalKind.INVALID


class Question(NamedTuple):
    """What is asked of the past. Every part that is left out is as it was at each decision.

    `after`, `before`: the period, by when decisions were recorded. `in_force`: by the rules in force at this moment.
    `known`: by the rules as they were known at this moment. `hindsight`: with what is known of the people now, but for
    an erasure that came after the decision.
    """

    after: datetime | None = None
    before: datetime | None = None
    in_force: datetime | None = None
    known: datetime | None = None
    hindsight: bool = False


class Flip(NamedTuple):
    """A decision that would be another: where it stands, and the verdict, law and rule that led, then and so."""

    position: int
    stream: str
    version: int
    recorded_at: datetime
    message_id: UUID
    workspace_id: UUID
    before: tuple[str, str | None, str]
    after: tuple[str, str | None, str]

    def told(self) -> dict[str, Any]:
        """As an answer shows it."""
        told = self._asdict() | {"recorded_at": self.recorded_at.astimezone(UTC).isoformat()}
        for side in ("before", "after"):
            told[side] = dict(zip(("verdict", "law", "rule"), told[side], strict=True))
        return {name: value if isinstance(value, dict | int) else str(value) for name, value in told.items()}


@dataclass(slots=True)
class Tally:
    """How far it is, and what came of it.

    `identical` decisions are the same to the byte; `same_verdict` ones have other reasons, or another pack's version.
    What a pack says is kept by its version; what its conditions mean is of this version of the product. Of decisions
    that were recorded before a meaning was corrected, those that it touches are not identical, and may be flips.
    `without_packs`: they were made by a version that is not at hand, and were not judged.
    """

    position: int = 0
    until: int = 0
    judged: int = 0
    identical: int = 0
    same_verdict: int = 0
    flipped: int = 0
    without_packs: int = 0

    def told(self) -> dict[str, int]:
        """What came of it, as an answer shows it."""
        names = ("judged", "identical", "same_verdict", "flipped", "without_packs")
        return {name: getattr(self, name) for name in names}


class Rejudging:
    """Judges the past of one tenant at a time."""

    def __init__(
        self, log: TenantLog, codec: EventCodec, replay: Replay, archive: LawArchive, clock: Clock
    ) -> None:
        """Read from `log`; `replay` knows which positions a period has, `archive` the packs of then."""
        self._clock = clock
        self._archive = archive
        self._log = log
        self._codec = codec
        self._replay = replay

    async def answers(
        self, tenant_id: UUID, question: Question, packs: Sequence[Pack] | None = None, start: int = 0
    ) -> AsyncIterator[Flip | Tally]:
        """Each decision of the period that would be another, in order, and how far it is, from the first to the last.

        `packs`: by these, in place of the versions that each decision was made by. `start`: go on after this position.
        Raises `NotFound` where there is no such log, `PeriodReversed` and `NotYetKnown`, all of them at first.
        """
        if question.after and question.before and question.before < question.after:
            raise PeriodReversed
        if question.known and question.known > self._clock():
            raise NotYetKnown
        low, high = await self._replay.positions(tenant_id, question.after, question.before)
        await self._archive.adopted()  # also what another process entered since this one looked
        tally = Tally(position=min(max(low, start), high), until=high)
        yield tally
        reached = tally.position
        found: list[Recorded] = []
        kept = StateCache(_STREAMS_KEPT, _IDS_KEPT)
        while reached < high:
            rows = await self._log.read_log(tenant_id, after=reached, limit=_SCAN, up_to=high)
            if not rows:
                raise NotFound
            found += [row for row in rows if row.name == PermissionDecided.name]
            reached = rows[-1].position
            while len(found) >= _TOGETHER or (found and reached == high):
                some, found = found[:_TOGETHER], found[_TOGETHER:]
                for flip in await self._judged(some, question, packs, tally, kept):
                    yield flip
            tally.position = found[0].position - 1 if found else reached
            yield tally

    async def _judged(
        self,
        rows: list[Recorded],
        question: Question,
        packs: Sequence[Pack] | None,
        tally: Tally,
        kept: StateCache,
    ) -> list[Flip]:
        """Those of some decisions that would be others."""
        flips: list[Flip] = []
        begun = time.perf_counter()
        async for row, event, person in self._told(rows, question, kept):
            if time.perf_counter() - begun > _AT_A_TIME:
                await asyncio.sleep(0)
                begun = time.perf_counter()
            by = packs if packs is not None else await self._packs_of(event, question)
            if by is None:
                tally.without_packs += 1
            else:
                flips += _compared(row, event, person, question, by, tally)
        return sorted(flips)

    async def _told(
        self, rows: list[Recorded], question: Question, kept: StateCache
    ) -> AsyncIterator[tuple[Recorded, PermissionDecided, Person]]:
        """Some decisions, person by person, with what was known of each then, or is now.

        Whose stream was read for earlier ones is gone on with from there: `kept` has as many as it may.
        """
        tenant_id = rows[0].tenant_id
        wanted: dict[str, dict[int, Recorded]] = {}
        for row in rows:
            wanted.setdefault(row.stream, {})[row.version] = row
        starts = {stream: kept.get(tenant_id, stream) or (0, ADDRESSEE.initial) for stream in wanted}
        # What is known now does not change with the decision: who was read for it is read no more.
        unread = [one for one, start in starts.items() if not (question.hindsight and start[0])]
        last = None if question.hindsight else rows[-1].position
        histories = await self._log.read_streams(
            tenant_id, [(stream, starts[stream][0]) for stream in unread], up_to_position=last
        )
        read = dict(zip(unread, histories, strict=True))
        for stream, decisions in wanted.items():
            version, state = starts[stream]
            history = read.get(stream, [])
            for row, event in zip(history, self._codec.decode(history), strict=True):
                if (
                    isinstance(event, PermissionDecided)
                    and row.version in decisions
                    and not question.hindsight
                ):
                    yield row, event, _then(state)
                state = ADDRESSEE.evolve(state, event)
                version = row.version
            kept.put(tenant_id, stream, (version, state), ADDRESSEE.size_of(state))
            if question.hindsight:
                told = list(decisions.values())
                for row, event in zip(told, self._codec.decode(told), strict=True):
                    if isinstance(event, PermissionDecided):
                        yield row, event, _in_hindsight(state, row.version)

    async def _packs_of(self, event: PermissionDecided, question: Question) -> tuple[Pack, ...] | None:
        """Those of the decision; with hindsight also those of laws that it did not know to be concerned."""
        then = await self._archive.packs(event.packs)
        if then is None or not question.hindsight:
            return then
        return (*then, *(pack for pack in load_packs() if pack.law not in event.packs))


def instead(given: Sequence[Pack]) -> tuple[Pack, ...]:
    """The product's packs, with some in place of those of their laws."""
    laws = {one.law for one in given}
    return (*(one for one in load_packs() if one.law not in laws), *given)


def usable(text: str, name: str) -> Pack:
    """The pack in a file that somebody sent. Raises `PackRefused`."""
    try:
        return read_pack(text, name)
    except PackUnusable as error:
        raise PackRefused(str(error)) from None


def _then(state: AddresseeState) -> Person:
    if not isinstance(state, Addressee):
        raise TypeError("a decision is of somebody who was there")
    return state.person


def _in_hindsight(present: AddresseeState, version: int) -> Person:
    """What is known now of a person as they were when their stream had this version.

    Whether they were erased since is no knowledge of then: an erasure stands against all that is sent after it.
    """
    person = _then(present)
    known = tuple(
        one
        for one in person.suppressions
        if one.kind is not SuppressionKind.ERASURE or one.position <= version
    )
    return replace(person, suppressions=known)


def _compared(
    row: Recorded,
    event: PermissionDecided,
    person: Person,
    question: Question,
    packs: Sequence[Pack],
    tally: Tally,
) -> Iterator[Flip]:
    tally.judged += 1
    again = judged_again(event, person, packs, question.known, question.in_force)
    if again == event:
        tally.identical += 1
    elif again.verdict == event.verdict:
        tally.same_verdict += 1
    else:
        tally.flipped += 1
        yield Flip(
            row.position,
            row.stream,
            row.version,
            row.recorded_at,
            event.message_id,
            event.workspace_id,
            _led(event),
            _led(again),
        )


def _led(event: PermissionDecided) -> tuple[str, str | None, str]:
    """The verdict, and the law and rule that weighed most."""
    first = event.reasons[0]
    return event.verdict, first.law, first.rule
