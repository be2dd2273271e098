"""Sealing: once, and of days that have begun."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.reporting.pack import (
    Pack,
    PackAlreadySealed,
    PackSealed,
    PeriodBackwards,
    PeriodNotBegun,
    PeriodTooLong,
    SealPack,
)
from tests.support.given import NOW, given, uid

FIELDS: dict[str, Any] = {
    "definition": "compliance",
    "definition_version": "0123456789ab",
    "period_from": date(2026, 10, 1),
    "period_to": date(2026, 10, 31),
    "position": "cDEuMS40Mg",
    "as_of": datetime(2026, 11, 1, tzinfo=UTC),
    "pdf_sha256": "a" * 64,
    "pdf_size": 1_000,
    "figures_sha256": "b" * 64,
    "figures": 12,
    "needs": ["reports.read"],
    "currency": "USD",
}
SEALED = PackSealed(pack_id=uid(9), **FIELDS)


def asked(**fields: Any) -> SealPack:
    return SealPack(**{**FIELDS, **fields})


def test_a_pack_is_sealed_once() -> None:
    assert given().when(asked(), target=uid(9)).then(SEALED) == Pack(SEALED)
    given(SEALED).when(asked(), target=uid(9)).then(PackAlreadySealed)


@pytest.mark.parametrize(
    ("first", "last", "refusal"),
    [
        (date(2026, 10, 2), date(2026, 10, 1), PeriodBackwards),
        (date(2025, 1, 1), date(2026, 2, 5), PeriodTooLong),
        (date(2026, 11, 24), date(2026, 11, 30), PeriodNotBegun),
    ],
)
def test_periods_that_nothing_is_sealed_about(first: date, last: date, refusal: Any) -> None:
    given().when(asked(period_from=first, period_to=last), target=uid(9)).then(refusal)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (NOW.date(), date(2026, 12, 31)),
        (date(2026, 10, 1), date(2026, 10, 1)),
        (date(2025, 1, 1), date(2026, 2, 4)),
    ],
)
def test_periods_at_their_bounds(first: date, last: date) -> None:
    told = {**FIELDS, "period_from": first, "period_to": last}
    given().when(SealPack(**told), target=uid(9)).then(PackSealed(pack_id=uid(9), **told))
