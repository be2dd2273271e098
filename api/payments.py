"""The payment provider of this installation, if one is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.settings import StripeMisconfigured
from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from adapters.stripe.settings import StripeSettings
    from api.settings import Settings
    from application.ports.payments import PaymentGateway


class PaymentsMisconfigured(CannotRun):
    """The payment provider's settings cannot be used; the message names the setting and what to give."""


def checked_account(settings: Settings) -> StripeSettings | None:
    """The Stripe account that somebody set up, if anybody did. Raises `PaymentsMisconfigured`."""
    try:
        return settings.stripe_account
    except StripeMisconfigured as error:
        raise PaymentsMisconfigured(str(error)) from None


def payments_of(settings: Settings) -> PaymentGateway | None:
    """Stripe, where there is one: an account, or our own. Raises `PaymentsMisconfigured`."""
    checked_account(settings)
    found = settings.stripe
    if found is None:
        return None
    # Its client takes a third of a second to import: who sells nothing starts without it.
    from adapters.stripe.gateway import StripeGateway  # noqa: PLC0415 - loads stripe

    return StripeGateway(found)
