"""Directions are wrong as rarely as they say. The full figures: scripts/calibrate, docs/directions.md.

The bounds fail by chance less than once in a million runs if the engine is as it should be; seeds are fixed besides.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from scripts import calibration
from scripts.calibration_series import ar1, by_library, covered, directed

_CHANCE = 1e-6


def most(count: int, share: float) -> int:
    """As many of `count` as happen by chance more often than once in a million, each having that share."""
    return int(stats.binom.isf(_CHANCE, count, share))


@pytest.mark.parametrize(("n", "phi"), [(10, 0.5), (26, 0.5), (52, 0.5), (52, 0)])
def test_of_trendless_series_one_in_twenty_is_given_a_direction(n: int, phi: float) -> None:
    chance, count = np.random.default_rng([1, n]), 400
    wrong = sum(sum(directed(chance, {"n": n, "phi": phi})[:2]) for _ in range(count))
    assert wrong <= most(count, 0.05)


def test_the_test_would_fail_for_the_library_as_it_stands() -> None:
    chance, count = np.random.default_rng(2), 400
    wrong = sum(np.array(by_library(chance, {"n": 26, "phi": 0.5})) for _ in range(count))
    assert all(np.array(wrong)[:5] > most(count, 0.05))


def test_a_rise_of_three_sigma_in_a_year_of_weeks_is_seen() -> None:
    chance, count = np.random.default_rng(3), 60
    told = [directed(chance, {"n": 52, "phi": 0, "rise": 3}) for _ in range(count)]
    assert sum(one[0] for one in told) > 0.9 * count
    assert sum(one[1] for one in told) == 0


def test_values_to_come_lie_in_their_ranges() -> None:
    chance, count = np.random.default_rng(4), 150
    told = np.array(
        [covered(chance, {"kind": "AR(1) 0.5", "n": 40, "ahead": 6}) for _ in range(count)], dtype=float
    )
    outside = count - told.sum(axis=0)
    assert outside[0] <= most(count, 0.2)
    assert outside[1] <= most(count, 0.05)
    assert outside[1] < outside[0]


def test_the_series_are_what_they_are_said_to_be() -> None:
    chance = np.random.default_rng(5)
    for noise in ("normal", "heavy", "skewed"):
        values = np.array([ar1(chance, 50, 0.5, noise) for _ in range(800)])
        assert values.var() == pytest.approx(1, abs=0.1)
        assert (values[:, 1:] * values[:, :-1]).mean() == pytest.approx(0.5, abs=0.06)


def test_the_page_shows_the_seed_and_every_table() -> None:
    text = calibration.PAGE.read_text(encoding="utf-8")
    assert str(calibration.SEED) in text
    for name in (*calibration.EXPERIMENTS, "timing"):
        found = re.search(rf"<!-- {name} -->\n\n(\|.*?)\n\n<!-- end -->", text, re.DOTALL)
        assert found is not None, f"scripts/calibrate {name} writes it"
        assert len(found[1].splitlines()) >= 3
