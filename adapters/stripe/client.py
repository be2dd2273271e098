"""Stripe's own client, with bounded patience, and its errors as the port's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import stripe

from adapters.stripe.settings import API, API_VERSION, StripeSettings
from application.ports.payments import (
    CardDeclined,
    InvalidPaymentRequest,
    KeyReused,
    NotAtProvider,
    NotOurAccount,
    PaymentsError,
    PaymentsUnavailable,
    RateLimited,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNSAID: Final = frozenset({"x-stripe-client-telemetry", "x-stripe-client-user-agent", "user-agent"})
_NOT_FOUND: Final = 404


class Http(stripe.HTTPXClient):
    """Says nothing of this machine, and asks no proxy for what is on it."""

    def __init__(self, settings: StripeSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        super().__init__(timeout=settings.time_out)
        if transport is not None or settings.api != API:
            self._client_async = httpx.AsyncClient(transport=transport, trust_env=False)

    async def close(self) -> None:
        """Hang up."""
        await self._client_async.aclose()

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One attempt."""
        said = {name: value for name, value in headers.items() if name.lower() not in _UNSAID}
        said["User-Agent"] = f"PenguinMails stripe-python/{stripe.VERSION}"
        # As the client has it, but for `content`: httpx wants no text as `data`.
        try:
            answer = await self._client_async.request(
                method, url, headers=said, content=post_data or b"", timeout=self._timeout
            )
        except httpx.HTTPError as error:
            about = f"no answer: {type(error).__name__}"
            lost = stripe.APIConnectionError(about, should_retry=True)  # type: ignore[no-untyped-call]  # theirs
            raise lost from error
        return answer.content, answer.status_code, answer.headers


def make_client(
    settings: StripeSettings, transport: httpx.AsyncBaseTransport | None = None
) -> tuple[stripe.StripeClient, Http]:
    """The client, and what is to be closed after it. `transport`: instead of a network, in tests."""
    http = Http(settings, transport)
    client = stripe.StripeClient(
        settings.secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": settings.api.rstrip("/"), "meter_events": settings.api.rstrip("/")},
        max_network_retries=settings.retries,
        http_client=http,
    )
    return client, http


@contextmanager
def translated() -> Iterator[None]:
    """Stripe's errors as ours; their texts tell no more than what was wrong with the request."""
    try:
        yield
    except stripe.StripeError as error:
        raise _ours(error) from None


def _ours(error: stripe.StripeError) -> PaymentsError:
    request = error.request_id
    about = error.user_message or type(error).__name__
    match error:
        case stripe.CardError():
            reason = getattr(error.error, "decline_code", None) or error.code or "card_declined"
            return CardDeclined(str(reason), request=request)
        case stripe.RateLimitError():
            return RateLimited(_seconds((error.headers or {}).get("retry-after")), request=request)
        case stripe.IdempotencyError():
            return KeyReused("the key was used for another write", request=request)
        case stripe.InvalidRequestError():
            if error.http_status == _NOT_FOUND:
                return NotAtProvider(about, request=request)
            return InvalidPaymentRequest(about, param=error.param, code=error.code, request=request)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return NotOurAccount("the secret key is not taken, or may not do this", request=request)
        case _:
            return PaymentsUnavailable(f"Stripe failed ({type(error).__name__}): {about}", request=request)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
