"""What changed in a view between two moments: rows added, gone and changed, field by field, each by which event.

The view is made as of the earlier moment, and moved to the later one aside: then it is known which rows differ, and
which events touched the things that they are about. From the earlier moment again, those events are taken in one by
one, and what each of them did to the rows is seen. So a field is laid to the event after which it had its later value,
however the view makes it. What no event that touched the row's own thing did is looked for among the last events that
touched anything in the view; what none of these did either is left to the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from application.plain import differences
from application.queries import MOST_ROWS, BeingRebuilt, TooMuchToCompare
from projections.runtime.tracing import Touched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from application.queries import Page, Row
    from projections.runtime.rebuilt import Rebuilt

    Place = tuple[Any, ...]

MOST_COMPARED: Final = 5_000
MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """One field. `position`: of the event that gave it its later value; None: from none that was looked at."""

    path: str
    before: Any
    after: Any
    position: int | None


@dataclass(slots=True)
class RowChange:
    """One row: `before` None: it was added; `after` None: it is gone; by the event at `position`, where one is known.

    `since`: where more events touched it than are looked at, only those after this position were.
    """

    place: Place
    before: Row | None
    after: Row | None
    fields: list[Changed] = field(default_factory=list)
    position: int | None = None
    since: int | None = None

    @property
    def unexplained(self) -> bool:
        """Whether no event is known for it, or for one of its fields."""
        if self.before is None or self.after is None:
            return self.position is None
        return any(one.position is None for one in self.fields)

    def laid(self, by: Mapping[str, int | None]) -> None:
        """Take in which event last changed each field, and the row itself; what is known already stays."""
        known = {one.path: one.position for one in self.fields}
        self.position = self.position or by.get("")
        before, after = _plain(self.before), _plain(self.after)
        if before is not None and after is not None:
            self.fields = [
                Changed(found.path, found.before, found.after, known.get(found.path) or by.get(found.path))
                for found in differences(before, after)
            ]

    @property
    def thing(self) -> str:
        """What the row is about: its first field."""
        row = self.after or self.before
        if row is None:
            raise TypeError("a change is of a row")
        return str(getattr(row, next(iter(type(row).model_fields))))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A query over `rebuilt`, which is as of the earlier moment, and what it shows at the position `to`.

    `pages` gives a page of the query on the session, after a cursor. `earlier`, `later`: the clocks by which rows are
    judged. `until`: when to give up, by `time.monotonic`.
    """

    rebuilt: Rebuilt
    pages: Callable[[str | None], Awaitable[Page[Any]]]
    log: TenantLog
    codec: EventCodec
    to: int
    earlier: datetime | None
    later: datetime | None
    until: float

    async def changes(self, after: Place | None, limit: int) -> tuple[list[RowChange], bool]:
        """Those after the place `after`, at most `limit`, and whether there are more.

        Raises `TooMuchToCompare`, and what the query does.
        """
        touched, start = Touched(), self.rebuilt.position
        before = await self._rows(self.earlier)
        async with self.rebuilt.aside(touched):
            await self._forward(self.to)
            now = await self._rows(self.later)
        found = [
            RowChange(place, before.get(place), now.get(place))
            for place in sorted(before.keys() | now.keys(), key=_order, reverse=True)
            if (after is None or _order(place) < _order(after)) and before.get(place) != now.get(place)
        ]
        shown, steps = _within(found[:limit], touched, start)
        await self._explain(shown, steps)
        await self._explain([one for one in shown if one.unexplained], touched.latest(MOST_STEPS))
        return shown, len(shown) < len(found)

    async def _forward(self, to: int) -> None:
        try:
            await self.rebuilt.forward(self.log, self.codec, to, self.until)
        except BeingRebuilt:  # what is done aside is forgotten: asking again would not go on from there
            raise TooMuchToCompare from None

    async def _rows(self, moment: datetime | None) -> dict[Place, Row]:
        self.rebuilt.show(moment)
        found: dict[Place, Row] = {}
        cursor: str | None = None
        while True:
            page = await self.pages(cursor)
            found |= _by_place(page)
            cursor = page.cursor
            if cursor is None:
                return found
            if len(found) + MOST_ROWS > MOST_COMPARED:
                raise TooMuchToCompare

    async def _explain(self, changes: Sequence[RowChange], steps: Sequence[int]) -> None:
        """Take the steps one by one, and note what each did to the rows."""
        if not changes:
            return
        seen = {change.place: _Seen(_plain(change.before)) for change in changes}
        async with self.rebuilt.aside():
            await self._look(seen, None)
            for position in steps:
                if self.rebuilt.position < position - 1:
                    await self._forward(position - 1)
                    await self._look(seen, None)
                await self._forward(position)
                await self._look(seen, position)
            await self._forward(self.to)
            await self._look(seen, None)
        for change in changes:
            change.laid(seen[change.place].by)

    async def _look(self, seen: dict[Place, _Seen], position: int | None) -> None:
        """What the rows are now; what differs from before came by the event at `position`, or by none of theirs."""
        self.rebuilt.show(self.later, list(seen))
        there = _by_place(await self.pages(None))
        for place, one in seen.items():
            one.moved(_plain(there.get(place)), position)


def _within(changes: Sequence[RowChange], touched: Touched, start: int) -> tuple[list[RowChange], list[int]]:
    """As many of the changes as can be explained in so many steps, one at least; and the steps."""
    shown: list[RowChange] = []
    steps: set[int] = set()
    for change in changes:
        mine = sorted(touched.by(change.thing))
        if shown and len(steps.union(mine)) > MOST_STEPS:
            break
        if len(mine) > MOST_STEPS:
            mine = mine[-MOST_STEPS:]
            change.since = mine[0] - 1 if mine[0] - 1 > start else None
        steps.update(mine)
        shown.append(change)
    return shown, sorted(steps)


@dataclass(slots=True)
class _Seen:
    """A row as it was last seen, and which event last changed each of its fields; "" is the row itself."""

    row: dict[str, Any] | None
    by: dict[str, int | None] = field(default_factory=dict)

    def moved(self, row: dict[str, Any] | None, position: int | None) -> None:
        if self.row is None or row is None:
            if (self.row is None) != (row is None):
                self.by[""] = position
        else:
            self.by |= {found.path: position for found in differences(self.row, row)}
        self.row = row


def _by_place(page: Page[Any]) -> dict[Place, Row]:
    return dict(zip(map(tuple, page.places), page.rows, strict=True))


def _plain(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else row.model_dump(mode="json")


def _order(place: Place) -> tuple[Any, ...]:
    """Places compare as they stand; what is null comes first."""
    return tuple((part is not None, part) for part in place)
