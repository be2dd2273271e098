"""Load for one server: N connections, each with one request under way; prints what was measured as JSON.

    api_load.py <port> <path> <seconds> <connections> < spec.json

`spec.json`: {"headers": {...}, "body": "...", "key": true}; `%(n)s` in the body becomes a number, another each time.
A program of its own, on uvloop's bare protocols, so that it is not what limits the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import uvloop


@dataclass
class Load:
    """What is sent, and what came back."""

    path: str
    headers: str
    body: str
    keyed: bool
    ends: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    run: str = field(default_factory=lambda: secrets.token_hex(6))

    def request(self) -> bytes:
        """The next request."""
        number = f"{self.run}{next(self.numbers):08x}"
        body = self.body.replace("%(n)s", number)
        key = f"idempotency-key: {number}\r\n" if self.keyed else ""
        head = f"POST {self.path} HTTP/1.1\r\nhost: bench\r\n{self.headers}{key}content-length: {len(body)}\r\n\r\n"
        return (head + body).encode()


class Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        """Report to `load`."""
        self.load, self.done = load, done
        self.buffer = b""
        self.begun = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.begun = time.perf_counter()
        self.transport.write(self.load.request())

    def data_received(self, data: bytes) -> None:
        """Take part of an answer in."""
        buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end >= 0:
            at = buffer.find(b"content-length: ")
            length = int(buffer[at + 16 : buffer.find(b"\r\n", at)])
            if len(buffer) >= end + 4 + length:
                now = time.perf_counter()
                self.load.latencies.append(now - self.begun)
                self.load.statuses[int(buffer[9:12])] += 1
                self.buffer = b""
                if now < self.load.ends:
                    self._send()
                else:
                    self.transport.close()
                return
        self.buffer = buffer

    def connection_lost(self, exc: Exception | None) -> None:
        """End, or fail the whole measurement."""
        if exc is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(exc)


async def measure(
    port: int, path: str, seconds: float, connections: int, spec: dict[str, Any]
) -> dict[str, Any]:
    """Send for `seconds`; rates in requests a second, times in milliseconds."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in spec["headers"].items())
    begun = time.perf_counter()
    load = Load(path, headers, spec["body"], spec.get("key", False), begun + seconds)
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(load, end), "127.0.0.1", port)  # type: ignore[misc]  # bound at once
    await asyncio.gather(*ends)
    took = time.perf_counter() - begun
    ordered = sorted(load.latencies)
    return {
        "rate": len(ordered) / took,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "statuses": load.statuses,
    }


if __name__ == "__main__":
    uvloop.install()
    arguments = sys.argv[1:]
    answer = uvloop.run(
        measure(int(arguments[0]), arguments[1], float(arguments[2]), int(arguments[3]), json.load(sys.stdin))
    )
    print(json.dumps(answer))
