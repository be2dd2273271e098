"""What a comparison with the provider comes to, in words."""

from __future__ import annotations

import pytest

from application.billing.totals import Total, in_words, summed


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (
            Total("received", "USD", 490_000, 490_000),
            "received: 4,900.00 USD at the provider, 4,900.00 USD here, no difference",
        ),
        (
            Total("refunded", "JPY", 1_200, 0),
            "refunded: 1,200 JPY at the provider, 0 JPY here, DIFFERENCE \u22121,200 JPY",
        ),
        (
            Total("invoiced", "XYZ", 4_900, 0),
            (
                "invoiced: 4,900 minor units of XYZ at the provider, 0 minor units of XYZ here, "
                "DIFFERENCE \u22124,900 minor units of XYZ"
            ),
        ),
    ],
)
def test_a_sum_is_said_in_its_currency_also_in_one_that_no_log_takes(total: Total, words: str) -> None:
    assert in_words(total) == words


def test_sums_are_one_of_each_measure_and_currency() -> None:
    parts = [Total("fees", "USD", 1, 0), Total("fees", "EUR", 0, 3), Total("fees", "USD", 0, 2)]
    assert summed(parts) == (Total("fees", "EUR", 0, 3), Total("fees", "USD", 1, 2))
