"""The sorts of problems that the door itself makes, each with its status, its rule and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem: its code (the last part of its type), its status, its rule and remedy."""

    code: str
    status: int
    title: str
    about: str
    retry_after: int | None = None
    """Seconds after which the same request may well succeed."""


def _kind(code: str, status: HTTPStatus, title: str, about: str, retry_after: int | None = None) -> Kind:
    return Kind(code, status.value, title, about, retry_after)


S = HTTPStatus
MALFORMED_JSON: Final = _kind(
    "malformed-json",
    S.BAD_REQUEST,
    "The body is not JSON",
    "The body could not be read as one JSON object in UTF-8. Check quotes, commas, and that nothing follows it.",
)
BODY_INVALID: Final = _kind(
    "body-invalid",
    S.UNPROCESSABLE_ENTITY,
    "The body is not what this takes",
    "The body does not fit. Each of `errors` names a field by its JSON pointer and what is wrong with it.",
)
BODY_TOO_LARGE: Final = _kind(
    "body-too-large",
    S.REQUEST_ENTITY_TOO_LARGE,
    "The body is too large",
    "The body is larger than this takes; `limit` is in bytes. Send less at once, or use the batch or import endpoints.",
)
MEDIA_TYPE_UNKNOWN: Final = _kind(
    "unsupported-media-type",
    S.UNSUPPORTED_MEDIA_TYPE,
    "The body's media type is not taken here",
    "This body is of another kind. Send one of the media types in `accepted`, and say so in `Content-Type`.",
)
MALFORMED_REQUEST: Final = _kind(
    "malformed-request",
    S.BAD_REQUEST,
    "This is no HTTP request",
    "The request could not be read: it is not HTTP/1.1 as the standard has it. The connection is closed.",
)
TOO_MANY_AT_ONCE: Final = _kind(
    "too-many-requests-at-once",
    S.TOO_MANY_REQUESTS,
    "Too many requests came before their answers",
    "At most 256 requests wait on one connection. Those before were answered; send the others again, after answers.",
)
UPGRADE_NOT_OFFERED: Final = _kind(
    "upgrade-not-offered",
    S.BAD_REQUEST,
    "No other protocol is offered",
    "A body cannot come with `Upgrade`: HTTP/1.1 alone is spoken here. Send the request without it; the connection "
    "is closed.",
)
HEAD_TOO_LARGE: Final = _kind(
    "head-too-large",
    S.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The address and the headers are too large",
    "The address and the headers are larger than 64 KiB. Send values in the body; the connection is closed.",
)
REQUEST_TIMEOUT: Final = _kind(
    "request-timeout",
    S.REQUEST_TIMEOUT,
    "The request did not come to its end",
    "Nothing came of the rest of the request for a minute. Nothing was written; send it again on a new connection.",
)
HEADER_INVALID: Final = _kind(
    "header-invalid",
    S.BAD_REQUEST,
    "A header is not what it should be",
    "A request header cannot be used. Each of `errors` names a header and what is wrong with it.",
)
PARAMETER_INVALID: Final = _kind(
    "parameter-invalid",
    S.UNPROCESSABLE_ENTITY,
    "A parameter is not what it should be",
    "A parameter of the query cannot be used. Each of `errors` names one and what is wrong with it.",
)
UNKNOWN_VERSION: Final = _kind(
    "unknown-version",
    S.BAD_REQUEST,
    "There is no such version of the API",
    "`Penguin-Version` names no version of this API; `versions` lists them. Leave the header out for the latest.",
)
NOT_FOUND: Final = _kind(
    "not-found",
    S.NOT_FOUND,
    "There is no such thing here",
    "Nothing is here under this address or id. Check both; things of other tenants are not shown.",
)
METHOD_NOT_ALLOWED: Final = _kind(
    "method-not-allowed",
    S.METHOD_NOT_ALLOWED,
    "This method is not for this address",
    "The address is there, the method is not. The header `Allow` names the methods it takes.",
)
NO_SUCH_RECEIPT: Final = _kind(
    "no-such-receipt",
    S.NOT_FOUND,
    "There is no receipt under this key",
    "No command of this tenant was ever accepted under this idempotency key. Sending it is safe.",
)
KEY_REUSED: Final = _kind(
    "key-reused",
    S.UNPROCESSABLE_ENTITY,
    "The idempotency key was used before, with another request",
    "A key stands for one command, its target and its body, for ever. Take a new key for a new command.",
)
VERSION_CONFLICT: Final = _kind(
    "version-conflict",
    S.CONFLICT,
    "The stream moved meanwhile",
    "The stream moved while the command was decided; `current` is its version. Nothing was written; try again.",
)
ACCESS_CHANGED: Final = _kind(
    "access-changed",
    S.CONFLICT,
    "Access changed meanwhile",
    "Who may do what changed while the command was decided. Nothing was written; try again.",
)
LOG_UNAVAILABLE: Final = _kind(
    "unavailable",
    S.SERVICE_UNAVAILABLE,
    "The service is not available just now",
    "The database or the keys cannot be reached just now. Nothing was written; try again after `Retry-After` seconds.",
    retry_after=1,
)
UNSTORABLE: Final = _kind(
    "unstorable",
    S.UNPROCESSABLE_ENTITY,
    "The request holds what cannot be stored",
    "A value cannot be stored, however often it is sent: a NUL character, a number out of range. Nothing was written; "
    "send another value.",
)
OUTCOME_UNKNOWN: Final = _kind(
    "outcome-unknown",
    S.SERVICE_UNAVAILABLE,
    "What became of the command is not known",
    "The connection broke as the command was committed. Send it again with the same `Idempotency-Key`, or look up "
    "its receipt; without a key, look whether it happened before you send it again.",
    retry_after=1,
)
BEHIND: Final = _kind(
    "behind",
    S.SERVICE_UNAVAILABLE,
    "The view has not got there yet",
    "The view did not reach `min_position` in time; `position` is where it is. Try again after `Retry-After` seconds.",
    retry_after=1,
)
ANALYTICS_UNAVAILABLE: Final = _kind(
    "analytics-unavailable",
    S.SERVICE_UNAVAILABLE,
    "Analytics is not available just now",
    "Analytics is starting, busy or not running. Try again after `Retry-After` seconds.",
    retry_after=2,
)
REPORT_TOO_LARGE: Final = _kind(
    "report-too-large",
    S.UNPROCESSABLE_ENTITY,
    "The report takes too long",
    "The report took longer than a report may. Narrow its dates or filters.",
)
NOT_OF_ONE_LOG: Final = _kind(
    "not-of-one-log",
    S.UNPROCESSABLE_ENTITY,
    "What moved it is not in this log alone",
    "A pool of the platform's books that is divided by what customers sent follows from their logs as well: no events "
    "of one log explain how its shares moved. Ask `costs_by_category`.",
)
TOO_MUCH_TO_EXPLAIN: Final = _kind(
    "too-much-to-explain",
    S.UNPROCESSABLE_ENTITY,
    "Too many events moved what was there before",
    "What moved these figures takes too many looks at the log. Choose positions that are nearer, or narrow the report.",
)
SEARCH_TOO_SLOW: Final = _kind(
    "search-too-slow",
    S.UNPROCESSABLE_ENTITY,
    "The search takes too long",
    "Looking through everything took longer than a question may. Narrow the search: more words, or a filter.",
)
ACCEPT_UNKNOWN: Final = _kind(
    "not-acceptable",
    S.NOT_ACCEPTABLE,
    "This cannot be given in the form asked for",
    "`Accept` names no form that this is given in; `offered` lists them. Leave the header out for JSON.",
)
KEY_NOT_HERE: Final = _kind(
    "idempotency-key-not-here",
    S.BAD_REQUEST,
    "A batch takes no Idempotency-Key",
    "Each line of a batch has its own `id`, which is its idempotency key. Leave the header out.",
)
INTERNAL: Final = _kind(
    "internal",
    S.INTERNAL_SERVER_ERROR,
    "A mistake of ours",
    "Something went wrong that is not your doing. Send the same request again with its `Idempotency-Key`; if it stays, "
    "tell us the `request_id`.",
)
PAYMENTS_NOT_SET_UP: Final = _kind(
    "payments-not-set-up",
    S.CONFLICT,
    "No payment provider is set up",
    "This installation has no payment provider. Whoever runs it sets one up: docs/billing-stripe.md says how.",
)
PAYMENTS_UNAVAILABLE: Final = _kind(
    "payments-unavailable",
    S.SERVICE_UNAVAILABLE,
    "The payment provider does not answer",
    "The payment provider could not be reached, or takes no more for now. Nothing was lost; try again in a moment.",
    5,
)
PAYMENT_REFUSED: Final = _kind(
    "payment-refused",
    S.CONFLICT,
    "The payment provider did not do it",
    "The payment provider refused; `reason` is its code. Nothing was changed.",
)
SIGNATURE_INVALID: Final = _kind(
    "signature-invalid",
    S.BAD_REQUEST,
    "The webhook is not signed by the payment provider",
    "Nothing of it was looked at. Check the webhook secret of this installation, the clock, and that no proxy changes "
    "the body.",
)
WEBHOOK_UNREADABLE: Final = _kind(
    "webhook-unreadable",
    S.BAD_REQUEST,
    "The webhook is no event that is heeded here",
    "It is signed, and of another version, shape or mode (test, live). Set the endpoint up as docs/billing-stripe.md "
    "says.",
)

DOOR_KINDS: Final = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}
