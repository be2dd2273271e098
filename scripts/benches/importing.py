"""Imports: contacts a second, from the first byte of the upload to the last event on the disk.

A file as a sales tool exports it: 18 columns in several scripts, telephone numbers in six rows of ten, dates in four
forms, one row in a hundred broken. It is uploaded, started and worked off in this process, as a worker does; the
reader is its child, Postgres (fsync on) runs beside. `contacts_per_s` counts rows of the file. `peak_rss_mb` is this
process's, `reader_rss_mb` that of the largest of its children. `limit_ratio` is the rate of the import's events over
that of as many events, neither decided nor sealed, that the log takes in batches of a thousand on the same Postgres.
"""

from __future__ import annotations

import asyncio
import csv
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import uvloop

from adapters.eventstore.codec import JsonCodec
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from api.composition import Composition, composed, now
from api.http.app import settle
from api.settings import Settings
from application.importing.service import Upload
from application.orders import Order
from application.principals import Principal
from application.workflow import Because, Workflow
from domain.audience.import_commands import StartImport
from domain.audience.intake import Mapping
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import WorkspaceId, new_id
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant
from scripts.benches.append import BATCH_CALLERS, Bed
from scripts.benches.peaks import peak_mb

_QUICK: int = 40_000
_FULL: int = 500_000
_PIECE: int = 64 * 1024
_HEADER = [
    "First Name",
    "Last Name",
    "Title",
    "Company",
    "Email",
    "Email Status",
    "# Employees",
    "Country",
    "State",
    "Phone",
    "Person Linkedin Url",
    "Opted in at",
    "Opt-in source",
    "Opt-in IP",
    "Last purchase",
    "Unsubscribed",
    "Tags",
    "Notes",
]
_NAMES = (
    "Anna",
    "Luce",
    "José",
    "Renée",
    "Müller",
    "Søren",
    "太郎",
    "Мария",
    "Donald",
    "Ronald",
    "Zoë",
    "Ngọc",
)
_PHONES = (
    "+49 30 1234{:04}",
    "001-830-845-{:04}",
    "0222{:06}",
    "(854)780-{:04}",
    "+33 1 42 68 {:02} 53",
    "x{}",
)
_COUNTRIES = ("Germany", "FR", "United States", "United Kingdom", "Deutschland", "ES", "")


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 25 s."""
    rows = _QUICK if quick else _FULL
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user where this runs as root
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(_measured(Settings(data=folder / "data"), server.admin_dsn, rows))
            keys = SqliteKeyStore(folder / "bed")
            bed = Bed(server, JsonCodec(keys))
            limit = bed.turn(bed.spread, BATCH_CALLERS, 2.0 if quick else 10.0).rate
            keys.close()
            return {**figures, "limit_ratio": figures["contacts_per_s"] * figures["events"] / rows / limit}


async def _measured(settings: Settings, server: str, rows: int) -> dict[str, float]:
    async with composed(settings, server) as parts:
        settle()
        principal, workspace_id = await _tenant(parts)
        file = settings.root / "contacts.csv"
        await asyncio.to_thread(make, file, rows)

        def template(command: Command, target: UUID, body: bytes) -> Order:
            return Order(principal, command, target, body)

        started = time.perf_counter()
        upload = Upload(
            principal, workspace_id, file.name, _pieces(file), file.stat().st_size, None, None, None, template
        )
        uploaded = await parts.imports.upload(upload)
        looked_into = time.perf_counter()
        import_id = uploaded.state.import_id
        start = StartImport(mapping=Mapping.model_validate({"date_order": "DMY"}))
        await parts.commands.execute(template(start, import_id, b"{}"))
        workflow = Workflow(parts.commands, principal.tenant_id, uuid4(), Because(uuid4()))
        before = time.process_time()
        await parts.imports.run(workflow, import_id, lambda: False)
        ended = time.perf_counter()
        state = await parts.imports.existing(principal.tenant_id, import_id)
        if state.tally.rows != rows:
            raise RuntimeError(f"{state.tally.rows} rows were dealt with of {rows}")
        figures = {
            "contacts_per_s": rows / (ended - started),
            "upload_s": looked_into - started,
            "worker_cpu_us_per_row": (time.process_time() - before) / rows * 1e6,
            "imported": state.tally.imported,
            "rejected": state.tally.rejected,
        }
        head = await parts.log.head(principal.tenant_id)
        figures["events"] = head.position if head else 0
    figures["peak_rss_mb"] = peak_mb()
    figures["reader_rss_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return figures


async def _tenant(parts: Composition) -> tuple[Principal, WorkspaceId]:
    tenant_id, workspace_id = new_id(now()), WorkspaceId(new_id(now()))
    actor = Actor(ActorKind.SYSTEM, tenant_id)
    command = OpenTenant.model_validate(
        {
            "name": "Bench",
            "tenant_slug": "bench",
            "plan": Plan.ENTERPRISE,
            "workspace_id": workspace_id,
            "owner_id": new_id(now()),
            "owner_email": "owner@bench.example",
            "owner_name": "Bench Owner",
        }
    )
    opener = Principal(tenant_id, actor, frozenset(Permission), None, 0)
    await parts.commands.execute(Order(opener, command, tenant_id, b"{}", opens_log=True))
    return opener, workspace_id


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def make(file: Path, rows: int) -> None:
    """Write a file of so many contacts; the same one each time."""
    dice = random.Random(20_261_123)  # noqa: S311 - the same file each time
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(_HEADER)
        writer.writerows(_row(dice, number) for number in range(rows))


def _row(dice: random.Random, number: int) -> list[str]:
    first, last = dice.choice(_NAMES), f"{dice.choice(_NAMES)}sson"
    consented = dice.random() < 0.55
    day, month, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(2021, 2025)
    dates = (
        f"{year}-{month:02}-{day:02}",
        f"{day:02}.{month:02}.{year} 06:30",
        f"{year}-{month:02}-{day:02}T20:26:00Z",
        f"{day:02}/{month:02}/{year}",
    )
    mail = (
        f"person.{number}@{dice.choice(('hq', 'mail', 'team'))}.example.{dice.choice(('org', 'net', 'com'))}"
    )
    return [
        first,
        last,
        dice.choice(("CFO", "VP Operations", "Directeur financier", "Geschäftsführer")),
        f"{last} {dice.choice(('Ltd', 'Group', 'SARL', 'GmbH'))}",
        mail if dice.random() > 0.01 else "no address",
        dice.choice(("", "Verified", "Unavailable", "Verified")),
        dice.choice(("501+", "51-200", "1-10", "")),
        dice.choice(_COUNTRIES),
        dice.choice(("", "Maryland", "Hawaii", "")),
        dice.choice(_PHONES).format(dice.randint(1000, 9999)) if dice.random() < 0.6 else "",
        f"https://www.linkedin.com/in/{number}" if dice.random() < 0.4 else "",
        dice.choice(dates) if consented else "",
        dice.choice(("pricing form", "webinar", "newsletter footer")) if consented else "",
        f"198.51.100.{dice.randint(1, 254)}" if consented and dice.random() < 0.8 else "",
        dates[0] if dice.random() < 0.2 else "",
        "yes" if dice.random() < 0.03 else "",
        dice.choice(("vip;événement;emea", "emea", "q3;emea", "")),
        dice.choice(("👍", 'says "call me, maybe"', "line one\nline two", "")),
    ]
