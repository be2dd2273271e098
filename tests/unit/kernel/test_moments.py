"""Moments and days as callers write them."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.kernel.moments import Day, Moment

MOMENT: TypeAdapter[object] = TypeAdapter(Moment)
DAY: TypeAdapter[object] = TypeAdapter(Day)


@pytest.mark.parametrize(
    "text", ["2026-11-23T14:00:00Z", "2026-11-23T14:00:00.5+02:00", "2000-01-01T00:00:00Z"]
)
def test_a_moment_is_written_with_its_offset(text: str) -> None:
    assert MOMENT.validate_json(f'"{text}"') == MOMENT.validate_python(text)


@pytest.mark.parametrize(
    "written",
    [
        "1700000000",
        '"1700000000"',
        "1.7e9",
        '"2026-11-23T14:00:00"',
        '"2026-11-23"',
        '"1999-12-31T23:59:59Z"',
        '""',
    ],
)
def test_nothing_else_is_a_moment(written: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_json(written)


@pytest.mark.parametrize("written", ["1900-01-01", "1970-01-01", "2100-12-31"])
def test_a_day_is_written_as_one(written: str) -> None:
    assert str(DAY.validate_json(f'"{written}"')) == written


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "20000",
        '"0"',
        '"20000"',
        '"0001-01-01"',
        '"1899-12-31"',
        '"2101-01-01"',
        '"9999-12-31"',
        '"23.11.2026"',
    ],
)
def test_nothing_else_is_a_day(written: str) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_json(written)
