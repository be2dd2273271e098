"""Bytes to rows: encodings, delimiters, headers, and files that are broken."""

import tracemalloc
from collections.abc import Iterator

import pytest

from domain.audience.intake import FileRefused, Row, open_sheet
from tests.support.contact_files import HEADER, as_csv, contacts, pieces


def read(data: bytes, **options: str) -> list[Row]:
    return list(open_sheet(pieces(data), **options).rows)


def cells(data: bytes, **options: str) -> list[list[str]]:
    return [row.cells for row in read(data, **options)]


def told(data: bytes, **options: str) -> list[tuple[int, int, str | None]]:
    return [
        (row.number, row.line, row.problem.code if row.problem else None) for row in read(data, **options)
    ]


def refused(data: bytes, **options: str) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(data, **options)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("encoded", "name", "found"),
    [
        ("a,b\né,2\n".encode(), "utf-8", "assumed"),
        ("a,b\né,2\n".encode("utf-8-sig"), "utf-8", "byte-order mark"),
        ("\ufeffa,b\né,2\n".encode("utf-16-le"), "utf-16-le", "byte-order mark"),
        ("\ufeffa,b\né,2\n".encode("utf-16-be"), "utf-16-be", "byte-order mark"),
    ],
)
def test_unicode_is_detected(encoded: bytes, name: str, found: str) -> None:
    sheet = open_sheet(pieces(encoded, 1))
    assert (sheet.encoding.name, sheet.encoding.found) == (name, found)
    assert (sheet.header, [row.cells for row in sheet.rows]) == (("a", "b"), [["é", "2"]])


def test_what_is_not_utf8_is_refused_with_its_place_and_remedy() -> None:
    refusal = refused("name,city\nx,y\nJürgen,Köln\n".encode("windows-1252"))
    assert refusal.code == "import-encoding-unknown"
    assert refusal.where == {"byte_offset": 15, "line": 3, "row": 2}
    assert "windows-1252" in refusal.remedy
    assert "rgen" not in refusal.detail


def test_the_place_of_a_bad_byte_far_into_the_file() -> None:
    head = b"a,b\n" + b"1,2\n" * 50_000
    assert refused(head + b"3,\xff\n").where == {"byte_offset": len(head) + 2, "line": 50_002, "row": 50_001}


def test_a_declared_encoding_is_followed() -> None:
    assert cells("n\nJürgen “J”\n".encode("windows-1252"), encoding="windows-1252") == [["Jürgen “J”"]]
    assert refused(b"n\n\x81\n", encoding="windows-1252").code == "import-encoding-broken"


def test_a_declared_encoding_that_the_file_contradicts_is_refused() -> None:
    assert (
        refused("a\né\n".encode("utf-8-sig"), encoding="windows-1252").code == "import-encoding-contradicted"
    )


def test_utf16_without_its_mark_is_named() -> None:
    refusal = refused("a,b\n1,2\n".encode("utf-16-be"))
    assert "encoding=utf-16-be" in refusal.detail
    assert cells("a,b\n1,2\n".encode("utf-16-be"), encoding="utf-16-be") == [["1", "2"]]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import-file-empty"),
        (b"\xef\xbb\xbf", "import-file-empty"),
        (b"\n\n\n", "import-file-empty"),
        (b"PK\x03\x04rest of a workbook", "import-file-not-text"),
        (b"a,b\n", "import-file-without-rows"),
        (b"a,b\n\n,\n", "import-file-without-rows"),
        (b",".join([b"c"] * 5000) + b"\n", "import-too-many-columns"),
        (b"ann@example.org,Ann\nbob@example.org,Bob\n", "import-header-missing"),
        (b'a,"b\n1,2\n', "import-header-broken"),
        (b"a,b\0\n1,2\n", "import-header-broken"),
        (b"x" * 200_000 + b"\n1\n", "import-header-broken"),
        (b"a,b\n" + b'"x"y,2\n' * 10_001, "import-quotes-broken"),
    ],
)
def test_files_that_are_refused_whole(data: bytes, code: str) -> None:
    assert refused(data).code == code


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_counted(delimiter: str) -> None:
    sheet = open_sheet([as_csv([HEADER, *contacts(20)], delimiter).encode()])
    assert (sheet.delimiter, sheet.delimiter_found, sheet.header) == (delimiter, "counted", HEADER)
    assert [row.cells for row in sheet.rows] == contacts(20)


def test_the_delimiter_may_be_named_in_the_file_or_declared() -> None:
    assert cells(b"sep=|\r\na|b\r\n1,5|2,5\r\n") == [["1,5", "2,5"]]
    assert cells(b"a;b,c\n1;2,3\n", delimiter=",") == [["1;2", "3"]]
    assert open_sheet([b"email\nx\n"]).delimiter_found == "single column"


def test_column_names_are_made_unique() -> None:
    assert open_sheet([b" a ,,a,column 2\n1,2,3,4\n"]).header == (
        "a",
        "column 2",
        "a (column 3)",
        "column 2 (column 4)",
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    data = f'a,b{end}1,"x{end}y"{end}{end}2,z{end}'.encode()
    assert [(row.number, row.line, row.cells) for row in read(data)] == [
        (1, 2, ["1", "x\ny"]),
        (2, 5, ["2", "z"]),
    ]


def test_a_remark_on_the_file_is_passed_over_and_a_row_that_begins_like_one_is_not() -> None:
    sheet = open_sheet(pieces(b"a,b\n1,2\n# 1 entry; not in this file: 0\n# three,\n# 4,5\n# x@y.example,\n"))
    assert [row.cells for row in sheet.rows] == [["1", "2"], ["# 4", "5"], ["# x@y.example", ""]]
    assert sheet.blank_lines == 2


def test_blank_lines_are_counted_apart() -> None:
    sheet = open_sheet([b"a,b\n\n1,2\n,\n\n3,4\n"])
    assert [(row.number, row.line) for row in sheet.rows] == [(1, 3), (2, 6)]
    assert sheet.blank_lines == 3


def test_ragged_rows_and_nuls_are_rows_with_a_problem() -> None:
    data = b"a,b\n1\n1,2,3\n1,2,,\n1,\0\n1,2\n"
    assert told(data) == [
        (1, 2, "row-too-few-cells"),
        (2, 3, "row-too-many-cells"),
        (3, 4, None),
        (4, 5, "nul-character"),
        (5, 6, None),
    ]


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param('2,y\n3,"z"\n4,w\n', id="met by another quote"),
        pytest.param("2,y\n3,z\n4,w\n", id="open to the end"),
        pytest.param('2,y\n3,z",9\n4,w\n', id="closed rows later, with a cell too many"),
    ],
)
def test_an_open_quote_costs_its_own_row_only(rest: str) -> None:
    rows = read(f'a,b\n1,"x\n{rest}'.encode())
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert rows[0].problem is not None
    assert rows[0].problem.code == "quote-not-closed"
    assert rows[0].cells == ['1,"x']
    assert (rows[1].cells, rows[3].cells) == (["2", "y"], ["4", "w"])


def test_an_open_quote_in_a_long_file_is_given_up_after_its_limit() -> None:
    rows = read(b'a,b\n1,"x\n' + b"2,y\n" * 2_000)
    assert [row.problem.code for row in rows if row.problem] == ["quote-not-closed"]
    assert len(rows) == 2_001


def test_text_after_a_closing_quote() -> None:
    assert told(b'a,b\n"x"y,2\n3,4\n') == [(1, 2, "quote-broken"), (2, 3, None)]


def test_a_quote_inside_a_plain_cell_is_just_a_quote() -> None:
    assert cells(b'a,b\n5" pipe,2\n') == [['5" pipe', "2"]]


def test_a_line_of_ten_megabytes_is_one_problem_in_little_memory() -> None:
    def data() -> Iterator[bytes]:
        yield b"a,b\n1,2\n"
        for _ in range(160):
            yield b"x" * 65_536
        yield b"\n3,4\n"

    tracemalloc.start()
    rows = [
        (row.number, row.problem and row.problem.code, sum(map(len, row.cells)))
        for row in open_sheet(data()).rows
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == [(1, None, 2), (2, "row-too-long", 200), (3, None, 2)]
    assert peak < 3_000_000


def test_memory_does_not_grow_with_the_file() -> None:
    tracemalloc.start()
    count = sum(1 for _ in open_sheet(b"a,b\n" if not n else b"1,2\n" * 1_000 for n in range(300)).rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 299_000
    assert peak < 3_000_000
