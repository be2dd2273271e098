"""What webhooks are signed with: shown, kept, rotated, destroyed."""

import base64
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.workflows import workflows_of
from application.jobs import Job
from application.ports.keys import KeysUnavailable, SubjectKey
from application.ports.log import Append, Appended
from application.webhooks.secrets import key_of
from projections.jobs.due import job_id
from tests.support.hooks import Hooks
from tests.support.webhooks import Received


def signatures(one: Received) -> set[str]:
    return set(one.headers["webhook-signature"].split(" "))


def signed_by(secret: str, one: Received) -> str:
    moment = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(one.id, moment, one.raw.decode())


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
    workflows = workflows_of(parts)
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
