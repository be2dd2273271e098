"""Webhooks from a command to a receiver: a real log, real views, a real HTTP server, the library of the standard."""

import asyncio
import base64
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from adapters.postgres.policies import policies_for_view
from adapters.webhooks.http import HttpWebhookSender
from api.composition import now
from api.webhooks import deliverer_of
from application.jobs import Job, Workflows
from application.ports.keys import KeysUnavailable, SubjectKey
from application.ports.log import Append, Appended
from application.ports.positions import Position
from application.ports.webhooks import Run, Sent
from application.webhooks.deliverer import Deliverer
from application.webhooks.retries import MOST_FAILURES
from application.webhooks.secrets import key_of
from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SuspendTenant
from projections.jobs.due import job_id
from projections.operational.webhook_endpoints.handler import WEBHOOK_ENDPOINTS
from projections.runtime import builds
from projections.runtime.compare import compare
from projections.runtime.projector import ProjectorSettings
from projections.webhooks.runs import PostgresWebhookRuns
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.webhooks import Received, Receiver, receiving


@dataclass
class Clock:
    """The moment, moved forward as a test wants."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return now() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Hooks:
    """A tenant, a receiver, and a deliverer between them."""

    api: Api
    tenant: TestTenant
    deliverer: Deliverer
    receiver: Receiver
    clock: Clock

    async def post(self, slug: str, target: str = "new", **body: Any) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/webhooks/{target}/{slug}", self.tenant.key, body)
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def endpoint(self, *events: str, **more: Any) -> dict[str, Any]:
        """An endpoint at the receiver; the answer that made it."""
        made = {"url": self.receiver.url, "events": list(events or ("*",)), **more}
        return await self.post("create-webhook-endpoint", **made)

    async def contact(self, email: str = "ada@people.example") -> dict[str, Any]:
        body = {"workspace_id": str(self.tenant.workspace_id), "email": email, "first_name": "Ada"}
        answer = await self.api.post("/v1/audience/new/create-contact", self.tenant.key, body)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def deliver(self) -> list[Received]:
        """Project, and deliver until nothing is due; what the receiver got."""
        await self.api.project()
        while await self.deliverer.step():
            pass
        return self.receiver.taken()

    async def seen(self, endpoint: str) -> dict[str, Any]:
        """The endpoint as the view has it."""
        await self.api.project()
        answer = await self.api.send("GET", f"/v1/webhooks/webhook-endpoints/{endpoint}", self.tenant.key)
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()["data"]
        return row


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
async def hooks(database: Database, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Hooks]:
    clock = Clock()
    async with (
        serving(database, tmp_path, clock, webhook_loopback=True) as api,
        deliverer_of(api.parts, database.projector) as deliverer,
    ):
        yield Hooks(api, await api.tenant(), deliverer, receiver, clock)


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


def signatures(one: Received) -> set[str]:
    return set(one.headers["webhook-signature"].split(" "))


def signed_by(secret: str, one: Received) -> str:
    moment = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(one.id, moment, one.raw.decode())


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


async def test_the_secret_is_shown_once_and_stands_nowhere(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"url": hooks.receiver.url}
    path = "/v1/webhooks/new/create-webhook-endpoint"
    first = await hooks.api.post(path, hooks.tenant.key, body, idempotency_key="one")
    secret = first.json()["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    again = await hooks.api.post(path, hooks.tenant.key, body, idempotency_key="one")
    assert (again.json()["secret"], again.json()["id"]) == (secret, first.json()["id"])
    assert "for a day" in again.json()["note"]
    rehearsed = await hooks.api.post(path, hooks.tenant.key, body, penguin_dry_run="true")
    assert "secret" not in rehearsed.json()
    await hooks.contact()
    for one in await hooks.deliver():
        assert one.verified(secret)
    assert secret.removeprefix("whsec_") not in caplog.text + str(await hooks.seen(first.json()["id"]))
    with psycopg.connect(hooks.api.database.admin) as connection:
        rows = connection.execute("SELECT payload || metadata FROM log.events").fetchall()
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    for (written,) in rows:
        assert secret.removeprefix("whsec_").encode() not in written
        assert raw not in written


async def test_a_secret_that_cannot_be_kept_leaves_no_endpoint(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, body = hooks.api.parts, {"url": hooks.receiver.url}
    path = "/v1/webhooks/new/create-webhook-endpoint"
    before = await parts.log.head(hooks.tenant.id)
    with monkeypatch.context() as patched:
        patched.setattr(parts.keys, "obtain", unavailable)
        refused = await hooks.api.post(path, hooks.tenant.key, body, idempotency_key="one")
        assert (refused.status_code, "Nothing was written" in refused.text) == (503, True), refused.text
    assert await parts.log.head(hooks.tenant.id) == before
    again = await hooks.api.post(path, hooks.tenant.key, body, idempotency_key="one")
    assert (again.status_code, again.json()["replayed"]) == (201, False)
    assert again.json()["secret"].startswith("whsec_")


async def test_a_secret_is_shown_whatever_becomes_of_the_key_store_and_the_answer_to_the_commit(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, append = hooks.api.parts, hooks.api.parts.log.append

    async def broken_off(asked: Awaitable[Any]) -> Any:
        """The COMMIT was, its answer never came, and the key store fails since: the log finds the own receipt."""

        async def twice(request: Append) -> Appended:
            await append(request)
            patched.setattr(parts.keys, "obtain", unavailable)
            return await append(request)

        with monkeypatch.context() as patched:
            patched.setattr(parts.log, "append", twice)
            return await asked

    made = await broken_off(hooks.endpoint("audience.contact_created"))
    rotated = await broken_off(hooks.post("rotate-webhook-secret", made["id"], at_once=True))
    body = {"label": "CI", "role": "viewer"}
    answer = await broken_off(hooks.api.post("/v1/tenancy/new/create-api-key", hooks.tenant.key, body))
    assert "idempotent-replayed" not in answer.headers
    assert [told["replayed"] for told in (made, rotated, answer.json())] == [False] * 3
    await hooks.api.project()
    contacts = await hooks.api.send("GET", "/v1/audience/contacts", answer.json()["secret"])
    assert contacts.status_code == 200
    await hooks.contact()
    (one,) = await hooks.deliver()
    assert one.verified(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        one.verified(made["secret"])


def unavailable(*_: object) -> Mapping[SubjectKey, bytes]:
    raise KeysUnavailable("the disk is full")


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


async def test_both_secrets_sign_for_a_day_and_the_old_one_is_then_destroyed(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    rotated = await hooks.post("rotate-webhook-secret", made["id"])
    await hooks.contact()
    (both,) = await hooks.deliver()
    assert both.verified(made["secret"]) == both.verified(rotated["secret"])
    assert len(signatures(both)) == 2
    hooks.clock.forward(hours=24)
    await hooks.contact("later@people.example")
    (later,) = await hooks.deliver()
    assert signatures(later) == {signed_by(rotated["secret"], later)}
    parts = hooks.api.parts
    workflows = Workflows(parts.commands, parts.codec, parts.keys, parts.blobs, parts.imports)
    position = next(one["position"] for one in rotated["events"] if one["name"].endswith("retired"))
    name, tenant = "webhook.destroy_secret", hooks.tenant.id
    (recorded,) = await parts.log.read_log(tenant, after=position - 1, limit=1)
    old = UUID(parts.codec.payloads([recorded])[0]["secret_id"])
    job = Job(job_id(tenant, position, name), tenant, position, name, old)
    for _ in range(2):
        await workflows.run(job)
    assert parts.keys.find([key_of(tenant, old)]) == {}
    answer = await hooks.api.send("GET", "/v1/history?name=webhooks.secret_destroyed", hooks.tenant.key)
    assert [one["payload"]["secret_id"] for one in answer.json()["data"]] == [str(old)]


async def test_a_rotation_whose_answer_was_lost_is_asked_again_for_a_day(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    path = f"/v1/webhooks/{made['id']}/rotate-webhook-secret"

    async def asked() -> str | None:
        answer = await hooks.api.post(path, hooks.tenant.key, {}, idempotency_key="rotation")
        assert answer.status_code == 200, answer.text
        secret: str | None = answer.json()["secret"]
        return secret

    first = await asked()
    assert first is not None
    assert await asked() == first
    await hooks.contact()
    (both,) = await hooks.deliver()
    assert both.verified(first)
    hooks.clock.forward(hours=24, seconds=1)
    assert await asked() is None


async def test_after_a_leak_the_old_secret_signs_nothing_any_more(hooks: Hooks) -> None:
    made = await hooks.endpoint("audience.contact_created")
    rotated = await hooks.post("rotate-webhook-secret", made["id"], at_once=True)
    await hooks.contact()
    (one,) = await hooks.deliver()
    assert one.verified(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        one.verified(made["secret"])


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
