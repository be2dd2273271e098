"""The headers of answers, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.http.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

HEADERS: Final[Json] = {
    "RequestId": {
        "description": "By which the request is found in the logs; also in a problem's body.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f-]{16,64}$"},
    },
    "Position": {
        "description": "The position of the log that this was made from; pass it back as `min_position`.",
        "required": True,
        "schema": {"type": "string"},
    },
    "PositionIfKnown": {
        "description": "What this was decided on held at least this much of the log; where a tenant is known.",
        "schema": {"type": "string"},
    },
    "Version": {
        "description": "The version of the API that answered.",
        "required": True,
        "schema": {"type": "string", "enum": list(VERSIONS)},
    },
    "VersionIfAsked": {
        "description": "The version of the API that answered, where one was asked for.",
        "schema": {"type": "string", "enum": list(VERSIONS)},
    },
    "ETag": {
        "description": "The stream's version, for `If-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "Completeness": {
        "description": "The certificate of an export, as `Completeness` in JSON: what it was made from, how many rows, "
        "what was left out, the checkpoint.",
        "schema": {"type": "string"},
    },
    "IdempotentReplayed": {
        "description": "`true` where the key was accepted before, and nothing was done now.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RateLimit": {
        "description": "What is left of the minute: commands `r`, seconds `t`.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimitPolicy": {
        "description": "The limit of the plan: `q` in `w` seconds.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which it may succeed.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWWAuthenticate": {
        "description": "How to say who asks.",
        "required": True,
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
    "Deprecation": {
        "description": "Since when the operation is on its way out (RFC 9745).",
        "schema": {"type": "string", "pattern": "^@[0-9]+$"},
    },
    "Sunset": {"description": "When it ends (RFC 8594).", "schema": {"type": "string"}},
}
"""Headers of answers. Names by which they are told stand in `_SENT_AS`."""
_SENT_AS: Final[Mapping[str, str]] = {
    "RequestId": "Request-Id",
    "Position": "Penguin-Position",
    "PositionIfKnown": "Penguin-Position",
    "Version": "Penguin-Version",
    "VersionIfAsked": "Penguin-Version",
    "ETag": "ETag",
    "Completeness": "Penguin-Completeness",
    "IdempotentReplayed": "Idempotent-Replayed",
    "RateLimit": "RateLimit",
    "RateLimitPolicy": "RateLimit-Policy",
    "RetryAfter": "Retry-After",
    "WWWAuthenticate": "WWW-Authenticate",
    "Deprecation": "Deprecation",
    "Sunset": "Sunset",
}
_ALL: Final = ("RequestId", "Position", "RateLimit", "RateLimitPolicy", "Deprecation", "Sunset")
OF_COMMANDS: Final = (*_ALL, "ETag", "VersionIfAsked", "IdempotentReplayed")
OF_OTHERS: Final = (*_ALL, "Version")
_OF_PROBLEMS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWWAuthenticate",),
    429: ("RetryAfter", "RateLimit", "RateLimitPolicy"),
    503: ("RetryAfter",),
}


def headers_of(names: Iterable[str]) -> Json:
    """Headers by reference, under the names they are sent by."""
    return {_SENT_AS[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


def headers_of_problem(status: int) -> Json:
    """The headers that problems of a status have."""
    return headers_of(("RequestId", "PositionIfKnown", *_OF_PROBLEMS.get(status, ())))
