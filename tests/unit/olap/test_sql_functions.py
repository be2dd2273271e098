"""What an analyst's SQL may call, beside what the library has."""

from __future__ import annotations

import re

import duckdb
import pytest

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS
from domain.kernel.permissions import Permission
from projections.olap.derived import UNDERIVED
from projections.olap.described import tables as described
from projections.olap.extract import NEEDS, TABLES
from projections.olap.law import RULE_BASIS
from projections.olap.reports import REPORTS
from projections.olap.sql import read_model, tables

BY_CHANCE = {"gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7"}
NEVER = (
    "read_",
    "duckdb_",
    "pragma_",
    "pg_",
    "parquet_",
    "current_set",
    "getvariable",
    "getenv",
    "query",
    "glob",
    "json_execute",
    "json_serialize",
    "json_deserialize",
    "sleep",
    "write_",
    "nextval",
    "setval",
    "arrow_",
    "pandas_",
    "python_",
    "__",
)


def test_every_function_is_one_of_the_library() -> None:
    with duckdb.connect() as con:
        known = {name for (name,) in con.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    assert known >= FUNCTIONS
    assert known >= TABLE_FUNCTIONS


def test_none_does_more_than_compute() -> None:
    with duckdb.connect() as con:
        effects = con.execute(
            "SELECT function_name FROM duckdb_functions() WHERE has_side_effects"
        ).fetchall()
    assert {name for (name,) in effects} & FUNCTIONS <= BY_CHANCE
    assert not [name for name in FUNCTIONS if name.startswith(NEVER) and name != "!__postfix"]


def test_each_table_is_told_as_it_is() -> None:
    assert [table.name for table in described()] == list(TABLES)
    with duckdb.connect() as con:
        con.execute(tables())
        for table in described():
            assert table.about
            assert table.grain
            assert table.measures
            assert table.invariants
            if table.name == RULE_BASIS:
                continue
            there = con.execute(
                "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = ? "
                "AND column_name != 'tenant_key' ORDER BY column_index",
                [table.name],
            ).fetchall()
            found = [(name, kind.replace('"', ""), nullable) for name, kind, nullable in there]
            told = [(one.name, one.type, one.nullable) for one in table.columns]
            assert told == found


def test_a_table_tells_no_more_than_the_reports_that_are_made_of_it() -> None:
    for table in TABLES:
        made_of_it = {table, *(model for model, facts in UNDERIVED.items() if table in facts)}
        needed = {
            report.info.permission
            for report in REPORTS.values()
            if made_of_it & set(re.findall(r"\w+", report.rows))
        }
        if needed and Permission.REPORTS_READ not in needed:
            assert NEEDS[table] in needed, table
    assert {one for one, needed in NEEDS.items() if needed is Permission.COSTS_READ} >= {
        "fact_cost",
        "fact_invoice",
        "fact_payment",
    }


def test_a_model_names_a_permission_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"costs\.look"):
        read_model("x", "-- x: a thing.\n-- Permission: costs.look\n-- == table\nCREATE TABLE x (y INTEGER);")
