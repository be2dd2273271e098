"""Somebody who receives webhooks: a real HTTP server on this machine, which answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    headers: dict[str, str]
    raw: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def replay(self) -> bool:
        return "webhook-replay" in self.headers

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.raw)
        return body

    @property
    def type(self) -> str:
        name: str = self.body["type"]
        return name

    def verified(self, secret: str) -> Any:
        """The body as the library of Standard Webhooks gives it. Raises where the signature does not fit."""
        return Webhook(secret).verify(self.raw, self.headers)


@dataclass(slots=True)
class Receiver:
    """`status` is what it answers, after `statuses`; `headers` beside it; `wait` holds every answer until it is set."""

    url: str
    got: list[Received] = field(default_factory=list)
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    wait: threading.Event | None = None
    came: threading.Event = field(default_factory=threading.Event)

    def taken(self) -> list[Received]:
        """What came since this was last asked."""
        got, self.got = self.got, []
        return got


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for a while."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(Received({k.lower(): v for k, v in self.headers.items()}, raw))
            receiver.came.set()
            if receiver.wait is not None:
                receiver.wait.wait(20)
            # Looked at once: who has read the head may already be telling the receiver how to answer the next.
            answer = receiver.answer
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.wait is not None:
            receiver.wait.set()
        server.shutdown()
        server.server_close()
        thread.join()
