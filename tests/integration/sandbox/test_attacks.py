"""What hostile SQL gets from the real sandbox: no foreign row, no file, no time and no memory beyond its share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

from adapters.duckdb.settings import SqlLimits
from application.ports.sql import (
    SqlFailed,
    SqlFunctionNotAllowed,
    SqlInvalid,
    SqlNotAllowed,
    SqlNotOneSelect,
    SqlQuestion,
    SqlRefused,
    SqlResultTooLarge,
    SqlStopped,
    SqlSyntax,
    SqlTooManyAtOnce,
    SqlTooMuchMemory,
    SqlTooSlow,
    SqlUnknownTable,
)
from application.principals import MissingPermission
from domain.kernel.errors import Refusal
from domain.kernel.permissions import Permission
from tests.support.attacks import DEEP, FUNCTIONS, GREEDY, HONEST, TABLES, WRITES
from tests.support.sandbox import FOREIGN, ROWS, Peak, Questions, descendants, questions

LIMITS = SqlLimits(seconds=2.0, memory_mb=128, rows=1_000, megabytes=4, at_once=3, wait_seconds=30)
LONGEST = 2 * LIMITS.seconds + 4
LARGEST = 128 + 192 + 160
"""MB: DuckDB's share, what is beside it, and what the libraries hold before the limits begin."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    yield from questions(tmp_path_factory.mktemp("sandbox"), LIMITS)


@pytest.mark.parametrize("sql", WRITES)
def test_what_is_not_one_select_is_refused(asked: Questions, sql: str) -> None:
    with pytest.raises((SqlNotOneSelect, SqlSyntax)):
        asked.ask(sql)
    assert not Path("/tmp/stolen.csv").exists()  # noqa: S108 - it must not be there
    assert not Path("/tmp/stolen").exists()  # noqa: S108 - nor this


@pytest.mark.parametrize(("sql", "refusal"), TABLES)
def test_no_table_but_the_facts_is_reached(asked: Questions, sql: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as told:
        asked.ask(sql)
    assert "passwd" not in str(told.value)


@pytest.mark.parametrize("sql", FUNCTIONS)
def test_no_function_reads_or_does_more_than_compute(asked: Questions, sql: str) -> None:
    with pytest.raises((SqlFunctionNotAllowed, SqlNotAllowed)):
        asked.ask(sql)


@pytest.mark.parametrize("sql", GREEDY)
def test_greedy_sql_ends_in_its_time_and_its_memory(asked: Questions, sql: str) -> None:
    before, began, peak = descendants(), time.monotonic(), Peak()
    ended = threading.Event()
    stop = threading.Thread(target=lambda: peak.look_until(before, ended))
    stop.start()
    try:
        with pytest.raises(SqlRefused) as told:
            asked.ask(sql)
    finally:
        ended.set()
        stop.join()
    assert isinstance(
        told.value, SqlTooSlow | SqlTooMuchMemory | SqlStopped | SqlFailed | SqlResultTooLarge
    ), told.value
    assert time.monotonic() - began < LONGEST
    assert peak.megabytes < LARGEST
    assert descendants() == before
    assert asked.ask("SELECT count(*) FROM fact_event").table.to_pydict() == {"count_star()": [ROWS]}


@pytest.mark.parametrize("sql", DEEP, ids=range(len(DEEP)))
def test_deep_and_long_sql_is_answered_or_refused_and_nothing_else(asked: Questions, sql: str) -> None:
    began = time.monotonic()
    said = ""
    try:
        asked.ask(sql)
    except SqlRefused as refused:
        said = str(refused)
    assert "x" * 100 not in said
    assert time.monotonic() - began < LONGEST


@pytest.mark.parametrize(("sql", "rows"), HONEST)
def test_honest_sql_is_answered(asked: Questions, sql: str, rows: list[dict[str, object]]) -> None:
    parameters = {"a": 41} if "$a" in sql else {}
    answer = asked.ask(sql, **parameters)
    assert answer.table.to_pylist() == rows
    assert answer.position.n == ROWS
    assert not answer.truncated


def test_no_row_of_another_tenant_is_in_any_table(asked: Questions) -> None:
    answer = asked.ask("SELECT * FROM fact_event ORDER BY position DESC")
    assert answer.truncated
    assert answer.table.num_rows == LIMITS.rows
    assert FOREIGN not in str(answer.table.to_pylist())
    assert asked.ask("SELECT * FROM fact_event WHERE name = $name", name=FOREIGN).table.num_rows == 0


def test_what_does_not_fit_an_answer_is_cut_off_and_said(asked: Questions) -> None:
    endless = asked.ask("SELECT * FROM range(1000000000000)")
    assert (endless.table.num_rows, endless.truncated) == (LIMITS.rows, True)
    wide = asked.ask("SELECT repeat('x', 100000) FROM range(1000)")
    assert wide.truncated
    assert wide.table.nbytes <= LIMITS.megabytes * 1024 * 1024
    with pytest.raises(SqlResultTooLarge):
        asked.ask("SELECT repeat('x', 10000000)")


def test_a_mistake_is_told_with_its_place_and_without_a_value(asked: Questions) -> None:
    with pytest.raises(SqlSyntax) as read:
        asked.ask("SELECT name\nFRO fact_event")
    assert read.value.extra == {"line": 2, "column": 5}
    with pytest.raises(SqlUnknownTable) as table:
        asked.ask("SELECT * FROM fact_evnt")
    assert str(table.value.extra["suggestions"]).startswith("['fact_event', ")
    with pytest.raises(SqlInvalid) as column:
        asked.ask("SELECT nam FROM fact_event")
    assert "Did you mean name or" in str(column.value)
    assert column.value.extra == {"line": 1, "column": 8}
    with pytest.raises(SqlFailed) as value:
        asked.ask("SELECT name::INT FROM fact_event")
    assert "own" not in str(value.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM fact_cost",
        "SELECT 1 FROM fact_event WHERE EXISTS (SELECT 1 FROM FACT_Cost)",
        "WITH mine AS (SELECT 1 FROM fact_cost) SELECT * FROM mine",
        "WITH fact_event AS (SELECT amount FROM fact_cost) SELECT * FROM fact_event",
    ],
)
def test_a_table_is_not_read_for_who_lacks_its_permission(asked: Questions, sql: str) -> None:
    def nothing(needed: tuple[str, ...], _: Path) -> NoReturn:
        raise LookupError(needed)

    held = {Permission.REPORTS_SQL, Permission.REPORTS_READ, Permission.BILLING_READ}
    with pytest.raises(MissingPermission, match=r"fact_cost needs the permission costs\.read") as refused:
        asked.sandbox.ask(asked.question(sql, {}, held), nothing)
    assert refused.value.extra == {"permission": "costs.read", "table": "fact_cost"}
    shadowed = "WITH fact_cost AS (SELECT 1) SELECT * FROM fact_cost"
    assert asked.sandbox.ask(asked.question(shadowed, {}, held), asked.extract).tables == ()
    assert asked.ask(sql).tables[0] == "fact_cost"


def test_twenty_hostile_queries_at_once_and_good_ones_go_on(asked: Questions) -> None:
    before = descendants()
    hostile = uuid4()
    sql = "SELECT count(*) FROM fact_event AS a, fact_event AS b, fact_event AS c"

    def attack(_: int) -> str:
        try:
            asked.sandbox.ask(SqlQuestion(hostile, sql, permissions=frozenset(Permission)), asked.extract)
        except Refusal as refused:
            return refused.code
        return "answered"

    with ThreadPoolExecutor(20) as threads:
        attacks = [threads.submit(attack, number) for number in range(20)]
        waited = []
        for _ in range(5):
            began = time.monotonic()
            assert asked.ask("SELECT count(*) AS n FROM fact_event").table.to_pydict() == {"n": [ROWS]}
            waited.append(time.monotonic() - began)
        ended = [attack.result() for attack in attacks]
    assert set(ended) <= {SqlTooSlow.code, SqlTooManyAtOnce.code, SqlStopped.code}
    assert ended.count(SqlTooManyAtOnce.code) == 20 - LIMITS.per_tenant
    assert max(waited) < LONGEST, waited
    assert descendants() == before
