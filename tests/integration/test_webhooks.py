"""Webhooks from a command to a receiver: a real log, real views, a real HTTP server, the library of the standard."""

import asyncio
import socket
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import WebhookVerificationError

from adapters.webhooks.http import HttpWebhookSender
from api.webhooks import deliverer_of
from application.ports.positions import Position
from application.ports.webhooks import Run, Sent
from application.webhooks.retries import MOST_FAILURES
from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SuspendTenant
from tests.support.hooks import Hooks


async def test_what_happens_after_the_endpoint_was_made_is_sent_signed_and_in_order(hooks: Hooks) -> None:
    await hooks.contact("before@people.example")
    made = await hooks.endpoint("audience.*")
    await hooks.contact("after@people.example")
    got = await hooks.deliver()
    assert "audience.contact_created" in [one.type for one in got]
    numbers = [Position.parse(one.body["data"]["position"]).n for one in got]
    assert numbers == sorted(set(numbers))
    for one in got:
        assert one.verified(made["secret"]) == one.body
    with pytest.raises(WebhookVerificationError):
        got[0].verified("whsec_" + "A" * 43 + "=")
    row = await hooks.seen(made["id"])
    assert (row["lag"], row["failures"], row["last_status"], row["last_error"]) == (0, 0, 200, None)
    assert await hooks.deliver() == []


async def test_only_the_events_that_are_wanted_are_sent_and_the_cursor_passes_the_others(
    hooks: Hooks,
) -> None:
    made = await hooks.endpoint("audience.contact_created", "webhooks.*")
    await hooks.contact()
    await hooks.post("pause-webhook-endpoint", made["id"])
    await hooks.post("resume-webhook-endpoint", made["id"])
    got = [one.type for one in await hooks.deliver()]
    assert got == ["audience.contact_created", "webhooks.endpoint_paused", "webhooks.endpoint_resumed"]
    assert (await hooks.seen(made["id"]))["lag"] == 0


async def test_no_personal_value_and_no_pseudonym_leaves(hooks: Hooks) -> None:
    await hooks.endpoint()
    await hooks.contact()
    label = {"label": "CI", "role": "viewer"}
    assert (
        await hooks.api.post("/v1/tenancy/new/create-api-key", hooks.tenant.key, label)
    ).status_code == 201
    got = await hooks.deliver()
    by_type = {one.type: one.body["data"] for one in got}
    assert by_type["audience.contact_created"]["event"]["first_name"] == "[sealed]"
    assert by_type["audience.email_claimed"]["stream"] == "email_claim"
    assert by_type["audience.contact_created"]["version"] == 1
    for one in got:
        assert b"Ada" not in one.raw
        assert b"people.example" not in one.raw
        assert b"_hmac" not in one.raw


async def test_one_endpoints_address_is_not_told_to_the_others(hooks: Hooks) -> None:
    first = await hooks.endpoint()
    await hooks.endpoint()
    await hooks.post("change-webhook-endpoint", first["id"], url=f"{hooks.receiver.url}?of=first")
    await hooks.contact()
    got = await hooks.deliver()
    assert "audience.contact_created" in {one.type for one in got}
    assert not [one.type for one in got if one.type.startswith("webhooks.") or b"of=first" in one.raw]


async def test_what_fails_is_tried_again_after_a_while_and_nothing_overtakes_it(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    await hooks.contact("second@people.example")
    hooks.receiver.status = 500
    ids = [one.id for one in await hooks.deliver()]
    for wait in (1, 5, 15, 60):
        hooks.clock.forward(minutes=wait, seconds=-2)
        assert await hooks.deliver() == []
        hooks.clock.forward(seconds=2)
        ids += [one.id for one in await hooks.deliver()]
    assert len(ids) == 5
    assert len(set(ids)) == 1
    row = await hooks.seen(made["id"])
    assert (row["failures"], row["given_up"], row["last_status"]) == (5, 0, 500)
    assert datetime.fromisoformat(row["next_at"]) > hooks.clock() + timedelta(hours=23)
    hooks.clock.forward(hours=24)
    last = await hooks.deliver()
    assert [one.id == ids[0] for one in last] == [True, False]
    row = await hooks.seen(made["id"])
    assert (row["failures"], row["given_up"]) == (7, 1)
    hooks.receiver.status = 204
    hooks.clock.forward(minutes=1)
    assert [one.id for one in await hooks.deliver()] == [last[1].id]
    row = await hooks.seen(made["id"])
    assert (row["failures"], row["last_status"], row["next_at"], row["lag"]) == (0, 204, None, 0)


async def test_a_hundred_failures_in_a_row_pause_the_endpoint_and_resuming_goes_on_at_the_cursor(
    hooks: Hooks,
) -> None:
    made = await hooks.endpoint("audience.contact_created")
    for number in range(18):
        await hooks.contact(f"{number}@people.example")
    hooks.receiver.status = 503
    first = await hooks.deliver()
    for _ in range(MOST_FAILURES + 5):
        hooks.clock.forward(hours=24)
        await hooks.deliverer.step()
    await hooks.api.project()
    assert len([*first, *hooks.receiver.taken()]) == MOST_FAILURES
    row = await hooks.seen(made["id"])
    assert (row["state"], row["pause_reason"], row["failures"], row["given_up"]) == (
        "paused",
        "failing",
        100,
        16,
    )
    answer = await hooks.api.send("GET", "/v1/history?name=webhooks.endpoint_paused", hooks.tenant.key)
    (event,) = answer.json()["data"]
    assert (event["payload"]["failures"], event["actor"]["kind"]) == (100, "workflow")
    hooks.clock.forward(hours=48)
    assert await hooks.deliver() == []
    hooks.receiver.status = 200
    await hooks.post("resume-webhook-endpoint", made["id"])
    rest = {one.id for one in await hooks.deliver()}
    assert len(rest) == 2
    row = await hooks.seen(made["id"])
    assert (row["state"], row["pause_reason"], row["failures"], row["lag"]) == ("active", None, 0, 0)
    begin, end = Position(1, 1).token(), Position(1, row["cursor_position"]).token()
    await hooks.post("replay-webhook", made["id"], from_position=begin, to_position=end)
    again = {one.id for one in await hooks.deliver()}
    assert len(again) == 18, "what was given up before the pause comes by a replay alone"
    assert rest < again


async def test_a_suspended_tenant_is_sent_what_happens_and_changes_no_endpoint(hooks: Hooks) -> None:
    made = await hooks.endpoint("tenancy.*")
    suspended = SuspendTenant.model_validate({"reason": "unpaid"})
    await hooks.api.act(hooks.tenant.id, suspended, hooks.tenant.id)
    assert [one.type for one in await hooks.deliver()] == ["tenancy.tenant_suspended"]
    path = f"/v1/webhooks/{made['id']}/pause-webhook-endpoint"
    refused = await hooks.api.post(path, hooks.tenant.key, {})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/tenant-suspended")


async def test_a_tenants_silent_names_fail_nobody_elses_message(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        if host.endswith("silent.example"):
            answered.wait(20)
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    answered, sender = threading.Event(), HttpWebhookSender(loopback=True, time_out=1, patience=0.2)
    made = await hooks.endpoint("audience.contact_created")
    flooding = replace(hooks, tenant=await hooks.api.tenant("Flooding"))
    silent = [
        await flooding.endpoint("audience.contact_created", url=f"https://{n}.silent.example/")
        for n in range(40)
    ]
    monkeypatch.setattr(hooks.deliverer, "_sender", sender)
    for one in (flooding, hooks):
        await one.contact()
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    got = await hooks.deliver()
    monkeypatch.undo()
    answered.set()
    await sender.close()
    assert [one.type for one in got] == ["audience.contact_created"]
    assert (await hooks.seen(made["id"]))["failures"] == 0
    rows = [await flooding.seen(endpoint["id"]) for endpoint in silent]
    assert sum(row["failures"] for row in rows) == 4, "who found no thread free has not failed"
    assert {row["lag"] > 0 for row in rows} == {True}
    hooks.clock.forward(seconds=6)
    assert {run.tenant_id for run in await due(hooks)} == {flooding.tenant.id}, "and is tried again soon"


async def due(hooks: Hooks, limit: int = 32, share: int = 8) -> list[Run]:
    """What a worker that comes now is given."""
    found: list[Run] = await hooks.deliverer._runs.due(hooks.clock(), limit, share)
    return found


async def test_tenants_take_turns_however_many_endpoints_one_has(hooks: Hooks) -> None:
    slow = replace(hooks, tenant=await hooks.api.tenant("Slow"))
    for _ in range(12):
        await slow.endpoint("audience.contact_created")
    await slow.contact()
    await hooks.api.project()
    runs, first = hooks.deliverer._runs, await due(slow)
    assert len(first) == 8, "a tenant has its share, though nobody else is there"
    for run in first[:6]:
        assert await runs.claim(run, uuid4(), hooks.clock()) is not None
    await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    await hooks.api.project()
    assert [run.tenant_id for run in await due(hooks)] == [hooks.tenant.id, *[slow.tenant.id] * 2]
    assert [run.tenant_id for run in await due(hooks, limit=1)] == [hooks.tenant.id]


async def test_two_deliverers_send_each_message_once(hooks: Hooks) -> None:
    await hooks.endpoint("audience.contact_created")
    for number in range(10):
        await hooks.contact(f"{number}@people.example")
    await hooks.api.project()
    async with deliverer_of(hooks.api.parts, hooks.api.database.projector) as other:
        while any(await asyncio.gather(hooks.deliverer.step(), other.step())):
            pass
    ids = [one.id for one in hooks.receiver.taken()]
    assert (len(ids), len(set(ids))) == (10, 10)


async def test_another_tenants_events_are_not_sent_and_its_people_see_nothing(hooks: Hooks) -> None:
    made = await hooks.endpoint()
    other = await hooks.api.tenant("Other")
    body = {"workspace_id": str(other.workspace_id), "email": "x@other.example"}
    assert (await hooks.api.post("/v1/audience/new/create-contact", other.key, body)).status_code == 201
    assert await hooks.deliver() == []
    path = "/v1/webhooks/webhook-endpoints"
    assert (await hooks.api.send("GET", path, other.key)).json()["data"] == []
    assert (await hooks.api.send("GET", f"{path}/{made['id']}", other.key)).status_code == 404


async def test_who_may_not_read_the_history_has_none_of_it_sent(hooks: Hooks) -> None:
    narrow = await hooks.api.key(hooks.tenant, TenantRole.ADMIN, permissions=["webhooks.manage"])
    body = {"url": hooks.receiver.url}
    refused = await hooks.api.post("/v1/webhooks/new/create-webhook-endpoint", narrow, body)
    assert refused.status_code == 403
    made = await hooks.endpoint()
    body = {"url": "https://elsewhere.example"}
    refused = await hooks.api.post(f"/v1/webhooks/{made['id']}/change-webhook-endpoint", narrow, body)
    assert refused.status_code == 403
    member = await hooks.api.key(hooks.tenant, TenantRole.MEMBER)
    assert (await hooks.api.send("GET", "/v1/webhooks/webhook-endpoints", member)).status_code == 403


async def test_the_loop_delivers_until_it_is_asked_to_stop(hooks: Hooks) -> None:
    await hooks.endpoint("audience.contact_created")
    await hooks.contact()
    await hooks.api.project()
    stop = asyncio.Event()
    running = asyncio.create_task(hooks.deliverer.run(stop))
    await asyncio.to_thread(hooks.receiver.came.wait, 10)
    stop.set()
    await running
    assert len(hooks.receiver.got) == 1
    assert hooks.deliverer.counters.delivered == 1


async def test_nothing_is_sent_into_the_network_that_this_runs_in(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = HttpWebhookSender()
    assert await closed.send(uuid4(), hooks.receiver.url, {}, b"{}") == Sent(None, "address-refused")
    for url in ("https://169.254.169.254/latest", "https://10.0.0.1/", "https://[::ffff:192.168.0.1]/"):
        assert await closed.send(uuid4(), url, {}, b"{}") == Sent(None, "address-refused")

    def inside(*_: object, **__: object) -> list[tuple[Any, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("93.184.216.34", 443)), (*kind, ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    assert await closed.send(uuid4(), "https://rebinding.example/", {}, b"{}") == Sent(
        None, "address-refused"
    )
    await closed.close()
    assert hooks.receiver.taken() == []


async def test_answers_are_waited_for_briefly_read_hardly_and_never_followed(hooks: Hooks) -> None:
    receiver, sender = hooks.receiver, HttpWebhookSender(loopback=True, time_out=0.5)
    receiver.status, receiver.headers = 302, {"location": receiver.url}
    assert await sender.send(uuid4(), receiver.url, {}, b"{}") == Sent(302)
    assert len(receiver.taken()) == 1
    receiver.status, receiver.headers, receiver.answer = 200, {}, b"x" * 5_000_000
    assert await sender.send(uuid4(), receiver.url, {}, b"{}") == Sent(200)
    receiver.answer, receiver.wait = b"", threading.Event()
    assert await sender.send(uuid4(), receiver.url, {}, b"{}") == Sent(None, "time-out")
    receiver.wait.set()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert await sender.send(uuid4(), f"http://127.0.0.1:{port}/", {}, b"{}") == Sent(None, "unreachable")
    await sender.close()
