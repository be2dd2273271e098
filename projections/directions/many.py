"""Many figures at once: how many of the directions told may be false (Benjamini and Hochberg 1995).

Of forty figures without any direction two would be told one at the level of one figure. Looked at together, p-values
are adjusted so that of the directions told at most a share `q` is false in the long run; figures that lean the same way
keep that (Benjamini and Yekutieli 2001).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projections.directions.series import Better
    from projections.directions.trend import Trend

Q: Final = 0.05
"""Share of false directions among those told, at most, unless another is declared."""


def together(trends: Sequence[tuple[Trend, Better]], q: float = Q) -> tuple[Trend, ...]:
    """The same trends in the same order, each direction decided after adjustment. Not enough data stays that."""
    if not 0 < q < 1:
        raise ValueError("q is a share of false directions, between 0 and 1")
    p_values = [one.p_value for one, _ in trends if one.p_value is not None]
    if not p_values:
        return tuple(one for one, _ in trends)
    adjusted = iter(stats.false_discovery_control(p_values, method="bh").tolist())
    return tuple(
        one if one.p_value is None else one.decided(next(adjusted), q, better) for one, better in trends
    )
