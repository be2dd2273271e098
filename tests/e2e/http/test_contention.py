"""Many who write to one person at once: each gets its answer, none a plea to try again."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.support.api import Api

TOGETHER = 50


async def test_fifty_decisions_and_hand_overs_of_one_person_at_once_all_go_through(api: Api) -> None:
    tenant = await api.tenant(country="US")
    here = {"workspace_id": str(tenant.workspace_id)}
    body = {**here, "email": f"{uuid4().hex}@example.org", "country": "US"}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    (who,) = {one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")}
    messages = [{**here, "message_id": str(uuid4())} for _ in range(TOGETHER)]
    person = f"/v1/audience/{who.partition(':')[2]}"
    for command, told, expected in (
        ("authorise-message", "verdict", "allow"),
        ("dispatch-message", "dispatched", True),
    ):
        answers = await asyncio.gather(
            *(api.post(f"{person}/{command}", tenant.key, message) for message in messages)
        )
        assert [one.status_code for one in answers] == [200] * TOGETHER, command
        assert {one.json()["result"][told] for one in answers} == {expected}
