"""A value of every type that DuckDB has, and what becomes of it in an answer to SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class SqlType:
    """`sql` makes the value; `arrow` is the type that it leaves in, `json` what the API tells.

    `sheet`: what a workbook's cell holds, where that is not what JSON tells.
    """

    name: str
    sql: str
    arrow: str
    json: Any
    sheet: Any = None


_SPAN: Final = "struct<months: int32, days: int32, microseconds: int64>"
TYPES: Final = (
    SqlType("boolean", "TRUE", "bool", json=True),
    SqlType("tinyint", "(-128)::TINYINT", "int8", -128),
    SqlType("smallint", "32767::SMALLINT", "int16", 32_767),
    SqlType("integer", "(-2147483648)::INTEGER", "int32", -(2**31)),
    SqlType("bigint", "9007199254740993::BIGINT", "int64", 9_007_199_254_740_993, "9007199254740993"),
    SqlType("hugeint", "7::HUGEINT", "decimal128(38, 0)", 7),
    SqlType("far_hugeint", "1e30::HUGEINT", "decimal128(38, 0)", "1000000000000000019884624838656"),
    SqlType(
        "uhugeint",
        "340282366920938463463374607431768211455::UHUGEINT",
        "string",
        "340282366920938463463374607431768211455",
    ),
    SqlType("utinyint", "255::UTINYINT", "uint8", 255),
    SqlType("usmallint", "65535::USMALLINT", "uint16", 65_535),
    SqlType("uinteger", "4294967295::UINTEGER", "uint32", 4_294_967_295),
    SqlType("ubigint", "18446744073709551615::UBIGINT", "uint64", "18446744073709551615"),
    SqlType(
        "bignum",
        "123456789012345678901234567890123456789012::BIGNUM",
        "string",
        "123456789012345678901234567890123456789012",
    ),
    SqlType("float", "0.1::FLOAT", "float", 0.10000000149011612),
    SqlType("double", "(0.1::DOUBLE + 0.2::DOUBLE)", "double", 0.1 + 0.2),
    SqlType("nan", "'nan'::DOUBLE", "double", "nan"),
    SqlType("infinite", "'-inf'::DOUBLE", "double", "-inf"),
    SqlType("decimal", "(-12.50)::DECIMAL(9, 2)", "decimal128(9, 2)", "-12.50", -12.5),
    SqlType("small_decimal", "0.0000000001::DECIMAL(38, 10)", "decimal128(38, 10)", "0.0000000001", 1e-10),
    SqlType(
        "long_decimal",
        "1234567890123456.789::DECIMAL(38, 3)",
        "decimal128(38, 3)",
        "1234567890123456.789",
    ),
    SqlType("varchar", "'=HYPERLINK(\"http://example.org\")'", "string", '=HYPERLINK("http://example.org")'),
    SqlType("nothing", "''", "string", ""),
    SqlType(
        "uuid",
        "'00000000-0000-7000-8000-000000000001'::UUID",
        "string",
        "00000000-0000-7000-8000-000000000001",
    ),
    SqlType("json", "json_object('a', 1)", "string", '{"a":1}'),
    SqlType("blob", "'\\x00\\xFF'::BLOB", "binary", "AP8="),
    SqlType("bit", "'0101'::BIT", "string", "0101"),
    SqlType("enum", "'a'::ENUM ('a', 'b')", "string", "a"),
    SqlType("date", "DATE '2026-01-31'", "date32[day]", "2026-01-31"),
    SqlType("early_date", "DATE '1899-12-31'", "date32[day]", "1899-12-31"),
    SqlType("far_date", "DATE '12026-01-31'", "date32[day]", "+12026-01-31"),
    SqlType("date_before", "DATE '0044-03-15 (BC)'", "date32[day]", "-0043-03-15"),
    SqlType("endless_date", "'infinity'::DATE", "date32[day]", "infinity"),
    SqlType("time", "TIME '12:34:56.789'", "time64[us]", "12:34:56.789000"),
    SqlType("time_ns", "'12:34:56.123456789'::TIME_NS", "time64[ns]", "12:34:56.123456789"),
    SqlType("time_tz", "'12:34:56+05:30'::TIMETZ", "string", "12:34:56+05:30"),
    SqlType(
        "timestamp", "TIMESTAMP '2026-01-31 12:34:56.789'", "timestamp[us]", "2026-01-31T12:34:56.789000"
    ),
    SqlType(
        "far_timestamp", "TIMESTAMP '12026-01-31 12:00:00.5'", "timestamp[us]", "+12026-01-31T12:00:00.500000"
    ),
    SqlType("endless_timestamp", "'-infinity'::TIMESTAMP", "timestamp[us]", "-infinity"),
    SqlType("timestamp_s", "'2026-01-31 12:34:56'::TIMESTAMP_S", "timestamp[us]", "2026-01-31T12:34:56"),
    SqlType(
        "timestamp_ms",
        "'2026-01-31 12:34:56.789'::TIMESTAMP_MS",
        "timestamp[ms]",
        "2026-01-31T12:34:56.789000",
    ),
    SqlType(
        "timestamp_ns",
        "'2026-01-31 12:34:56.123456789'::TIMESTAMP_NS",
        "timestamp[ns]",
        "2026-01-31T12:34:56.123456789",
    ),
    SqlType(
        "timestamp_tz",
        "TIMESTAMPTZ '2026-01-31 12:34:56.789+02:00'",
        "timestamp[us, tz=UTC]",
        "2026-01-31T10:34:56.789000+00:00",
    ),
    SqlType(
        "timestamp_tz_ns",
        "'2026-01-31 12:34:56.123456789+00'::TIMESTAMPTZ_NS",
        "timestamp[ns, tz=UTC]",
        "2026-01-31T12:34:56.123456789+00:00",
    ),
    SqlType(
        "interval",
        "INTERVAL '14 months -3 days 3000000 hours'",
        _SPAN,
        {"months": 14, "days": -3, "microseconds": 10_800_000_000_000_000},
    ),
    SqlType("list", "[1, NULL, 3]", "list<l: int32>", [1, None, 3]),
    SqlType("list_of_enums", "['a'::ENUM ('a', 'b')]", "list<l: string>", ["a"]),
    SqlType(
        "list_of_intervals",
        "[INTERVAL 1 DAY]",
        "list<l: month_day_nano_interval>",
        [{"months": 0, "days": 1, "microseconds": 0}],
    ),
    SqlType("list_of_dates", "[DATE '12026-01-31', NULL]", "list<l: date32[day]>", ["+12026-01-31", None]),
    SqlType("list_of_nothing", "[NULL]", "list<l: null>", [None]),
    SqlType("array", "[1, 2]::INTEGER[2]", "fixed_size_list<: int32>[2]", [1, 2]),
    SqlType("array_of_bits", "['01']::BIT[1]", "fixed_size_list<: string>[1]", ["01"]),
    SqlType(
        "struct",
        "{'a b': '01'::BIT, 'c': [{'d': TIME '01:00:00'}]}",
        "struct<a b: string, c: list<l: struct<d: time64[us]>>>",
        {"a b": "01", "c": [{"d": "01:00:00"}]},
    ),
    SqlType(
        "tuple",
        "ROW(1, 'a'::ENUM ('a'))",
        "struct<element1: int32, element2: string>",
        {"element1": 1, "element2": "a"},
    ),
    SqlType("map", "MAP {'a'::ENUM ('a'): 1.5}", "map<string, decimal128(2, 1)>", [["a", "1.5"]]),
    SqlType("union", "union_value(n := 2)", "string", "2"),
    SqlType("variant", "[1, 2]::VARIANT", "string", "[1, 2]"),
    SqlType("geometry", "'POINT (1 2)'::GEOMETRY", "string", "POINT (1 2)"),
)
"""Beside those that DuckDB counts: values at their ends, and types inside nests."""


def select() -> str:
    """SQL that answers with a row of all of them, and a row of NULL."""
    made = ", ".join(f"{one.sql} AS {one.name}" for one in TYPES)
    rows = "RIGHT JOIN (VALUES (1), (2)) AS n (i) ON n.i = 1"
    return f"SELECT made.* FROM (SELECT {made}) AS made {rows}"  # noqa: S608 - the test's own
