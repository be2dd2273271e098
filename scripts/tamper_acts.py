"""What somebody with every right over the database may do to history: clumsily, or so that the database agrees.

Each act changes the database of one case. What it does not have is the key that signs, and the notary's memory.
"""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from psycopg import Connection

from domain.audience.addressee_events import PermissionDecided
from domain.audit.origins import LogId
from scripts.tamper_world import EVENTS, HEADS, Stage, World, add


@dataclass(slots=True)
class Case:
    """One database, and what is known of it. `old`: the hour whose checkpoint was kept outside."""

    drawn: Random
    world: World
    of: LogId
    old: int
    admin: Connection[Any]
    said: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many events were signed."""
        return len(self.world.leaves[self.of])

    @property
    def old_size(self) -> int:
        """How many of them the checkpoint kept outside is of."""
        return self.world.stages[self.old].size(self.of)

    @property
    def stage(self) -> Stage:
        """The last hour."""
        return self.world.stages[-1]

    def position(self, most: int | None = None) -> int:
        """Some position, mostly one that the checkpoint kept outside covers."""
        last = self.old_size if self.drawn.random() < 0.8 else self.size
        return self.drawn.randint(1, min(last, most or last))

    def earlier(self) -> int | None:
        """The size of a log at an hour before the checkpoint kept outside."""
        sizes = [self.world.stages[hour].size(self.of) for hour in self.world.held(self.of)]
        sizes = [size for size in sizes if size < self.old_size]
        return self.drawn.choice(sizes) if sizes else None

    def run(self, statement: str, *values: Any) -> None:
        """A statement of which {events}, {heads} and {of} are this log's."""
        mine = f"tenant_id = '{self.of.tenant_id}'"
        names = {
            "{events}": EVENTS[self.of.log],
            "{heads}": HEADS[self.of.log],
            "{mine}": mine,
            "{log}": self.of.log.value,
            "{of}": f"{mine} AND log = '{self.of.log}'",
        }
        for name, stands_for in names.items():
            statement = statement.replace(name, stands_for)
        self.admin.execute(statement.encode(), values or None)


Act = Callable[[Case], None]


def edit(case: Case) -> None:
    """Events are edited: content, context, name, time, place in their stream, or a byte."""
    for _ in range(case.drawn.choice([1, 1, 1, 2, 5])):
        position = case.position()
        change = case.drawn.choice(
            [
                "payload = convert_to('{\"n\":0}', 'UTF8')",
                "payload = set_byte(payload, length(payload) - 4, get_byte(payload, length(payload) - 4) # 1)",
                "payload = set_byte(payload, 3, 10)",
                "payload = payload || ' '",
                "metadata = convert_to('{}', 'UTF8')",
                "metadata = convert_to('[]', 'UTF8')",
                "payload = convert_to('7', 'UTF8')",
                "name = name || '.'",
                f"name = '{PermissionDecided.name}'",
                "schema_version = schema_version + 1",
                "recorded_at = recorded_at + interval '1 microsecond'",
                "recorded_at = recorded_at + interval '2 years'",
                "stream = stream || '.'",
                "version = version + 100000",
            ]
        )
        case.run(f"UPDATE {{events}} SET {change} WHERE {{mine}} AND position = %s", position)


def delete(case: Case) -> None:
    """An event is deleted."""
    case.run("DELETE FROM {events} WHERE {mine} AND position = %s", case.position())


def delete_closed(case: Case) -> None:
    """Events are deleted, and those after them take their positions."""
    position, count = case.position(), case.drawn.choice([1, 1, 3])
    case.run(
        "DELETE FROM {events} WHERE {mine} AND position BETWEEN %s AND %s", position, position + count - 1
    )
    _number(case)


def swap(case: Case) -> None:
    """Two events change places, or contents."""
    one, other = sorted(case.drawn.sample(range(1, case.old_size + 1), 2))
    if case.drawn.random() < 0.5:
        for old, new in ((one, -1), (other, one), (-1, other)):
            case.run("UPDATE {events} SET position = %s WHERE {mine} AND position = %s", new, old)
        return
    case.run(
        "UPDATE {events} e SET payload = f.payload, metadata = f.metadata FROM {events} f WHERE e.{mine}"
        " AND f.{mine} AND e.position = ANY(%s) AND f.position = %s - e.position",
        [one, other],
        one + other,
    )


def exchange(case: Case) -> None:
    """An event of another tenant stands in an event's place."""
    other = next(of for of in case.world.leaves if of.tenant_id != case.of.tenant_id)
    most = len(case.world.leaves[other])
    position = case.position(most)
    case.run("DELETE FROM {events} WHERE {mine} AND position = %s", position)
    case.run(
        "INSERT INTO {events} SELECT %s, position, 'other:' || stream, version, name, schema_version, payload,"
        " metadata, recorded_at FROM log.events WHERE tenant_id = %s AND position = %s",
        case.of.tenant_id,
        other.tenant_id,
        position,
    )


def insert(case: Case) -> None:
    """An event is put in, and those after it move on by one."""
    position = case.position()
    case.run("UPDATE {events} SET position = -1 - position WHERE {mine} AND position >= %s", position)
    case.run("UPDATE {events} SET position = -position WHERE {mine} AND position < 0")
    _put_in(case, position, position - 1 or 2)
    _number(case)


def double(case: Case) -> None:
    """An event is put in beside the one of its position: the key that forbids it was dropped."""
    found = case.admin.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')",
        (EVENTS[case.of.log],),
    ).fetchall()
    for (name,) in found:
        case.run(f"ALTER TABLE {{events}} DROP CONSTRAINT {name}")
    position = case.position()
    _put_in(case, position, position)


def _put_in(case: Case, position: int, like: int) -> None:
    case.run(
        "INSERT INTO {events} SELECT tenant_id, %s, 'put:in', %s, name, schema_version, payload, metadata, recorded_at"
        " FROM {events} WHERE {mine} AND position = %s",
        position,
        position,
        like,
    )


def truncate(case: Case) -> None:
    """The log's end is cut off: events and head, or one of the two."""
    last = case.position() - 1
    what = case.drawn.choice(["both", "both", "events", "head"])
    if what != "head":
        case.run("DELETE FROM {events} WHERE {mine} AND position > %s", last)
    if what != "events":
        case.run("UPDATE {heads} SET position = %s WHERE {mine}", last)


def roll_back_log(case: Case) -> None:
    """The log is an older copy of itself, and the ledger is not."""
    last = case.earlier() or case.position() - 1
    case.run("DELETE FROM {events} WHERE {mine} AND position > %s", last)
    case.run("UPDATE {heads} SET position = %s WHERE {mine}", last)


def other_history(case: Case) -> None:
    """From some position on the log tells another history, which has grown as far, or further."""
    last = case.position() - 1
    case.run("DELETE FROM {events} WHERE {mine} AND position > %s", last)
    case.run("UPDATE {heads} SET position = %s WHERE {mine}", last)
    add(case.admin, case.of, case.size - last + case.drawn.choice([0, 0, 7]), case.stage.at)


def feign_restore(case: Case) -> None:
    """The log's end is cut off, and the database says that a restore did it."""
    last = case.drawn.randint(0, case.old_size - 1)
    case.run("DELETE FROM {events} WHERE {mine} AND position > %s", last)
    case.run("UPDATE {heads} SET position = %s, epoch = epoch + 100 WHERE {mine}", last)
    case.run(
        "INSERT INTO ledger.epochs SELECT tenant_id, %s, epoch, %s, clock_timestamp() FROM {heads} WHERE {mine}",
        case.of.log.value,
        last,
    )


def _number(case: Case) -> None:
    """Give events positions without a gap, and the head the last of them."""
    case.run(
        "UPDATE {events} e SET position = -n FROM (SELECT stream, version, row_number() OVER (ORDER BY position) AS n"
        " FROM {events} WHERE {mine}) f WHERE e.{mine} AND (e.stream, e.version) = (f.stream, f.version)"
        " AND e.position <> f.n"
    )
    case.run("UPDATE {events} SET position = -position WHERE {mine} AND position < 0")
    case.run("UPDATE {heads} SET position = (SELECT max(position) FROM {events} WHERE {mine}) WHERE {mine}")


ON_EVENTS: Final[dict[str, Act]] = {
    "events edited": edit,
    "an event deleted": delete,
    "events deleted, the rest moved up": delete_closed,
    "two events swapped": swap,
    "another tenant's event put in place": exchange,
    "an event inserted": insert,
    "an event doubled": double,
    "the end cut off": truncate,
    "the log rolled back": roll_back_log,
    "another history from some position on": other_history,
    "a restore feigned": feign_restore,
}
"""What is done to events, and heads with them."""
