"""Batches over HTTP: lines in, lines out, each on its own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import uvicorn

from api.http.app import create_app
from tests.support.api import Api, TestTenant

NDJSON = {"content-type": "application/x-ndjson"}


def line(number: int, tenant: TestTenant, **changes: Any) -> dict[str, Any]:
    body = {"workspace_id": str(tenant.workspace_id), "name": f"List {number}"}
    return {"id": f"l-{number}", "command": "audience/create-list", "target": "new", "body": body, **changes}


def packed(*lines: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)


async def answers(
    api: Api, tenant: TestTenant, *lines: Any, query: str = "", key: str | None = None
) -> list[dict[str, Any]]:
    answer = await api.send("POST", f"/v1/batch{query}", key or tenant.key, packed(*lines), NDJSON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(told) for told in answer.text.splitlines()]


async def test_lines_are_answered_in_their_order_and_fail_alone(api: Api) -> None:
    tenant = await api.tenant()
    long = json.dumps(line(5, tenant, body={"name": "x" * 300_000})).encode()
    told = await answers(
        api,
        tenant,
        line(1, tenant),
        b"{nonsense",
        line(2, tenant, command="audience/no-such-thing"),
        line(3, tenant, body={"name": 5}),
        long,
        line(4, tenant, command="tenancy/create-api-key", body={"label": "x", "role": "admin"}),
        b"",
        line(6, tenant),
    )
    assert [one["line"] for one in told] == [1, 2, 3, 4, 5, 6, 7]
    assert [one["status"] for one in told] == [200, 422, 404, 422, 422, 422, 200]
    types = [one["problem"]["type"].rpartition("/")[2] for one in told if "problem" in one]
    assert types == ["line-unreadable", "unknown-command", "body-invalid", "line-too-long", "not-in-a-batch"]
    assert [one["id"] for one in told[:4]] == ["l-1", None, "l-2", "l-3"]


async def test_lines_about_one_stream_apply_in_order_and_the_same_ids_do_nothing_twice(api: Api) -> None:
    tenant = await api.tenant()
    target = str(uuid4())
    lines = [line(0, tenant, target=target)] + [
        line(n, tenant, command="audience/rename-list", target=target, body={"name": f"Name {n}"})
        for n in range(1, 60)
    ]
    first = await answers(api, tenant, *lines)
    assert [one["result"]["version"] for one in first] == list(range(1, 61))
    again = await answers(api, tenant, *lines)
    assert all(one["result"]["replayed"] for one in again)
    assert [one["result"]["command_id"] for one in again] == [one["result"]["command_id"] for one in first]


async def test_a_command_is_known_again_however_it_is_written_and_by_whichever_door_it_comes(
    api: Api,
) -> None:
    tenant = await api.tenant()
    workspace = f'"workspace_id": "{tenant.workspace_id}"'

    async def alone(body: str, key: str) -> httpx.Response:
        return await api.post("/v1/audience/new/create-list", tenant.key, body.encode(), idempotency_key=key)

    first = await alone(f'{{{workspace}, "name": "A"}}', "one")
    assert (first.status_code, first.json()["replayed"]) == (201, False)
    for again in (f'{{"name":"A",{workspace}}}', f' {{ {workspace} ,\n"name": "\\u0041"}} '):
        assert (await alone(again, "one")).json()["replayed"] is True
    other = await alone(f'{{{workspace}, "name": "B"}}', "one")
    assert other.json()["type"] == "/problems/key-reused"
    body = {"workspace_id": str(tenant.workspace_id)}
    told = await answers(
        api,
        tenant,
        line(1, tenant, id="one", body={**body, "name": "A"}),
        line(2, tenant, id="two", body={**body, "name": "\u00dc"}),
    )
    assert [one["result"]["replayed"] for one in told] == [True, False]
    assert (await alone(f'{{"name": "\\u00dc", {workspace}}}', "two")).json()["replayed"] is True


async def test_a_dry_run_folds_the_lines_before_in_and_leaves_nothing(api: Api) -> None:
    tenant = await api.tenant()
    before = await api.parts.position_of(tenant.id)
    target = str(uuid4())
    told = await answers(
        api,
        tenant,
        line(1, tenant, target=target),
        line(2, tenant, command="audience/rename-list", target=target, body={"name": "Renamed"}),
        query="?dry_run=true",
    )
    assert [one["result"]["events"][0]["name"] for one in told] == [
        "audience.list_created",
        "audience.list_renamed",
    ]
    assert await api.parts.position_of(tenant.id) == before


async def test_each_line_counts_as_a_command(api: Api) -> None:
    tenant = await api.tenant(rate=5)
    told = await answers(api, tenant, *(line(n, tenant) for n in range(8)))
    assert [one["status"] for one in told] == [200] * 5 + [429] * 3


async def test_what_is_refused_before_the_first_line(api: Api) -> None:
    tenant = await api.tenant()
    keyed = await api.send(
        "POST", "/v1/batch", tenant.key, packed(line(1, tenant)), {**NDJSON, "idempotency-key": "k"}
    )
    assert keyed.json()["type"] == "/problems/idempotency-key-not-here"
    versioned = await api.send("POST", "/v1/batch", tenant.key, b"{}", {**NDJSON, "if-match": '"1"'})
    assert (versioned.status_code, versioned.json()["errors"][0]["header"]) == (400, "If-Match")
    plain = await api.send("POST", "/v1/batch", tenant.key, packed(line(1, tenant)))
    assert plain.status_code == 415
    assert (await api.send("POST", "/v1/batch", None, packed(line(1, tenant)), NDJSON)).status_code == 401


async def test_answers_come_while_lines_still_go(api: Api) -> None:
    """Over a real connection: the second line is sent only after the first was answered."""
    tenant = await api.tenant()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(api.parts), log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        head = (
            f"POST /v1/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {tenant.key}\r\n"
            "content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        writer.write(head.encode())
        async with asyncio.timeout(20):
            for number in (1, 2):
                sent = packed(line(number, tenant)) + b"\n"
                writer.write(b"%x\r\n%b\r\n" % (len(sent), sent))
                told = await _line_with(reader, f'"l-{number}"')
                assert json.loads(told)["status"] == 200
            writer.write(b"0\r\n\r\n")
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()
    finally:
        server.should_exit = server.force_exit = True
        await serving


async def _line_with(reader: asyncio.StreamReader, text: str) -> str:
    async for raw in _lines(reader):
        if text in raw:
            return raw
    raise AssertionError(f"no line with {text}")


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    while raw := await reader.readline():
        yield raw.decode()
