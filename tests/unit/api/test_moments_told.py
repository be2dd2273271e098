"""Times on the command line: those that the API takes, and no others."""

from datetime import UTC, datetime

import pytest
import typer

from api.cli.history import moment, time


def test_a_time_without_an_offset_is_in_utc() -> None:
    assert time("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC) == moment("2026-03-01T01:00:00+01:00")


@pytest.mark.parametrize("text", ["1999-01-01", "1999-12-31T23:59:59Z", "2100-01-01T00:00:01Z", "9999-12-31"])
def test_a_time_that_nothing_here_can_be_of_is_refused(text: str) -> None:
    for read in (time, moment):
        with pytest.raises(typer.BadParameter, match="2000-01-01 and 2100-01-01"):
            read(text)


def test_the_first_and_the_last_are_taken() -> None:
    assert time("2000-01-01T00:00:00Z").year == 2000
    assert time("2100-01-01T00:00:00Z").year == 2100
