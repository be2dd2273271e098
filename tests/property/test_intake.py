"""Whatever the bytes: rows, problems or a named refusal; and what was read once reads the same again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience.email import DOMAINS
from domain.audience.intake import (
    Address,
    Candidate,
    FileRefused,
    Mapping,
    Normaliser,
    Repeat,
    Repeats,
    Row,
    RowProblem,
    candidates,
    dry_run,
    error_rows,
    escape_formula,
    open_file,
    open_sheet,
    read_address,
    unescape_formula,
)
from domain.audience.intake.text import many_lines, one_line
from tests.support.contact_files import NOW, WORLD, as_csv, pieces, pseudonym

CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12)
TELLING = st.sampled_from(
    [
        "a@b.org",
        '"',
        "'",
        ",",
        ";",
        "\n",
        "\r\n",
        "\0",
        "email",
        "é",
        "=1",
        "01/02/2024",
        "yes",
        '"x"',
        " ",
        "\ufeff",
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "windows-1252"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Bytes, from any at all to nearly a contact list."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    text = "Email,Opted in at,Unsubscribed\n" + "".join(draw(st.lists(TELLING, max_size=60)))
    return text.encode(draw(ENCODINGS), "replace") + draw(st.binary(max_size=3))


@given(
    files(),
    st.integers(1, 50),
    st.sampled_from([None, "utf-8", "windows-1252", "shift_jis", "gb18030", "utf-16-le"]),
)
@settings(max_examples=400)
def test_any_bytes_are_rows_or_a_named_refusal(data: bytes, size: int, encoding: str | None) -> None:
    rows = outcomes = 0
    refusal: FileRefused | None = None
    try:
        rows = sum(1 for _ in open_sheet(pieces(data, size), encoding=encoding).rows)
        opened = open_file(pieces(data, size), Mapping(encoding=encoding))
        normaliser = Normaliser(opened.sheet.header, opened.mapping, WORLD, NOW)
        outcomes = sum(1 for _ in candidates(opened, normaliser, pseudonym))
    except FileRefused as caught:
        refusal = caught
    if refusal is None:
        assert rows == outcomes > 0
    else:
        assert refusal.code.startswith("import-")
        assert refusal.remedy


@given(files())
def test_a_dry_run_never_raises_and_its_figures_add_up(data: bytes) -> None:
    shown = dry_run(lambda: pieces(data), Mapping(), WORLD, now=NOW, pseudonym=pseudonym)
    assert shown.accepted + shown.repeated + shown.rejected == shown.rows
    assert (shown.refusal is None) == (shown.state == "ready")


@given(files())
def test_every_line_is_in_a_row_or_blank(data: bytes) -> None:
    try:
        sheet = open_sheet([data])
        rows = list(sheet.rows)
    except FileRefused:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all(row.problem is not None or len(row.cells) == len(sheet.header) for row in rows)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(1, 99),
)
def test_what_is_written_as_csv_is_read_back(
    table: list[tuple[str, str, str]], delimiter: str, encoding: str, size: int
) -> None:
    data = as_csv([("a", "b", "c"), *table], delimiter).encode(encoding)
    filled = [list(cells) for cells in table if any(cells)]
    if not filled:
        with pytest.raises(FileRefused, match="no row under it"):
            next(open_sheet(pieces(data, size)).rows)
        return
    rows = list(open_sheet(pieces(data, size), delimiter=delimiter).rows)
    assert [row.problem for row in rows] == [None] * len(rows)
    assert [row.cells for row in rows] == filled


@given(st.text(max_size=40))
def test_text_read_once_reads_the_same_again(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert many_lines(many_lines(text)) == many_lines(text)


@given(
    st.one_of(
        st.emails(), st.text(max_size=30).map(lambda local: f"{local}@example.org"), st.text(max_size=30)
    )
)
@settings(max_examples=400)
def test_a_match_form_is_its_own_match_form(cell: str) -> None:
    address = read_address(cell, DOMAINS)
    if isinstance(address, Address):
        again = read_address(address.match, DOMAINS)
        assert isinstance(again, Address)
        assert again.match == address.match
        assert read_address(address.written, DOMAINS) == Address(address.written, address.match)


@given(st.lists(st.one_of(TELLING, CELLS), min_size=5, max_size=5))
def test_normalising_what_was_normalised_changes_nothing(cells: list[str]) -> None:
    header = ("Email", "First name", "Notes", "Tags", "Opted in at")
    normaliser = Normaliser(
        header,
        Mapping(
            columns=dict(zip(header, ("email", "first_name", "notes", "tags", "opted_in_at"), strict=True))
        ),
        WORLD,
        NOW,
    )
    once = normaliser.read(Row(1, 2, ["ann@example.org", *cells[1:]]))
    if not isinstance(once, Candidate):
        return
    moment = once.opted_in_at.isoformat() if once.opted_in_at else ""
    written = [once.email.written, once.first_name or "", once.notes or "", ";".join(once.tags), moment]
    assert normaliser.read(Row(1, 2, written)) == once


@given(st.text(max_size=10), st.text(max_size=10))
def test_escaping_formulas_loses_nothing(one: str, other: str) -> None:
    assert unescape_formula(escape_formula(one)) == one
    assert (escape_formula(one) == escape_formula(other)) == (one == other)
    assert not escape_formula(one).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.lists(st.integers(0, 30), max_size=100))
def test_repeats_agree_with_a_dictionary(numbers: list[int]) -> None:
    repeats, model = Repeats(), dict[int, int]()
    for row, number in enumerate(numbers, start=1):
        assert repeats.first_row(pseudonym(str(number)), row) == model.setdefault(number, row)


@given(st.lists(st.sampled_from(["ann", "bob", "ANN", "x@@"]), min_size=1, max_size=20))
def test_a_repeat_names_an_earlier_candidate_of_its_address(names: list[str]) -> None:
    data = as_csv([["email"], *([f"{name}@example.org"] for name in names)]).encode()
    opened = open_file([data], Mapping())
    accepted: dict[int, str] = {}
    for outcome in candidates(opened, Normaliser(opened.sheet.header, opened.mapping, WORLD, NOW), pseudonym):
        if isinstance(outcome, Candidate):
            assert outcome.email.match not in accepted.values()
            accepted[outcome.row] = outcome.email.match
        elif isinstance(outcome, Repeat):
            assert accepted[outcome.first_row] == outcome.candidate.email.match


@given(st.lists(st.one_of(TELLING, CELLS, st.text(max_size=6)), min_size=1, max_size=6))
def test_the_error_file_has_the_columns_of_the_file_it_is_of(names: list[str]) -> None:
    try:
        header = open_sheet(
            [as_csv([names, ["x"] * len(names)]).encode("utf-8", "replace")], delimiter=","
        ).header
    except FileRefused:
        return
    problem = RowProblem(1, 2, None, "code", "message", "remedy")
    returned = error_rows(header, ",", [(["x"] * len(header), [problem])])
    assert open_sheet(returned, delimiter=",").header == header
