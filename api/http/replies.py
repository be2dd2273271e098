"""Answers as they go over the wire: JSON bytes with their headers, made without a response object on the hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope, Send

    from application.rate_limits import Allowance

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
NDJSON: Final = "application/x-ndjson"
RawHeaders = list[tuple[bytes, bytes]]

WHOLE: Final = "penguin.whole"
"""In the scope, where the server can take an answer at once: a `Callable[[Scope, int, RawHeaders, bytes], bool]`."""

ALWAYS: Final[RawHeaders] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
"""On every answer of the API: what it shows is for the caller alone, and is what it says it is."""


def dumps(content: object) -> bytes:
    """JSON in UTF-8."""
    return orjson.dumps(content)


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """Headers as ASGI takes them."""
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def send_json(
    scope: Scope, send: Send, status: int, body: bytes, headers: RawHeaders, media_type: bytes = JSON
) -> None:
    """Send one whole answer, which no cache keeps."""
    start = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]
    whole = scope.get(WHOLE)
    if whole is not None and whole(scope, status, start, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


class Answer(Response):
    """A JSON answer of a door other than the commands'."""

    media_type = "application/json"

    def __init__(self, content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Render `content`."""
        super().__init__(dumps(content), status_code=status, headers={**_ALWAYS, **(headers or {})})


_ALWAYS: Final = {name.decode(): value.decode() for name, value in ALWAYS}


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Rate limit headers (draft-ietf-httpapi-ratelimit-headers-10): the policy, and what is left of it."""
    bucket = allowance.bucket
    return {
        "ratelimit-policy": f'"{bucket}";q={allowance.limit};w=60',
        "ratelimit": f'"{bucket}";r={allowance.remaining};t={allowance.seconds}',
    }


def add_rate(headers: RawHeaders, allowance: Allowance) -> None:
    """The same headers, raw."""
    bucket, limit = allowance.bucket.encode(), allowance.limit
    headers.append((b"ratelimit-policy", b'"%b";q=%d;w=60' % (bucket, limit)))
    headers.append((b"ratelimit", b'"%b";r=%d;t=%d' % (bucket, allowance.remaining, allowance.seconds)))


def page(data: list[Any], following: str | None, position: str | None, as_of: str | None) -> dict[str, Any]:
    """The shape of every list."""
    return {"data": data, "next": following, "position": position, "as_of": as_of}
