"""An invoice is final once, and each thing that becomes of it stands once, whatever is told when."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from domain.billing.invoice import (
    INVOICE as DECIDER,
)
from domain.billing.invoice import (
    Invoice,
    InvoiceFinalised,
    InvoiceLine,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceUnsound,
    InvoiceVoided,
    InvoiceWrittenOff,
    ReportInvoice,
)
from domain.billing.told import TellingBeyondNow
from domain.kernel.ids import InvoiceId
from tests.support.billing import INVOICE, MONTH_AGO, failed, invoiced, paid
from tests.support.given import NOW, given, stamped

ID = InvoiceId(INVOICE)


def final(command: ReportInvoice | None = None) -> InvoiceFinalised:
    told = (command or invoiced()).model_dump()
    known = {name: told[name] for name in InvoiceFinalised.model_fields if name != "invoice_id"}
    return InvoiceFinalised(invoice_id=ID, **known)


PAID = InvoicePaid(invoice_id=ID, currency="USD", amount=4_900, paid_at=NOW)
FAILED = InvoicePaymentFailed(invoice_id=ID, attempt=1, failed_at=MONTH_AGO, code="card_declined")


def test_what_is_told_first_is_final_and_more_where_there_is_more() -> None:
    given().when(invoiced(), target=ID).then(final())
    given().when(paid(), target=ID).then(final(), PAID)
    given().when(failed(), target=ID).then(final(), FAILED)


def test_what_is_known_is_not_entered_again() -> None:
    given(final(), FAILED, PAID).when(paid(), target=ID).then()
    given(final(), FAILED, PAID).when(failed(), target=ID).then()
    given(final(), FAILED).when(failed(2, at=NOW), target=ID).then(
        InvoicePaymentFailed(invoice_id=ID, attempt=2, failed_at=NOW, code="card_declined")
    )


def test_an_invoice_can_be_taken_back_or_given_up() -> None:
    given(final()).when(invoiced(voided_at=NOW), target=ID).then(InvoiceVoided(invoice_id=ID, voided_at=NOW))
    given(final()).when(invoiced(written_off_at=NOW), target=ID).then(
        InvoiceWrittenOff(invoice_id=ID, written_off_at=NOW)
    )


def test_any_order_ends_in_the_same_facts() -> None:
    tellings = [invoiced(), failed(), failed(2, at=MONTH_AGO + timedelta(days=3)), paid()]
    ended = set()
    for order in permutations([*tellings, tellings[1]]):
        state, facts = Invoice(), set()
        for telling in order:
            for event in DECIDER.decide(stamped(telling, target=ID), state):  # type: ignore[misc]  # it has one
                state = DECIDER.evolve(state, event)
                facts.add(event.model_dump_json())
        assert not state.owed
        ended.add(frozenset(facts))
    assert len(ended) == 1
    assert len(ended.pop()) == 4


def test_it_is_owed_from_its_making_until_something_ends_that() -> None:
    def after(*more: ReportInvoice) -> Invoice:
        state = Invoice()
        for telling in more:
            for event in DECIDER.decide(stamped(telling, target=ID), state):  # type: ignore[misc]  # it has one
                state = DECIDER.evolve(state, event)
        return state

    assert not Invoice().owed
    assert after(invoiced()).owed
    assert after(invoiced()).failing_since is None
    assert after(failed(2, at=NOW), failed()).failing_since == MONTH_AGO
    assert after(failed(), paid()).failing_since is None
    assert not after(invoiced(voided_at=NOW)).owed
    assert not after(invoiced(written_off_at=NOW)).owed
    assert not after(invoiced(0)).owed


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"subtotal": 1}, "subtotal"),
        ({"discount": 1}, "discount"),
        ({"total": 1}, "total"),
    ],
)
def test_sums_have_to_be_those_of_the_lines(wrong: dict[str, Any], field: str) -> None:
    refusal = given().when(invoiced(**wrong), target=ID).then(InvoiceUnsound)
    assert refusal.detail.startswith(f"{field}:")


def test_a_line_is_no_larger_than_an_amount_may_be() -> None:
    too_much = tuple(
        InvoiceLine(kind="other", amount=amount, period_start=MONTH_AGO, period_end=NOW)
        for amount in (10**15 + 1, -(10**15) + 4_899)
    )
    refusal = given().when(invoiced(lines=too_much), target=ID).then(InvoiceUnsound)
    assert refusal.detail.startswith("lines:")


def test_a_final_invoice_never_changes() -> None:
    refusal = given(final()).when(invoiced(5_000), target=ID).then(InvoiceUnsound)
    assert refusal.detail.startswith("lines:")
    refusal = given(final()).when(invoiced(number="2026-7"), target=ID).then(InvoiceUnsound)
    assert refusal.detail.startswith("number:")


@pytest.mark.parametrize("moment", ["finalised_at", "paid_at", "voided_at", "written_off_at"])
def test_what_is_to_come_is_not_told(moment: str) -> None:
    later: dict[str, Any] = {moment: NOW + timedelta(hours=1)}
    given().when(invoiced(**later), target=ID).then(TellingBeyondNow)


def test_a_failure_to_come_is_not_told() -> None:
    given().when(failed(at=NOW + timedelta(hours=1)), target=ID).then(TellingBeyondNow)
