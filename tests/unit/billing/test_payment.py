"""A payment came in once; no more goes back than came in."""

from datetime import timedelta
from typing import Any

import pytest

from domain.billing.payment import (
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
    PaymentAssigned,
    PaymentReceived,
    PaymentUnsound,
    RefundAbovePayment,
    RefundFailed,
    RefundMade,
    ToldDispute,
    ToldRefund,
)
from domain.billing.told import TellingBeyondNow
from domain.kernel.ids import InvoiceId, PaymentId
from tests.support.billing import INVOICE, MONTH_AGO, PAYMENT, received
from tests.support.given import NOW, given

ID = PaymentId(PAYMENT)
CAME = PaymentReceived(
    payment_id=ID,
    reference="ch_1",
    currency="USD",
    amount=4_900,
    fee=172,
    fee_currency="USD",
    received_at=MONTH_AGO,
)


def back(amount: int, refund: str = "re_1", *, failed: bool = False) -> ToldRefund:
    failed_at = NOW if failed else None
    return ToldRefund(refund=refund, amount=amount, reason="duplicate", made_at=NOW, failed_at=failed_at)


def went_back(amount: int, refund: str = "re_1") -> RefundMade:
    return RefundMade(
        payment_id=ID, refund=refund, currency="USD", amount=amount, reason="duplicate", made_at=NOW
    )


def dispute(**more: Any) -> ToldDispute:
    told: dict[str, Any] = {
        "dispute": "dp_1",
        "amount": 4_900,
        "fee": 1_500,
        "fee_currency": "USD",
        "opened_at": MONTH_AGO,
    }
    return ToldDispute(**(told | more))


OPENED = DisputeOpened(
    payment_id=ID,
    dispute="dp_1",
    currency="USD",
    amount=4_900,
    fee=1_500,
    fee_currency="USD",
    opened_at=MONTH_AGO,
)
LOST = DisputeClosed(payment_id=ID, dispute="dp_1", outcome="lost", closed_at=NOW)


def test_a_payment_comes_in_once_with_what_went_back_of_it() -> None:
    given().when(received(), target=ID).then(CAME)
    given(CAME).when(received(), target=ID).then()
    given().when(received(refunds=(back(900), back(100, "re_2"))), target=ID).then(
        CAME, went_back(900), went_back(100, "re_2")
    )
    given(CAME, went_back(900)).when(received(refunds=(back(900), back(4_000, "re_2"))), target=ID).then(
        went_back(4_000, "re_2")
    )


def test_no_more_goes_back_than_came_in() -> None:
    given().when(received(refunds=(back(4_901),)), target=ID).then(RefundAbovePayment)
    given(CAME, went_back(900)).when(received(refunds=(back(4_001, "re_2"),)), target=ID).then(
        RefundAbovePayment
    )


def test_a_refund_that_did_not_arrive_came_in_again_and_may_be_made_again() -> None:
    failed = RefundFailed(payment_id=ID, refund="re_1", currency="USD", amount=4_900, failed_at=NOW)
    told = received(refunds=(back(4_900, failed=True),))
    given(CAME, went_back(4_900)).when(told, target=ID).then(failed)
    given(CAME).when(told, target=ID).then(went_back(4_900), failed)
    given(CAME, went_back(4_900), failed).when(told, target=ID).then()
    given(CAME, went_back(4_900), failed).when(received(refunds=(back(4_900),)), target=ID).then()
    again = received(refunds=(back(4_900, failed=True), back(4_900, "re_2")))
    given(CAME, went_back(4_900), failed).when(again, target=ID).then(went_back(4_900, "re_2"))
    # Both were there before anybody told us of either.
    given(CAME, went_back(4_900)).when(again, target=ID).then(failed, went_back(4_900, "re_2"))
    given(CAME, went_back(4_900)).when(received(refunds=(back(1, "re_2"),)), target=ID).then(
        RefundAbovePayment
    )


def test_the_invoice_of_a_payment_may_become_known_later_and_is_the_same_then() -> None:
    invoice, other = InvoiceId(INVOICE), InvoiceId(PAYMENT)
    assigned = PaymentAssigned(payment_id=ID, invoice_id=invoice, received_at=MONTH_AGO)
    given(CAME).when(received(invoice_id=invoice), target=ID).then(assigned)
    given(CAME, assigned).when(received(invoice_id=invoice), target=ID).then()
    given(CAME, assigned).when(received(), target=ID).then()
    refusal = given(CAME, assigned).when(received(invoice_id=other), target=ID).then(PaymentUnsound)
    assert refusal.detail.startswith("invoice_id:")
    given(CAME).when(received(invoice_id=invoice, amount=5_000), target=ID).then(PaymentUnsound)


def test_a_bank_takes_it_back_and_one_of_them_wins() -> None:
    given(CAME).when(received(disputes=(dispute(),)), target=ID).then(OPENED)
    ended = dispute(outcome=DisputeOutcome.LOST, closed_at=NOW)
    given(CAME).when(received(disputes=(ended,)), target=ID).then(OPENED, LOST)
    given(CAME, OPENED).when(received(disputes=(ended,)), target=ID).then(LOST)
    given(CAME, OPENED, LOST).when(received(disputes=(ended,)), target=ID).then()
    given(CAME, OPENED, LOST).when(received(disputes=(dispute(),)), target=ID).then()


@pytest.mark.parametrize(
    ("other", "field"),
    [({"amount": 5_000}, "amount"), ({"fee": 1}, "fee"), ({"currency": "EUR"}, "currency")],
)
def test_a_payment_never_changes(other: dict[str, Any], field: str) -> None:
    refusal = given(CAME).when(received(**other), target=ID).then(PaymentUnsound)
    assert refusal.detail.startswith(f"{field}:")


LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "to_come",
    [
        {"received_at": LATER},
        {"refunds": (ToldRefund(refund="re_1", amount=1, made_at=LATER),)},
        {"refunds": (ToldRefund(refund="re_1", amount=1, made_at=NOW, failed_at=LATER),)},
        {"disputes": (dispute(opened_at=LATER),)},
        {"disputes": (dispute(outcome=DisputeOutcome.WON, closed_at=LATER),)},
    ],
)
def test_what_is_to_come_is_not_told(to_come: dict[str, Any]) -> None:
    given().when(received(**to_come), target=ID).then(TellingBeyondNow)
