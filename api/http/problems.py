"""Problem documents (RFC 9457): every error of the API, in one shape, from one table.

A refusal's class says the rule and the remedy in its docstring; the table here adds the errors of the door and of the
infrastructure. `GET /problems/<code>` shows both. Names of fields, parameters and columns are repeated in one, to say
where the fault is; values never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from api.http.replies import rate_headers
from api.http.titles import title_of
from application.batch import problems_of
from application.contention import TooMuchContention
from application.ports.analytics import (
    AnalyticsBehind,
    AnalyticsError,
    AnalyticsUnavailable,
    InvalidParameters,
    ReportTooLarge,
    UnknownReport,
)
from application.ports.keys import KeysUnavailable
from application.ports.log import (
    KeyReused,
    LogError,
    LogUnavailable,
    OutcomeUnknown,
    StaleAuthorisation,
    UnknownLog,
    Unstorable,
    VersionConflict,
)
from application.principals import Unauthenticated
from application.queries import ViewNotReady
from application.rate_limits import Allowance, RateLimited
from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from pydantic import ValidationError

TYPES: Final = "/problems/"
MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem: its code (the last part of its type), its status, its rule and remedy."""

    code: str
    status: int
    title: str
    about: str
    retry_after: int | None = None
    """Seconds after which the same request may well succeed."""


@dataclass(slots=True)
class Problem(Exception):  # the door's own way to say no
    """One problem, as it is answered."""

    kind: Kind
    detail: str | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    position: str | None = None
    """Token of the position it was decided at, where that is known."""

    def document(self, request_id: str | None) -> dict[str, Any]:
        """The document, without what is not known."""
        found: dict[str, Any] = {
            "type": TYPES + self.kind.code,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail or self.kind.about,
            "request_id": request_id,
        }
        if self.errors:
            found["errors"] = self.errors
        return {**self.extra, **{key: value for key, value in found.items() if value is not None}}

    def all_headers(self) -> dict[str, str]:
        """Headers that go with it."""
        if self.kind.retry_after is not None:
            return {"retry-after": str(self.kind.retry_after), **self.headers}
        return self.headers


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

DOOR_KINDS: Final = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}

_STATUS: Final[dict[RefusalKind, HTTPStatus]] = {
    RefusalKind.INVALID: S.UNPROCESSABLE_ENTITY,
    RefusalKind.CONFLICT: S.CONFLICT,
    RefusalKind.FORBIDDEN: S.FORBIDDEN,
    RefusalKind.NOT_FOUND: S.NOT_FOUND,
    RefusalKind.LIMIT: S.CONFLICT,
}
_OF_REFUSAL: Final[dict[type[Refusal], HTTPStatus]] = {
    Unauthenticated: S.UNAUTHORIZED,
    RateLimited: S.TOO_MANY_REQUESTS,
    ViewNotReady: S.SERVICE_UNAVAILABLE,
    TooMuchContention: S.SERVICE_UNAVAILABLE,
}
_RETRY_AFTER: Final[dict[type[Refusal], int]] = {ViewNotReady: 1, TooMuchContention: 1}
_OF_LOG: Final[dict[type[LogError], Kind]] = {
    VersionConflict: VERSION_CONFLICT,
    KeyReused: KEY_REUSED,
    StaleAuthorisation: ACCESS_CHANGED,
    UnknownLog: NOT_FOUND,
    LogUnavailable: LOG_UNAVAILABLE,
    Unstorable: UNSTORABLE,
    OutcomeUnknown: OUTCOME_UNKNOWN,
}
_OF_ANALYTICS: Final[dict[type[AnalyticsError], Kind]] = {
    UnknownReport: NOT_FOUND,
    AnalyticsBehind: BEHIND,
    InvalidParameters: PARAMETER_INVALID,
    AnalyticsUnavailable: ANALYTICS_UNAVAILABLE,
    ReportTooLarge: REPORT_TOO_LARGE,
}


def kind_of(refusal: type[Refusal]) -> Kind:
    """The sort of problem that a rule makes; its title is what happened, or the rule's first sentence."""
    status = _OF_REFUSAL.get(refusal, _STATUS[refusal.kind])
    rule, remedy = refusal.rule(), getattr(refusal, "remedy", None)
    about = f"{rule} {remedy}" if isinstance(remedy, str) else rule
    return Kind(refusal.code, status.value, title_of(refusal.code, rule), about, _RETRY_AFTER.get(refusal))


def refusals() -> list[type[Refusal]]:
    """Every rule of the product that is loaded, by its code."""
    found: dict[str, type[Refusal]] = {}
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            found.setdefault(cls.code, cls)
    return [found[code] for code in sorted(found)]


def catalogue() -> dict[str, Kind]:
    """Every sort of problem by its code: the door's own, and one for each rule."""
    return dict(sorted({**DOOR_KINDS, **{cls.code: kind_of(cls) for cls in refusals()}}.items()))


def problem_of(error: Exception) -> Problem:
    """The problem that an error is answered with; what is no refusal and no known failure is a mistake of ours."""
    match error:
        case Problem():
            return error
        case RateLimited():
            return _limited(error)
        case Refusal():
            return _refused(error)
        case VersionConflict():
            return Problem(VERSION_CONFLICT, extra={"current": error.current})
        case LogError():
            return Problem(_OF_LOG.get(type(error), LOG_UNAVAILABLE))
        case KeysUnavailable():
            return Problem(LOG_UNAVAILABLE)
        case InvalidParameters():
            errors = [
                {"pointer": pointer, "code": "invalid", "detail": words} for pointer, words in error.problems
            ]
            return Problem(PARAMETER_INVALID, errors=errors)
        case AnalyticsBehind():
            reached = error.position.token()
            return Problem(BEHIND, extra={"position": reached}, position=reached)
        case AnalyticsError():
            return Problem(_OF_ANALYTICS.get(type(error), ANALYTICS_UNAVAILABLE))
        case _:
            return Problem(INTERNAL)


def _refused(refusal: Refusal) -> Problem:
    kind = kind_of(type(refusal))
    extra = dict(refusal.extra)
    told = extra.pop("errors", None)
    errors: list[dict[str, str]] = told if isinstance(told, list) else []
    if refusal.field is not None and not errors:
        pointer = str(refusal.extra.get("pointer", refusal.field))  # the one of many that is to blame
        errors = [{"pointer": pointer, "code": refusal.code, "detail": refusal.detail}]
    headers = {"www-authenticate": "Bearer"} if kind.status == S.UNAUTHORIZED else {}
    return Problem(kind, refusal.detail, errors, extra, headers, refusal.decided_at)


def _limited(refusal: RateLimited) -> Problem:
    allowance = refusal.extra["allowance"]
    if not isinstance(allowance, Allowance):
        raise TypeError("a refusal by rate carries where the tenant stands")
    headers = {"retry-after": str(allowance.seconds), **rate_headers(allowance)}
    return Problem(kind_of(RateLimited), extra={"limit": allowance.limit}, headers=headers)


def invalid_body(error: ValidationError) -> Problem:
    """What pydantic found in a body, without what was in it."""
    if any(one["type"] == "json_invalid" for one in error.errors(include_input=False, include_url=False)):
        return Problem(MALFORMED_JSON)
    return Problem(BODY_INVALID, errors=problems_of(error))


def invalid_parameters(error: ValidationError) -> Problem:
    """The same of a query string."""
    return Problem(PARAMETER_INVALID, errors=problems_of(error))


def bad_header(name: str, detail: str) -> Problem:
    """A header that cannot be used."""
    return Problem(HEADER_INVALID, errors=[{"header": name, "code": "invalid", "detail": detail}])


def bad_parameter(name: str, detail: str) -> Problem:
    """A parameter of the query that cannot be used."""
    return Problem(PARAMETER_INVALID, errors=[{"parameter": name, "code": "invalid", "detail": detail}])
