"""2,000 tenants over 24 months, with every kind of movement: to the cent, on every day, as the definitions say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

import pytest

from projections.finance.profiles import PROFILES
from projections.olap.query import run_report
from tests.support.mrr_compared import APART, IDENTITY, assert_as_the_model, assert_posted_as_the_model
from tests.support.mrr_histories import Told, lives
from tests.support.mrr_model import Customer
from tests.unit.olap.test_ingest import World

SEED, TENANTS = 20_261_127, 2_000
# One worker takes them in, and not each of them.
pytestmark = pytest.mark.xdist_group("mrr at scale")


@pytest.fixture(scope="module")
def customers() -> list[Told]:
    return list(lives(SEED, TENANTS, books=True))


@pytest.fixture(scope="module")
def filled(customers: list[Told]) -> Iterator[World]:
    world = World(*(told.history for told in customers))
    world.catch_up()
    yield world
    world.store.close()


def test_every_movement_is_that_of_the_definitions(filled: World, customers: list[Told]) -> None:
    assert assert_as_the_model(filled, customers) > 60_000
    kinds = filled.rows("SELECT profile, count(DISTINCT kind) FROM mrr_movement GROUP BY profile")
    assert dict(kinds) == dict.fromkeys(PROFILES, 5)


def test_the_identity_holds_on_every_day(filled: World) -> None:
    movements, wrong, least = filled.rows(IDENTITY)[0]
    assert movements > 60_000
    assert (wrong, least) == (0, 0)
    assert filled.rows(APART) == [(0,)]


def test_what_is_told_late_is_posted_as_the_definitions_say(filled: World, customers: list[Told]) -> None:
    late = "SELECT count(*), count(DISTINCT tenant_key) FROM mrr_movement WHERE posted_on > effective_on"
    movements, tenants = filled.rows(late)[0]
    assert movements > 5_000
    assert tenants > TENANTS // 4
    for told in [told for told in customers if told.closings and len(told.tellings) < 16][:60]:
        assert_posted_as_the_model(filled, told, told.closings)
    changed = "SELECT subscription_id FROM mrr_movement GROUP BY ALL HAVING count(DISTINCT currency) > 1"
    assert len(filled.rows(changed)) > 200


def test_what_is_kept_live_is_what_is_filled_at_once(filled: World, customers: list[Told]) -> None:
    some = customers[:12]
    live = World(*(told.history for told in some))
    live.catch_up()
    whole = [list(told.history.events) for told in some]
    for share in (Fraction(1, 3), Fraction(2, 3), Fraction(1)):
        for told, events in zip(some, whole, strict=True):
            told.history.events[:] = events[: int(len(events) * share)]
        live.catch_up()
    names = {str(told.history.tenant_id) for told in some}
    for table in ("fact_subscription", "subscription_interval", "mrr_movement"):
        rows = f"SELECT tenant_id::VARCHAR, * EXCLUDE (tenant_key) FROM {table} JOIN dim_tenant USING (tenant_key)"  # noqa: S608 - our own tables
        at_once = sorted(str(row) for row in filled.rows(rows) if row[0] in names)
        assert sorted(str(row) for row in live.rows(rows)) == at_once
    live.store.close()


def test_as_of_a_position_it_is_what_those_tellings_alone_make(filled: World, customers: list[Told]) -> None:
    for number, told in enumerate(customers[:8]):
        at = len(told.history.events) * (number + 1) // 9
        known = Customer(telling for telling in told.tellings if telling.position <= at)
        for name, profile in PROFILES.items():
            rows = run_report(
                filled.store.writing,
                "mrr_changes",
                told.history.tenant_id,
                {"to": "2028-01-01", "at_position": at, "profile": name},
            ).rows
            found = {(row[0], row[3], row[2], row[4]): row[5] for row in rows}
            expected: dict[tuple[date, str, str, str], int] = {}
            for (day, kind, currency, subscription, _), amount in known.movements(profile).items():
                key = (day, kind, currency, subscription)
                expected[key] = expected.get(key, 0) + amount
            assert found == {key: amount for key, amount in expected.items() if amount or key in found}
