"""How Stripe is reached. Keys come from the environment or from files of the data folder, and are shown nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

API: Final = "https://api.stripe.com"
API_VERSION: Final = "2026-10-28.endive"
"""The version that this code was written for; webhook endpoints are made with it too."""

EVENTS: Final = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.failed",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.voided",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""What a webhook endpoint is to be told."""

KEY_FILE: Final = "stripe-key"
WEBHOOK_FILE: Final = "stripe-webhook-secrets"

_KEY: Final = f"PENGUINMAILS_STRIPE_KEY (or the file secrets/{KEY_FILE})"
_HOOKS: Final = f"PENGUINMAILS_STRIPE_WEBHOOK_SECRETS (or the file secrets/{WEBHOOK_FILE})"
_URL: Final = "PENGUINMAILS_STRIPE_URL"

_TEST: Final = ("sk_test_", "rk_test_")
LIVE: Final = ("sk_live_", "rk_live_")
_SECRET: Final = "whsec_"  # noqa: S105 - how every such secret begins; it opens nothing


class StripeMisconfigured(ValueError):
    """The settings of Stripe cannot be used. The message names the setting and what to give; no key stands in it."""


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """A secret key, and the secrets of the webhook endpoint: several while one takes the place of another.

    `api`: where Stripe is; another address than Stripe's own is that of the fake, and takes keys of test mode alone.
    `time_out`: seconds for one attempt; `retries`: how many more attempts there are.
    """

    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    api: str = API
    time_out: float = 20.0
    retries: int = 2

    def __post_init__(self) -> None:
        """Raises `StripeMisconfigured`."""
        if not self.secret_key.startswith((*_TEST, *LIVE)):
            raise StripeMisconfigured(
                f"{_KEY} is no secret key: one begins with sk_test_, rk_test_, sk_live_ or rk_live_."
            )
        if not all(one.startswith(_SECRET) and len(one) > len(_SECRET) for one in self.webhook_secrets):
            raise StripeMisconfigured(f"{_HOOKS}: each secret begins with whsec_; commas stand between them.")
        if self.api != API and self.livemode:
            raise StripeMisconfigured(
                f"{_KEY} is of live mode, which is given to Stripe's own address alone: leave {_URL} out."
            )
        if self.api != API and not _here(self.api):
            raise StripeMisconfigured(
                f"{_URL} is {API}, or http://127.0.0.1 with the port of the one of our own."
            )

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return self.secret_key.startswith(LIVE)


def _here(address: str) -> bool:
    """Whether an address is of this machine."""
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.path not in ("", "/") or parts.hostname is None:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def read_settings(
    folder: Path, *, key: str | None = None, webhook_secrets: str | None = None, api: str = API
) -> StripeSettings | None:
    """The settings; what is not given is read of files in the folder of secrets. None: nobody set Stripe up.

    Several secrets have commas or lines between them. Raises `StripeMisconfigured`.
    """
    key = key or _in_file(folder / KEY_FILE)
    secrets = webhook_secrets or _in_file(folder / WEBHOOK_FILE) or ""
    if not key:
        if secrets or api != API:
            raise StripeMisconfigured(f"{_HOOKS if secrets else _URL} is set without a key: set {_KEY}.")
        return None
    found = tuple(one.strip() for one in secrets.replace("\n", ",").split(",") if one.strip())
    return StripeSettings(key.strip(), found, api=api)


def _in_file(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None  # whoever needs the folder says what is wrong with it
