"""The witness over HTTP: `POST /add-checkpoint` (C2SP tlog-witness) and `GET /health`."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adapters.keys.ed25519 import verify
from adapters.witnesses.memory import WitnessMemoryUnusable
from adapters.witnesses.wire import PATH, SIZE_TYPE, STATUSES
from api.witness.limits import Rate
from domain.audit.notes import Note, cosigned
from domain.audit.witnessing import MOST_BYTES, Found, Verdict, submitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.witnesses.folder import Kept
    from api.witness.settings import WitnessSettings

_PATIENCE: Final = 10.0
"""Seconds in which a request must have come in whole."""

log = structlog.get_logger(__name__)


def create_app(settings: WitnessSettings, kept: Kept, clock: Callable[[], float] = time.time) -> Starlette:
    """The application of one witness; `clock` tells the POSIX second."""
    rate = Rate(settings.requests_per_second, time.monotonic)

    async def add_checkpoint(request: Request) -> Response:
        wait = rate.wait(request.client.host if request.client else "")
        if wait:
            return _words("Too many requests.", 429, **{"Retry-After": str(math.ceil(wait))})
        try:
            async with asyncio.timeout(_PATIENCE):
                body = await _body(request)
        except TimeoutError:
            return _words("The request did not come in whole in time.", 408, Connection="close")
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _words(f"A request has at most {MOST_BYTES:,} bytes.", 413, Connection="close")
        try:
            return await run_in_threadpool(_answer, settings, kept, body, int(clock()))
        except WitnessMemoryUnusable:
            log.exception("the memory cannot be used")
            return _words("The witness cannot remember now, and so cosigns nothing.", 503)

    async def health(_: Request) -> Response:
        told = {"witness": str(kept.key.verifier)}
        try:
            logs = await run_in_threadpool(kept.memory.logs)
        except WitnessMemoryUnusable:
            return JSONResponse({"status": "failing", **told}, status_code=503)
        return JSONResponse({"status": "ok", **told, "logs": logs})

    return Starlette(
        routes=[
            Route(PATH, add_checkpoint, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
        ]
    )


def _answer(settings: WitnessSettings, kept: Kept, body: bytes, at: int) -> Response:
    """Judge a request, and cosign what is entered: in this order, each on the disk before the next."""
    asked = submitted(body, settings.keys_of, verify)
    if isinstance(asked, Verdict):
        return _refused(asked)
    verdict = kept.memory.enter(asked, at)
    if verdict.found is Found.CONSISTENT:
        made = cosigned(asked.note.text, kept.key.verifier, kept.key.sign, at=at)
        lines = Note(asked.note.text, (made,)).to_bytes().removeprefix(f"{asked.note.text}\n".encode())
        return Response(lines, media_type="text/plain; charset=utf-8")
    if verdict.found is not Found.OTHER_SIZE:
        log.error(
            "a log does not go on from what was cosigned", origin=asked.checkpoint.origin, state=verdict.found
        )
    return _refused(verdict)


def _refused(verdict: Verdict) -> Response:
    status = STATUSES[verdict.found]
    if verdict.size is not None:
        return Response(f"{verdict.size}\n".encode(), status, {"Content-Type": SIZE_TYPE})
    return _words(verdict.words, status)


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too long, of which no more is read."""
    read_so_far = bytearray()
    async for chunk in request.stream():
        read_so_far += chunk
        if len(read_so_far) > MOST_BYTES:
            return None
    return bytes(read_so_far)


def _words(text: str, status: int, **headers: str) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)
