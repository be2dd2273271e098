"""Where a webhook stands in the log: paused, killed, sent again, restored, rebuilt."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.policies import policies_for_view
from application.ports.positions import Position
from projections.operational.webhook_endpoints.handler import WEBHOOK_ENDPOINTS
from projections.runtime import builds
from projections.runtime.compare import compare
from projections.runtime.projector import ProjectorSettings
from projections.webhooks.runs import PostgresWebhookRuns
from tests.support.hooks import Hooks


async def test_a_kill_between_the_answer_and_the_move_sends_again_under_the_same_id(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> bool:
        raise ConnectionAbortedError

    await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    await hooks.api.project()
    with monkeypatch.context() as patched:
        patched.setattr(PostgresWebhookRuns, "move", killed)
        with pytest.raises(ConnectionAbortedError):
            await hooks.deliverer.step()
    (first,) = hooks.receiver.taken()
    assert await hooks.deliver() == [], "the dead worker's lease is heeded"
    with psycopg.connect(hooks.api.database.admin) as connection:
        connection.execute("UPDATE ops.webhook_runs SET lease_until = now()")
    (again,) = await hooks.deliver()
    assert (again.id, again.raw) == (first.id, first.raw)
    assert await hooks.deliver() == []


async def test_a_range_is_sent_again_under_the_same_ids_and_says_so(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    for number in range(4):
        await hooks.contact(f"{number}@people.example")
    sent = await hooks.deliver()
    first, last = (sent[n].body["data"]["position"] for n in (1, 2))
    await hooks.post("replay-webhook", made["id"], from_position=first, to_position=last)
    assert (await hooks.seen(made["id"]))["replays"] == 1
    await hooks.contact("new@people.example")
    again = await hooks.deliver()
    assert [(one.id, one.raw) for one in again if one.replay] == [(one.id, one.raw) for one in sent[1:3]]
    assert [one.type for one in again if not one.replay] == ["audience.contact_created"]
    assert not any(one.replay for one in sent)
    assert all(one.verified(made["secret"]) for one in again)
    assert (await hooks.seen(made["id"]))["replays"] == 0


async def test_a_range_that_the_log_does_not_hold_is_refused_by_the_end_that_is_to_blame(
    hooks: Hooks,
) -> None:
    made = await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    head = await hooks.api.parts.log.head(hooks.tenant.id)
    assert head is not None
    first, last = Position(1, 1).token(), Position(1, head.position).token()
    beyond, none = Position(1, head.position + 1).token(), Position(1, 0).token()
    for begins, ends, blamed, code in (
        ("x", last, "from", "not-a-position"),
        (first, "x", "to", "not-a-position"),
        (last, first, "to", "range-backwards"),
        (none, last, "from", "position-not-in-log"),
        (first, beyond, "to", "position-not-in-log"),
        (beyond, beyond, "from", "position-not-in-log"),
        (Position(2, 1).token(), last, "from", "position-not-in-log"),
        (first, Position(0, 1).token(), "to", "position-not-in-log"),
    ):
        body = {"from_position": begins, "to_position": ends}
        path = f"/v1/webhooks/{made['id']}/replay-webhook"
        answer = await hooks.api.post(path, hooks.tenant.key, body)
        (told,) = answer.json()["errors"]
        assert (answer.status_code, told["pointer"], told["code"]) == (422, f"/{blamed}_position", code)
        unknown = await hooks.api.post(f"/v1/webhooks/{uuid4()}/replay-webhook", hooks.tenant.key, body)
        assert unknown.status_code == 404, "whatever its range: nothing is here"
    whole = {"from_position": first, "to_position": last}
    await hooks.post("replay-webhook", made["id"], **whole)
    again = await hooks.deliver()
    assert [one.type for one in again if one.replay] == ["audience.contact_created"]


async def test_a_paused_endpoint_is_sent_nothing_and_loses_nothing(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    await hooks.post("pause-webhook-endpoint", made["id"])
    await hooks.contact()
    assert await hooks.deliver() == []
    row = await hooks.seen(made["id"])
    assert (row["state"], row["pause_reason"]) == ("paused", "asked")
    await hooks.post("resume-webhook-endpoint", made["id"])
    assert len(await hooks.deliver()) == 1
    await hooks.post("remove-webhook-endpoint", made["id"])
    await hooks.contact("gone@people.example")
    assert await hooks.deliver() == []
    assert (await hooks.seen(made["id"]))["state"] == "removed"


async def test_after_a_restore_that_lost_its_tail_the_cursor_goes_back_to_what_is_there(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    head = await hooks.api.parts.log.head(hooks.tenant.id)
    assert head is not None
    await hooks.deliver()
    await hooks.contact("lost@people.example")
    (lost,) = await hooks.deliver()
    with psycopg.connect(hooks.api.database.admin) as connection:
        tail = (hooks.tenant.id, head.position)
        connection.execute("DELETE FROM log.events WHERE tenant_id = %s AND position > %s", tail)
        connection.execute(
            "UPDATE log.heads SET epoch = 2, position = %s WHERE tenant_id = %s", tuple(reversed(tail))
        )
    await hooks.contact("new@people.example")
    (new,) = await hooks.deliver()
    assert new.id != lost.id
    assert Position.parse(new.body["data"]["position"]).epoch == 2
    assert (await hooks.seen(made["id"]))["lag"] == 0


async def test_after_a_restore_that_lost_nothing_the_events_of_one_moment_are_told_apart(
    hooks: Hooks,
) -> None:
    made = await hooks.endpoint("audience.*")
    hooks.receiver.statuses = [200]
    hooks.receiver.status = 500
    await hooks.contact()
    first, _ = await hooks.deliver()
    with psycopg.connect(hooks.api.database.admin) as connection:
        rows = connection.execute(
            "SELECT recorded_at FROM log.events WHERE tenant_id = %s AND name LIKE 'audience.%%'",
            (hooks.tenant.id,),
        ).fetchall()
        assert (len(rows), len(set(rows))) == (3, 1)
        connection.execute("UPDATE log.heads SET epoch = 2 WHERE tenant_id = %s", (hooks.tenant.id,))
    hooks.receiver.status = 200
    hooks.clock.forward(minutes=1, seconds=1)
    rest = await hooks.deliver()
    assert len({first.id, *(one.id for one in rest)}) == 3
    assert (await hooks.seen(made["id"]))["lag"] == 0


async def test_a_rebuild_of_the_view_sends_nothing_again(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    (one,) = await hooks.deliver()
    position = one.body["data"]["position"]
    await hooks.post("replay-webhook", made["id"], from_position=position, to_position=position)
    assert len(await hooks.deliver()) == 1
    settings = ProjectorSettings(
        hooks.api.database.projector, hooks.api.parts.codec, [WEBHOOK_ENDPOINTS], policies_for_view
    )
    with psycopg.connect(hooks.api.database.projector, autocommit=True) as connection:
        builds.rebuild(connection, WEBHOOK_ENDPOINTS, policies_for_view)
        await hooks.api.project()
        assert (await asyncio.to_thread(compare, settings, connection, "webhook_endpoints")).equal
    assert await hooks.deliver() == []
