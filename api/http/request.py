"""What comes with a request besides its body: read once from the headers, each checked, none believed."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from api.http.kinds import BODY_TOO_LARGE, MEDIA_TYPE_UNKNOWN
from api.http.problems import Problem, bad_header, bad_parameter
from api.http.versions import version_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Coroutine

    from starlette.types import Receive, Scope

_T = TypeVar("_T")
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_REQUEST_ID: Final = re.compile(rb"[0-9a-f-]{16,64}")
_VERSION: Final = re.compile(rb'(?:W/)?"?([0-9]{1,18})"?')
_LONGEST_REASON: Final = 500
_UUID_LENGTH: Final = 36
_PLAIN: Final = "Bodies are taken as they are. Send it without `Content-Encoding`."
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})


class ClientGone(Exception):
    """The caller went away before the request was whole; there is nobody to answer."""


class Call:
    """A request's headers. `scope["penguin.request_id"]`, `.tenant` and `.command` tell the log what was asked."""

    __slots__ = (
        "authorization",
        "content_length",
        "content_type",
        "grant",
        "idempotency_key",
        "if_match",
        "ip",
        "reason",
        "request_id",
        "scope",
        "tenant",
        "told_dry_run",
        "told_version",
        "version",
    )

    def __init__(self, scope: Scope) -> None:
        """Read the headers. Raises a `Problem` for one that cannot be used."""
        self.scope = scope
        self.authorization: bytes | None = None
        self.content_length: bytes | None = None
        self.content_type: bytes = b""
        self.grant: bytes | None = None
        self.idempotency_key: str | None = None
        self.if_match: int | None = None
        self.reason: str | None = None
        self.tenant: bytes | None = None
        self.told_dry_run: bytes | None = None
        client = scope.get("client")
        self.ip: str | None = client[0] if client else None
        self.request_id: str = scope["penguin.request_id"]
        version = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if self.authorization is not None:
                    raise bad_header("Authorization", "Send it once.")
                self.authorization = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"content-encoding" and value.lower() != b"identity":
                raise Problem(MEDIA_TYPE_UNKNOWN, _PLAIN)
            elif name == b"idempotency-key":
                self._take_key(value)
            elif name == b"if-match":
                self._take_version(value)
            elif name.startswith(b"penguin-"):
                if name == b"penguin-version":
                    version = value
                else:
                    self._take_own(name, value)
        self.told_version = version is not None
        self.version = version_of(version)

    def _take_key(self, value: bytes) -> None:
        if self.idempotency_key is not None:
            raise bad_header("Idempotency-Key", "Send it once.")
        if not _KEY.fullmatch(value):
            raise bad_header("Idempotency-Key", "Use 1 to 255 visible ASCII characters, without spaces.")
        self.idempotency_key = value.decode("ascii")

    def _take_version(self, value: bytes) -> None:
        found = _VERSION.fullmatch(value)
        if found is None:
            raise bad_header("If-Match", 'Name one version, as the answer\'s ETag does: If-Match: "3".')
        self.if_match = int(found[1])

    def _take_own(self, name: bytes, value: bytes) -> None:
        if name == b"penguin-dry-run":
            self.told_dry_run = value
        elif name == b"penguin-tenant":
            self.tenant = value
        elif name == b"penguin-grant":
            self.grant = value
        elif name == b"penguin-reason":
            self.reason = _text("Penguin-Reason", value)

    def dry_run(self) -> bool:
        """Whether the command is to be rehearsed alone: by the header, or by `?dry_run=true`."""
        told = self.told_dry_run
        if told is not None:
            return _flag(told.decode("latin-1"), bad_header("Penguin-Dry-Run", "Say true or false."))
        query = self.scope["query_string"]
        if not query:
            return False
        values = parameters(self.scope, {"dry_run"})
        if "dry_run" not in values:
            return False
        return _flag(values["dry_run"], bad_parameter("dry_run", "Say true or false."))

    def tenant_id(self) -> UUID | None:
        """The tenant that staff act on, from `Penguin-Tenant`."""
        return None if self.tenant is None else _uuid("Penguin-Tenant", self.tenant)

    def grant_ids(self) -> tuple[UUID, UUID] | None:
        """Tenant and grant that staff read under, from `Penguin-Grant: <tenant>.<grant>`."""
        if self.grant is None:
            return None
        tenant, dot, grant = self.grant.partition(b".")
        if not dot:
            raise bad_header("Penguin-Grant", "Write it as <tenant id>.<grant id>.")
        return _uuid("Penguin-Grant", tenant), _uuid("Penguin-Grant", grant)

    def media_type(self) -> bytes:
        """The body's media type, without parameters."""
        return self.content_type.partition(b";")[0].strip().lower()


def request_id_of(scope: Scope) -> str:
    """The request's id: the caller's own `X-Request-Id` where it looks like one, else a new one.

    A log line repeats it, so it must not be able to hold a name: a UUID, or 16 to 64 hexadecimal digits.
    """
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(12)


def parameters(
    scope: Scope, known: set[str] | frozenset[str], repeated: Collection[str] = ()
) -> dict[str, str]:
    """The query string's parameters, each once. Raises a `Problem` for one that is not known or not text.

    Those in `repeated` may be given several times; commas come between their values.
    """
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict"
        )
    except ValueError:
        raise bad_parameter(
            "", "The query string cannot be read. Encode it as UTF-8 with percent signs."
        ) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise bad_parameter(
                name[:50], f"There is no such parameter here; there are: {', '.join(sorted(known))}."
            )
        if name in found and name not in repeated:
            raise bad_parameter(name, "Give it once; separate several values by commas.")
        if "\x00" in value:
            raise bad_parameter(name, "NUL characters are not taken.")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


async def read_body(call: Call, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises a `Problem` as soon as it is larger than `limit`, whatever its length said."""
    length = call.content_length
    if length is not None and (not length.isdigit() or int(length[:20]) > limit):
        raise Problem(BODY_TOO_LARGE, extra={"limit": limit}, headers={"connection": "close"})
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise Problem(BODY_TOO_LARGE, extra={"limit": limit}, headers={"connection": "close"})
        return body
    return b"".join([part async for part in _rest(body, receive, limit)])


async def stream_body(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The body in parts, `limit` bytes of it at most."""
    async for part in _rest(b"", receive, limit):
        yield part


async def _rest(first: bytes, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    size, more = len(first), True
    if first:
        yield first
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > limit:
            raise Problem(BODY_TOO_LARGE, extra={"limit": limit}, headers={"connection": "close"})
        if part:
            yield part


async def while_there(receive: Receive, doing: Coroutine[Any, Any, _T]) -> _T:
    """What is done for somebody whose body was read. Cancelled as soon as they have gone. Raises `ClientGone`."""
    work, leaving = asyncio.create_task(doing), asyncio.create_task(_left(receive))
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return await work
        raise ClientGone
    finally:
        for task in (work, leaving):
            task.cancel()
        await asyncio.gather(work, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """What else comes says nothing."""


def must_be(call: Call, *accepted: bytes) -> None:
    """Refuse a body of another media type."""
    if call.media_type() not in accepted:
        raise Problem(MEDIA_TYPE_UNKNOWN, extra={"accepted": [name.decode() for name in accepted]})


def uuid_in(text: str) -> UUID | None:
    """A UUID in its usual form, and in no other."""
    if len(text) != _UUID_LENGTH:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _uuid(name: str, value: bytes) -> UUID:
    found = uuid_in(value.decode("latin-1").strip())
    if found is None:
        raise bad_header(name, "This is no UUID.")
    return found


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise bad_header(name, "Write it in UTF-8.") from None
    if len(text) > _LONGEST_REASON or not text.isprintable():
        raise bad_header(name, f"At most {_LONGEST_REASON} characters, on one line.")
    return text


def _flag(value: str, problem: Problem) -> bool:
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise problem
