"""What must hold after the kills, of the log and the ledger, of the views and a rebuild, of the counts and the log."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg

from adapters.postgres.roles import Role
from api.composition import Composition, composed
from api.ops.processes.projector import projector_settings
from api.settings import Settings
from application.ports.analytics import AnalyticsError
from application.ports.positions import Position
from projections.jobs.runs import counts
from projections.runtime.compare import compare
from projections.runtime.oversight import parked, status

_CATCHING_UP = 120.0

Faults = dict[str, list[str]]
"""By the name of a check: what is wrong, in words; an empty list where it holds."""


def checked(settings: Settings, server: str, ledger: list[dict[str, Any]]) -> Faults:
    """Every check on the installation over `server`, nobody writing any more."""
    with psycopg.connect(settings.dsn(Role.PROJECTOR, server), autocommit=True) as connection:
        faults: Faults = {
            "positions are gapless, and the head is the last": list(_positions(connection)),
            "versions of each stream are gapless": list(_versions(connection)),
            "time order is position order": list(_times(connection)),
        }
        faults["views catch up"] = _caught_up(connection)
        faults["no view stopped"] = [
            f"{one.projection} of {one.tenant_id}: {one.error}" for one in parked(connection)
        ]
        jobs = counts(connection)
        faults["no job failed"] = [f"{jobs.failed} failed"] if jobs.failed else []
        faults["views equal a rebuild"] = list(_compared(settings, server, connection))
    faults |= asyncio.run(_with_parts(settings, server, ledger))
    return faults


def _positions(connection: psycopg.Connection[Any]) -> Iterable[str]:
    for table, heads in (("log.events", "log.heads"), ("log.access_events", "log.access_heads")):
        rows = connection.execute(
            f"SELECT h.tenant_id, h.position, count(e.position), min(e.position), max(e.position) FROM {heads} h "  # noqa: S608 - our own tables
            f"LEFT JOIN {table} e ON e.tenant_id = h.tenant_id GROUP BY 1, 2"
        )
        for tenant, head, number, first, last in rows:
            if number and (number, first, last) != (head, 1, head):
                yield f"{table} of {tenant}: head {head}, {number} events from {first} to {last}"


def _versions(connection: psycopg.Connection[Any]) -> Iterable[str]:
    rows = connection.execute(
        "SELECT tenant_id, stream, count(*), max(version) FROM log.events GROUP BY 1, 2 "
        "HAVING count(*) <> max(version) OR min(version) <> 1"
    )
    for tenant, stream, number, last in rows:
        yield f"{stream.partition(':')[0]} stream of {tenant}: {number} events, last version {last}"


def _times(connection: psycopg.Connection[Any]) -> Iterable[str]:
    rows = connection.execute(
        "SELECT tenant_id, position FROM (SELECT tenant_id, position, recorded_at, lag(recorded_at) OVER "
        "(PARTITION BY tenant_id ORDER BY position) AS before FROM log.events) t WHERE before > recorded_at"
    )
    for tenant, position in rows:
        yield f"{tenant} at {position}"


def _caught_up(connection: psycopg.Connection[Any]) -> list[str]:
    deadline = time.monotonic() + _CATCHING_UP
    while True:
        behind = [one for one in status(connection) if one.state == "live" and one.events]
        if not behind:
            return []
        if time.monotonic() > deadline:
            return [f"{one.projection}: {one.events} events behind" for one in behind]
        time.sleep(0.2)


def _compared(settings: Settings, server: str, connection: psycopg.Connection[Any]) -> Iterable[str]:
    projector = projector_settings(settings, server)
    for projection in projector.projections:
        found = compare(projector, connection, projection.name)
        if not found.equal or found.skipped:
            yield f"{projection.name}: {found.differences or 'not compared for'} {found.skipped or ''} tenants"


async def _with_parts(settings: Settings, server: str, ledger: list[dict[str, Any]]) -> Faults:
    async with composed(settings, server) as parts:
        tenants = sorted({UUID(entry["tenant"]) for entry in ledger})
        once: list[str] = []
        for tenant in tenants:
            own = [entry for entry in ledger if UUID(entry["tenant"]) == tenant]
            once += await _in_the_log_once(parts, settings, server, tenant, own)
        return {
            "every acknowledged command is in the log once": once,
            "analytics count what the log holds": [
                line for tenant in tenants for line in await _counted(parts, tenant)
            ],
        }


async def _in_the_log_once(
    parts: Composition, settings: Settings, server: str, tenant: UUID, ledger: list[dict[str, Any]]
) -> list[str]:
    """Receipt by receipt and event by event, both ways."""
    wrong: list[str] = []
    positions: dict[str, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    with psycopg.connect(settings.dsn(Role.LOADER, server), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT position, name, convert_from(metadata, 'UTF8')::jsonb ->> 'command' FROM log.events "
            "WHERE tenant_id = %s ORDER BY position",
            (tenant,),
        )
        for position, name, command in rows:
            positions[command].append(position)
            names[position] = name
    for entry in ledger:
        receipt = await parts.log.receipt(tenant, parts.commands.receipt_hmacs(tenant, entry["key"]))
        made = positions.get(entry["command_id"], [])
        if receipt is None:
            wrong.append(f"{entry['key']}: no receipt")
        elif str(receipt.command_id) != entry["command_id"]:
            wrong.append(f"{entry['key']}: another command stands under the key")
        elif made != entry["positions"]:
            wrong.append(f"{entry['key']}: acknowledged at {entry['positions']}, in the log at {made}")
        elif [names[position] for position in made] != entry["names"]:
            wrong.append(f"{entry['key']}: other events than acknowledged")
    if len({entry["command_id"] for entry in ledger}) != len(ledger):
        wrong.append("two keys were answered with one command")
    return wrong


async def _counted(parts: Composition, tenant: UUID) -> list[str]:
    head = await parts.log.head(tenant)
    if head is None:
        return [f"{tenant} has no log"]
    wanted, deadline = Position(head.epoch, head.position), time.monotonic() + _CATCHING_UP
    while time.monotonic() < deadline:
        try:
            report = await parts.analytics.report("activity", tenant, min_position=wanted)
        except AnalyticsError:
            await asyncio.sleep(0.2)
            continue
        column = report.columns.index("events")
        total = sum(int(str(row[column])) for row in report.rows)
        return [] if total == head.position else [f"{tenant}: {total} counted, {head.position} in the log"]
    return [f"{tenant}: analytics did not reach position {head.position}"]
