"""A sandbox over facts of two tenants, for tests of what its queries can reach."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import duckdb

from adapters.duckdb.sandbox.runner import Sandbox
from adapters.duckdb.settings import SqlLimits
from application.ports.positions import Position
from application.ports.sql import Scalar, SqlAnswer, SqlQuestion
from domain.kernel.permissions import Permission
from projections.olap.extract import write_facts
from projections.olap.sql import tables

FOREIGN = "foreign.quetzalcoatl"
"""Stands in every row of the other tenant's; it must be in nothing that a query gives."""
ROWS = 50_000


@dataclass
class Questions:
    """Asks in the name of one of two tenants."""

    sandbox: Sandbox
    facts: duckdb.DuckDBPyConnection
    folder: Path
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)

    def furnish(self) -> None:
        self.facts.execute(tables())
        for key, tenant, rows, name in ((1, self.one, ROWS, "own.event"), (2, self.other, 100, FOREIGN)):
            self.facts.execute("INSERT INTO dim_tenant VALUES (?, ?)", [key, str(tenant)])
            self.facts.execute(
                "INSERT INTO positions VALUES (?, ?, 1, ?, 'live', NULL, now())", [str(tenant), key, rows]
            )
            self.facts.execute(
                "INSERT INTO fact_event BY NAME SELECT ? AS tenant_key, i AS position, ? AS name, ? AS actor_kind, "
                "DATE '2026-01-01' + (i % 300)::INT AS day, TIMESTAMP '2026-01-01' AS recorded_at, "
                "'thing' AS stream_category, uuid() AS stream_id FROM range(1, ? + 1) AS made (i)",
                [key, name, name, rows],
            )

    def extract(self, needed: tuple[str, ...], folder: Path) -> tuple[Position, datetime | None]:
        with closing(self.facts.cursor()) as cursor:
            return write_facts(cursor, self.one, needed, folder)

    def ask(self, sql: str, **parameters: Scalar) -> SqlAnswer:
        """Ask as the one tenant."""
        return self.sandbox.ask(self.question(sql, parameters), self.extract)

    def question(
        self, sql: str, parameters: Mapping[str, Scalar], held: Iterable[Permission] = Permission
    ) -> SqlQuestion:
        """A question of the one tenant, by somebody who holds `held`."""
        return SqlQuestion(self.one, sql, parameters, permissions=frozenset(held))

    def left(self) -> list[str]:
        """What is left of extracts."""
        return [path.name for path in self.folder.iterdir()]


def questions(folder: Path, limits: SqlLimits) -> Iterator[Questions]:
    """A sandbox that leaves nothing behind."""
    sandbox = Sandbox(folder / "sql", limits)
    with closing(duckdb.connect()) as facts:
        made = Questions(sandbox, facts, folder / "sql")
        made.furnish()
        yield made
    sandbox.close()
    assert made.left() == []


def descendants(parent: int | None = None) -> set[int]:
    """The processes that this one, or another, started and that live, except those that wait to be buried."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == (parent or os.getpid()) and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def lives(pid: int) -> bool:
    """Whether a process does something yet, whoever its parent is now."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class Peak:
    """How much a child took, looked at again and again."""

    megabytes: int = 0

    def look_until(self, before: set[int], ended: threading.Event) -> None:
        while not ended.wait(0.01):
            for pid in descendants() - before:
                try:
                    if b"sandbox.child" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                        continue  # not begun yet: what it shows is still this process's
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                for line in status.splitlines():
                    if line.startswith("VmHWM"):
                        self.megabytes = max(self.megabytes, int(line.split()[1]) // 1024)
