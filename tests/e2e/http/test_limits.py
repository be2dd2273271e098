"""How many requests a plan allows, and what whoever asks more is told."""

from __future__ import annotations

from pathlib import Path

from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.problems import problem

CREATE = "/v1/audience/new/create-list"


async def test_a_limit_is_the_plans_and_says_when_to_come_back(api: Api) -> None:
    tenant = await api.tenant(rate=3)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    answers = [await api.post(CREATE, tenant.key, body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[0].headers["ratelimit-policy"] == '"commands";q=3;w=60'
    assert answers[0].headers["ratelimit"].startswith('"commands";r=2;t=')
    told = problem(answers[3], 429, "rate-limited")
    assert told["limit"] == 3
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert (await api.send("GET", "/v1/reports", tenant.key)).status_code == 200, "reads have their own limit"


async def test_two_processes_share_a_limit(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as one, serving(database, tmp_path) as two:
        tenant = await one.tenant(rate=40)
        body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
        answers = [await api.post(CREATE, tenant.key, body) for _ in range(30) for api in (one, two)]
        accepted = [answer.status_code for answer in answers].count(201)
        # Never more than the limit; what one process leased and did not spend, a twentieth of it, may be left over.
        assert 38 <= accepted <= 40
