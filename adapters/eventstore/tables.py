"""The two logs of a tenant in one database, and the statements that append to them.

Correctness rests on unique keys and on the row lock of the head: no function, trigger, advisory lock, table lock or
sequence. So the same statements run on plain Postgres 15+, and on its distributed kin.
"""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString


@dataclass(frozen=True, slots=True)
class LogTables:
    """The statements of one log, over its table names."""

    open_heads: LiteralString
    lock_heads: LiteralString
    lock_free_heads: LiteralString
    known_heads: LiteralString
    versions: LiteralString
    receipts: LiteralString | None
    write: LiteralString
    write_with_receipts: LiteralString | None
    stream_events: LiteralString
    stream_window: LiteralString
    stream_newest: LiteralString
    log_events: LiteralString
    count_streams: LiteralString
    count_events: LiteralString
    named_events: LiteralString
    head: LiteralString
    one_receipt: LiteralString | None


def _log(events: LiteralString, heads: LiteralString, receipts: LiteralString | None) -> LogTables:
    columns: LiteralString = (
        "tenant_id, position, stream, version, name, schema_version, payload, metadata, recorded_at"
    )
    insert: LiteralString = (
        f"INSERT INTO {events} ({columns}) SELECT * FROM unnest(%s::uuid[], %s::int8[], %s::text[], %s::int8[],"
        " %s::text[], %s::int2[], %s::bytea[], %s::bytea[], %s::timestamptz[])"
    )
    move: LiteralString = (
        f"UPDATE {heads} h SET position = u.position, recorded_at = u.recorded_at, auth_epoch = u.auth_epoch"
        " FROM unnest(%s::uuid[], %s::int8[], %s::timestamptz[], %s::int8[])"
        " AS u(tenant_id, position, recorded_at, auth_epoch) WHERE h.tenant_id = u.tenant_id"
    )
    receipt_columns: LiteralString = (
        "tenant_id, key_hmac, body_hmac, command_id, command, first_position, last_position, recorded_at"
    )
    lock: LiteralString = (
        f"SELECT tenant_id, epoch, position, recorded_at, auth_epoch FROM {heads}"
        " WHERE tenant_id = ANY(%s::uuid[]) ORDER BY tenant_id FOR UPDATE"
    )
    window: LiteralString = (
        f"SELECT {columns} FROM {events} WHERE tenant_id = %s AND stream = %s"
        " AND version > %s AND version <= %s ORDER BY version"
    )
    return LogTables(
        open_heads=(
            f"INSERT INTO {heads} (tenant_id, epoch, position, recorded_at, auth_epoch)"
            " SELECT t, 1, 0, clock_timestamp(), 1 FROM unnest(%s::uuid[]) t ORDER BY t ON CONFLICT DO NOTHING"
        ),
        lock_heads=lock,
        lock_free_heads=f"{lock} SKIP LOCKED",
        known_heads=f"SELECT tenant_id FROM {heads} WHERE tenant_id = ANY(%s::uuid[])",
        # A statement of its own, after the lock: under READ COMMITTED its snapshot sees all that the lock waited for.
        versions=(
            "SELECT clock_timestamp(), array_agg(coalesce((SELECT e.version"
            f" FROM {events} e WHERE e.tenant_id = u.t AND e.stream = u.s ORDER BY e.version DESC LIMIT 1), 0)"
            " ORDER BY u.i) FROM unnest(%s::uuid[], %s::text[]) WITH ORDINALITY AS u(t, s, i)"
        ),
        receipts=receipts
        and (
            "SELECT r.tenant_id, r.key_hmac, r.command_id, r.command, r.body_hmac, r.first_position, r.last_position,"
            f" r.recorded_at FROM unnest(%s::uuid[], %s::bytea[]) AS u(t, k) JOIN {receipts} r"
            " ON r.tenant_id = u.t AND r.key_hmac = u.k"
        ),
        write=f"WITH e AS ({insert}) {move}",
        write_with_receipts=receipts
        and (
            f"WITH e AS ({insert}), r AS (INSERT INTO {receipts} ({receipt_columns}) SELECT * FROM"
            " unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::uuid[], %s::text[], %s::int8[], %s::int8[],"
            f" %s::timestamptz[])) {move}"
        ),
        stream_events=(
            "SELECT u.i, e.position, e.stream, e.version, e.name, e.schema_version, e.payload, e.metadata,"
            " e.recorded_at FROM unnest(%s::uuid[], %s::text[], %s::int8[], %s::int8[], %s::int8[])"
            " WITH ORDINALITY AS u(t, s, a, p, v, i)"
            f" CROSS JOIN LATERAL (SELECT * FROM {events} e WHERE e.tenant_id = u.t AND e.stream = u.s"
            " AND e.version > u.a AND e.version <= u.v AND e.position <= u.p ORDER BY e.version) e"
        ),
        stream_window=f"{window} LIMIT %s",
        stream_newest=f"{window} DESC LIMIT %s",
        log_events=(
            f"SELECT {columns} FROM {events} WHERE tenant_id = %s AND position > %s AND position <= %s"
            " ORDER BY position LIMIT %s"
        ),
        count_streams=(
            f"SELECT count(*) FILTER (WHERE version = 1) - count(*) FILTER (WHERE name = ANY(%s::text[])) FROM {events}"
            " WHERE tenant_id = %s AND stream > %s AND stream < %s"
        ),
        # CASE, since the sides of an AND may be looked at in any order: no other event's payload is read.
        count_events=(
            f"SELECT count(*) FROM {events} WHERE tenant_id = %s AND position > %s AND position <= %s AND CASE"
            " WHEN name = %s THEN starts_with(convert_from(payload, 'UTF8')::json ->> %s::text, %s) ELSE false END"
        ),
        named_events=(
            f"SELECT {columns} FROM {events} WHERE tenant_id = %s AND position > %s AND position <= %s"
            " AND name = ANY(%s::text[]) ORDER BY position"
        ),
        head=f"SELECT tenant_id, epoch, position, recorded_at, auth_epoch FROM {heads} WHERE tenant_id = %s",
        one_receipt=receipts
        and (
            "SELECT command_id, command, body_hmac, first_position, last_position, recorded_at"
            f" FROM {receipts} WHERE tenant_id = %s AND key_hmac = ANY(%s)"
        ),
    )


EVENTS_LOG: Final = _log("log.events", "log.heads", "log.receipts")
ACCESS_LOG: Final = _log("log.access_events", "log.access_heads", None)
