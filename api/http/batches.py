"""`POST /v1/batch`: JSON lines in, JSON lines out, in the order of the lines.

Answers go out while lines still come in. A caller that sends everything before it reads anything is not stopped by its
own answers: up to 32 MB of them wait here, and only then are no more lines taken until it reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.commands import order_of, outcome_of, rehearsal_of
from api.http.denied import denied
from api.http.kinds import INTERNAL, KEY_NOT_HERE
from api.http.problems import Problem, bad_header, problem_of
from api.http.replies import NDJSON, dumps, raw
from api.http.request import ClientGone, must_be, stream_body
from api.http.standing import KNOWN
from application.principals import MissingPermission
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from application.batch import LineAnswer
    from application.orders import Order
    from domain.kernel.commands import Command

LINES: Final = b"application/x-ndjson"
BARE: Final = b"application/octet-stream"
"""For clients that can send bytes, and no lines of JSON."""
ACCEPTED: Final = (LINES, b"application/jsonl", b"application/json-lines", BARE)
_WAITING: Final = 32 * 1024 * 1024


class LineTooLong(Refusal):
    """The line is longer than a line may be; `limit` is in bytes. Send less in one command."""

    code = "line-too-long"
    kind = RefusalKind.INVALID


class Batch(Desk):
    """Answers batches."""

    def routes(self) -> list[Route]:
        """One route."""
        return [Route("/v1/batch", self.batch, methods=["POST"])]

    async def batch(self, request: Request) -> Any:
        """Who sends what; the lines are read as they are answered."""
        asked = await self.asked(request, "batch.run", ("dry_run",))
        must_be(asked.call, *ACCEPTED)
        if asked.call.idempotency_key is not None:
            raise Problem(KEY_NOT_HERE)
        if asked.call.if_match is not None:
            raise bad_header(
                "If-Match", "A version is of one stream; a batch is of many. Leave the header out."
            )
        return _Answering(self, asked, dry_run=asked.call.dry_run())

    def template(self, asked: Asked, command: Command, target: UUID | None, body: bytes, key: str) -> Order:
        """The order of a line."""
        order = order_of(asked.call, self.parts.callers, asked.principal, command, target, body)
        return order._replace(key=key)

    async def admit(self, asked: Asked) -> None:
        """Count a line as the command it is."""
        principal = asked.principal
        await self.parts.rates.take(principal.tenant_id, principal.rate_per_minute)

    def told(self, asked: Asked, answer: LineAnswer, *, dry_run: bool) -> bytes:
        """A line's answer as a line."""
        content: dict[str, Any] = {"line": answer.number, "id": answer.id}
        begun = begun_at(asked)
        if answer.outcome is not None and dry_run:
            shown = Permission.HISTORY_READ in asked.principal.permissions
            content |= {
                "status": 200,
                "result": {**rehearsal_of(answer.outcome, shown=shown), "position": begun},
            }
        elif answer.outcome is not None:
            content |= {"status": 200, "result": outcome_of(answer.outcome)}
        else:
            problem = problem_of(answer.error or RuntimeError("a line without an answer"))
            if isinstance(answer.error, MissingPermission):
                denied(asked.call.scope, problem.extra)
            content |= {
                "status": problem.kind.status,
                "position": problem.position or begun,
                "problem": problem.document(asked.call.request_id),
            }
        return dumps(content) + b"\n"


def begun_at(asked: Asked) -> str | None:
    """Token of where the log stood as the batch began: all that its lines are decided on holds that much."""
    token: str | None = asked.call.scope.get(KNOWN)
    return token


class _Answering:
    """One batch under way, as an ASGI answer."""

    def __init__(self, door: Batch, asked: Asked, *, dry_run: bool) -> None:
        self._door = door
        self._asked = asked
        self._dry_run = dry_run
        self._room = asyncio.Event()
        self._more = asyncio.Event()
        self._told: list[bytes] = []
        self._size = 0
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to tell, as long as there is."""
        del scope
        headers = {
            "content-type": NDJSON,
            "cache-control": "no-store",
            **self._door.headers(self._asked, begun_at(self._asked)),
        }
        working = asyncio.create_task(self._work(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": raw(headers)})
            while not (self._over and not self._told):
                await self._more.wait()
                self._more.clear()
                told, self._told, self._size = b"".join(self._told), [], 0
                self._room.set()
                await send({"type": "http.response.body", "body": told, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work(self, receive: Receive) -> None:
        door, asked = self._door, self._asked
        try:
            answers = door.parts.batches.run(
                lambda command, target, body, key: door.template(asked, command, target, body, key),
                self._lines(receive),
                dry_run=self._dry_run,
                admit=lambda: door.admit(asked),
            )
            async for answer in answers:
                await self._tell(door.told(asked, answer, dry_run=self._dry_run))
        except ClientGone:
            return
        except Exception as error:
            # The status line is out; the last line says why no more lines were taken.
            found = problem_of(error)
            document = found.document(asked.call.request_id)
            position = found.position or begun_at(asked)
            last = {
                "line": None,
                "id": None,
                "status": found.kind.status,
                "position": position,
                "problem": document,
            }
            await self._tell(dumps(last) + b"\n")
            if found.kind is INTERNAL:
                raise
        finally:
            self._over = True
            self._more.set()

    async def _tell(self, line: bytes) -> None:
        while self._size > _WAITING:
            self._room.clear()
            await self._room.wait()
        self._told.append(line)
        self._size += len(line)
        self._more.set()

    async def _lines(self, receive: Receive) -> AsyncIterator[bytes | Refusal]:
        """The lines of the body; one that is too long is a refusal, and not kept."""
        settings = self._door.parts.settings
        longest = settings.max_line_bytes
        rest, overlong = b"", False
        async for part in stream_body(receive, settings.max_batch_bytes):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if overlong or len(line) > longest:
                    overlong = False
                    yield LineTooLong(limit=longest)
                else:
                    yield line
            if len(rest) > longest:
                rest, overlong = b"", True
        if overlong:
            yield LineTooLong(limit=longest)
        elif rest.strip():
            yield rest
