"""The profile for a distributed Postgres (Nile and its kin): what it says to the database, statement by statement.

Shown on plain Postgres 15 and 18: the tables alone, without roles, policies or functions.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.eventstore.log import LogThread, PostgresLog
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate_tables
from api.settings import Settings
from application.ports.log import Append, VersionConflict
from tests.support.logs import assert_sound, event, key, opened
from tests.support.statements import RecordingConnection, Transaction

FORBIDDEN = re.compile(
    r"\b(CREATE|ALTER|DROP|GRANT|REVOKE|FUNCTION|PROCEDURE|TRIGGER|POLICY|ROLE|SEQUENCE|nextval|setval|"
    r"pg_(try_)?advisory\w*|LOCK\s+TABLE|NOTIFY|LISTEN|pg_notify|CALL)\b|^DO\b",
    re.IGNORECASE,
)


@pytest.fixture
def tables_alone(any_server: EmbeddedPostgres) -> Iterator[str]:
    """A database with the tables and nothing else."""
    name = f"nile_{uuid4().hex[:12]}"
    with psycopg.connect(any_server.admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        dsn = make_conninfo(any_server.admin_dsn, dbname=name)
        try:
            migrate_tables(dsn)
            yield dsn
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_each_transaction_touches_one_tenant_and_says_nothing_forbidden(tables_alone: str) -> None:
    recording = RecordingConnection.fresh()
    profile = PostgresLog(
        tables_alone, tables_alone, one_tenant_per_group=True, hints=False, connection=recording
    )
    thread = LogThread(profile)
    try:
        tenants = opened(thread, *(uuid4() for _ in range(5)))
        use(thread, tenants)
    finally:
        thread.close()

    assert_sound(tables_alone)
    assert_one_tenant(recording.transactions, set(tenants))
    said = {statement for transaction in recording.transactions for statement in transaction.statements}
    assert {statement for statement in said if FORBIDDEN.search(statement)} == set()
    kinds = {statement.split()[0] for statement in said}
    assert kinds == {"BEGIN", "COMMIT", "ROLLBACK", "SET", "SELECT", "INSERT", "WITH"}, (
        "and each path was used"
    )


def test_the_recorder_sees_two_tenants_in_the_ordinary_profile(tables_alone: str) -> None:
    """The check can fail: the default profile shares transactions between tenants and sends hints."""
    recording = RecordingConnection.fresh()
    thread = LogThread(PostgresLog(tables_alone, tables_alone, connection=recording))
    try:
        tenants = opened(thread, *(uuid4() for _ in range(5)))
        use(thread, tenants)
    finally:
        thread.close()
    with pytest.raises(AssertionError):
        assert_one_tenant(recording.transactions, set(tenants))
    assert any(FORBIDDEN.search(text) for one in recording.transactions for text in one.statements)


def test_the_tables_need_nothing_forbidden(tables_alone: str) -> None:
    with psycopg.connect(tables_alone) as connection:
        for query in (
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT count(*) FROM pg_policies",
            "SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'log'::regnamespace",
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'log'::regnamespace",
        ):
            assert connection.execute(query).fetchone() == (0,)


def use(thread: LogThread, tenants: tuple[UUID, ...]) -> None:
    """Every way to append and to read, by many at once."""
    log = thread.sync.log

    def one(n: int) -> None:
        tenant = tenants[n % len(tenants)]
        thread.sync.append(
            Append(tenant, (event(f"a:{n}", f"{n}"),), ((f"a:{n}", 0),), key() if n % 2 else None)
        )

    async def read() -> None:
        streams = [log.read_streams(tenant, [(f"a:{n}", 0)]) for n in range(10) for tenant in tenants]
        ranges = [log.read_log(tenant) for tenant in tenants]
        assert sum(len(found[0]) for found in await asyncio.gather(*streams)) == 10
        assert sum(map(len, await asyncio.gather(*ranges))) >= 100
        await asyncio.gather(*(log.head(tenant) for tenant in tenants))
        await asyncio.gather(*(log.receipt(tenant, [b"?" * 32]) for tenant in tenants))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(100)))
    with pytest.raises(VersionConflict):
        thread.sync.append(Append(tenants[0], (event("a:0"),), (("a:0", 9),)))
    thread.sync.append(Append(tenants[1], tuple(event("bulk:1", f"{n}") for n in range(1_500))))
    asyncio.run_coroutine_threadsafe(read(), thread.loop).result(30)


def test_the_readme_claims_what_is_shown_here() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert "`PostgresLog(..., one_tenant_per_group=True, hints=False)`" in readme
    assert {"one_tenant_per_group", "hints"} <= inspect.signature(PostgresLog).parameters.keys()
    assert not [name for name in Settings.model_fields if "nile" in name or "profile" in name], (
        "then say so there"
    )


def assert_one_tenant(transactions: list[Transaction], tenants: set[UUID]) -> None:
    assert sum(len(one.ids & tenants) == 1 for one in transactions) > 20
    for one in transactions:
        assert len(one.ids & tenants) <= 1, one.statements
