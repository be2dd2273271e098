"""Problem documents (RFC 9457): every error of the API, in one shape, from one table.

A refusal's class says the rule and the remedy in its docstring; the table here adds the errors of the door and of the
infrastructure. `GET /problems/<code>` shows both. Names of fields, parameters and columns are repeated in one, to say
where the fault is; values never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from api.http.kinds import (
    ACCESS_CHANGED,
    ANALYTICS_UNAVAILABLE,
    BEHIND,
    BODY_INVALID,
    DOOR_KINDS,
    HEADER_INVALID,
    INTERNAL,
    KEY_REUSED,
    LOG_UNAVAILABLE,
    MALFORMED_JSON,
    NOT_FOUND,
    NOT_OF_ONE_LOG,
    OUTCOME_UNKNOWN,
    PARAMETER_INVALID,
    PAYMENT_REFUSED,
    PAYMENTS_UNAVAILABLE,
    REPORT_TOO_LARGE,
    TOO_MUCH_TO_EXPLAIN,
    UNSTORABLE,
    VERSION_CONFLICT,
    Kind,
)
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
from application.ports.differences import NotOfOneLog, TooMuchToExplain
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
from application.ports.payments import CardDeclined, InvalidPaymentRequest, NotAtProvider, PaymentsError
from application.ports.payments import KeyReused as PaymentKeyReused
from application.ports.sql import SqlTooManyAtOnce
from application.principals import Unauthenticated
from application.proving import NotYetSigned
from application.queries import BeingRebuilt, ViewNotReady
from application.rate_limits import Allowance, RateLimited
from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from pydantic import ValidationError

TYPES: Final = "/problems/"
MEDIA_TYPE: Final = "application/problem+json"


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


_STATUS: Final[dict[RefusalKind, HTTPStatus]] = {
    RefusalKind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalKind.CONFLICT: HTTPStatus.CONFLICT,
    RefusalKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    RefusalKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalKind.LIMIT: HTTPStatus.CONFLICT,
    RefusalKind.PAYMENT: HTTPStatus.PAYMENT_REQUIRED,
}
_OF_REFUSAL: Final[dict[type[Refusal], HTTPStatus]] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    NotYetSigned: HTTPStatus.SERVICE_UNAVAILABLE,
    ViewNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    BeingRebuilt: HTTPStatus.SERVICE_UNAVAILABLE,
    TooMuchContention: HTTPStatus.SERVICE_UNAVAILABLE,
    SqlTooManyAtOnce: HTTPStatus.TOO_MANY_REQUESTS,
}
_RETRY_AFTER: Final[dict[type[Refusal], int]] = {
    NotYetSigned: 2,
    ViewNotReady: 1,
    BeingRebuilt: 1,
    TooMuchContention: 1,
    SqlTooManyAtOnce: 1,
}
_OF_LOG: Final[dict[type[Exception], Kind]] = {
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
    NotOfOneLog: NOT_OF_ONE_LOG,
    TooMuchToExplain: TOO_MUCH_TO_EXPLAIN,
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
        case LogError() | KeysUnavailable():
            return Problem(_OF_LOG.get(type(error), LOG_UNAVAILABLE))
        case InvalidParameters():
            errors = [
                {"pointer": pointer, "code": "invalid", "detail": words} for pointer, words in error.problems
            ]
            return Problem(PARAMETER_INVALID, errors=errors)
        case AnalyticsBehind():
            reached = error.position.token()
            return Problem(BEHIND, extra={"position": reached}, position=reached)
        case PaymentsError():
            return _unpaid(error)
        case AnalyticsError():
            return Problem(_OF_ANALYTICS.get(type(error), ANALYTICS_UNAVAILABLE))
        case _:
            return Problem(INTERNAL)


def _unpaid(error: PaymentsError) -> Problem:
    match error:
        case CardDeclined() | InvalidPaymentRequest():
            return Problem(PAYMENT_REFUSED, extra={"reason": error.code or "invalid-request"})
        case PaymentKeyReused():
            return Problem(KEY_REUSED)
        case NotAtProvider():
            return Problem(PAYMENT_REFUSED, extra={"reason": "not-at-provider"})
        case _:
            return Problem(PAYMENTS_UNAVAILABLE)


def _refused(refusal: Refusal) -> Problem:
    kind = kind_of(type(refusal))
    extra = dict(refusal.extra)
    told = extra.pop("errors", None)
    errors: list[dict[str, str]] = told if isinstance(told, list) else []
    if refusal.field is not None and not errors:
        pointer = str(refusal.extra.get("pointer", refusal.field))  # the one of many that is to blame
        errors = [{"pointer": pointer, "code": refusal.code, "detail": refusal.detail}]
    headers = {"www-authenticate": "Bearer"} if kind.status == HTTPStatus.UNAUTHORIZED else {}
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
