"""One suite for the gateway: against the Stripe of our own, and against Stripe's test mode where there is a key.

That key is no program that a machine could install: without it the second half is skipped everywhere, in CI too, and
says so. It is not what `tests.support.needs` is for.
"""

from collections.abc import AsyncIterator

import pytest

from tests.support.stripes import STRIPE_TEST_KEY, Desk, fake_desk, stripe_desk

_WITHOUT = "no key of Stripe's test mode in STRIPE_TEST_KEY: shown against our own Stripe alone"


@pytest.fixture(
    params=[
        "fake",
        pytest.param("stripe", marks=pytest.mark.skipif(not STRIPE_TEST_KEY, reason=_WITHOUT)),
    ]
)
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with fake_desk() if request.param == "fake" else stripe_desk() as made:
        yield made
