"""A subscription is what was told of it: each telling once, in whatever order."""

from datetime import timedelta
from itertools import permutations

import pytest

from domain.billing.catalogue import Meter
from domain.billing.subscription import (
    SUBSCRIPTION as DECIDER,
)
from domain.billing.subscription import (
    AgreedOutOfOrder,
    AgreeSubscription,
    EndAgreement,
    NotAnAgreement,
    Subscription,
    SubscriptionReported,
    ToldAsAnother,
)
from domain.billing.terms import Discount, Item, PriceUnknown, Terms, TermsUnsound
from domain.billing.told import TellingBeyondNow
from domain.kernel.errors import NotFound
from domain.tenancy.plans import Plan
from tests.support.billing import MONTH_AGO, SUBSCRIPTION, item, terms, told
from tests.support.given import NOW, given, stamped, uid


def reported(what: Terms, *, as_: str = "evt_1", day: int = 0, rank: int = 1) -> SubscriptionReported:
    return SubscriptionReported(
        subscription_id=SUBSCRIPTION,
        teller="stripe",
        told_as=as_,
        reference="sub_1",
        effective_at=MONTH_AGO + timedelta(days=day),
        rank=rank,
        terms=what,
    )


def test_a_telling_is_entered_once() -> None:
    given().when(told(terms()), target=SUBSCRIPTION).then(reported(terms()))
    given(reported(terms())).when(told(terms()), target=SUBSCRIPTION).then()


def test_what_was_told_later_of_an_earlier_moment_changes_nothing_of_now() -> None:
    upgraded = terms(item("professional"))
    state = (
        given(reported(upgraded, as_="evt_2", day=5))
        .when(told(terms()), target=SUBSCRIPTION)
        .then(reported(terms()))
    )
    assert state.terms == upgraded
    assert set(state.told) == {"evt_1", "evt_2"}


def test_any_order_and_any_repetition_end_in_the_same_subscription() -> None:
    tellings = [
        told(terms(status="incomplete"), as_="evt_1", rank=0),
        told(terms(), as_="evt_2", rank=1),
        told(terms(item("business")), as_="evt_3", at=MONTH_AGO + timedelta(days=9)),
        told(terms(item("starter", quantity=2)), as_="evt_4", at=MONTH_AGO + timedelta(days=9)),
    ]
    ended = set()
    for order in permutations([*tellings, tellings[2]]):
        state = Subscription()
        for telling in order:
            for event in DECIDER.decide(stamped(telling, target=SUBSCRIPTION), state):  # type: ignore[misc]  # it has one
                state = DECIDER.evolve(state, event)
        ended.add((repr(sorted(state.told.items())), repr(state.terms)))
    assert len(ended) == 1
    assert "quantity=2" in ended.pop()[1]


def test_one_subscription_has_one_id_at_the_gateway() -> None:
    given(reported(terms())).when(told(terms(), as_="evt_2", reference="sub_2"), target=SUBSCRIPTION).then(
        ToldAsAnother
    )


def test_what_is_to_come_is_not_told() -> None:
    given().when(told(terms(), at=NOW + timedelta(minutes=6)), target=SUBSCRIPTION).then(TellingBeyondNow)
    given().when(told(terms(), at=NOW + timedelta(minutes=4)), target=SUBSCRIPTION).then(
        reported(terms()).model_copy(update={"effective_at": NOW + timedelta(minutes=4)})
    )
    ahead = terms().model_copy(
        update={"period_start": NOW + timedelta(minutes=6), "period_end": NOW + timedelta(days=30)}
    )
    given().when(told(ahead), target=SUBSCRIPTION).then(TellingBeyondNow)


def test_a_price_that_nobody_sells_is_refused() -> None:
    strange = item("starter").model_copy(update={"price": "price_1Q"})
    given().when(told(terms(strange)), target=SUBSCRIPTION).then(PriceUnknown)
    given().when(told(terms(currency="EUR")), target=SUBSCRIPTION).then(PriceUnknown)


STARTER = item("starter")


@pytest.mark.parametrize(
    ("unsound", "field"),
    [
        ({"status": "sleeping"}, "status"),
        ({"currency": "usd"}, "currency"),
        ({"items": ()}, "items"),
        ({"items": (STARTER, STARTER)}, "items"),
        ({"items": (STARTER, *[item("user")] * 20)}, "items"),
        ({"discounts": (Discount(coupon="c", duration="forever"),)}, "discounts/0"),
        ({"discounts": (Discount(coupon="c", duration="forever", percent_off=10_001),)}, "discounts/0"),
        ({"discounts": (Discount(coupon="c", duration="ever", percent_off=1),)}, "discounts/0"),
        ({"discounts": (Discount(coupon="c", duration="once", amount_off=-1),)}, "discounts/0"),
        ({"discounts": (Discount(coupon="c", duration="once", amount_off=1, percent_off=1),)}, "discounts/0"),
        ({"discounts": (Discount(coupon="c", duration="once", percent_off=1),) * 21}, "discounts"),
        ({"ended_at": NOW}, "ended_at"),
        ({"status": "canceled"}, "ended_at"),
        ({"period_start": NOW, "period_end": MONTH_AGO}, "period_end"),
        ({"items": (STARTER.model_copy(update={"interval_count": 0}),)}, "items/0"),
        ({"items": (STARTER, item("user").model_copy(update={"quantity": -1}))}, "items/1"),
        ({"items": (STARTER.model_copy(update={"quantity": 0}),)}, "items"),
        ({"items": (STARTER.model_copy(update={"unit_amount": -1}),)}, "items/0"),
        ({"items": (STARTER.model_copy(update={"interval": "fortnight"}),)}, "items/0"),
        ({"items": (STARTER.model_copy(update={"interval_count": 1_000_001}),)}, "items/0"),
        ({"items": (STARTER, item("user").model_copy(update={"quantity": 10**15}))}, "items/1"),
        ({"items": (STARTER.model_copy(update={"kind": "gift"}),)}, "items/0"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(unsound: dict[str, object], field: str) -> None:
    refused = given().when(told(terms().model_copy(update=unsound)), target=SUBSCRIPTION)
    refused.then(TermsUnsound)
    assert refused.refusal is not None
    assert refused.refusal.detail.startswith(f"{field}:")


AGREE = AgreeSubscription(
    plan=Plan.ENTERPRISE,
    currency="EUR",
    unit_amount=1_200_000,
    interval_count=3,
    limits={Meter.USERS: 40},
    since=MONTH_AGO,
)
AGREED = SubscriptionReported(
    subscription_id=SUBSCRIPTION,
    teller="agreement",
    told_as=str(uid(1)),
    effective_at=MONTH_AGO,
    rank=1,
    terms=Terms(
        status="active",
        currency="EUR",
        items=(
            Item(
                price=f"agreed/{SUBSCRIPTION}",
                kind="plan",
                of="enterprise",
                unit_amount=1_200_000,
                quantity=1,
                interval="month",
                interval_count=3,
            ),
        ),
    ),
)


def test_an_agreement_is_told_like_a_subscription() -> None:
    given().when(AGREE, target=SUBSCRIPTION).then(AGREED)


def test_an_agreement_ends_once_it_ended() -> None:
    ended = AGREED.terms.model_copy(update={"status": "canceled", "ended_at": NOW})
    after = AGREED.model_copy(update={"effective_at": NOW, "rank": 10_000, "terms": ended})
    given(AGREED).when(EndAgreement(ended_at=NOW), target=SUBSCRIPTION).then(after)
    given().when(EndAgreement(ended_at=NOW), target=SUBSCRIPTION).then(NotFound)
    given(AGREED).when(EndAgreement(ended_at=NOW + timedelta(days=1)), target=SUBSCRIPTION).then(
        TellingBeyondNow
    )


def test_what_is_agreed_anew_or_ended_comes_after_what_was_agreed_before() -> None:
    earlier = MONTH_AGO - timedelta(days=1)
    given(AGREED).when(EndAgreement(ended_at=earlier), target=SUBSCRIPTION).then(AgreedOutOfOrder)
    anew = AGREE.model_copy(update={"since": earlier})
    given(AGREED).when(anew, target=SUBSCRIPTION).then(AgreedOutOfOrder)


def test_what_is_agreed_last_holds_where_it_is_of_the_moment_of_what_was_before() -> None:
    over = AGREED.terms.model_copy(update={"status": "canceled", "ended_at": NOW})
    later = {"told_as": str(uid(9)), "effective_at": NOW}
    ended = AGREED.model_copy(update={**later, "rank": 10_000, "terms": over})
    anew = AGREE.model_copy(update={"unit_amount": 1_500_000, "since": NOW})
    for before in (ended, AGREED.model_copy(update=later)):
        asked = given(AGREED, before).when(anew, target=SUBSCRIPTION)
        (agreed,) = asked.decided
        assert isinstance(agreed, SubscriptionReported)
        assert agreed.rank == before.rank + 1
        assert asked.state.terms == agreed.terms
        assert agreed.terms.items[0].unit_amount == 1_500_000


@pytest.mark.parametrize("command", [AGREE, EndAgreement(ended_at=NOW)])
def test_what_is_paid_through_the_gateway_is_not_agreed_about(
    command: AgreeSubscription | EndAgreement,
) -> None:
    given(reported(terms())).when(command, target=SUBSCRIPTION).then(NotAnAgreement)
