"""Costs: what is entered, confirmed and taken back, and each rule that says no."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.costs.allocation import (
    AllocatedBy,
    AllocationRuled,
    NoSuchHolder,
    RuleAllocation,
    Share,
    SharesNotAsRuled,
)
from domain.costs.cost import (
    AcquiresNobody,
    AmountMissing,
    ConfirmCost,
    CostAssignedTwice,
    CostEndsBeforeItBegins,
    CostIdTaken,
    CostIsConfirmed,
    CostIsReversed,
    CostOfAnotherCurrency,
    CostReferenceTaken,
    CostTooFarAhead,
    EnterCost,
    InvoiceWithoutNumber,
    NoSuchCustomer,
    ReverseCost,
    StaffTimeIncomplete,
)
from domain.costs.entry import (
    Basis,
    CostConfirmed,
    CostEntered,
    CostFacts,
    CostReversed,
    ReferenceFreed,
    ReferenceTaken,
    ReversalReason,
)
from domain.finance.period import LockPeriod, PeriodClosed
from domain.kernel.commands import stream_name
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import TenantId
from domain.platform.registration import TenantRegistered
from tests.support.given import NOW, TENANT, uid
from tests.support.requests import WORKSPACE, opened
from tests.support.unit import World

COST, OTHER = uid(0xA1), uid(0xA2)
INVOICE: dict[str, Any] = {
    "category": "server",
    "amount": 999,
    "currency": "USD",
    "incurred_on": "2026-10-01",
    "covers_to": "2026-10-31",
    "covers_from": "2026-10-01",
    "provider": "Hostwinds",
    "basis": "invoice",
    "reference": "HW-1",
}
ESTIMATE = {**INVOICE, "basis": "list_price", "reference": None}


def cost(**told: Any) -> EnterCost:
    return EnterCost.model_validate({**INVOICE, **told})


def test_an_invoice_is_exact_and_an_estimate_approximate_until_it_is_confirmed() -> None:
    world = opened()
    (entered, reserved) = world.run(cost(), COST)
    assert isinstance(entered, CostEntered)
    assert isinstance(reserved, ReferenceTaken)
    assert entered.entry.model_dump(exclude_none=True) == {
        **{name: value for name, value in INVOICE.items() if "_" not in name},
        "covers_from": date(2026, 10, 1),
        "covers_to": date(2026, 10, 31),
        "incurred_on": date(2026, 10, 1),
        "assigned": "tenant",
        "approximate": False,
    }
    (estimated,) = world.run(cost(basis="list_price", reference=None), OTHER)
    assert isinstance(estimated, CostEntered)
    assert estimated.entry.approximate
    confirmed, taken = world.run(ConfirmCost(amount=1_049, currency="USD", reference="HW-2"), OTHER)
    assert isinstance(confirmed, CostConfirmed)
    assert isinstance(taken, ReferenceTaken)
    assert confirmed.before == estimated.entry
    assert (confirmed.after.amount, confirmed.after.approximate, confirmed.after.basis) == (
        1_049,
        False,
        Basis.INVOICE,
    )
    world.assert_replays()


def test_an_invoice_is_entered_once_however_it_is_written_until_it_is_taken_back() -> None:
    world = opened()
    world.run(cost(), COST)
    with pytest.raises(CostReferenceTaken) as refused:
        world.run(cost(provider=" hostWINDS ", reference="hw-1"), OTHER)
    assert refused.value.extra == {"cost_id": str(COST)}
    assert str(COST) in refused.value.detail
    world.run(cost(provider="Another"), OTHER)
    taken_back, freed = world.run(ReverseCost(reason=ReversalReason.WRONG_AMOUNT), COST)
    assert isinstance(taken_back, CostReversed)
    assert isinstance(freed, ReferenceFreed)
    assert taken_back.entry.amount == 999
    assert world.run(ReverseCost(reason=ReversalReason.WRONG_AMOUNT), COST) == []
    world.run(cost(amount=1_000), uid(0xA3))
    world.assert_replays()


@pytest.mark.parametrize("written", ["hw-1", "HW -1", " h w - 1 ", "Hw-\u00a01"])
def test_blanks_within_a_number_make_no_other_invoice_and_what_was_written_is_kept(written: str) -> None:
    world = opened()
    entered, _ = world.run(cost(reference="hw -1"), COST)
    assert isinstance(entered, CostEntered)
    assert entered.entry.reference == "hw -1"
    with pytest.raises(CostReferenceTaken):
        world.run(cost(reference=written.strip()), OTHER)


@pytest.mark.parametrize("written", ["hw -1", "HW-1", "hw- 1", "HW - 1"])
def test_a_number_that_was_entered_under_its_blanks_is_found_and_freed(written: str) -> None:
    """Reservations of before stand under ids that follow from the number with its blanks."""
    world = opened()
    world.run(cost(reference="hw -1"), COST)
    (before,) = [name for name, event in world.log if isinstance(event, ReferenceTaken)]
    state = world.states.pop(before)
    place = next(at for at, (name, _) in enumerate(world.log) if name == before)
    (key,) = world.pseudonyms(TENANT, "cost_reference", "hostwinds\nhw -1")
    old = stream_name("cost_reference", key)
    world.log[place], world.states[old] = (old, world.log[place][1]), state
    with pytest.raises(CostReferenceTaken):
        world.run(cost(reference=written), OTHER)
    assert [event.name for event in world.run(ReverseCost(reason=ReversalReason.WRONG_AMOUNT), COST)] == [
        "costs.cost_reversed",
        "costs.reference_freed",
    ]
    world.run(cost(reference=written), OTHER)
    world.assert_replays()


def test_a_number_that_an_estimate_had_is_free_once_its_invoice_has_another() -> None:
    world = opened()
    world.run(cost(basis="estimate", reference="ORDER-1"), COST)
    names = [event.name for event in world.run(ConfirmCost(amount=1, currency="USD", reference="HW-9"), COST)]
    assert names == ["costs.cost_confirmed", "costs.reference_freed", "costs.reference_taken"]
    world.run(cost(reference="ORDER-1"), OTHER)


def test_staff_time_is_its_minutes_at_its_rate() -> None:
    world = opened()
    staff = {**ESTIMATE, "category": "staff_time", "minutes": 50, "hourly_rate": 5_001, "amount": None}
    (entered,) = world.run(EnterCost.model_validate(staff), COST)
    assert isinstance(entered, CostEntered)
    assert entered.entry.amount == 4_168
    assert world.run(EnterCost.model_validate({**staff, "amount": 4_168}), OTHER)


@pytest.mark.parametrize(
    ("told", "by"),
    [
        ({"covers_to": "2026-09-30"}, CostEndsBeforeItBegins),
        ({"covers_to": "2036-10-31"}, CostEndsBeforeItBegins),
        ({"incurred_on": str(NOW.date() + timedelta(days=367))}, CostTooFarAhead),
        ({"acquires": "saas"}, AcquiresNobody),
        ({"reference": None}, InvoiceWithoutNumber),
        ({"amount": None}, AmountMissing),
        ({"amount": 0}, AmountMissing),
        ({"minutes": 5}, StaffTimeIncomplete),
        ({"minutes": 5, "hourly_rate": 5}, StaffTimeIncomplete),
        ({"category": "staff_time"}, StaffTimeIncomplete),
        ({"category": "staff_time", "minutes": 60, "hourly_rate": 5}, AmountMissing),
        ({"pool": "shared", "workspace_id": str(WORKSPACE)}, CostAssignedTwice),
        ({"customer_id": str(uid(0xB1))}, NoSuchCustomer),
    ],
)
def test_what_is_refused_changes_nothing(told: dict[str, Any], by: type[Refusal]) -> None:
    world = opened()
    before = len(world.log)
    with pytest.raises(by):
        world.run(cost(**told), COST)
    assert len(world.log) == before


@pytest.mark.parametrize(
    "told",
    [
        {"currency": "usd"},
        {"currency": "XAU"},
        {"amount": 10**15 + 1},
        {"pool": "A b"},
        {"covers_from": "1999-12-31"},
        {"covers_to": "2100-01-01"},
    ],
)
def test_bad_fields_are_told_by_their_names(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        cost(**told)
    assert [error["loc"][0] for error in refused.value.errors()] == list(told)


def test_what_is_confirmed_or_reversed_stays_so() -> None:
    world = opened()
    world.run(cost(), COST)
    world.run(EnterCost.model_validate(ESTIMATE), OTHER)
    confirm = ConfirmCost(amount=5, currency="USD", reference="HW-7")
    for command, target, by in (
        (cost(reference="HW-8"), COST, CostIdTaken),
        (confirm, COST, CostIsConfirmed),
        (confirm, uid(0xAF), NotFound),
        (ReverseCost(reason=ReversalReason.OTHER), uid(0xAF), NotFound),
        (confirm.model_copy(update={"currency": "EUR"}), OTHER, CostOfAnotherCurrency),
        (confirm.model_copy(update={"amount": 0}), OTHER, AmountMissing),
        (confirm.model_copy(update={"reference": "HW-1"}), OTHER, CostReferenceTaken),
    ):
        with pytest.raises(by):
            world.run(command, target)
    world.run(ReverseCost(reason=ReversalReason.OTHER), OTHER)
    with pytest.raises(CostIsReversed):
        world.run(confirm, OTHER)


def customer(world: World) -> TenantId:
    """The log is the platform's: it has a customer."""
    tenant = TenantId(uid(0xB1))
    event = TenantRegistered.model_validate(
        {
            "tenant_id": tenant,
            "tenant_name": "Acme",
            "slug": "acme",
            "plan": "free",
            "owner_id": uid(0xB2),
            "workspace_id": uid(0xB3),
            "owner_email": "o@acme.example",
            "owner_name": "O",
        }
    )
    world.happened("registration", tenant, event)
    return tenant


def test_the_platform_enters_costs_of_its_customers() -> None:
    world = World()
    tenant = customer(world)
    (entered, _) = world.run(cost(customer_id=str(tenant)), COST)
    assert isinstance(entered, CostEntered)
    assert isinstance(entered.entry, CostFacts)
    assert (entered.entry.assigned, entered.entry.customer_id) == ("customer", tenant)
    weighed = RuleAllocation(
        pool="shared",
        by=AllocatedBy.WEIGHTS,
        from_month="2026-11",
        shares=(Share(holder_id=tenant, weight=1),),
    )
    assert len(world.run(weighed, TENANT)) == 1


def test_a_rule_holds_from_a_month_on_that_is_open() -> None:
    world = opened()
    rule = RuleAllocation(pool="shared", by=AllocatedBy.MESSAGES_SENT, from_month="2026-10")
    (ruled,) = world.run(rule, TENANT)
    assert isinstance(ruled, AllocationRuled)
    assert ruled.from_day == date(2026, 10, 1)
    assert world.run(rule, TENANT) == []
    with pytest.raises(NotFound):
        world.run(rule, uid(0x77))
    world.run(LockPeriod(period="2026-10"), TENANT)
    with pytest.raises(PeriodClosed) as closed:
        world.run(RuleAllocation(pool="shared", by=AllocatedBy.EQUAL, from_month="2026-10"), TENANT)
    assert closed.value.extra == {"open_from": "2026-11-01"}
    world.run(RuleAllocation(pool="shared", by=AllocatedBy.EQUAL, from_month="2026-11"), TENANT)


@pytest.mark.parametrize(
    ("by", "shares", "refused"),
    [
        ("weights", [], SharesNotAsRuled),
        ("weights", [(WORKSPACE, 0)], SharesNotAsRuled),
        ("weights", [(WORKSPACE, 1), (WORKSPACE, 2)], SharesNotAsRuled),
        ("equal", [(WORKSPACE, 1)], SharesNotAsRuled),
        ("weights", [(uid(0x99), 1)], NoSuchHolder),
    ],
)
def test_shares_are_of_those_who_are_there(by: str, shares: list[Any], refused: type[Refusal]) -> None:
    told = [{"holder_id": holder, "weight": weight} for holder, weight in shares]
    rule = {"pool": "shared", "by": by, "from_month": "2026-10", "shares": told}
    with pytest.raises(refused):
        opened().run(RuleAllocation.model_validate(rule), TENANT)
