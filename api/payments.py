"""The payment provider of this installation, if one is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.settings import Settings
    from application.ports.payments import PaymentGateway


def payments_of(settings: Settings) -> PaymentGateway | None:
    """Stripe, where there is a secret key. Raises `StripeMisconfigured`, naming the setting."""
    found = settings.stripe
    if found is None:
        return None
    # Its client takes a third of a second to import: who sells nothing starts without it.
    from adapters.stripe.gateway import StripeGateway  # noqa: PLC0415

    return StripeGateway(found)
