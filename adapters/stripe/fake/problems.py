"""Errors as Stripe answers them."""

from __future__ import annotations

from typing import Any

BAD_REQUEST = 400
UNAUTHORIZED = 401
DECLINED = 402
NOT_FOUND = 404


class Problem(Exception):
    """A request that is not done, in the shape of Stripe's errors."""

    def __init__(
        self,
        message: str,
        *,
        status: int = BAD_REQUEST,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
    ) -> None:
        """Take what stands in the error object."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code

    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        fields = {
            "type": self.kind,
            "message": self.message,
            "code": self.code,
            "param": self.param,
            "decline_code": self.decline_code,
        }
        if self.code is not None:
            fields["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        return {"error": {name: value for name, value in fields.items() if value is not None}}


def missing(what: str, ref: str, param: str = "id") -> Problem:
    """There is no such object."""
    return Problem(f"No such {what}: '{ref}'", status=NOT_FOUND, code="resource_missing", param=param)


def needed(param: str) -> Problem:
    """A parameter is lacking."""
    return Problem(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> Problem:
    """A parameter that the address does not take."""
    return Problem(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def invalid(param: str, message: str) -> Problem:
    """A parameter that cannot be."""
    return Problem(message, code="parameter_invalid", param=param)


def declined(code: str, message: str, decline_code: str | None = None) -> Problem:
    """The bank says no."""
    return Problem(message, status=DECLINED, kind="card_error", code=code, decline_code=decline_code)
