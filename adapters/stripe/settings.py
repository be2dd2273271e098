"""How Stripe is reached. Keys come from the environment or from files of the data folder, and are shown nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

API: Final = "https://api.stripe.com"
API_VERSION: Final = "2026-10-28.endive"
"""The version that this code was written for; webhook endpoints are made with it too."""

_TEST: Final = ("sk_test_", "rk_test_")
_LIVE: Final = ("sk_live_", "rk_live_")
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
        if not self.secret_key.startswith((*_TEST, *_LIVE)):
            raise StripeMisconfigured("the secret key begins with sk_test_, rk_test_, sk_live_ or rk_live_")
        if not all(one.startswith(_SECRET) and len(one) > len(_SECRET) for one in self.webhook_secrets):
            raise StripeMisconfigured("a webhook secret begins with whsec_")
        if self.api != API and self.livemode:
            raise StripeMisconfigured("a key of live mode is given to Stripe's own address alone")
        if self.api != API and not _here(self.api):
            raise StripeMisconfigured("the address is Stripe's own, or http://127.0.0.1 with the fake's port")

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return self.secret_key.startswith(_LIVE)


def _here(address: str) -> bool:
    """Whether an address is of this machine."""
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.path not in ("", "/") or parts.hostname is None:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"
