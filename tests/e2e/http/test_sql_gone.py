"""Who asks in SQL and goes away is not answered, and keeps no place of their tenant's."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from adapters.duckdb.settings import SqlLimits
from api.http.app import create_app
from tests.support.api import Api, analytics_of
from tests.support.sandbox import descendants

LIMITS = SqlLimits()
ENDLESS = {"sql": "SELECT count(*) FROM range(1000000000000)"}


async def test_who_has_gone_keeps_no_place(api: Api) -> None:
    tenant, left = await api.tenant(), asyncio.Event()
    headers = {"authorization": f"Bearer {tenant.key}", "content-type": "application/json"}
    scope = {"type": "http", "method": "POST", "path": "/v1/sql", "raw_path": b"/v1/sql", "query_string": b""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    app, told = create_app(api.parts), list[Any]()

    async def ask() -> None:
        body = [{"type": "http.request", "body": json.dumps(ENDLESS).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not body:
                await left.wait()
            return body.pop() if body else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            told.append(message)

        await app(dict(scope), receive, send)

    async def full() -> bool:
        answer = await api.send("POST", "/v1/sql", tenant.key, {"sql": "SELECT 1"})
        assert answer.status_code in (200, 429), answer.text
        return answer.status_code == 429

    with analytics_of(api):
        assert not await full()
        before, asking = descendants(), [asyncio.create_task(ask()) for _ in range(LIMITS.per_tenant)]
        while len(descendants() - before) < LIMITS.per_tenant:  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.02)
        assert await full()
        left.set()
        began = time.monotonic()
        await asyncio.gather(*asking)
        while await full():
            assert time.monotonic() - began < LIMITS.seconds / 2, "it goes on for nobody"
    assert told == [], "nobody is answered"
