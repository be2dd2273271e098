"""The two servers that the API bench compares, each served by uvicorn in one process, the same way.

api_server.py product <data folder> <database address> <fd>
api_server.py empty <fd>
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.middleware import Middleware

from api.composition import composed
from api.http.app import create_app, settle
from api.ops.metrics import Meters
from api.ops.one_piece import OnePiece
from api.ops.requests import Lines, RequestLog
from api.ops.tracing import NO_TRACER
from api.settings import Settings


def served(app: Any, listener: int, http: Any = "httptools") -> Any:
    """Serve until told to stop."""
    settle()
    config = uvicorn.Config(
        app, log_level="error", access_log=False, loop="uvloop", http=http, lifespan="off"
    )
    return uvicorn.Server(config).serve(sockets=[socket.socket(fileno=listener)])


async def product(folder: Path, database: str, listener: int) -> None:
    """The product's API over a database, with the log lines and the measurements that it makes of each request."""
    settings = Settings(data=folder)
    with (folder / "requests.log").open("ab") as lines:
        layer = Middleware(RequestLog, meters=Meters(), tracer=NO_TRACER, lines=Lines(lines))
        async with composed(settings, database) as parts:
            await served(create_app(parts, middlewares=[layer]).front, listener, OnePiece)


def empty() -> FastAPI:
    """An endpoint that does nothing: what FastAPI and uvicorn cost by themselves."""
    app = FastAPI(openapi_url=None)

    @app.post("/empty")
    async def nothing() -> dict[str, str]:
        return {}

    return app


if __name__ == "__main__":
    if sys.argv[1] == "empty":
        uvloop.run(served(empty(), int(sys.argv[2])))
    else:
        uvloop.run(product(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
