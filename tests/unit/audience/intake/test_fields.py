"""What a cell may say: addresses, dates, flags, sources, text."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.audience.email import DOMAINS
from domain.audience.intake import (
    Address,
    DateOrder,
    Repeats,
    Source,
    SubscriberType,
    read_address,
    read_date,
)
from domain.audience.intake.errors import Fault
from domain.audience.intake.text import many_lines, one_line
from domain.audience.intake.vocabularies import read_flag, read_source, read_subscriber_type
from tests.support.contact_files import NOW, pseudonym


@pytest.mark.parametrize(
    ("cell", "written", "match", "name"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org", ""),
        (" ann@example.org\t", "ann@example.org", "ann@example.org", ""),
        ("ANN.Lee@Example.ORG", "ANN.Lee@Example.ORG", "ann.lee@example.org", ""),
        ("ann+news@example.org", "ann+news@example.org", "ann+news@example.org", ""),
        ('"Lee, Ann" <ann@example.org>', "ann@example.org", "ann@example.org", "Lee, Ann"),
        ("Ann Lee <ann@example.org>", "ann@example.org", "ann@example.org", "Ann Lee"),
        ("<ann@example.org>", "ann@example.org", "ann@example.org", ""),
        ("ann@bücher.example", "ann@bücher.example", "ann@xn--bcher-kva.example", ""),
        ("ann@BÜCHER.example", "ann@BÜCHER.example", "ann@xn--bcher-kva.example", ""),
        ('"ann lee"@example.org', '"ann lee"@example.org', '"ann lee"@example.org', ""),
        ('"ann"@example.org', '"ann"@example.org', "ann@example.org", ""),
        ("\u200bann@example.org", "ann@example.org", "ann@example.org", ""),
        ("\u202aann@example.org\u202c", "ann@example.org", "ann@example.org", ""),
        ("Ann\u200b Lee <\u200bann@example.org>\ufeff", "ann@example.org", "ann@example.org", "Ann Lee"),
        ("jürgen@example.org", "jürgen@example.org", "jürgen@example.org", ""),
        ("JU\u0308RGEN@example.org", "JÜRGEN@example.org", "jürgen@example.org", ""),
    ],
)
def test_addresses_that_are_read(cell: str, written: str, match: str, name: str) -> None:
    assert read_address(cell, DOMAINS) == Address(written, match, name)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("", "email-missing"),
        ("  ", "email-missing"),
        ("ann.example.org", "email-without-at"),
        ("ann @ example.org", "email-with-spaces"),
        ("ann lee@example.org", "email-with-spaces"),
        ("ann@example.org; bob@example.org", "email-several"),
        ("ann@example.org,bob@example.org", "email-several"),
        ("@example.org", "email-name-invalid"),
        ("..7@example.org", "email-name-invalid"),
        (".ann@example.org", "email-name-invalid"),
        ("ann..lee@example.org", "email-name-invalid"),
        ("mailto:ann@example.org", "email-name-invalid"),
        ("a@b@example.org", "email-name-invalid"),
        ("x" * 65 + "@example.org", "email-name-too-long"),
        ("ann@" + "x." * 130 + "org", "email-too-long"),
        ("ann@localhost", "email-domain-invalid"),
        ("ann@example..org", "email-domain-invalid"),
        ("ann@example.org.", "email-domain-invalid"),
        ("ann@-example.org", "email-domain-invalid"),
        ("ann@192.0.2.1", "email-domain-invalid"),
        ("ann@[192.0.2.1]", "email-domain-invalid"),
        ("ann@xn--a.example", "email-domain-invalid"),
        ("ann@XN--A.example", "email-domain-invalid"),
        ("ann@mail.Xn--A.example", "email-domain-invalid"),
        ("ann@ex\uff0fample.org", "email-domain-invalid"),
        ("=1+1", "email-without-at"),
        ("a\u200bnn@example.org\u200b; bob@example.org", "email-several"),
        *(
            (cell.format(unseen), "email-invisible")
            for unseen in "\u200b\u200c\u200d\u00ad\u2060\ufeff\u180e\u034f\u115f\u3164\u2800\ufe0f"
            for cell in ("an{}n@example.org", '"an{}n"@example.org', "Ann <an{}n@example.org>")
        ),
        ("ann@exam\u00adple.org", "email-invisible"),
        ("ann@example\u200b.org", "email-invisible"),
    ],
)
def test_addresses_that_are_not(cell: str, code: str) -> None:
    fault = read_address(cell, DOMAINS)
    assert isinstance(fault, Fault)
    assert fault.code == code


@pytest.mark.parametrize(
    ("cell", "role"),
    [("info@example.org", True), ("Sales+eu@example.org", True), ("sally@example.org", False)],
)
def test_addresses_of_functions(cell: str, *, role: bool) -> None:
    address = read_address(cell, DOMAINS)
    assert isinstance(address, Address)
    assert address.is_role is role


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-04-28", "2025-04-28T00:00:00"),
        ("2025-04-28T20:26:00Z", "2025-04-28T20:26:00"),
        ("2025-04-28 20:26", "2025-04-28T20:26:00"),
        ("2025-04-28T20:26:00.123456+02:00", "2025-04-28T18:26:00"),
        ("2025-04-28T20:26:00 -0530", "2025-04-29T01:56:00"),
        ("2025/4/8", "2025-04-08T00:00:00"),
        ("07.01.2025 06:30", "2025-01-07T06:30:00"),
        ("7.1.2025", "2025-01-07T00:00:00"),
        ("28/04/2025", "2025-04-28T00:00:00"),
        ("04/28/2025", "2025-04-28T00:00:00"),
        ("05/05/2025", "2025-05-05T00:00:00"),
        ("4/28/2025 6:30 PM", "2025-04-28T18:30:00"),
        ("4/28/2025, 12:05 AM", "2025-04-28T00:05:00"),
        ("2024-02-29", "2024-02-29T00:00:00"),
    ],
)
def test_dates_that_can_be_one_day_alone(text: str, moment: str) -> None:
    assert read_date(text, DateOrder.AUTO, UTC, NOW) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "order", "code"),
    [
        ("03/04/2025", DateOrder.AUTO, "date-ambiguous"),
        ("03-04-2025", DateOrder.AUTO, "date-ambiguous"),
        ("03/04/2025", DateOrder.YMD, "date-ambiguous"),
        ("04/28/2025", DateOrder.DMY, "date-contradicts-order"),
        ("28/04/2025", DateOrder.MDY, "date-contradicts-order"),
        ("31/02/2025", DateOrder.AUTO, "date-impossible"),
        ("2025-02-29", DateOrder.AUTO, "date-impossible"),
        ("2025-04-28 25:00", DateOrder.AUTO, "date-impossible"),
        ("4/28/2025 13:00 PM", DateOrder.AUTO, "date-impossible"),
        ("0000-00-00", DateOrder.AUTO, "date-says-none"),
        ("00/00/0000 00:00:00", DateOrder.AUTO, "date-says-none"),
        ("0001-01-01T00:00:00", DateOrder.AUTO, "date-says-none"),
        ("1899-12-30", DateOrder.AUTO, "date-says-none"),
        ("1900-01-01", DateOrder.AUTO, "date-says-none"),
        ("1900-12-31", DateOrder.AUTO, "date-says-none"),
        ("1901-01-01", DateOrder.AUTO, "date-impossible"),
        ("1969-12-30", DateOrder.AUTO, "date-impossible"),
        ("12/31/1969 16:00:00", DateOrder.AUTO, "date-says-none"),
        ("1970-01-01", DateOrder.AUTO, "date-says-none"),
        ("9999-12-31", DateOrder.AUTO, "date-says-none"),
        ("1904-01-01 00:00:00", DateOrder.AUTO, "date-says-none"),
        ("1900-01-00", DateOrder.AUTO, "date-says-none"),
        ("1/1/70", DateOrder.AUTO, "date-says-none"),
        ("1/2/70", DateOrder.MDY, "date-short-year"),
        ("1970-01-01T14:00:00+14:00", DateOrder.AUTO, "date-says-none"),
        ("28/04/25", DateOrder.DMY, "date-short-year"),
        ("2026-11-24", DateOrder.AUTO, "date-in-future"),
        ("2026-11-23T12:00:01Z", DateOrder.AUTO, "date-in-future"),
        ("2027-12-31", DateOrder.AUTO, "date-in-future"),
        *(
            (text, order, "date-says-none")
            for order in DateOrder
            for text in (
                *(
                    "1/0/1900",
                    "0/1/1900",
                    "00/01/1900",
                    "00.01.1900",
                    "0.1.1900",
                    "1900/1/0",
                    "1/0/1900 0:00",
                ),
                *("1/0/00", "00/01/00", "00.01.00", "00-01-1900", "1900-00-01"),
                *("12/31/69", "31.12.69", "31/12/69", "12-31-69 16:00", "1/1/70, 12:00 AM", "70-01-01"),
                *("2028-01-01", "2099-12-31", "2999-12-31", "3000-01-01", "31.12.9999"),
            )
        ),
        ("00-05-12", DateOrder.AUTO, "date-short-year"),
        ("12/30/69", DateOrder.MDY, "date-short-year"),
        ("10/10/2027", DateOrder.DMY, "date-in-future"),
        ("45658", DateOrder.AUTO, "date-unknown"),
        ("yesterday", DateOrder.AUTO, "date-unknown"),
        ("2025-W10-1", DateOrder.AUTO, "date-unknown"),
    ],
)
def test_dates_that_are_not_read(text: str, order: DateOrder, code: str) -> None:
    fault = read_date(text, order, UTC, NOW)
    assert isinstance(fault, Fault)
    assert fault.code == code


def test_the_mapping_decides_what_a_slash_means_but_not_a_dot() -> None:
    def day(text: str, order: DateOrder) -> datetime | Fault:
        return read_date(text, order, UTC, NOW)

    assert day("03/04/2025", DateOrder.DMY) == datetime(2025, 4, 3, tzinfo=UTC)
    assert day("03/04/2025", DateOrder.MDY) == datetime(2025, 3, 4, tzinfo=UTC)
    assert day("03.04.2025", DateOrder.MDY) == datetime(2025, 4, 3, tzinfo=UTC)


def test_times_without_an_offset_are_of_the_mappings_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert read_date("2025-07-01 00:30", DateOrder.AUTO, berlin, NOW) == datetime(
        2025, 6, 30, 22, 30, tzinfo=UTC
    )
    assert read_date("2025-07-01T00:30:00Z", DateOrder.AUTO, berlin, NOW) == datetime(
        2025, 7, 1, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        *(
            (word, True)
            for word in ("yes", "TRUE", "1", "x", "Ja", "OUI", "sí", "2025-04-28", "28.4.2025 10:00")
        ),
        *((word, False) for word in ("", "no", "FALSE", "0", "nein", "non")),
    ],
)
def test_flags(word: str, *, said: bool) -> None:
    assert read_flag(word) is said


def test_an_unknown_flag_names_those_that_are_known() -> None:
    fault = read_flag("perhaps")
    assert isinstance(fault, Fault)
    assert fault.code == "flag-unknown"
    assert "oui" in fault.remedy


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("", Source.UNKNOWN),
        ("pricing form", Source.WEBSITE_FORM),
        ("webinar", Source.EVENT),
        ("Trade Fair", Source.EVENT),
        ("newsletter footer", Source.NEWSLETTER),
        ("newsletter form", Source.NEWSLETTER),
        ("import", Source.IMPORT),
        ("Événement", Source.EVENT),
        ("Information", Source.OTHER),
    ],
)
def test_sources(words: str, source: Source) -> None:
    assert read_source(words) is source


def test_kinds_of_subscriber() -> None:
    assert read_subscriber_type("Sole trader") is SubscriberType.SOLE_TRADER
    assert read_subscriber_type("B2B") is SubscriberType.CORPORATE
    assert isinstance(read_subscriber_type("martian"), Fault)


def test_text_is_composed_trimmed_and_without_controls() -> None:
    assert one_line("  Zoe\u0308 \x07 \u202eLee\n") == "Zoë Lee"
    assert many_lines(" a\r\nb\x00\tc\rd ") == "a\nb\tc\nd"
    assert one_line("👍🏽 日本") == "👍🏽 日本"


def test_a_cell_in_which_nobody_sees_anything_is_empty() -> None:
    for nothing in ("\u200b", "\u3164", " \u2060\u00ad ", "\u2800"):
        assert (one_line(nothing), many_lines(nothing)) == ("", "")


def test_repeats_know_the_first_row_beyond_many_growths() -> None:
    repeats = Repeats()
    keys = [pseudonym(f"person.{number}@example.org") for number in range(20_000)]
    assert [repeats.first_row(key, row) for row, key in enumerate(keys, 1)] == list(range(1, 20_001))
    assert [repeats.first_row(key, 99_999) for key in keys] == list(range(1, 20_001))
    assert len(repeats) == 20_000


def test_a_short_pseudonym_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Repeats().first_row(b"short", 1)
