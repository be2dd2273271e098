"""The bridge over all customers: the sum of each one's, with nothing left over, whichever way it is parted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from application.ports.analytics import InvalidParameters
from projections.olap.platform.query import run_platform_events, run_platform_report
from projections.olap.query import run_report
from tests.support.platform_model import Business
from tests.unit.olap.test_ingest import World
from tests.unit.olap.test_platform import asked, seen, worked


def bridged(world: World, **parameters: Any) -> list[tuple[Any, ...]]:
    report = run_platform_report(world.store.writing, "mrr_bridge", parameters)
    assert not report.truncated
    return list(report.rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("pair", [("stripe-1", "chartmogul-1"), ("maxio-1", "profitwell-1")])
def test_the_bridge_of_all_is_the_sum_of_each_ones_and_leaves_nothing_over(
    opened: list[World], seed: int, pair: tuple[str, str]
) -> None:
    business = Business(seed, 8)
    world = seen(opened, *business.histories)
    asked_for = {
        "from": "2024-05-01",
        "to": "2025-02-15",
        **dict(zip(("profile", "against"), pair, strict=True)),
    }
    moments = business.moments()
    switches: set[str] = set()
    for at in (None, moments[len(moments) * 3 // 4]):
        moment_ = {} if at is None else {"at_time": at}
        expected: Counter[tuple[Any, ...]] = Counter()
        for one in business.customers:
            tenant = one.history.tenant_id
            given: dict[str, Any] = {**asked_for, "dating": "effective"}
            if at is not None:
                given["at_position"] = business.vector(at).get(tenant, 0)
            rows: list[Any] = list(run_report(world.store.writing, "mrr_bridge", tenant, given).rows)
            for figure, currency, switch, day, subscription, amount in rows:
                whose = None if switch in ("from", "to") else str(tenant)
                expected[figure, currency, switch, day, whose, subscription] += amount
        movements = bridged(world, by="movement", **asked_for, **moment_)
        assert {row[:-1]: row[-1] for row in movements} == dict(expected)
        switches |= {row[2] for row in movements}
        for by in ("switch", "customer", "movement"):
            totals: Counter[tuple[Any, ...]] = Counter()
            for (figure, currency, switch, day, whose, subscription), amount in expected.items():
                kept = {"switch": (), "customer": (whose,), "movement": (day, whose, subscription)}[by]
                totals[figure, currency, switch, *kept] += amount
            told = bridged(world, by=by, **asked_for, **moment_)
            assert sorted(row[-1] for row in told) == sorted(
                amount for key, amount in totals.items() if amount or key[2] in ("from", "to")
            )
            residue: Counter[tuple[Any, ...]] = Counter()
            for figure, currency, switch, *_, amount in told:
                residue[figure, currency] += -amount if switch == "to" else amount
            assert residue
            assert not any(residue.values())
    assert switches > {"from", "to"}, "profiles that differ in nothing would show nothing"


def test_the_ends_of_a_bridge_are_what_is_told_under_its_profiles(opened: list[World]) -> None:
    world = seen(opened, *Business(4, 8).histories)
    month = {"from": "2024-09-01", "to": "2024-09-30"}
    rows = bridged(world, against="profitwell-1", **month)
    for profile, end in (("stripe-1", "from"), ("profitwell-1", "to")):
        ends = {row[:2]: row[-1] for row in rows if row[2] == end}
        assert ends.keys() == {row[:2] for row in rows}, "also where it is 0"
        shown = asked(world, "mrr", "currency", profile=profile, **month)
        assert shown
        for currency, row in shown.items():
            for figure in (
                "start_mrr",
                "new",
                "expansion",
                "reactivation",
                "contraction",
                "churn",
                "end_mrr",
            ):
                assert ends.get((figure, currency), 0) == row[figure], (profile, figure)


@pytest.mark.parametrize("by", ["customer", "movement"])
def test_the_lines_of_a_bridge_open_to_their_customers_events(opened: list[World], by: str) -> None:
    world = seen(opened, *Business(2, 6).histories)
    parameters = {"by": by, "against": "profitwell-1", "from": "2024-05-01", "to": "2025-02-15"}
    rows = bridged(world, **parameters)
    assert len(rows) > 20
    for row in rows[:: len(rows) // 20]:
        names = ("figure", "currency", "switch", "day", "tenant", "subscription")
        cell = dict(zip(names, row[:-1], strict=True))
        found = run_platform_events(
            world.store.writing, "mrr_bridge", cell, parameters, after=None, limit=10_000
        )
        assert sum(place.weight for place in found.events) == row[-1]
        if cell["tenant"]:
            assert {str(place.tenant_id) for place in found.events} == {cell["tenant"]}


def test_a_bridge_between_two_that_are_one_is_refused(opened: list[World]) -> None:
    con = seen(opened, *worked()).store.writing
    with pytest.raises(InvalidParameters, match="are the same"):
        run_platform_report(con, "mrr_bridge", {"against": "stripe-1"})
