"""Answers to SQL as files: every type of DuckDB in every form, and equal to what JSON tells."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from adapters.exports.answer_columns import distinct, table_of
from adapters.exports.answer_workbook import must_fit_a_sheet
from adapters.exports.answers import ANSWER_FILES
from adapters.exports.forms import FILES
from adapters.exports.names import FileName
from adapters.exports.separated import Separated, separated
from api.sql_answers import as_json
from application.ports.positions import Position
from application.ports.sql import SqlSheetTooSmall
from domain.audience.intake.error_file import escape_formula
from tests.support.answers import (
    QUERY,
    about_of,
    answered,
    cell_of,
    columns_of,
    lines_of,
    of_texts,
    opened,
    sheet_of,
)
from tests.support.figures import DANGEROUS, UNICODE
from tests.support.sql_types import TYPES, select

COLUMNAR = (FileName.PARQUET, FileName.ARROW)


PLAINLY = Separated()


def made(sql: str, form: FileName, how: Separated = PLAINLY, **told: bool) -> bytes:
    return ANSWER_FILES[form](answered(sql, **told), how)


def test_every_form_of_reports_is_there() -> None:
    assert {form.value for form in ANSWER_FILES} == set(FILES)


def test_json_tells_every_type_without_loss() -> None:
    first, second = as_json(answered(select()))["data"]
    assert dict(zip([one.name for one in TYPES], first, strict=True)) == {one.name: one.json for one in TYPES}
    assert set(second) == {None}


@pytest.mark.parametrize("form", COLUMNAR)
def test_columns_hold_what_json_tells(form: FileName) -> None:
    content = made(select(), form)
    told = as_json(answered(select()))
    names, rows = columns_of(content, form)
    assert names == [one.name for one in TYPES]
    for one, *values in zip(TYPES, *rows, strict=True):
        assert values == [one.json, None], one.name
    assert [list(row) for row in rows] == told["data"]


def test_parquet_is_read_by_another_library_and_has_types() -> None:
    with duckdb.connect() as connection:
        connection.register("table_", opened(made(select(), FileName.PARQUET), "parquet"))
        read = connection.sql("FROM table_")
        kinds = dict(zip(read.columns, map(str, read.types), strict=True))
    assert kinds["decimal"] == "DECIMAL(9,2)"
    assert kinds["hugeint"] == "DECIMAL(38,0)"
    assert kinds["date"] == "DATE"
    assert kinds["timestamp_tz"] == "TIMESTAMP WITH TIME ZONE"
    assert kinds["blob"] == "BLOB"
    assert kinds["map"] == "MAP(VARCHAR, DECIMAL(2,1))"
    assert kinds["interval"] == 'STRUCT("months" INTEGER, "days" INTEGER, "microseconds" BIGINT)'
    assert kinds["array"] == "INTEGER[]"


def test_a_file_of_parquet_is_read_by_duckdb_itself(tmp_path: Any) -> None:
    file = tmp_path / "made.parquet"
    file.write_bytes(made("SELECT 1 AS x, INTERVAL 1 DAY AS x, {'a': [1, 2]::INT[2]} AS s", FileName.PARQUET))
    with duckdb.connect() as connection:
        read = connection.sql(f"SELECT x, x_2.days, s.a FROM '{file}'").fetchall()  # noqa: S608 - the test's own
    assert read == [(1, 1, [1, 2])]


def test_a_struct_without_fields_is_text_in_columns() -> None:
    nothing = pa.table(
        {"s": pa.array([{}, None], type=pa.struct([])), "l": pa.array([[{}], []], pa.list_(pa.struct([])))}
    )
    before = answered("SELECT 1")
    object.__setattr__(before.answer, "table", nothing)
    assert table_of(before).to_pydict() == {"s": ["{}", None], "l": [["{}"], []]}


def test_cells_of_a_workbook_are_what_json_tells() -> None:
    sheet = sheet_of(made(select(), FileName.XLSX))
    header, first = sheet.iter_rows()  # a row of blank cells at the end is none
    assert [cell.value for cell in header] == [one.name for one in TYPES]
    for one, cell in zip(TYPES, first, strict=True):
        wanted = cell_of(one)
        number = isinstance(wanted, float)
        assert cell.value == (pytest.approx(wanted, rel=1e-15, abs=0) if number else wanted), one.name
    formats = {one.name: cell.number_format for one, cell in zip(TYPES, first, strict=True)}
    assert formats["decimal"] == "0.00"
    assert formats["date"] == "yyyy-mm-dd"
    assert formats["timestamp"] == "yyyy-mm-dd hh:mm:ss.000"
    assert formats["varchar"] == "@"
    assert sheet.freeze_panes == "A2"
    assert not sheet.tables


def test_cells_of_csv_are_what_json_tells() -> None:
    header, first, second = lines_of(made(select(), FileName.CSV))
    assert header == [one.name for one in TYPES]
    for one, cell in zip(TYPES, first, strict=True):
        told = json.dumps(one.json, ensure_ascii=False) if isinstance(one.json, list | dict) else one.json
        plainly = json.dumps(told) if isinstance(told, bool) else str(told)
        assert cell == (escape_formula(told) if isinstance(told, str) and one.name != "decimal" else plainly)
    assert set(second) == {""}


def test_csv_says_whether_as_json_does_and_starts_no_formula_with_a_number() -> None:
    sql = "SELECT true AS yes, false AS no, [true] AS many, '-inf'::DOUBLE AS least, -1.5::DOUBLE AS less"
    assert lines_of(made(sql, FileName.CSV))[1] == ["true", "false", "[true]", "'-inf", "-1.5"]


def test_decimals_and_delimiters_of_a_country() -> None:
    sql = "SELECT (-12.50)::DECIMAL(9, 2) AS d, 0.5::DOUBLE AS f, (-7)::HUGEINT AS h, '1.5' AS t, 'nan'::FLOAT AS n"
    content = made(sql, FileName.CSV, separated(",", mark=True))
    assert content.startswith(b"\xef\xbb\xbf")
    assert lines_of(content, ";") == [["d", "f", "h", "t", "n"], ["-12,50", "0,5", "-7", "1.5", "nan"]]


@pytest.mark.parametrize("form", FileName)
def test_no_text_is_ever_more_than_a_text(form: FileName) -> None:
    texts = (*DANGEROUS, *UNICODE)
    content = made(of_texts(texts) + ', 1 AS "=1+1"', form)
    match form:
        case FileName.CSV:
            header, *rows = lines_of(content)
            assert header == ["note", "'=1+1"]
            assert [row[0] for row in rows] == [escape_formula(text) for text in texts]
        case FileName.XLSX:
            header, *rows = sheet_of(content).iter_rows()
            assert [(cell.value, cell.data_type) for cell in header] == [("note", "s"), ("=1+1", "s")]
            assert [row[0].value.replace("_x000D_", "\r").replace("_x005F_", "_") for row in rows] == list(
                texts
            )
            assert {row[0].data_type for row in rows} <= {"s", "inlineStr"}
            assert {row[0].hyperlink for row in rows} == {None}
        case _:
            assert columns_of(content, form) == (["note", "=1+1"], [(text, 1) for text in texts])


def test_repeated_names_stay_where_they_may_and_are_numbered_where_they_may_not() -> None:
    sql = 'SELECT 1 AS x, 2 AS x, 3 AS "X", 4 AS x_2, 5 AS "Ä", 6 AS "ä"'
    names = ["x", "x", "X", "x_2", "Ä", "ä"]
    assert [one["name"] for one in as_json(answered(sql))["columns"]] == names
    assert lines_of(made(sql, FileName.CSV))[0] == names
    assert [cell.value for cell in sheet_of(made(sql, FileName.XLSX))[1]] == names
    for form in COLUMNAR:
        table = opened(made(sql, form), form)
        assert table.column_names == ["x", "x_3", "X_4", "x_2", "Ä", "ä_2"]
        assert [field.metadata[b"name"].decode() for field in table.schema] == names
        assert list(table.to_pylist()[0].values()) == [1, 2, 3, 4, 5, 6]


def test_thousands_of_equal_names_take_no_time() -> None:
    found = distinct(["x"] * 30_000)
    assert found[-1] == "x_30000"
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("form", FileName)
def test_an_answer_without_rows_has_its_columns(form: FileName) -> None:
    content = made(select(), form, empty=True)
    names = [one.name for one in TYPES]
    match form:
        case FileName.CSV:
            assert lines_of(content) == [names]
        case FileName.XLSX:
            assert list(sheet_of(content).iter_rows(values_only=True)) == [tuple(names)]
            assert about_of(content)["Positions"] == "none: nothing has happened yet"
        case _:
            assert columns_of(content, form) == (names, [])


def test_a_file_says_what_it_is_made_from_and_not_what_was_asked() -> None:
    sql = "SELECT 1 AS n WHERE 'quetzalcoatl@example.org' <> ''"
    whole, cut = made(sql, FileName.XLSX), made(sql, FileName.XLSX, truncated=True)
    told = about_of(whole)
    assert told["Position"] == Position(1, 42).token()
    assert told["Positions"] == "1 to 42"
    assert told["Saved query"] == str(QUERY)
    assert told["Tenant"].endswith("0007")
    assert told["As of"].startswith("2026-11-24T09:30:15")
    assert told["Limits"] == "10,000 rows and 16 MB of an answer, 10 seconds, 256 MB of memory"
    assert told["Complete"].startswith("yes")
    assert about_of(cut)["Complete"].startswith("no")
    assert told["n"] == "int32"
    assert len(told["Question"]) == 64
    assert told["Question"] != about_of(made(sql + " ", FileName.XLSX))["Question"]
    for form in COLUMNAR:
        facts = {
            key.decode(): value.decode()
            for key, value in opened(made(sql, form), form).schema.metadata.items()
        }
        assert (facts["sha256"], facts["position"]) == (told["Sha256"], told["Position"])
        assert "quetzalcoatl" not in str(facts)
    assert "quetzalcoatl" not in str(told)


@pytest.mark.parametrize("form", FileName)
def test_equal_answers_are_equal_bytes(form: FileName) -> None:
    assert made(select(), form) == made(select(), form)


def test_a_text_longer_than_a_cell_is_cut_off_and_said() -> None:
    content = made("SELECT repeat('x', 40000) AS a, repeat('👩', 20000) AS b, 'y' AS c", FileName.XLSX)
    assert [len(cell.value) for cell in list(sheet_of(content).iter_rows())[1]] == [32_767, 16_383, 1]
    assert about_of(content)["Texts cut off"].startswith("2: ")


def test_what_no_sheet_holds_is_refused() -> None:
    must_fit_a_sheet(pa.table({"n": pa.nulls(1_048_575)}))
    for table in (
        pa.table({"n": pa.nulls(1_048_576)}),
        pa.table([pa.nulls(1)] * 16_385, [str(n) for n in range(16_385)]),
    ):
        with pytest.raises(SqlSheetTooSmall):
            must_fit_a_sheet(table)
