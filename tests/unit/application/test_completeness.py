"""What a certificate says, for programs, for people, and in a header."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from application.completeness import FORMAT, Completeness, Hidden, OfLogs, Signed, hidden_by
from application.ports.positions import Position

TENANT = UUID(int=7)
SIGNED = Signed(f"penguinmails.test/{TENANT}/events/1", 42, "cm9vdA==")


@pytest.mark.parametrize(
    ("last", "signed", "covers", "words"),
    [
        (42, SIGNED, True, "holds every position"),
        (43, SIGNED, False, "holds positions 1 to 42; 43 to 43 were not signed"),
        (42, None, None, "Nothing of this log was signed yet"),
    ],
)
def test_it_says_whether_what_it_was_made_from_was_signed(
    last: int, signed: Signed | None, covers: object, words: str
) -> None:
    made = Completeness(TENANT, Position(1, last), 3, signed)
    told = made.told()
    assert told["positions"] == {"first": 1, "last": last}
    assert (told["checkpoint"] and told["checkpoint"]["covers"]) == covers
    assert words in told["verify"] == made.verify()
    facts = dict(made.facts())
    assert ("root cm9vdA==" in facts["checkpoint"]) == (signed is not None)
    assert json.loads(facts["completeness"]) == told


def test_what_was_left_out_is_named_and_counted_where_it_was() -> None:
    hidden = (Hidden("kind", "Élan", 1_200), Hidden("from", "2026-01"))
    made = Completeness(TENANT, Position(1, 9), 3, SIGNED, hidden, whole=False)
    told = made.told()
    assert (told["format"], told["rows"], told["complete"]) == (FORMAT, 3, False)
    assert told["hidden"] == [
        {"filter": "kind", "asked": "Élan", "rows": 1_200},
        {"filter": "from", "asked": "2026-01", "rows": None},
    ]
    assert dict(made.facts())["left_out"] == (
        "rows beyond the limit: there are more than these; what kind=Élan leaves out (1,200); "
        "what from=2026-01 leaves out (not counted)"
    )
    assert dict(Completeness(TENANT, Position(1, 9), 3).facts())["left_out"] == "nothing"


def test_a_header_is_one_line_of_ascii_that_says_the_same() -> None:
    made = Completeness(TENANT, Position(1, 9), None, SIGNED, (Hidden("q", "Zoë\r\nSet-Cookie: a=b"),))
    assert made.header().isascii()
    assert not {"\r", "\n"} & set(made.header())
    assert json.loads(made.header()) == made.told()


def test_nothing_has_happened_yet() -> None:
    told = Completeness(TENANT, Position(1, 0), 0).told()
    assert told["positions"] == {"first": 0, "last": 0}


def test_of_all_logs_no_position_says_it() -> None:
    made = Completeness(TENANT, OfLogs(12, "abc"), 3)
    told = made.told()
    assert (told["logs"], told["digest"], made.position) == (12, "abc", None)
    assert told.keys().isdisjoint({"position", "checkpoint"})
    assert dict(made.facts())["checkpoint"] == "of each log its own"


def test_as_of_when_leaves_nothing_out() -> None:
    given = {"to": "2026-02", "at_position": "9", "from": "2026-01"}
    assert hidden_by(given, but=("at_position",)) == (Hidden("from", "2026-01"), Hidden("to", "2026-02"))
