"""Access after an erasure: what is kept of who had the address is disclosed, of who came back too, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from application.disclosable import (
    KEPT_OF_ANOTHER,
    KEPT_OF_MAILBOX,
    KEPT_WITH_PROOF,
    KEPT_WITHOUT_PROOF,
)
from tests.support.api import Api, TestTenant
from tests.support.working import Worker

NAME = "Quetzalcoatl"
WORDING = "Yes, write to Xochimilco"
IP = "192.0.2.77"


async def tell(api: Api, tenant: TestTenant, path: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/{path}", tenant.key, body)
    assert answer.status_code == (201 if "/new/" in path else 200), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def person(api: Api, tenant: TestTenant, email: str, name: str = NAME) -> tuple[str, str]:
    """A contact and its addressee."""
    body = {"workspace_id": str(tenant.workspace_id), "email": email, "first_name": name, "country": "DE"}
    made = await tell(api, tenant, "audience/new/create-contact", **body)
    claims = [one["stream"] for one in made["events"] if one["name"] == "audience.addressee_registered"]
    return made["id"], claims[0].partition(":")[2]


async def erased(
    api: Api, tenant: TestTenant, *, proven: bool = True, email: str | None = None
) -> tuple[str, str, str]:
    """Somebody who was erased, certified; the address, the contact and the addressee."""
    email = email or f"{uuid4().hex}@example.org"
    contact, addressee = await person(api, tenant, email)
    if proven:
        consent = {"occurred_on": "2026-01-05", "source": "event", "wording": WORDING, "ip": IP}
        await tell(api, tenant, f"audience/{addressee}/record-consent", **consent)
    await tell(api, tenant, f"audience/{contact}/erase-contact")
    assert "subject.certify" in await Worker(api).work_off()
    return email, contact, addressee


async def asked(
    api: Api, tenant: TestTenant, email: str, kind: str = "access", *, method: str = "document"
) -> tuple[str, str | None]:
    """A request by somebody who is known to ask, and whom it is about."""
    await api.project()
    told = await tell(api, tenant, "rights/new/receive-request", kind=kind, channel="email", email=email)
    if told["result"]["addressee_id"] is not None:
        await checked(api, tenant, told["id"], method)
    return told["id"], told["result"]["addressee_id"]


async def checked(api: Api, tenant: TestTenant, request: str, method: str) -> None:
    """That they ask was found out in this way."""
    await tell(api, tenant, f"rights/{request}/check-identity", method=method, verified=True)


async def disclosed_so_far(api: Api, tenant: TestTenant, request: str) -> tuple[dict[str, Any], str]:
    """The document, and the page; not handed to anybody."""
    path = f"/v1/rights/requests/{request}/disclosure"
    answer = await api.send("GET", path, tenant.key)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document, (await api.send("GET", f"{path}?form=html", tenant.key)).text


async def disclosed(api: Api, tenant: TestTenant, request: str) -> tuple[dict[str, Any], str]:
    """The document, and the page."""
    path = f"/v1/rights/requests/{request}/disclosure"
    answer = await api.send("GET", path, tenant.key)
    assert answer.status_code == 200, answer.text
    assert (await api.send("GET", path, tenant.key)).content == answer.content
    record = {"digest": answer.headers["etag"].strip('"'), "position": answer.headers["penguin-position"]}
    page = await api.send("GET", f"{path}?form=html", tenant.key)
    await tell(api, tenant, f"rights/{request}/record-disclosure", form="json", **record)
    document: dict[str, Any] = answer.json()
    return document, page.text


async def test_who_was_erased_is_told_what_is_kept_of_them(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email, _, addressee = await erased(api, tenant)
    request, subject = await asked(api, tenant, email)
    assert subject == addressee
    early = await api.post(f"/v1/rights/{request}/complete-request", tenant.key)
    assert early.json()["type"].rpartition("/")[2] == "request-not-done"
    document, page = await disclosed(api, tenant, request)
    assert document["about"]["email"] == email
    assert (document["contacts"], document["history"]) == ([], [])
    (kept,) = document["kept_after_erasure"]
    assert (kept["about"], kept["proof_kept"]) == (KEPT_WITH_PROOF, True)
    assert kept["proof_kept_until"] is not None
    assert {one["kind"] for one in kept["suppressions"]} == {"erasure"}
    (consent,) = (one for one in kept["history"] if one["what"] == "audience.consent_recorded")
    assert (consent["values"]["wording"], consent["values"]["ip"]) == (WORDING, IP)
    assert "rights.request_received" in {one["what"] for one in kept["history"]}
    assert NAME not in str(document)
    assert "[sealed]" not in str(document)
    assert WORDING in page
    assert "What is kept after an erasure" in page
    told = await tell(api, tenant, f"rights/{request}/complete-request")
    await api.project()
    row = (await api.send("GET", f"/v1/rights/requests/{told['id']}", tenant.key)).json()["data"]
    assert row["outcome"] == "fulfilled"


@pytest.mark.parametrize("kind", ["access", "portability"])
async def test_by_the_mailbox_alone_nothing_that_is_kept_of_somebody_erased_is_opened(
    api: Api, kind: str
) -> None:
    """Whoever took the mailbox over can read what goes to it, and ask from it."""
    tenant = await api.tenant(country="DE")
    email = f"{uuid4().hex}@example.org"
    unknown = {"kind": "complaint", "channel": "email", "email": email, "requester": "Tlaloc"}
    await tell(api, tenant, "rights/new/receive-request", **unknown, words="Rain")
    _, _, addressee = await erased(api, tenant, email=email)
    named = {"kind": "complaint", "channel": "letter", "addressee_id": addressee, "words": "Thunder"}
    await tell(api, tenant, "rights/new/receive-request", **named)
    request, subject = await asked(api, tenant, email, kind, method="mailbox")
    assert subject == addressee
    document, page = await disclosed_so_far(api, tenant, request)
    for told in (str(document), page):
        assert not [secret for secret in (WORDING, IP, "Tlaloc", "Rain", "Thunder") if secret in told]
    assert {one["what"] for one in document["history"]} <= {
        "rights.request_received",
        "rights.identity_checked",
    }
    if kind == "access":
        (kept,) = document["kept_after_erasure"]
        assert (kept["about"], kept["proof_kept"]) == (KEPT_OF_MAILBOX, True)
        assert "rights.request_received" in {one["what"] for one in kept["history"]}
    # The same request shows it once more than the mailbox does that it is they.
    await checked(api, tenant, request, "account")
    document, page = await disclosed(api, tenant, request)
    for told in (str(document), page):
        assert ("Tlaloc" in told, "Rain" in told) == (True, True)
        assert ("Thunder" in told, WORDING in told) == ((True, True) if kind == "access" else (False, False))


async def test_a_request_that_names_who_was_erased_opens_what_is_kept_of_them(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email, _, addressee = await erased(api, tenant)
    asking = {"kind": "access", "channel": "letter", "addressee_id": addressee}
    told = await tell(api, tenant, "rights/new/receive-request", **asking)
    await checked(api, tenant, told["id"], "mailbox")
    document, _ = await disclosed(api, tenant, told["id"])
    assert WORDING in str(document["kept_after_erasure"])
    # Found by an address and named later is found by an address.
    unknown = {"kind": "access", "channel": "letter", "requester": "Somebody"}
    told = await tell(api, tenant, "rights/new/receive-request", **unknown)
    await tell(api, tenant, f"rights/{told['id']}/name-subject", email=email)
    await checked(api, tenant, told["id"], "mailbox")
    document, _ = await disclosed(api, tenant, told["id"])
    assert WORDING not in str(document)


async def test_what_was_asked_before_anybody_was_known_is_shut_to_who_has_the_mailbox_after_another(
    api: Api,
) -> None:
    tenant = await api.tenant(country="DE")
    email = f"{uuid4().hex}@example.org"
    unknown = {"kind": "access", "channel": "email", "email": email, "requester": "Tlaloc", "words": "Rain"}
    await tell(api, tenant, "rights/new/receive-request", **unknown)
    await erased(api, tenant, email=email)
    _, successor = await person(api, tenant, email, "Ixchel")
    for kind in ("access", "portability"):
        request, subject = await asked(api, tenant, email, kind)
        assert subject == successor
        document, page = await disclosed(api, tenant, request)
        for told in (str(document), page):
            assert not [secret for secret in ("Tlaloc", "Rain") if secret in told]
            assert "Ixchel" in told
        mine = [one for one in document["history"] if one["what"] == "rights.request_received"]
        assert {one["values"]["kind"] for one in mine} == {"access", kind}
        if kind == "access":
            (kept,) = document["kept_after_erasure"]
            assert kept["about"] == KEPT_OF_ANOTHER
            (before,) = (one for one in kept["history"] if one["what"] == "rights.request_received")
            assert before["values"]["requester"] == "[sealed]"


async def test_who_has_the_address_now_is_told_that_something_is_kept_of_who_had_it_and_no_more(
    api: Api,
) -> None:
    tenant = await api.tenant(country="DE")
    email, contact, addressee = await erased(api, tenant)
    words = {"requester": "Tlaloc", "words": "Rain"}
    asking = {"kind": "complaint", "channel": "letter", "addressee_id": addressee}
    await tell(api, tenant, "rights/new/receive-request", **asking, **words)
    again, successor = await person(api, tenant, email, "Ixchel")
    request, subject = await asked(api, tenant, email)
    assert subject == successor != addressee
    document, _ = await disclosed(api, tenant, request)
    (only,) = document["contacts"]
    assert (only["first_name"], only["present"]) == ("Ixchel", True)
    (created,) = (one for one in document["history"] if one["what"] == "audience.contact_created")
    assert created["values"]["first_name"] == "Ixchel"
    assert WORDING not in str(document["history"])
    (kept,) = document["kept_after_erasure"]
    assert (kept["about"], kept["proof_kept"]) == (KEPT_OF_ANOTHER, True)
    assert not [secret for secret in (WORDING, IP, "Tlaloc", "Rain") if secret in str(document)]
    assert {one["what"] for one in kept["history"]}.isdisjoint(
        {"audience.contact_created", "rights.request_received"}
    )
    # Once it is checked that they were both, a request that names the former opens what is kept of that one.
    both = await tell(
        api, tenant, "rights/new/receive-request", kind="access", channel="letter", addressee_id=addressee
    )
    await tell(api, tenant, f"rights/{both['id']}/check-identity", method="document", verified=True)
    own, _ = await disclosed(api, tenant, both["id"])
    assert WORDING in str(own["kept_after_erasure"])
    assert "Ixchel" not in str(own)
    await api.project()
    reads = await api.send("GET", "/v1/access?name=access.read_recorded", tenant.key)
    shown = [one["payload"] for one in reads.json()["data"] if one["payload"]["query"] == "rights.disclosure"]
    assert set(shown[0]["subjects"]) == {addressee, successor, again}
    assert contact not in str(shown)


async def test_an_open_request_of_somebody_erased_tells_nothing_of_who_has_the_address_since(
    api: Api,
) -> None:
    tenant = await api.tenant(country="DE")
    email = f"{uuid4().hex}@example.org"
    contact, addressee = await person(api, tenant, email)
    request, subject = await asked(api, tenant, email)
    assert subject == addressee
    await tell(api, tenant, f"audience/{contact}/erase-contact")
    assert "subject.certify" in await Worker(api).work_off()
    _, successor = await person(api, tenant, email, "Ixchel")
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": WORDING, "ip": IP}
    await tell(api, tenant, f"audience/{successor}/record-consent", **consent)
    for kind in (request, (await portable(api, tenant, addressee))):
        document, page = await disclosed(api, tenant, kind)
        for told in (str(document), page):
            assert not [secret for secret in ("Ixchel", WORDING, IP) if secret in told]


async def portable(api: Api, tenant: TestTenant, addressee: str) -> str:
    """A request for portability that names somebody, checked."""
    asking = {"kind": "portability", "channel": "letter", "addressee_id": addressee}
    told = await tell(api, tenant, "rights/new/receive-request", **asking)
    await tell(api, tenant, f"rights/{told['id']}/check-identity", method="document", verified=True)
    return str(told["id"])


async def test_without_proof_it_is_said_what_is_kept_all_the_same(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email, _, _ = await erased(api, tenant, proven=False)
    request, _ = await asked(api, tenant, email)
    document, _ = await disclosed(api, tenant, request)
    (kept,) = document["kept_after_erasure"]
    assert (kept["about"], kept["proof_kept"], kept["proof_kept_until"]) == (KEPT_WITHOUT_PROOF, False, None)


async def test_a_standing_claim_is_told_to_nobody_who_may_make_it(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email, _, addressee = await erased(api, tenant)
    await tell(api, tenant, f"audience/{addressee}/place-legal-hold", reason="Lawsuit of Chalchiuhtlicue")
    request, _ = await asked(api, tenant, email)
    document, page = await disclosed(api, tenant, request)
    for told in (str(document), page):
        assert "Chalchiuhtlicue" not in told
        assert "hold" not in told.replace("holds", "")


async def test_what_they_asked_before_anybody_knew_them_is_told_and_what_others_asked_is_not(
    api: Api,
) -> None:
    tenant = await api.tenant(country="DE")
    email, stranger = f"{uuid4().hex}@example.org", f"{uuid4().hex}@example.org"
    unknown = {"kind": "access", "channel": "letter", "requester": NAME}
    for asking, words in ((email.upper(), "Popocatepetl"), (stranger, "Iztaccihuatl"), (email, "Orizaba")):
        await tell(api, tenant, "rights/new/receive-request", **unknown, email=asking, words=words)
    await tell(api, tenant, "rights/new/receive-request", **unknown, words="Iztaccihuatl")
    contact, _ = await person(api, tenant, email)
    request, _ = await asked(api, tenant, email)
    document, page = await disclosed(api, tenant, request)
    for told in (str(document["history"]), page):
        assert ("Popocatepetl" in told, "Orizaba" in told, "Iztaccihuatl" in told) == (True, True, False)
    await tell(api, tenant, f"audience/{contact}/erase-contact")
    assert "subject.certify" in await Worker(api).work_off()
    second, addressee = await asked(api, tenant, email)
    document, _ = await disclosed(api, tenant, second)
    assert "Popocatepetl" in str(document["history"])
    certificate = await api.send("GET", f"/v1/audience/erasures/{addressee}/certificate", tenant.key)
    assert "while nobody was known by it" in " ".join(certificate.text.split())


async def test_what_is_kept_for_claims_is_not_portable(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email, _, _ = await erased(api, tenant)
    request, _ = await asked(api, tenant, email, "portability")
    document, _ = await disclosed(api, tenant, request)
    assert "kept_after_erasure" not in document
    assert WORDING not in str(document)


@pytest.mark.parametrize("came", ["back", "never"])
async def test_a_request_that_came_before_anybody_knew_is_not_told_that_nothing_is_held(
    api: Api, came: str
) -> None:
    tenant = await api.tenant(country="DE")
    email = f"{uuid4().hex}@example.org"
    request, subject = await asked(api, tenant, email)
    assert subject is None
    if came == "never":
        assert (await tell(api, tenant, f"rights/{request}/complete-request"))["events"]
        return
    contact, addressee = await person(api, tenant, email)
    await tell(api, tenant, f"audience/{contact}/erase-contact")
    refused = await api.post(f"/v1/rights/{request}/complete-request", tenant.key)
    problem = refused.json()
    assert (problem["type"].rpartition("/")[2], problem["addressee_id"]) == ("subject-known-now", addressee)
    await tell(api, tenant, f"rights/{request}/name-subject", addressee_id=addressee)


async def test_with_whom_somebody_dealt_is_told_to_them_alone(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    here = str(tenant.workspace_id)
    await api.post(f"/v1/tenancy/{here}/rename-workspace", tenant.key, {"name": "Harbour Coffee"})
    email = f"{uuid4().hex}@example.org"
    contact, bought = await person(api, tenant, email, "Ann")
    await tell(
        api,
        tenant,
        f"audience/{bought}/record-relation",
        kind="purchase",
        occurred_on="2026-01-05",
        workspace_id=here,
    )
    message = {"message_id": str(uuid4()), "workspace_id": here, "campaign_type": "coffee-offers"}
    await tell(api, tenant, f"audience/{bought}/authorise-message", **message)
    await tell(api, tenant, f"audience/{bought}/suppress-addressee", kind="manual", workspace_id=here)
    own, _ = await asked(api, tenant, email)
    history = (await disclosed(api, tenant, own))[0]["history"]
    told = {one["what"]: one["values"] for one in history}
    assert told["audience.relation_recorded"]["workspace"] == "Harbour Coffee"
    assert told["audience.addressee_suppressed"]["within"] == "Harbour Coffee"
    assert told["audience.permission_decided"]["message"]["workspace"] == "Harbour Coffee"
    assert (await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)).status_code == 200
    await person(api, tenant, email, "Ixchel")
    request, _ = await asked(api, tenant, email)
    document, _ = await disclosed(api, tenant, request)
    (kept,) = document["kept_after_erasure"]
    (sold,) = (one for one in kept["history"] if one["what"] == "audience.relation_recorded")
    assert sold["values"]["workspace"] == "[not told]"
    (decided,) = (one for one in kept["history"] if one["what"] == "audience.permission_decided")
    assert decided["values"]["message"]["workspace"] == "[not told]"
    assert "[not told]" in {one["within"] for one in kept["suppressions"]}
    for secret in ("Harbour Coffee", "coffee-offers", here):
        assert secret not in str(document["kept_after_erasure"]), secret
