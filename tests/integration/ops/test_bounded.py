"""What a caller can make the door keep and wait for: sizes and times of heads and bodies, on a real socket."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from api.ops import bounded
from api.ops.bounded import LARGEST_HEAD
from api.ops.one_piece import OnePiece

PART = 100_000
LINE = b"GET /small HTTP/1.1\r\nhost: here\r\n"


class Served:
    """A server and a caller; `reached`: requests that came as far as the app."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.reached: list[str] = []
        self.bodies: list[int] = []
        self.heads: list[list[tuple[bytes, bytes]]] = []
        self.answer = b""
        self.pause = 0.0
        self.early = False

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope["path"])
        size = 0
        more = not self.early
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            size += len(message["body"])
            more = message["more_body"]
        self.bodies.append(size)
        self.heads.append(list(scope["headers"]))
        await asyncio.sleep(self.pause)
        length = b"%d" % len(self.answer)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for start in range(0, len(self.answer), PART):
            part = self.answer[start : start + PART]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def caller(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as made:
        yield made


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Served(listener.getsockname())
    config = uvicorn.Config(
        made.app, interface="asgi3", http=OnePiece, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield made
    finally:
        server.should_exit = True
        await running


async def told(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """Status and problem document of what came before the connection was closed."""
    answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    return int(head.split()[1]), json.loads(body)


async def cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes) -> bool:
    """Whether the connection is closed long before a hundred times the largest head was sent in such pieces."""
    for _ in range(100 * LARGEST_HEAD // len(piece)):
        try:
            writer.write(piece)
            await writer.drain()
        except ConnectionError:
            return True
        await asyncio.sleep(0)
        if reader.at_eof():
            return True
    return False


@pytest.mark.parametrize("what", [b"GET /", b"GET /small HTTP/1.1\r\nx: "])
async def test_a_head_that_never_ends_is_cut_off(served: Served, what: bytes) -> None:
    reader, writer = await served.caller()
    writer.write(what)
    assert await cut_off(reader, writer, b"a" * 10_000)
    assert served.reached == []


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_head_that_is_too_large_says_so(served: Served, pieces: int) -> None:
    reader, writer = await served.caller()
    head = LINE + b"".join(b"x-%d: %b\r\n" % (number, b"v" * 600) for number in range(120)) + b"\r\n"
    step = len(head) // pieces + 1
    for start in range(0, len(head), step):
        writer.write(head[start : start + step])
        await writer.drain()
    status, problem = await told(reader)
    assert (status, problem["type"]) == (431, "/problems/head-too-large")
    assert served.reached == []
    writer.close()


async def test_a_head_of_the_size_that_is_told_is_taken_however_it_comes(served: Served) -> None:
    reader, writer = await served.caller()
    head = LINE + b"x: " + b"v" * (LARGEST_HEAD - 100) + b"\r\n\r\n"
    for step in (len(head), 1_000):
        for start in range(0, len(head), step):
            writer.write(head[start : start + step])
            await writer.drain()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_body_is_not_counted_as_a_head(served: Served) -> None:
    reader, writer = await served.caller()
    size = 4 * LARGEST_HEAD
    for _ in range(2):
        writer.write(b"POST /large HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % size)
        writer.write(b"b" * size)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert served.bodies == [size, size]
    writer.close()


async def test_what_is_no_http_is_told_so(served: Served) -> None:
    reader, writer = await served.caller()
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    status, problem = await told(reader)
    assert (status, problem["type"]) == (400, "/problems/malformed-request")
    writer.close()


async def test_fields_after_a_body_are_counted_too(served: Served) -> None:
    reader, writer = await served.caller()
    writer.write(b"POST /a HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n")
    assert await cut_off(reader, writer, b"x-field: " + b"v" * 10_000 + b"\r\n")
    assert served.bodies == []


async def test_a_body_in_chunks_of_any_size_is_taken(served: Served) -> None:
    reader, writer = await served.caller()
    writer.write(b"POST /a HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(3):
        writer.write(b"%x\r\n" % (2 * LARGEST_HEAD) + b"b" * 2 * LARGEST_HEAD + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\nx-end: yes\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert served.bodies == [6 * LARGEST_HEAD]
    writer.close()


async def test_a_caller_who_half_closes_is_answered_however_long_it_takes(served: Served) -> None:
    served.pause = 0.2
    reader, writer = await served.caller()
    writer.write(LINE + b"\r\n")
    writer.write_eof()
    assert (await reader.read()).startswith(b"HTTP/1.1 200"), "and closed"
    writer.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PATIENCE", 1.0)
    monkeypatch.setattr(bounded, "_LOOK", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "sent", [b"", LINE, b"POST /a HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\nabc"]
)
async def test_who_does_not_go_on_is_not_waited_for(sent: bytes) -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(sent)
        status, problem = await told(reader)
        assert (status, problem["type"]) == (408, "/problems/request-timeout")
        assert served.bodies == []
        writer.close()


@pytest.mark.usefixtures("impatient")
async def test_who_was_answered_before_their_body_was_whole_is_not_waited_for() -> None:
    async with serving() as served:
        served.early = True
        reader, writer = await served.caller()
        writer.write(b"POST /a HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"a")
        assert await reader.read() == b"", "it was closed"
        writer.close()


@pytest.mark.usefixtures("impatient")
async def test_who_goes_on_slowly_is_waited_for() -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(b"POST /a HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\n")
        for _ in range(9):
            await asyncio.sleep(0.2)  # the pace of a slow line
            writer.write(b"a")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert served.bodies == [9]
        writer.close()


GET = b"GET /%d HTTP/1.1\r\nhost: here\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


async def answers(served: Served, sent: bytes, *, eof: bool = False) -> list[int]:
    """The statuses of all answers to what is sent, until the connection is closed."""
    reader, writer = await served.caller()
    writer.write(sent)
    if eof:
        writer.write_eof()
    got = await asyncio.wait_for(reader.read(), 4)
    writer.close()
    return [int(status) for status in STATUS.findall(got)]


async def test_no_more_is_read_than_is_answered_of_somebody_who_never_reads(served: Served) -> None:
    """Else every answer lets in as many requests as one reading holds: gigabytes in seconds."""
    reader, writer = await served.caller()
    sent = 0
    with suppress(ConnectionError):
        while sent < 64_000_000:
            writer.write(GET % 1 * 2_000)
            sent += len(GET % 1 * 2_000)
            await asyncio.wait_for(writer.drain(), 5)
    assert sent < 16_000_000, "it goes on and on reading"
    assert 256 <= len(served.reached) <= 258
    writer.transport.abort()
    del reader


async def test_so_many_requests_wait_and_no_more(served: Served) -> None:
    served.pause = 0.0001
    *good, last = await answers(served, b"".join(GET % number for number in range(1_000)))
    assert last == 429
    assert set(good) == {200}
    assert 256 <= len(good) <= 258
    assert served.reached == [f"/{number}" for number in range(len(good))], (
        "those that were answered came first"
    )


@pytest.mark.parametrize("bad", [b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"v" * 70_000 + b"\r\n\r\n"])
async def test_what_came_before_is_answered_before_what_cannot_be_read(served: Served, bad: bytes) -> None:
    served.pause = 0.01
    first, second, last = await answers(served, GET % 1 + GET % 2 + bad)
    assert (first, second) == (200, 200)
    assert last in {400, 431}
    assert served.reached == ["/1", "/2"]


async def test_a_bad_body_of_a_request_that_waits_is_told_after_the_others(served: Served) -> None:
    served.pause = 0.01
    post = b"POST /2 HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n"
    assert await answers(served, GET % 1 + post) == [200, 400]
    assert served.reached == ["/1"]


@pytest.mark.parametrize(
    "rest", [b"GET /3 HT", b"POST /3 HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\nhalf"]
)
async def test_who_closes_after_half_a_request_gets_the_answers_to_the_whole_ones(
    served: Served, rest: bytes
) -> None:
    served.pause = 0.01
    assert await answers(served, GET % 1 + GET % 2 + rest, eof=True) == [200, 200]


@pytest.mark.parametrize("length", [b"content-length: 24", b"transfer-encoding: chunked"])
async def test_a_body_with_an_upgrade_is_refused_and_never_taken_for_a_request(
    served: Served, length: bytes
) -> None:
    reader, writer = await served.caller()
    head = b"POST /1 HTTP/1.1\r\nhost: here\r\nconnection: Upgrade\r\nupgrade: h2c\r\n%b\r\n\r\n" % length
    writer.write(head + GET % 2)
    status, problem = await told(reader)
    assert (status, problem["type"]) == (400, "/problems/upgrade-not-offered")
    assert served.reached == []
    writer.close()


async def test_an_upgrade_without_a_body_is_answered_and_is_the_last(served: Served) -> None:
    head = b"GET /1 HTTP/1.1\r\nhost: here\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n"
    assert await answers(served, head + GET % 2) == [200]
    assert served.reached == ["/1"]


async def test_what_follows_a_body_is_no_header(served: Served) -> None:
    reader, writer = await served.caller()
    writer.write(b"POST /1 HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
    writer.write(b"0\r\nauthorization: Bearer x\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert [name for name, _ in served.heads[0]] == [b"host", b"transfer-encoding"]
    writer.close()


@pytest.mark.usefixtures("impatient")
async def test_who_takes_no_answer_is_not_waited_for() -> None:
    async with serving() as served:
        served.answer = b"a" * 50_000_000
        client = socket.create_connection(served.address)
        client.send(GET % 1)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(2.5)
        got, until = 0, loop.time() + 3
        with suppress(ConnectionError):
            while (piece := await asyncio.to_thread(client.recv, 1 << 20)) and loop.time() < until:
                got += len(piece)
        assert 0 < got < len(served.answer), "it was broken off"
        client.close()
