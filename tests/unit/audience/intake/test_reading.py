"""A whole file: candidates, repeats, rejected rows, the error file and the dry run."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from application.importing.rows import details
from domain.audience.contact import CreateContact
from domain.audience.intake import (
    Candidate,
    FileRefused,
    Mapping,
    Normaliser,
    Preview,
    Rejected,
    Repeat,
    Row,
    Source,
    candidates,
    dry_run,
    error_rows,
    escape_formula,
    open_file,
    unescape_formula,
)
from tests.support.contact_export import ROWS, SAMPLE, export
from tests.support.contact_files import HEADER, NOW, WORLD, as_csv, contacts, pieces, pseudonym

Outcomes = list[Candidate | Repeat | Rejected]


def outcomes(data: bytes, mapping: Mapping | None = None) -> Outcomes:
    opened = open_file(pieces(data, 100), mapping or Mapping())
    normaliser = Normaliser(opened.sheet.header, opened.mapping, WORLD, NOW)
    return list(candidates(opened, normaliser, pseudonym))


def preview(data: bytes, mapping: Mapping | None = None) -> Preview:
    return dry_run(lambda: pieces(data, 100), mapping or Mapping(), WORLD, now=NOW, pseudonym=pseudonym)


def only(data: str, mapping: Mapping | None = None) -> Candidate:
    (outcome,) = outcomes(data.encode(), mapping)
    assert isinstance(outcome, Candidate)
    return outcome


def rejected(data: str) -> Rejected:
    (outcome,) = outcomes(data.encode())
    assert isinstance(outcome, Rejected)
    return outcome


def test_a_row_with_everything() -> None:
    candidate = only(
        "E-Mail,Vorname,Nachname,Titel,Firma,Telefon,Land,Type,Contact type,Opted in at,Opt-in source,Opt-in IP,"
        "Last purchase,Unsubscribed,Tags,Notes\n"
        'ANN@Bücher.example, Zoe\u0308 ,Groß,CFO,"Groß, Klein",030 1234567,Deutschland,big,B2B,28.04.2025 06:30,'
        'Trade fair,192.0.2.7,2025-05-01,no,vip;q3; vip,"=1+1\nand more"\n',
        Mapping(timezone="Europe/Berlin"),
    )
    assert candidate.email.match == "ann@xn--bcher-kva.example"
    assert (candidate.row, candidate.line) == (1, 2)
    assert (candidate.first_name, candidate.last_name, candidate.title) == ("Zoë", "Groß", "CFO")
    assert (candidate.company, candidate.phone, candidate.phone_e164) == (
        "Groß, Klein",
        "030 1234567",
        "+49301234567",
    )
    assert (candidate.country, candidate.subscriber_type) == ("DE", "corporate")
    assert candidate.opted_in_at == datetime(2025, 4, 28, 4, 30, tzinfo=UTC)
    assert (candidate.source, candidate.opt_in_source, candidate.opt_in_ip) == (
        Source.EVENT,
        "Trade fair",
        "192.0.2.7",
    )
    assert candidate.last_purchase_at == datetime(2025, 4, 30, 22, tzinfo=UTC)
    assert (candidate.unsubscribed, candidate.tags) == (False, ("vip", "q3"))
    assert (candidate.notes, candidate.attributes) == ("=1+1\nand more", (("type", "big"),))
    assert candidate.warnings == ()


def test_what_is_doubtful_costs_a_warning_not_the_row() -> None:
    candidate = only(
        "Email,Country,Phone,Opt-in IP,Subscriber type\ninfo@example.org,Atlantis,+49 1,here,martian\n"
    )
    assert (candidate.country, candidate.phone, candidate.phone_e164) == (None, "+49 1", None)
    assert (candidate.opt_in_ip, candidate.subscriber_type) == (None, None)
    assert [(warning.column, warning.code) for warning in candidate.warnings] == [
        ("Email", "email-role"),
        ("Country", "country-unknown"),
        ("Phone", "phone-not-valid"),
        ("Subscriber type", "subscriber-type-unknown"),
        ("Opt-in IP", "ip-not-valid"),
    ]


def test_the_display_name_fills_an_empty_name() -> None:
    assert only('Email\n"""Lee, Ann"" <ann@example.org>"\n').full_name == "Lee, Ann"


def test_the_default_country_is_for_rows_that_name_none() -> None:
    data = b"Email,Country\nann@example.org,\nbob@example.org,FR\ncid@example.org,Atlantis\n"
    found = [
        outcome.country
        for outcome in outcomes(data, Mapping(default_country="DE"))
        if isinstance(outcome, Candidate)
    ]
    assert found == ["DE", "FR", None]


def test_all_faults_of_a_row_are_told_and_none_echoes_it() -> None:
    row = rejected(
        "Email,Opted in at,Unsubscribed,Notes\nSecretName,03/04/2025,perhaps," + "n" * 10_001 + "\n"
    )
    assert [(problem.column, problem.code) for problem in row.problems] == [
        ("Email", "email-without-at"),
        ("Unsubscribed", "flag-unknown"),
        ("Opted in at", "date-ambiguous"),
        ("Notes", "too-long"),
    ]
    assert "10,000" in row.problems[3].message
    assert not any("SecretName" in f"{p.message}{p.remedy}" or "03/04" in p.message for p in row.problems)


def test_who_said_stop_has_said_it_even_in_a_row_that_is_rejected() -> None:
    row = rejected("Email,Opted in at,Unsubscribed\nann@example.org,03/04/2025,yes\n")
    assert row.withdrawal is not None
    assert row.withdrawal.match == "ann@example.org"
    assert rejected("Email,Opted in at,Unsubscribed\nann@example.org,03/04/2025,\n").withdrawal is None


def test_any_of_several_columns_may_say_stop() -> None:
    assert only("Email,Unsubscribed,Opt-out\nann@example.org,no,x\n").unsubscribed


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("yes", None),
        ("2024-03-01 14:05", datetime(2024, 3, 2, 2, 5, tzinfo=UTC)),
        ("2024-03-01T14:05:00Z", datetime(2024, 3, 1, 14, 5, tzinfo=UTC)),
        ("2024-03-01T14:05:00 -0800", datetime(2024, 3, 1, 22, 5, tzinfo=UTC)),
        ("2024-03-01", datetime(2024, 3, 2, 11, 59, 59, 999_999, tzinfo=UTC)),
        ("1970-01-02", datetime(1970, 1, 3, 11, 59, 59, 999_999, tzinfo=UTC)),
    ],
    ids=[
        "no date",
        "a time of nobody knows where: where it comes last",
        "a time of UTC",
        "a time with its offset",
        "a day: to its end, where that comes last",
        "the day after the first of clocks is a date",
    ],
)
def test_who_said_stop_said_it_when_the_file_says(cell: str, moment: datetime | None) -> None:
    candidate = only(f"Email,Unsubscribed\nann@example.org,{cell}\n", Mapping(timezone="Europe/Berlin"))
    assert (candidate.unsubscribed, candidate.unsubscribed_at, candidate.warnings) == (True, moment, ())
    row = rejected(f"Email,Opted in at,Unsubscribed\nann@example.org,03/04/2025,{cell.lower()}\n")
    assert row.withdrawal is not None
    assert (row.withdrawn_at is None) is (moment is None)


@pytest.mark.parametrize(
    "cell",
    [
        "1970-01-01",
        "01/01/1970 00:00:00",
        "1970-01-01T01:00:00 +0100",
        "12/31/1969 16:00:00",
        "1969-12-31T12:00:00-12:00",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "01.01.0001 00:00",
        "1899-12-30",
        "1900-01-01",
        "1/0/1900",
        "00.01.1900",
        "12/31/69",
        "2099-12-31",
    ],
)
def test_what_programs_write_for_never_stops_nobody_and_is_told(cell: str) -> None:
    """Neither a stop of everybody who never unsubscribed, nor a contact of whom nobody knows whether they did."""
    row = rejected(f"Email,Unsubscribed\nann@example.org,{cell}\n")
    assert [(one.column, one.code) for one in row.problems] == [("Unsubscribed", "date-says-none")]
    assert row.withdrawal is None
    for other in ("yes", "2024-01-01"):
        row = rejected(f"Email,Unsubscribed,Opt-out\nann@example.org,{cell},{other}\n")
        assert row.withdrawal is not None, "another column says that they did"
    # Nor is it the day of a consent, which would count.
    row = rejected(f"Email,Opted in at,Unsubscribed\nann@example.org,{cell},yes\n")
    assert [(one.column, one.code) for one in row.problems] == [("Opted in at", "date-says-none")]
    assert row.withdrawal is not None


def test_an_address_with_a_character_that_nobody_sees_is_rejected_and_stops_who_it_looks_like() -> None:
    for unseen in "\u200b\u3164":
        row = rejected(f"Email,Unsubscribed\nan{unseen}n@example.org,yes\n")
        assert [(one.column, one.code) for one in row.problems] == [("Email", "email-invisible")]
        assert row.withdrawal is not None
        assert row.withdrawal.match == "ann@example.org"


@pytest.mark.parametrize(
    ("cell", "late"),
    [
        (NOW + timedelta(hours=14), False),
        (NOW + timedelta(hours=14, seconds=1), True),
    ],
    ids=["over where the day begins", "over nowhere"],
)
def test_a_stop_is_in_the_future_where_it_has_come_nowhere(cell: datetime, *, late: bool) -> None:
    """A list of Tokyo under the default zone is of today."""
    candidate = only(f"Email,Unsubscribed\nann@example.org,{cell:%Y-%m-%d %H:%M:%S}\n")
    assert candidate.unsubscribed
    assert candidate.unsubscribed_at == (None if late else NOW)
    assert [one.code for one in candidate.warnings] == (["date-in-future"] if late else [])


@pytest.mark.parametrize(
    ("cell", "code"),
    [("03/04/2024", "date-ambiguous"), ("2027-01-01", "date-in-future"), ("2024-02-30", "date-impossible")],
)
def test_who_said_stop_on_a_day_that_cannot_be_read_has_said_it_all_the_same(cell: str, code: str) -> None:
    candidate = only(f"Email,Unsubscribed,Opt-out\nann@example.org,{cell},2024-01-01\n")
    assert (candidate.unsubscribed, candidate.unsubscribed_at) == (True, None)
    assert [(one.column, one.code) for one in candidate.warnings] == [("Unsubscribed", code)]


def test_of_several_columns_the_latest_stop_counts_and_a_stop_of_today_is_of_now() -> None:
    candidate = only("Email,Unsubscribed,Opt-out\nann@example.org,yes,2024-01-01\n")
    assert candidate.unsubscribed_at == datetime(2024, 1, 2, 11, 59, 59, 999_999, tzinfo=UTC)
    row = f"Email,Unsubscribed,Opt-out\nann@example.org,{NOW:%Y-%m-%d},2024-01-01\n"
    assert only(row).unsubscribed_at == NOW
    assert only(f"Email,Unsubscribed\nann@example.org,{NOW:%Y-%m-%d} 03:00\n").unsubscribed_at == NOW


def test_repeats_name_the_row_of_the_first() -> None:
    data = b"Email,Unsubscribed\nann@example.org,\nbob@example.org,\nANN@example.org,yes\nann@b\n"
    found = outcomes(data)
    assert [type(outcome) for outcome in found] == [Candidate, Candidate, Repeat, Rejected]
    repeat = found[2]
    assert isinstance(repeat, Repeat)
    assert (repeat.candidate.row, repeat.first_row, repeat.candidate.unsubscribed) == (3, 1, True)


def test_under_create_nothing_is_a_repeat() -> None:
    data = b"Email\nann@example.org\nann@example.org\n"
    assert [
        type(outcome) for outcome in outcomes(data, Mapping.model_validate({"duplicates": "create"}))
    ] == [Candidate] * 2


def test_the_error_file_gives_rows_back_and_reads_as_the_file_it_came_from() -> None:
    data = b'Email;Notes\nann@example.org;fine\nbroken;=1+1\nx@b;a;b\nx\ny;"open\n'
    opened = open_file([data], Mapping())
    normaliser = Normaliser(opened.sheet.header, opened.mapping, WORLD, NOW)
    faults = [
        outcome for outcome in candidates(opened, normaliser, pseudonym) if isinstance(outcome, Rejected)
    ]
    returned = b"".join(
        error_rows(
            opened.sheet.header,
            opened.sheet.delimiter,
            ((fault.row.cells, fault.problems) for fault in faults),
        )
    )
    assert returned.startswith(b"\xef\xbb\xbfEmail;Notes;error_row;error_column;error_code;error_remedy\r\n")
    assert b"\r\nbroken;'=1+1;2;Email;email-without-at;" in returned
    again = open_file([returned.replace(b"broken", b"bob@example.org")], Mapping())
    assert again.sheet.header == ("Email", "Notes")
    assert [row.cells for row in again.rows][:2] == [["bob@example.org", "=1+1"], ["x@b", "a", "b"]]


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", "'=1", "''=1"])
def test_formulas_are_escaped_and_back(cell: str) -> None:
    assert escape_formula(cell) == "'" + cell
    assert unescape_formula(escape_formula(cell)) == cell


@pytest.mark.parametrize("cell", ["", "a=1", "'quoted'", "1-2"])
def test_other_cells_stay(cell: str) -> None:
    assert escape_formula(cell) == unescape_formula(cell) == cell


def test_a_dry_run_counts_everything() -> None:
    data = as_csv([HEADER, *contacts(200), contacts(1)[0], ["", "", "nobody", *[""] * 6]]).encode()
    shown = preview(data)
    assert (shown.state, shown.rows, shown.accepted, shown.repeated, shown.rejected) == (
        "ready",
        202,
        200,
        1,
        1,
    )
    assert shown.problems == {"email-without-at": 1}
    assert shown.first_problems[0].row == 202
    assert shown.mapping is not None
    assert shown.mapping.column_of("email") == "Email"
    assert Preview.model_validate_json(shown.model_dump_json()) == shown


def test_a_dry_run_of_an_unknown_encoding_shows_how_it_would_read() -> None:
    data = "Email,Name\nann@example.org,Ann\nj@example.org,Jürgen\n".encode("windows-1252")
    shown = preview(data)
    assert shown.refusal is not None
    assert (shown.state, shown.refusal.code, shown.refusal.where["row"]) == (
        "refused",
        "import-encoding-unknown",
        2,
    )
    assert shown.shown_as == (("Email", "Name"), ("j@example.org", "Jürgen"))
    assert preview(data, Mapping(encoding="windows-1252")).accepted == 2


def test_a_dry_run_without_an_email_column_shows_the_columns() -> None:
    shown = preview(b"Name,Town\nAnn,Rome\n")
    assert shown.refusal is not None
    assert shown.refusal.code == "import-mapping-email-missing"
    assert [column.column for column in shown.columns] == ["Name", "Town"]


def test_rows_before_a_refusal_are_handed_out() -> None:
    opened = open_file([b"Email\nann@example.org\nb\xff\n"], Mapping())
    assert next(opened.rows).cells == ["ann@example.org"]
    with pytest.raises(FileRefused):
        next(opened.rows)


def test_a_large_export_is_read_as_it_was_made() -> None:
    made = export()
    assert export().content == made.content, "the same each time"
    shown = dry_run(lambda: [made.content], Mapping(), WORLD, now=NOW, pseudonym=pseudonym)
    assert shown.rows == made.rows == ROWS
    assert shown.problems == made.problems
    assert shown.rejected == made.rejected
    assert shown.accepted + shown.repeated == made.rows - made.rejected
    assert shown.repeated > 100
    assert shown.withdrawals == made.withdrawals


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample export is not here; the made one is read above")
def test_the_sample_export() -> None:
    shown = dry_run(lambda: [SAMPLE.read_bytes()], Mapping(), WORLD, now=NOW, pseudonym=pseudonym)
    assert shown.accepted + shown.repeated + shown.rejected == shown.rows == 20_400
    assert (shown.repeated, shown.rejected, shown.withdrawals) == (345, 2_675, 4_274)
    assert shown.problems == {
        "date-ambiguous": 1_614,
        "email-name-invalid": 774,
        "email-with-spaces": 195,
        "email-without-at": 103,
        "email-missing": 90,
    }


@pytest.mark.parametrize("whole", ["x" * 100, "x" * 100 + " " + "y" * 99])
def test_what_an_import_takes_a_command_takes_too(whole: str) -> None:
    header = ("Email", "Name", "Title", "Company", "Phone", "Tags", "Notes", *(f"A{n}" for n in range(48)))
    columns = dict(
        zip(header[:7], ("email", "full_name", "title", "company", "phone", "tags", "notes"), strict=True)
    )
    mapping = Mapping(columns={**columns, **{name: f"attribute:{name.lower()}" for name in header[7:]}})
    tags = ";".join(str(n).ljust(100, "t") for n in range(50))
    cells = ["a@b.org", whole, "t" * 255, "c" * 255, "1" * 40, tags, "n" * 10_000, *["a" * 10_000] * 48]
    row = Row(1, 2, cells)
    candidate = Normaliser(header, mapping, WORLD, NOW).read(row)
    assert isinstance(candidate, Candidate), candidate
    CreateContact.model_validate({"workspace_id": UUID(int=1), "email": "a@b.org", **details(candidate)})


@pytest.mark.parametrize("whole", ["x" * 101, "x " + "y" * 101])
def test_a_whole_name_is_refused_where_it_makes_names_that_are_too_long(whole: str) -> None:
    header = ("Email", "Name", "First")
    mapping = Mapping(columns={"Email": "email", "Name": "full_name", "First": "first_name"})
    normaliser = Normaliser(header, mapping, WORLD, NOW)
    alone = normaliser.read(Row(1, 2, ["a@b.org", whole, ""]))
    assert isinstance(alone, Rejected)
    assert [problem.column for problem in alone.problems] == ["Name"]
    assert isinstance(normaliser.read(Row(1, 2, ["a@b.org", whole, "Ann"])), Candidate)
