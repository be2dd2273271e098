"""A database that neither answers nor fails: nobody waits for ever, and nothing is done twice."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from api.http import deadlines
from tests.support.api import Api


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (503, f"/problems/{code}"), answer.text
    assert answer.headers["retry-after"].isdigit()
    return told


async def test_a_silent_database_is_answered_for_and_what_was_asked_is_done_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    monkeypatch.setattr(deadlines, "PATIENCE", 0.3)
    with psycopg.connect(api.database.admin) as silent:
        silent.execute("LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE")
        commands = [
            api.post("/v1/audience/new/create-list", tenant.key, body, idempotency_key=f"list/{number}")
            for number in range(4)
        ]
        *told, history = await asyncio.gather(*commands, api.send("GET", "/v1/history", tenant.key))
        for one in told:
            assert "same `Idempotency-Key`" in problem(one, "outcome-unknown")["detail"]
        problem(history, "unavailable")
        silent.rollback()
    monkeypatch.undo()
    for number in range(4):
        again = await api.post(
            "/v1/audience/new/create-list", tenant.key, body, idempotency_key=f"list/{number}"
        )
        assert again.status_code == 201, again.text
    page = await api.send("GET", "/v1/history?name=audience.list_created", tenant.key)
    assert len(page.json()["data"]) == 4


async def test_a_body_that_comes_slowly_is_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await api.tenant()
    monkeypatch.setattr(deadlines, "PATIENCE", 0.5)
    body = f'{{"workspace_id": "{tenant.workspace_id}", "name": "Slow"}}'.encode()

    async def slowly() -> Any:
        for start in range(0, len(body), 10):
            await asyncio.sleep(0.1)  # the pace of a slow line: a second and a half, all in all
            yield body[start : start + 10]

    headers = {"authorization": f"Bearer {tenant.key}", "content-type": "application/json"}
    answer = await api.http.post("/v1/audience/new/create-list", content=slowly(), headers=headers)
    assert answer.status_code == 201, answer.text
