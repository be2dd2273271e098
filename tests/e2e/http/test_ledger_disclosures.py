"""Single values out of a living installation, proven offline beside a bundle; who may have them, and when none may."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import verify_bundle
from domain.kernel.permissions import TenantRole
from tests.e2e.http.test_evidence import bundle, keys_of
from tests.support.notary import Office, office
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.api import Api, TestTenant
    from tests.support.database import Database

DISCLOSURES = "/v1/ledger/disclosures"
WORDING = "Yes, write to me about hats."
REASON = "The court of Ghent asks, case 7"


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    """The notary of the API's database."""
    with office(database, tmp_path / "notary") as made:
        yield made


async def consenting(api: Api, tenant: TestTenant) -> tuple[str, int, dict[str, Any]]:
    """A contact whose person consented, where their address was entered, and the event of the consent."""
    body = {"workspace_id": str(tenant.workspace_id), "email": f"zoe-{uuid4()}@people.example"}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    (registered,) = [one for one in made["events"] if one["name"] == "audience.addressee_registered"]
    consent = {"occurred_on": "2026-01-05", "source": "website_form", "wording": WORDING}
    path = f"/v1/audience/{registered['stream'].partition(':')[2]}/record-consent"
    told = (await api.post(path, tenant.key, consent)).json()
    return made["id"], registered["position"], told["events"][0]


def of(position: int, *fields: str, **more: Any) -> dict[str, Any]:
    return {"reason": REASON, "events": [{"position": position, "fields": list(fields), **more}]}


async def test_values_are_shown_proven_and_recorded_until_they_are_erased(api: Api, signing: Office) -> None:
    tenant = await api.tenant()
    contact, registered, consent = await consenting(api, tenant)
    at = consent["position"]
    signing.sign()
    keys, whole = await keys_of(api, tenant), await bundle(api, tenant)

    def judged(disclosure: bytes) -> Verdict:
        return verify_bundle(io.BytesIO(whole), keys=keys, disclosure=disclosure)

    both = {
        "reason": REASON,
        "events": [
            {"position": at, "fields": ["wording", "source_text", "source", "wording"], "metadata": ["ip"]},
            {"position": registered, "fields": ["email"]},
        ],
    }
    before = await _entries(api, tenant)
    answer = await api.send("POST", DISCLOSURES, tenant.key, both)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    shown = {
        (one["position"], one["part"], one["field"]): json.loads(one["content"]) for one in told["values"]
    }
    assert shown[at, "payload", "wording"] == WORDING
    assert shown[registered, "payload", "email"].endswith("@people.example")
    assert {(one["field"], one["why"]) for one in told["withheld"]} >= {
        ("source_text", "empty"),
        ("source", "plain"),
    }
    verdict = judged(answer.content)
    assert verdict.outcome is Outcome.HOLDS
    assert any(f"'wording' at position {at} of events" in one for one in verdict.proven)
    assert any("`withheld`" in one for one in verdict.notes)
    # One entry, of whom, with the reason.
    assert await _entries(api, tenant) == before + 1
    entry = (await api.send("GET", "/v1/access?limit=100", tenant.key)).json()["data"][before]
    assert (entry["payload"]["kind"], entry["payload"]["query"]) == ("personal", "ledger.disclosure")
    assert (entry["reason"], entry["payload"]["rows"]) == (REASON, len(told["values"]))
    assert consent["stream"].partition(":")[2] in entry["payload"]["subjects"]
    # What was read stands in the access log, sealed too, and is disclosed likewise.
    filters = await api.send(
        "POST", DISCLOSURES, tenant.key, of(before + 1, "filters", log="access", metadata=["reason"])
    )
    contents = {one["field"]: one["content"] for one in filters.json()["values"]}
    assert json.loads(contents["reason"]) == REASON
    assert f'"position":{at}' in json.loads(contents["filters"])
    # The person is erased: the profile's values open no more, and nothing fails; what was handed out still holds.
    assert (await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)).is_success
    await Worker(api).work_off()
    later = await api.send("POST", DISCLOSURES, tenant.key, both)
    assert later.status_code == 200
    assert ("email", "erased") in {(one["field"], one["why"]) for one in later.json()["withheld"]}
    assert "people.example" not in later.text
    assert judged(answer.content).outcome is Outcome.HOLDS
    assert judged(later.content).outcome is Outcome.HOLDS


async def test_who_may_not_see_a_value_is_given_nothing_and_what_is_wrong_is_named(
    api: Api, signing: Office
) -> None:
    tenant, stranger = await api.tenant(), await api.tenant()
    _, _, consent = await consenting(api, tenant)
    at = consent["position"]
    before = await _entries(api, tenant)
    for role, fields, status in (
        (TenantRole.VIEWER, ["wording"], 403),
        (TenantRole.ADMIN, ["wording"], 403),
        (TenantRole.OWNER, ["wording"], 200),
    ):
        answer = await api.send("POST", DISCLOSURES, await api.key(tenant, role), of(at, *fields))
        assert answer.status_code == status, answer.text
    assert await _entries(api, tenant) == before + 1
    for body, status, pointer in (
        ({"events": [{"position": at, "fields": ["wording"]}]}, 422, "/reason"),
        (of(at, "wording") | {"reason": " "}, 422, "/reason"),
        (of(at), 422, "/events/0"),
        (of(0, "wording"), 422, "/events/0/position"),
        (of(10**9, "wording"), 422, "/events/0/position"),
        (of(at, "wordings"), 422, "/events/0/fields"),
        (of(at, metadata=["channel"]), 422, "/events/0/metadata/0"),
        ({"reason": REASON, "events": []}, 422, "/events"),
    ):
        answer = await api.send("POST", DISCLOSURES, tenant.key, body)
        assert answer.status_code == status, (body, answer.text)
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    # Another tenant's positions are positions of their own log.
    theirs = await api.send("POST", DISCLOSURES, stranger.key, of(at, "wording"))
    assert theirs.status_code == 422
    assert WORDING not in theirs.text
    # What somebody altered in the database does not open, and is called damaged.
    signing.admin.execute(
        "UPDATE log.events SET payload = convert_to(replace(convert_from(payload, 'UTF8'), '\"c\":\"', '\"c\":\"AAAA'),"
        " 'UTF8') WHERE tenant_id = %s AND position = %s",
        (tenant.id, at),
    )
    damaged = await api.send("POST", DISCLOSURES, tenant.key, of(at, "wording"))
    assert [one["why"] for one in damaged.json()["withheld"]] == ["damaged"]


async def _entries(api: Api, tenant: TestTenant) -> int:
    head = await api.parts.accesses._log.head(tenant.id)
    return 0 if head is None else head.position
