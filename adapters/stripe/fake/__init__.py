"""A Stripe of our own: its addresses, objects, errors, clocks and webhooks, in memory. It moves no money."""

import os

from adapters.stripe.settings import LIVE

if os.environ.get("PENGUINMAILS_STRIPE_KEY", "").startswith(LIVE):
    raise ImportError(
        "PENGUINMAILS_STRIPE_KEY moves real money: the Stripe of our own has no business beside it"
    )
