"""Permission certificates out of a living installation, judged offline by whoever is handed one."""

from __future__ import annotations

import io
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import verify_bundle
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import TenantRole
from domain.law import packs as packs_folder
from domain.law.packs import load_packs
from domain.platform.rule_pack import AdoptRulePack, pack_stream_id
from tests.support.notary import Office, office
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.audit.notes import VerifierKey
    from tests.support.api import Api, TestTenant
    from tests.support.database import Database

from tests.e2e.http.test_evidence import keys_of, lines

CERTIFICATES = "/v1/ledger/certificates"
WORDING = "Yes, write to me about hats."


@pytest.fixture
def signing(database: Database, tmp_path: Path) -> Iterator[Office]:
    """The notary of the API's database."""
    with office(database, tmp_path / "notary") as made:
        yield made


async def met(api: Api, tenant: TestTenant, country: str = "DE") -> tuple[str, str]:
    """A contact and its person, both new."""
    body = {
        "workspace_id": str(tenant.workspace_id),
        "email": f"zoe-{uuid4()}@people.example",
        "country": country,
        "subscriber_type": "corporate",
    }
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    (who,) = [one["stream"] for one in made["events"] if one["name"] == "audience.addressee_registered"]
    return made["id"], who.partition(":")[2]


async def asked(api: Api, tenant: TestTenant, who: str, do: str, message: str) -> dict[str, Any]:
    body = {"message_id": message, "workspace_id": str(tenant.workspace_id)}
    answer = await api.post(f"/v1/audience/{who}/{do}-message", tenant.key, body)
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def certificate(api: Api, tenant: TestTenant, of: object, query: str = "") -> bytes:
    answer = await api.send("GET", f"{CERTIFICATES}/{of}{query}", tenant.key)
    assert answer.status_code == 200, answer.text
    return answer.content


def judged(content: bytes, keys: list[VerifierKey]) -> Verdict:
    return verify_bundle(io.BytesIO(content), keys=keys)


async def adopted(api: Api, *laws: str) -> None:
    """The packs of these laws stand in the platform's log, as they do once an installation began."""
    for pack in load_packs():
        if pack.law in laws:
            text = (files(packs_folder) / f"{pack.law}.toml").read_text(encoding="utf-8")
            command = AdoptRulePack(law=pack.law, pack_version=pack.version, text=text)
            await api.act(PLATFORM, command, pack_stream_id(pack.law), opens_log=True)


def reveals(content: bytes) -> bool:
    """Whether it holds what was said, or an address."""
    return any(secret in content for secret in (b"people.example", WORDING.encode()))


async def test_a_message_that_was_sent(api: Api, signing: Office) -> None:
    await adopted(api, "de", "eu", "eu-gdpr", "eu-eprivacy")
    tenant = await api.tenant(country="DE")
    contact, who = await met(api, tenant)
    _, other = await met(api, tenant)
    consent = {"occurred_on": "2026-01-05", "source": "website_form", "wording": WORDING}
    for one in (who, other):
        await api.post(f"/v1/audience/{one}/record-consent", tenant.key, consent)
    earlier, message = str(uuid4()), str(uuid4())
    for one, of in ((who, earlier), (other, str(uuid4()))):
        await asked(api, tenant, one, "authorise", of)
        await asked(api, tenant, one, "dispatch", of)
    decided = await asked(api, tenant, who, "authorise", message)
    gone = await asked(api, tenant, who, "dispatch", message)
    signing.sign()
    keys = await keys_of(api, tenant)
    content = await certificate(api, tenant, message)
    verdict = judged(content, keys)
    assert verdict.outcome is Outcome.HOLDS, verdict
    told = "\n".join(verdict.shows)
    at, done = decided["events"][0]["position"], gone["events"][0]["position"]
    assert f"It is about the message {message} of workspace {tenant.workspace_id}" in told
    assert f"position {at}, recorded" in told
    assert "by law de, pack" in told.lower()
    assert "on the basis 'express consent', resting on entry 2" in told
    assert "Entry 2, position" in told
    assert "occurred_on 2026-01-05" in told
    assert "sealed: wording" in told
    assert "addressee registered (country DE; subscriber_type corporate" in told
    assert "none stops mail to the person" in told
    assert f"position {done}, recorded" in told
    assert f"under the decision of position {at}, which stands before it" in told
    assert "Between the two nothing was entered of the person" in told
    # Nobody else's events, no decision on another message, and no plaintext.
    assert {one["stream"] for one in lines(content)} == {f"addressee:{who}"}
    assert earlier not in content.decode(errors="replace")
    assert not reveals(content)
    assert any("left out" in one and "entries 3 to 4" in one for one in verdict.not_proven)
    assert any("de@" in one and "is the pack" in one for one in verdict.proven)
    assert any("2 proofs for other programs" in one for one in verdict.proven)
    # By the decision's position it is the same; with the whole stream nothing is left out.
    assert await certificate(api, tenant, at) == content
    whole = judged(await certificate(api, tenant, message, "?whole=true"), keys)
    assert whole.outcome is Outcome.HOLDS
    assert any("none was left out" in one for one in whole.shows)
    # The person is erased: the certificate still verifies, a new one says the same, and nothing opens.
    erased = await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)
    assert erased.is_success, erased.text
    assert await Worker(api).work_off()
    signing.now += timedelta(hours=2)
    signing.sign()
    assert judged(content, keys).shows == verdict.shows
    later = await certificate(api, tenant, message, f"?compare={at},{done}")
    assert judged(later, keys).shows == verdict.shows
    assert judged(later, keys).outcome is Outcome.HOLDS
    assert not reveals(later)


async def test_a_message_that_was_not(api: Api, signing: Office) -> None:
    await adopted(api, "de")
    tenant, stranger = await api.tenant(country="DE"), await api.tenant()
    _, who = await met(api, tenant)
    denied, stopped = str(uuid4()), str(uuid4())
    await asked(api, tenant, who, "authorise", denied)
    early = await api.send("GET", f"{CERTIFICATES}/{denied}", tenant.key)
    assert early.json()["type"] == "/problems/nothing-signed"
    await api.post(
        f"/v1/audience/{who}/record-consent",
        tenant.key,
        {"occurred_on": "2026-01-05", "source": "website_form", "wording": WORDING},
    )
    await asked(api, tenant, who, "authorise", stopped)
    await api.post(f"/v1/audience/{who}/record-opt-out", tenant.key, {"channel": "reply"})
    await asked(api, tenant, who, "dispatch", stopped)
    signing.sign()
    keys = await keys_of(api, tenant)
    verdict = judged(await certificate(api, tenant, denied), keys)
    assert verdict.outcome is Outcome.HOLDS
    assert any(": deny." in one for one in verdict.shows)
    assert any("rule otherwise: deny" in one and "de" in one for one in verdict.shows)
    assert any("it was not handed over" in one for one in verdict.shows)
    assert any("not handed over after position" in one for one in verdict.not_proven)
    verdict = judged(await certificate(api, tenant, stopped), keys)
    assert verdict.outcome is Outcome.HOLDS
    assert any("the product's own rule suppressed-unsubscribe: deny" in one for one in verdict.shows)
    assert any("opted out" in one and "channel reply" in one for one in verdict.shows)
    # What was never decided, is another tenant's, or is no decision.
    for of, status, code in (
        (uuid4(), 404, "nothing-decided"),
        (1, 404, "nothing-decided"),
        (10**9, 404, "nothing-decided"),
        ("none", 404, "not-found"),
    ):
        answer = await api.send("GET", f"{CERTIFICATES}/{of}", tenant.key)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    foreign = await api.send("GET", f"{CERTIFICATES}/{denied}", stranger.key)
    assert foreign.json()["type"] == "/problems/nothing-decided"
    for query in ("whole=yes", "compare=x", "more=1"):
        answer = await api.send("GET", f"{CERTIFICATES}/{denied}?{query}", tenant.key)
        assert answer.status_code == 422, answer.text
    viewer = await api.key(tenant, TenantRole.VIEWER)
    assert (await api.send("GET", f"{CERTIFICATES}/{denied}", viewer)).status_code == 403
    # One id for two people: only a position says who is meant.
    _, other = await met(api, tenant)
    second = await asked(api, tenant, other, "authorise", denied)
    at = second["events"][0]["position"]
    unsigned = await api.send("GET", f"{CERTIFICATES}/{at}", tenant.key)
    assert unsigned.json()["type"] == "/problems/not-yet-signed"
    signing.sign()
    several = await api.send("GET", f"{CERTIFICATES}/{denied}", tenant.key)
    assert (several.status_code, several.json()["type"]) == (409, "/problems/decided-for-several")
    assert str(at) in several.json()["detail"]
    assert {one["stream"] for one in lines(await certificate(api, tenant, at))} == {f"addressee:{other}"}
