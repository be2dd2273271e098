"""Exchange rates: recorded, corrected by a later event, one for each pair and day; and what is no rate."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.finance.period import LockPeriod, ReopenPeriod
from domain.finance.rate import (
    ExchangeRateRecorded,
    RateBeyondAny,
    RateOfClosedMonth,
    RateOfDayToCome,
    RateOfOneCurrency,
    RecordExchangeRate,
    rate_id,
)
from domain.kernel.errors import NotFound, Refusal
from tests.support.given import NOW, TENANT, given, uid
from tests.support.unit import World

DAY = date(2026, 10, 5)


def rate(**told: Any) -> RecordExchangeRate:
    usual = {"base": "EUR", "quote": "USD", "day": str(DAY), "rate": "1.0842", "source": "ECB"}
    return RecordExchangeRate.model_validate({**usual, **told})


def recorded(**told: Any) -> ExchangeRateRecorded:
    usual = {"base": "EUR", "quote": "USD", "day": DAY, "rate": "1.0842", "source": "ECB"}
    return ExchangeRateRecorded.model_validate(
        {"rate_id": rate_id(TENANT, "EUR", "USD", DAY), **usual, **told}
    )


def test_a_rate_is_corrected_by_a_later_event() -> None:
    given().when(rate(), target=TENANT).then(recorded())
    given(recorded()).when(rate(), target=TENANT).then()
    given(recorded()).when(rate(rate="1.0824"), target=TENANT).then(recorded(rate="1.0824"))
    back = {"base": "USD", "quote": "EUR", "rate": "0.92"}
    given(recorded()).when(rate(**back), target=TENANT).then(recorded(**back))


@pytest.mark.parametrize(
    ("told", "refusal", "field"),
    [
        ({"quote": "EUR"}, RateOfOneCurrency, "/quote"),
        ({"day": "2026-11-24"}, RateOfDayToCome, "/day"),
        ({"rate": "10000000.000000001"}, RateBeyondAny, "/rate"),
        ({"rate": "0.000000099"}, RateBeyondAny, "/rate"),
    ],
)
def test_what_is_refused(told: dict[str, str], refusal: type[Refusal], field: str) -> None:
    refused = given().when(rate(**told), target=TENANT).then(refusal)
    assert refused.field == field


@pytest.mark.parametrize("text", ["10000000", "0.0000001"])
def test_the_ends_of_what_a_rate_may_be(text: str) -> None:
    given().when(rate(rate=text), target=TENANT).then(recorded(rate=text))


def test_a_log_has_one_table_of_rates() -> None:
    given().when(rate(), target=uid(9)).then(NotFound)
    given().when(rate(day=str(NOW.date())), target=TENANT).then(recorded_on(NOW.date()))


def recorded_on(day: date) -> ExchangeRateRecorded:
    return recorded(day=day, rate_id=rate_id(TENANT, "USD", "EUR", day))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("rate", text)
            for text in ("0", "0.000", "-1.1", "1,1", "1e3", "1234567890", "1.0123456789", "", "+1")
        ),
        *(("base", code) for code in ("eur", "EURO", "XXX", "")),
        ("quote", "BTC"),
        ("day", "05.10.2026"),
        ("day", "1999-12-31"),
        ("source", ""),
    ],
)
def test_what_is_no_rate_is_told_by_its_field(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        rate(**{field: value})
    assert [one["loc"] for one in refused.value.errors()] == [(field,)]


def test_closed_months_keep_their_rates() -> None:
    world = World()
    world.run(rate(), TENANT)
    world.run(LockPeriod(period="2026-10"), TENANT)
    for told in ({"rate": "1.1"}, {"base": "GBP"}, {"day": "2024-02-29"}):
        with pytest.raises(RateOfClosedMonth) as refused:
            world.run(rate(**told), TENANT)
        assert (refused.value.field, refused.value.extra) == ("/day", {"open_from": "2026-11-01"})
    assert world.run(rate(), TENANT) == [], "what is recorded already changes nothing"
    assert len(world.run(rate(day="2026-11-01"), TENANT)) == 1
    reopened = {"period": "2026-10", "reason": "mistake", "explanation": "Another table."}
    world.run(ReopenPeriod.model_validate(reopened), TENANT)
    assert world.run(rate(rate="1.1"), TENANT) == [recorded(rate="1.1")]
    assert world.log[-1] == (f"exchange_rate:{rate_id(TENANT, 'EUR', 'USD', DAY)}", recorded(rate="1.1"))
