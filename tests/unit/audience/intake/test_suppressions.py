"""Suppression lists: which column says what, whose a row is, why and since when."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from domain.audience.intake import (
    Entry,
    FileKind,
    FileRefused,
    Mapping,
    Rejected,
    SaidBefore,
    dry_run,
    guess_columns,
    open_file,
    outcomes_of,
)
from domain.audience.intake.suppressions import Identity, of_identity
from domain.law.facts import SuppressionKind
from tests.support.contact_files import NOW, WORLD, pieces, pseudonym
from tests.support.suppressions import hashed, listing

LIST = FileKind.SUPPRESSIONS
ANN = "ann@people.example"
WORKSPACE = "0192f5d4-0000-7000-8000-00000000000a"


def outcomes(
    *rows: tuple[str, ...], header: tuple[str, ...], mapping: Mapping | None = None
) -> list[Entry | SaidBefore | Rejected]:
    opened = open_file(pieces(listing(*rows, header=header), 100), mapping or Mapping(), LIST)
    found = list(outcomes_of(LIST, opened, WORLD, NOW, pseudonym))
    assert all(isinstance(one, Entry | SaidBefore | Rejected) for one in found)
    return found  # type: ignore[return-value]


def entry(*cells: str, header: tuple[str, ...]) -> Entry:
    (found,) = outcomes(cells, header=header)
    assert isinstance(found, Entry), found
    return found


def codes(*cells: str, header: tuple[str, ...]) -> list[str]:
    (found,) = outcomes(cells, header=header)
    assert isinstance(found, Rejected), found
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize(
    ("header", "targets"),
    [
        (("Email Address", "Unsub Time", "Reason"), ("email", "date", "reason")),
        (("E-Mail", "Grund", "Datum"), ("email", "reason", "date")),
        (("email", "created", "type", "IP"), ("email", "date", "reason", "ignore")),
        (("SHA256", "Algorithm"), ("sha256", "algorithm")),
        (("hashed_email", "MD5"), ("hash", "md5")),
        (("recipient", "timestamp", "event", "campaign type"), ("email", "date", "reason", "campaign_type")),
        (("Email", "Mail"), ("email", "ignore")),
        (
            ("email", "algorithm", "kind", "scope", "within", "since", "position"),
            ("email", "algorithm", "reason", "scope", "within", "date", "ignore"),
        ),
    ],
)
def test_columns_are_told_by_their_usual_names(header: tuple[str, ...], targets: tuple[str, ...]) -> None:
    assert tuple(guess.target for guess in guess_columns(LIST, header, [])) == targets


def test_a_column_is_told_by_its_cells_where_no_name_tells() -> None:
    rows = [["x", hashed(ANN)], ["y", hashed("bob@people.example")]]
    assert [guess.target for guess in guess_columns(LIST, ("A", "B"), rows)] == ["ignore", "hash"]
    rows = [[ANN, ""], [hashed(ANN), ""], ["bob@people.example", ""]]
    assert [guess.target for guess in guess_columns(LIST, ("A", "B"), rows)] == ["email", "ignore"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("", SuppressionKind.UNSUBSCRIBE),
        ("OPT_OUT", SuppressionKind.UNSUBSCRIBE),
        ("Désinscrit", SuppressionKind.UNSUBSCRIBE),
        ("GDPR objection", SuppressionKind.OBJECTION),
        ("SpamComplaint", SuppressionKind.COMPLAINT),
        ("spam report", SuppressionKind.COMPLAINT),
        ("HardBounce", SuppressionKind.HARD_BOUNCE),
        ("cleaned", SuppressionKind.HARD_BOUNCE),
        ("INVALID_EMAIL", SuppressionKind.HARD_BOUNCE),
        ("soft-bounce", SuppressionKind.SOFT_BOUNCES),
        ("ManualSuppression", SuppressionKind.MANUAL),
        ("hard_bounce", SuppressionKind.HARD_BOUNCE),
        ("soft_bounces", SuppressionKind.SOFT_BOUNCES),
    ],
)
def test_the_words_of_common_senders_are_read(word: str, kind: SuppressionKind) -> None:
    assert entry(ANN, word, header=("Email", "Reason")).kind is kind


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_hash_is_told_by_its_length_in_any_case(algorithm: str) -> None:
    digest = hashed(ANN, algorithm)
    for cell in (digest, digest.upper(), f" 0x{digest} "):
        assert entry(cell, header=("Hash",)).hashed == f"{algorithm}:{digest}"
        assert entry(cell, header=("Email",)).hashed == f"{algorithm}:{digest}", "in a mixed file"
    assert entry(digest, algorithm.upper(), header=("Hash", "Algorithm")).hashed == f"{algorithm}:{digest}"


def test_of_several_hashes_of_a_row_the_strongest_counts_and_of_an_address_the_address() -> None:
    header = ("MD5", "SHA256", "Email")
    both = (hashed(ANN, "md5"), hashed(ANN))
    assert entry(*both, "", header=header).hashed == f"sha256:{hashed(ANN)}"
    plain = entry(*both, ANN.upper(), header=header)
    assert (plain.match, plain.email, plain.hashed) == (ANN, ANN.upper(), None)
    assert codes(hashed("bob@people.example", "md5"), "", ANN, header=header) == ["hash-of-another-address"]


@pytest.mark.parametrize(
    ("cells", "header", "wrong"),
    [
        ((hashed(ANN), "sha512"), ("Hash", "Algorithm"), ["hash-algorithm-unknown"]),
        ((hashed(ANN), "md5"), ("Hash", "Algorithm"), ["hash-of-another-algorithm"]),
        ((hashed(ANN),), ("MD5",), ["hash-of-another-algorithm"]),
        ((hashlib.sha512(b"x").hexdigest(),), ("Hash",), ["hash-wrong-length"]),
        (("ann",), ("Hash",), ["hash-invalid"]),
        (("# 2 entries", "bounce"), ("Email", "Reason"), ["remark"]),
        (("", "bounce"), ("Email", "Reason"), ["address-or-hash-missing"]),
        (
            ("ann@people", "x", "2027-01-01"),
            ("Email", "Reason", "Date"),
            ["email-domain-invalid", "reason-unknown", "date-in-future"],
        ),
        ((ANN, "03/04/2025"), ("Email", "Date"), ["date-ambiguous"]),
        ((ANN, "1x"), ("Email", "Campaign type"), ["campaign-type-invalid"]),
        ((ANN, "list"), ("Email", "Scope"), ["scope-unknown"]),
        ((ANN, "campaign_type", ""), ("Email", "Scope", "Within"), ["within-missing"]),
        ((ANN, "campaign_type", "1x"), ("Email", "Scope", "Within"), ["campaign-type-invalid"]),
        ((ANN, "workspace", "x"), ("Email", "Scope", "Within"), ["within-no-workspace"]),
    ],
)
def test_all_that_is_wrong_with_a_row_is_told_at_once(
    cells: tuple[str, ...], header: tuple[str, ...], wrong: list[str]
) -> None:
    assert codes(*cells, header=header) == wrong


def test_a_problem_names_its_column_and_no_cell() -> None:
    (found,) = outcomes((ANN, "secret word"), header=("Email", "Kind"))
    assert isinstance(found, Rejected)
    (problem,) = found.problems
    assert (problem.row, problem.column) == (1, "Kind")
    assert "secret" not in problem.message + problem.remedy
    assert "hard bounce" in problem.remedy


def test_an_address_with_a_character_that_nobody_sees_stops_who_it_looks_like_and_is_told() -> None:
    (found,) = outcomes((f"{ANN[0]}\u200b{ANN[1:]}",), header=("Email",))
    assert isinstance(found, Rejected)
    assert [(one.column, one.code) for one in found.problems] == [("Email", "email-invisible")]
    assert found.stop is not None
    assert found.stop.email == ANN


@pytest.mark.parametrize("word", ["", "tenant", "ALL", "global"])
def test_what_names_no_kind_of_campaign_is_of_the_whole_tenant(word: str) -> None:
    assert entry(ANN, word, header=("Email", "Campaign type")).campaign_type is None
    assert entry(ANN, "Offers", header=("Email", "Campaign type")).campaign_type == "offers"


def test_a_row_that_says_the_same_is_a_repeat_and_one_that_says_more_is_not() -> None:
    found = outcomes(
        (ANN, "spam"),
        (ANN.upper(), "complaint"),
        (ANN, "bounce"),
        (hashed(ANN), "spam"),
        header=("Email", "Reason"),
    )
    assert [type(one) for one in found] == [Entry, SaidBefore, Entry, Entry]
    assert isinstance(found[1], SaidBefore)
    assert found[1].first_row == 1


@pytest.mark.parametrize(
    ("reason", "cell", "since"),
    [
        ("unsubscribe", "2025-03-01 10:00", datetime(2025, 3, 1, 22, tzinfo=UTC)),
        ("complaint", "2025-03-01", datetime(2025, 3, 2, 11, 59, 59, 999_999, tzinfo=UTC)),
        ("objection", "2025-03-01T10:00:00Z", datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("", f"{NOW:%Y-%m-%d}", NOW),
        ("unsubscribe", f"{NOW + timedelta(hours=14):%Y-%m-%d %H:%M:%S}", NOW),
        ("bounce", f"{NOW + timedelta(hours=14):%Y-%m-%d %H:%M:%S}", NOW),
        ("unsubscribe", "1970-01-01", None),
        ("unsubscribe", "12/31/1969 16:00:00", None),
        ("unsubscribe", "0000-00-00", None),
        ("bounce", "1970-01-01", None),
        ("bounce", "2025-03-01 10:00", datetime(2025, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_persons_own_word_counts_as_late_as_it_may_have_been_said(
    reason: str, cell: str, since: datetime | None
) -> None:
    assert entry(ANN, reason, cell, header=("Email", "Reason", "Date")).since == since


def test_what_an_entry_says_is_read_back_from_its_identity() -> None:
    header = ("Email", "Reason", "Date", "Campaign type")
    told = entry(f"a|b{ANN}", "spam", "2025-01-02T03:04:05+02:00", "offers", header=header)
    expected = Identity(told.kind, told.campaign_type, None, told.since, told.whose)
    assert of_identity(told.identity) == expected
    bare = entry(hashed(ANN), "", "", "", header=header)
    said = Identity(SuppressionKind.UNSUBSCRIBE, None, None, None, f"sha256:{hashed(ANN)}")
    assert of_identity(bare.identity) == said
    narrow = entry(ANN, "workspace", WORKSPACE, header=("Email", "Scope", "Within"))
    assert of_identity(narrow.identity).workspace == narrow.workspace == WORKSPACE


@pytest.mark.parametrize(
    ("scope", "within", "kind", "expected"),
    [
        ("", "", "objection", ("objection", None, None)),
        ("tenant", "", "complaint", ("complaint", None, None)),
        ("campaign_type", "Offers", "unsubscribe", ("unsubscribe", "offers", None)),
        ("campaign_type", "all", "unsubscribe", ("unsubscribe", "all", None)),
        ("Workspace", WORKSPACE.upper(), "hard_bounce", ("hard_bounce", None, WORKSPACE)),
        ("platform", "", "abuse", ("manual", None, None)),
        ("platform", "", "complaint", ("manual", None, None)),
        ("tenant", "", "restriction", ("manual", None, None)),
        ("", "", "abuse", ("complaint", None, None)),
    ],
)
def test_how_far_it_goes_is_read_as_our_exports_say_it(
    scope: str, within: str, kind: str, expected: tuple[str, str | None, str | None]
) -> None:
    found = entry(ANN, kind, scope, within, header=("email", "kind", "scope", "within"))
    assert (found.kind, found.campaign_type, found.workspace) == expected


def test_a_list_whose_first_row_is_an_entry_is_refused() -> None:
    with pytest.raises(FileRefused) as refused:
        outcomes((hashed("bob@people.example"),), header=(hashed(ANN),))
    assert refused.value.code == "import-header-missing"


def test_the_dry_run_counts_rows_and_words() -> None:
    file = listing((ANN, "spam"), (ANN, "spam"), ("x", ""), header=("Email", "Reason"))
    shown = dry_run(lambda: pieces(file, 100), Mapping(), WORLD, now=NOW, pseudonym=pseudonym, kind=LIST)
    assert (shown.accepted, shown.repeated, shown.rejected) == (1, 1, 1)
    assert shown.problems == {"hash-invalid": 1}
    nothing = listing(("x",), header=("Colour",))
    shown = dry_run(lambda: pieces(nothing, 100), Mapping(), WORLD, now=NOW, pseudonym=pseudonym, kind=LIST)
    assert shown.refusal is not None
    assert shown.refusal.code == "import-mapping-address-missing"
    assert [guess.column for guess in shown.columns] == ["Colour"]
