"""The SQL's movements and balances beside those of the plain model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from projections.finance.profiles import PROFILES, Profile
from tests.support.mrr_histories import Told
from tests.support.mrr_model import Closing, Customer, Movements, posted

if TYPE_CHECKING:
    from tests.unit.olap.test_ingest import World

_MOVEMENTS = """
    SELECT
        tenant_id::VARCHAR, profile, {day}, kind, currency, subscription_id::VARCHAR, position, sum(amount)::BIGINT
    FROM mrr_movement JOIN dim_tenant USING (tenant_key)
    WHERE {whose}
    GROUP BY ALL
    HAVING sum(amount) <> 0
"""


def movements_in(world: World, day: str, whose: str = "true") -> dict[tuple[str, str], Movements]:
    """By tenant and profile, the movements that the SQL made. `day`: effective_on or posted_on."""
    found: dict[tuple[str, str], Movements] = defaultdict(dict)
    for tenant, profile, *key, amount in world.rows(_MOVEMENTS.format(day=day, whose=whose)):
        found[tenant, profile][tuple(key)] = amount
    return found


def assert_as_the_model(
    world: World, customers: Iterable[Told], profiles: Iterable[Profile] = PROFILES.values()
) -> int:
    """Every movement is that of the plain model; how many there are."""
    profiles, count = tuple(profiles), 0
    found = movements_in(world, "effective_on")
    for told in customers:
        known = Customer(told.tellings)
        for profile in profiles:
            expected = known.movements(profile)
            assert found[str(told.history.tenant_id), profile.id] == expected, profile.id
            count += len(expected)
    return count


def assert_posted_as_the_model(world: World, told: Told, closings: list[Closing]) -> None:
    """By posting dates too, with months that were closed and reopened."""
    tenant = str(told.history.tenant_id)
    found = movements_in(world, "posted_on", f"tenant_id = '{tenant}'")
    for profile in PROFILES.values():
        assert found[tenant, profile.id] == posted(told.tellings, closings, profile), profile.id


IDENTITY = """
    WITH
        edge AS (
            SELECT tenant_key, profile, currency, from_at::DATE AS day, amount
            FROM subscription_interval WHERE as_of IS NULL
            UNION ALL
            SELECT tenant_key, profile, currency, to_at::DATE, -amount
            FROM subscription_interval WHERE as_of IS NULL AND to_at IS NOT NULL
        ),
        -- What the stretches come to at the end of a day less what they came to at its start: nothing on other days.
        net AS (SELECT tenant_key, profile, currency, day, sum(amount) AS net FROM edge GROUP BY ALL),
        balance AS (
            SELECT *, sum(net) OVER (PARTITION BY tenant_key, profile, currency ORDER BY day) AS closing FROM net
        ),
        flow AS (
            SELECT tenant_key, profile, currency, effective_on AS day,
                coalesce(sum(amount) FILTER (kind IN ('new', 'expansion', 'reactivation')), 0) AS more,
                coalesce(-sum(amount) FILTER (kind IN ('contraction', 'churn')), 0) AS less,
                count(*) AS movements
            FROM mrr_movement GROUP BY ALL
        )
    SELECT
        coalesce(sum(movements), 0)::BIGINT,
        count(*) FILTER (
            coalesce(closing - net, 0) + coalesce(more, 0) - coalesce(less, 0)
            <> CASE WHEN closing IS NULL THEN 0 ELSE closing END
        ),
        coalesce(min(closing), 0)::BIGINT
    FROM balance
    FULL JOIN flow USING (tenant_key, profile, currency, day)
"""
"""Movements, days on which start + movements is not the end, and the least balance.

A day on which no stretch begins or ends and nothing moved is in neither: its end is its start.
"""

APART = """
    SELECT count(*)
    FROM (
        SELECT to_at, lead(from_at) OVER (
            PARTITION BY tenant_key, profile, as_of, subscription_id ORDER BY from_at
        ) AS next_at
        FROM subscription_interval
    )
    WHERE to_at IS DISTINCT FROM next_at
"""
"""Stretches that do not end where the next begins."""
