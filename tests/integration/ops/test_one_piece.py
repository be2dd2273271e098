"""Answers leave in one piece: on a real socket, whole, whatever their size, and with nobody there to take them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from api.http.replies import send_json
from api.ops.one_piece import OnePiece

PART = b"x" * 50_000
PARTS = 40
ASK = b"GET /%b HTTP/1.1\r\nhost: here\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """A small answer, or a large one in parts."""
    if scope["path"].startswith("/whole"):
        await whole(scope, receive, send)
        return
    parts = [b"small"] if scope["path"] == "/small" else [PART] * PARTS
    length = str(sum(map(len, parts))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for number, part in enumerate(parts, 1):
        await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})
        await asyncio.sleep(0)


async def whole(scope: Any, receive: Any, send: Any) -> None:
    """The path itself as an answer."""
    await receive()
    path = scope["path"].encode()
    headers = [] if scope["path"] != "/whole/broken" else [(b"told", b"by a caller\r\nset-cookie: theirs")]
    headers += [(b"connection", b"close")] if scope["path"] == "/whole/last" else []
    await send_json(scope, send, 200, path, headers)


@asynccontextmanager
async def serving() -> AsyncIterator[socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=OnePiece, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    client = socket.socket()
    client.settimeout(0)
    await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
    try:
        yield client
    finally:
        client.close()
        server.should_exit = True
        await running


async def answered(client: socket.socket, path: bytes, pieces: list[int]) -> bytes:
    """The body of an answer; how many bytes came with each reading go into `pieces`."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, ASK % path)
    got = b""
    while True:
        piece = await loop.sock_recv(client, 1 << 20)
        assert piece, "it was closed before it was whole"
        pieces.append(len(piece))
        got += piece
        head, gap, body = got.partition(b"\r\n\r\n")
        if gap and len(body) == int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return body


def run(test: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


def test_a_small_answer_comes_with_its_head_at_once_and_the_connection_stays() -> None:
    async def test() -> None:
        async with serving() as client:
            for _ in range(3):
                pieces: list[int] = []
                assert await answered(client, b"small", pieces) == b"small"
                assert len(pieces) == 1

    run(test)


def test_a_large_answer_is_whole() -> None:
    async def test() -> None:
        async with serving() as client:
            assert await answered(client, b"large", []) == PART * PARTS

    run(test)


def test_a_caller_that_hangs_up_in_the_middle_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        for path in (b"small", b"large"):
            async with serving() as client:
                await loop.sock_sendall(client, ASK % path)

    with caplog.at_level(logging.WARNING):
        run(test)
    assert caplog.records == []


def test_a_caller_that_half_closes_after_its_question_gets_the_answer() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(20):
            async with serving() as client:
                await loop.sock_sendall(client, ASK % b"small")
                client.shutdown(socket.SHUT_WR)
                got = b""
                while piece := await loop.sock_recv(client, 1 << 20):
                    got += piece
                assert got.endswith(b"\r\n\r\nsmall")

    run(test)


def test_whole_answers_to_requests_that_came_together_come_in_their_order() -> None:
    async def test() -> None:
        async with serving() as client:
            loop = asyncio.get_running_loop()
            asked = [b"whole/%d" % number for number in range(40)]
            await loop.sock_sendall(client, b"".join(ASK % path for path in asked))
            got = b""
            while not got.endswith(b"/whole/39"):
                piece = await loop.sock_recv(client, 1 << 20)
                assert piece
                got += piece
            assert [part.partition(b"HTTP/")[0] for part in got.split(b"\r\n\r\n/")[1:]] == asked

    run(test)


def test_a_whole_answer_that_is_to_be_the_last_closes_the_connection() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        for ask in (ASK % b"whole/last", b"GET /whole/1 HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"):
            async with serving() as client:
                await loop.sock_sendall(client, ask)
                got = b""
                async with asyncio.timeout(2):  # uvicorn closes by itself after five seconds
                    while piece := await loop.sock_recv(client, 1 << 20):
                        got += piece
                assert b"connection: close" in got.lower()
                assert got.endswith((b"\r\n\r\n/whole/last", b"\r\n\r\n/whole/1"))

    run(test)


def test_a_header_that_ends_before_its_end_never_leaves(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with serving() as client:
            await loop.sock_sendall(client, ASK % b"whole/broken")
            got = await loop.sock_recv(client, 1 << 20)
            assert b" 500 " in got
            assert b"cookie" not in got

    with caplog.at_level(logging.CRITICAL):
        run(test)


def test_an_answer_to_head_has_no_body() -> None:
    async def test() -> None:
        async with serving() as client:
            loop = asyncio.get_running_loop()
            head = b"HEAD /whole/head HTTP/1.1\r\nhost: here\r\n\r\n"
            await loop.sock_sendall(client, head)
            got = await loop.sock_recv(client, 1 << 20)
            assert b"content-length: 11\r\n" in got
            assert got.endswith(b"\r\n\r\n")
            assert await answered(client, b"whole/2", []) == b"/whole/2"

    run(test)
