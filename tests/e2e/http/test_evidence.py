"""Bundles out of a living installation, judged by the offline verifier as whoever receives one would."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import Kept, verify_bundle
from domain.audit.notes import VerifierKey
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.database import Database
from tests.support.notary import Office, office

EVIDENCE = "/v1/ledger/evidence"


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    """The notary of the API's database."""
    with office(database, tmp_path / "notary") as made:
        yield made


async def bundle(api: Api, tenant: TestTenant, **asked: Any) -> bytes:
    answer = await api.send("POST", EVIDENCE, tenant.key, asked)
    assert answer.status_code == 200, answer.text
    return answer.content


async def keys_of(api: Api, tenant: TestTenant) -> list[VerifierKey]:
    answer = await api.send("GET", "/v1/ledger/events/verifier-keys", tenant.key)
    return [VerifierKey.read(line) for line in answer.text.split()]


async def checkpoint(api: Api, tenant: TestTenant) -> bytes:
    return (await api.send("GET", "/v1/ledger/events/checkpoint", tenant.key)).content


def judged(content: bytes, keys: list[VerifierKey], *kept: bytes) -> Verdict:
    older = [Kept(f"kept {n}", one, Path("/nowhere")) for n, one in enumerate(kept)]
    return verify_bundle(io.BytesIO(content), keys=keys, kept=older)


def lines(content: bytes, name: str = "events/events.jsonl") -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [json.loads(line) for line in archive.read(name).splitlines()]


async def contact(api: Api, tenant: TestTenant, email: str) -> tuple[str, str]:
    """A contact; its id and its person's."""
    body = {"workspace_id": str(tenant.workspace_id), "email": email, "first_name": "Zoe"}
    made = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert made.status_code == 201, made.text
    (who,) = [one["stream"] for one in made.json()["events"] if one["stream"].startswith("addressee:")]
    return made.json()["id"], who.partition(":")[2]


async def test_a_bundle_is_verified_offline_whatever_is_erased_later(api: Api, signing: Office) -> None:
    tenant = await api.tenant()
    first, person = await contact(api, tenant, "zoe@people.example")
    await contact(api, tenant, "other@people.example")
    signing.sign()
    old = await checkpoint(api, tenant)
    whole = await bundle(api, tenant)
    keys = await keys_of(api, tenant)
    verdict = judged(whole, keys, old)
    assert verdict.outcome is Outcome.HOLDS, verdict
    assert b"zoe@people.example" not in whole
    assert len(lines(whole)) == len({one["position"] for one in lines(whole)}) > 5
    # What is about one person, by an id of the contact or the person; the rest is hidden, and counted.
    some = await bundle(api, tenant, about=person, compare=[old.decode()])
    assert 0 < len(lines(some)) < len(lines(whole))
    assert all(person in json.dumps(one) for one in lines(some))
    with zipfile.ZipFile(io.BytesIO(some)) as archive:
        told = json.loads(archive.read("completeness.json"))["logs"]["events"]
    assert told["rows"] == len(lines(some))
    assert [one["filter"] for one in told["hidden"]] == ["about"]
    assert told["rows"] + told["hidden"][0]["rows"] == len(lines(whole))
    assert judged(some, keys, old).outcome is Outcome.HOLDS
    # The person is erased: no root changes, what was handed out still holds, and nothing opens it any more.
    erased = await api.post(f"/v1/audience/{first}/erase-contact", tenant.key)
    assert erased.is_success, erased.text
    signing.now += timedelta(hours=2)
    signing.sign()
    for one in (whole, some):
        assert judged(one, keys, old).outcome is Outcome.HOLDS
    later = await bundle(api, tenant)
    assert len(lines(later)) > len(lines(whole))
    assert judged(later, keys, old).outcome is Outcome.HOLDS
    # A newer checkpoint is more than the older bundle has a root for.
    assert judged(whole, keys, await checkpoint(api, tenant)).outcome is not Outcome.HOLDS


async def test_the_same_question_gives_the_same_bytes_and_goes_on_where_it_broke(
    api: Api, signing: Office
) -> None:
    tenant = await api.tenant()
    signing.sign()
    asked: dict[str, Any] = {"names": ["tenancy.workspace_created"], "logs": ["events"]}
    told = (await api.send("POST", f"{EVIDENCE}/question", tenant.key, asked)).json()["data"]
    (log,) = told["logs"]
    assert (log["rows"], log["hidden"][0]["filter"]) == (1, "name")
    whole = await bundle(api, tenant, **told["question"])
    await contact(api, tenant, "zoe@people.example")
    signing.sign()
    assert await bundle(api, tenant, **told["question"]) == whole
    rest = await api.send("POST", EVIDENCE, tenant.key, {**told["question"], "from_byte": 1_000})
    assert whole[:1_000] + rest.content == whole
    assert await bundle(api, tenant, **asked) != whole


async def test_reads_are_evidence_too(api: Api, signing: Office) -> None:
    tenant = await api.tenant()
    _, person = await contact(api, tenant, "zoe@people.example")
    await api.project()
    assert (await api.send("GET", "/v1/audience/contacts", tenant.key)).status_code == 200
    signing.sign()
    await bundle(api, tenant)  # which is a read, too
    signing.sign()
    both = await bundle(api, tenant, logs=["access", "events"], about=person)
    assert judged(both, await keys_of(api, tenant)).outcome is Outcome.HOLDS
    (read,) = lines(both, "access/events.jsonl")
    assert read["payload"]["query"] == "audience.contacts"
    everything = await bundle(api, tenant, logs=["access"])
    kinds = [one["payload"]["kind"] for one in lines(everything, "access/events.jsonl")]
    assert kinds == ["personal", "export"]


async def test_what_cannot_be_given_is_said(api: Api, signing: Office) -> None:
    tenant, other = await api.tenant(), await api.tenant()
    assert (await api.send("POST", EVIDENCE, tenant.key, {})).json()["type"] == "/problems/nothing-signed"
    signing.sign()
    theirs = (await checkpoint(api, other)).decode()
    earlier = await checkpoint(api, tenant)
    await contact(api, tenant, "zoe@people.example")
    signing.sign()
    own = (await checkpoint(api, tenant)).decode()
    forged = own.replace("/events/1", "/events/2", 1)
    for asked, status, code in (
        ({"compare": [theirs]}, 422, "checkpoint-foreign"),
        ({"checkpoints": {"events": theirs}}, 422, "checkpoint-foreign"),
        ({"compare": ["x"]}, 422, "note-malformed"),
        ({"compare": [forged]}, 422, "note-not-signed"),
        ({"compare": [own.replace("epoch 1", "epoch 3")]}, 422, "note-signature-wrong"),
        ({"logs": []}, 422, "body-invalid"),
        ({"logs": ["events", "events"]}, 422, "body-invalid"),
        ({"after": "2026-11-01"}, 422, "body-invalid"),
        ({"more": 1}, 422, "body-invalid"),
    ):
        answer = await api.send("POST", EVIDENCE, tenant.key, asked)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), (
            asked,
            answer.text,
        )
    # Who may read the history and no personal value in it: streams are named by pseudonyms.
    analyst = await api.key(tenant, TenantRole.FINANCE_LEADER)
    assert (await api.send("GET", "/v1/history", analyst)).status_code == 200
    for method, path in (("POST", EVIDENCE), ("GET", "/v1/ledger/events/envelopes/1")):
        refused = await api.send(method, path, analyst, {} if method == "POST" else None)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/missing-permission")
    # A checkpoint of more than there is: somebody put an older database in place.
    of = {"tenant": tenant.id, "note": earlier}
    signing.admin.execute(
        "UPDATE ledger.trees SET note = %(note)s WHERE tenant_id = %(tenant)s AND log = 'events'", of
    )
    longer = await api.send("POST", EVIDENCE, tenant.key, {"compare": [own]})
    assert (longer.status_code, longer.json()["type"]) == (409, "/problems/checkpoint-longer")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM log.events WHERE {of} AND position = 4", "Position 4 is not in the log events"),
        ("UPDATE log.heads SET position = 3 WHERE {of}", "position 4 is missing"),
        ("DELETE FROM ledger.tiles WHERE {of}", "the hash of position 1 is missing"),
        ("UPDATE ledger.trees SET note = 'none' WHERE {of}", "events in the database is none"),
        (
            "UPDATE ledger.trees t SET note = s.note FROM ledger.trees s WHERE t.{of} AND s.tenant_id <> t.tenant_id",
            "is of another log",
        ),
        (
            "INSERT INTO ledger.checkpoints SELECT tenant_id, log, 1, 2, note, signed_at FROM ledger.trees WHERE {of}",
            "of 2 events of the log events in the database says that it is of",
        ),
        (
            "UPDATE log.events SET name = 'audience.permission_decided', payload = '[1' WHERE {of} AND position = 4",
            "decision that none of ours is",
        ),
    ],
    ids=["deleted", "cut", "no-tiles", "no-checkpoint", "another-log", "another-size", "no-decision"],
)
async def test_what_is_not_what_was_signed_is_refused_with_its_place(
    api: Api, signing: Office, change: str, words: str
) -> None:
    tenant, other = await api.tenant(), await api.tenant()
    await contact(api, tenant, "zoe@people.example")
    await contact(api, other, "zoe@people.example")
    signing.sign()
    if change.startswith("INSERT"):
        await contact(api, tenant, "new@people.example")
        signing.sign()
    signing.admin.execute(change.replace("{of}", f"tenant_id = '{tenant.id}'"))
    for path in (EVIDENCE, f"{EVIDENCE}/question"):
        answer = await api.send("POST", path, tenant.key, {})
        assert (answer.status_code, answer.json()["title"]) == (409, "The log is not what was signed of it")
        assert words in answer.json()["detail"]
