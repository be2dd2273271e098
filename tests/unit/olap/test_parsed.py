"""SQL that is parsed once: the same answers, for any values, connection and thread, and no more room than there is."""

from __future__ import annotations

import threading

import duckdb
import pytest

from projections.olap.parsed import Parsed, run


def test_a_text_is_parsed_once_and_asked_with_any_values() -> None:
    with duckdb.connect() as con, duckdb.connect() as other:
        for asked in (con, other, con):
            for value in (1, 2):
                assert run(asked, "SELECT $n + 1", {"n": value}).fetchall() == [(value + 1,)]
    parsed = Parsed(100)
    with duckdb.connect() as con:
        assert parsed.of(con, "SELECT 1") is parsed.of(con, "SELECT 1")


def test_of_several_statements_all_are_run() -> None:
    with duckdb.connect() as con:
        told = run(con, "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (3); SELECT n FROM t")
        assert told.fetchall() == [(3,)]


def test_a_table_that_changed_is_read_as_it_is() -> None:
    with duckdb.connect() as con:
        for n in (1, 2):
            con.execute(f"CREATE OR REPLACE TABLE t AS SELECT {n} AS n, '{n}' AS text_{n}")
            row = run(con, "SELECT * FROM t").fetchone()
            assert row == (n, str(n))


def test_what_is_no_sql_is_told_each_time() -> None:
    with duckdb.connect() as con:
        for _ in range(2):
            with pytest.raises(duckdb.ParserException):
                run(con, "SELEC 1")


def test_the_last_used_stay_within_the_room() -> None:
    parsed, texts = Parsed(30), [f"SELECT {n:03}" for n in range(4)]
    with duckdb.connect() as con:
        kept = [parsed.of(con, text) for text in texts[:3]]
        assert parsed.of(con, texts[0]) is kept[0]
        parsed.of(con, texts[3])
        assert parsed.of(con, texts[0]) is kept[0]
        assert parsed.of(con, texts[1]) is not kept[1]


def test_many_threads_ask_the_same() -> None:
    wrong: list[object] = []
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT range AS n FROM range(1000)")

        def ask(value: int) -> None:
            with con.cursor() as cursor:
                for _ in range(50):
                    told = run(cursor, "SELECT count(*) FROM t WHERE n < $n", {"n": value}).fetchone()
                    if told != (value,):
                        wrong.append(told)

        threads = [threading.Thread(target=ask, args=(value,)) for value in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []
