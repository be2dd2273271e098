"""A new epoch for every log, once its database was restored from a backup; and what its events say of keys."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_HEADS = {"events": "log.heads", "access": "log.access_heads"}


class EarlierRestore(Exception):
    """The logs are in the epoch of a later restore than the one that was told."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What was done. `logs` and `access_logs`: how many heads; none of either where this restore was told before."""

    epoch: int
    logs: int
    access_logs: int


def epoch_of(moment: datetime) -> int:
    """The epoch that a restore starts: its minute, so that the same backup restored twice gives two of them."""
    return (moment - _BEGIN) // timedelta(minutes=1)


def start_epoch(dsn: str, restored_at: datetime) -> Raised:
    """Put every head of both logs into the epoch of this restore, in one transaction; a second time changes nothing.

    `dsn` connects as the role for maintenance. Raises `EarlierRestore` and psycopg's errors.
    """
    with psycopg.connect(dsn) as connection:
        return raise_epoch(connection, restored_at)


def raise_epoch(connection: Connection[Any], restored_at: datetime) -> Raised:
    """The same in the transaction that is open. Appends wait for its end, so no log is missed.

    The ledger is told where each log stood then, for the first checkpoint of the epoch to say what was kept.
    """
    epoch = epoch_of(restored_at)
    connection.execute("LOCK TABLE log.heads, log.access_heads IN SHARE ROW EXCLUSIVE MODE")
    row = connection.execute(
        "SELECT greatest((SELECT max(epoch) FROM log.heads), (SELECT max(epoch) FROM log.access_heads))"
    ).fetchone()
    newest = row[0] if row is not None and row[0] is not None else 0
    if newest > epoch:
        raise EarlierRestore
    # Logs that were begun after a restore keep the first epoch: nobody holds a token of another past of theirs.
    if newest == epoch:
        return Raised(epoch, 0, 0)
    logs, access_logs = (
        connection.execute(
            f"WITH raised AS (UPDATE {heads} SET epoch = %s RETURNING tenant_id, epoch, position)"  # noqa: S608 - our own table names
            " INSERT INTO ledger.epochs SELECT tenant_id, %s, epoch, position, clock_timestamp() FROM raised",
            (epoch, name),
        ).rowcount
        for name, heads in _HEADS.items()
    )
    return Raised(epoch, logs, access_logs)


def events_named(dsn: str, names: Collection[str]) -> Iterator[tuple[UUID, str, bytes]]:
    """Tenant, name and payload of every event of these names, of all logs, however many: read as they are asked for.

    `dsn` connects as the role for maintenance.
    """
    with psycopg.connect(dsn) as connection:
        yield from read_named(connection, names)


def read_named(connection: Connection[Any], names: Collection[str]) -> Iterator[tuple[UUID, str, bytes]]:
    """The same in the transaction that is open."""
    with connection.cursor("events_named") as cursor:
        cursor.execute("SELECT tenant_id, name, payload FROM log.events WHERE name = ANY(%s)", (list(names),))
        yield from cursor
