"""Requests of people about their data, over HTTP: received, checked, done, answered, and counted."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import uuid4

import pytest

from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SendsFor
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, TestTenant

NAME = "Quetzalcoatl"
WORDS = "Popocatepetl wants to know"
WORDING = "Yes, write to Xochimilco"
FIRST_STEP = {"source": "website_form", "wording": "Do write to me", "ip": "192.0.2.78"}


async def person(api: Api, tenant: TestTenant, **more: object) -> tuple[str, str, str]:
    """A contact with a name and a documented consent: its id, its addressee's, and its address."""
    email = f"{uuid4().hex}@example.org"
    body = {"workspace_id": str(tenant.workspace_id), "email": email, "first_name": NAME, "country": "DE"}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, {**body, **more})).json()
    streams = [event["stream"] for event in made["events"] if event["stream"].startswith("addressee:")]
    addressee = streams[0].partition(":")[2]
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": WORDING, "ip": "192.0.2.77"}
    await tell(api, tenant.key, f"audience/{addressee}/record-consent", **consent)
    return made["id"], addressee, email


async def tell(api: Api, key: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/{path}", key, body)
    assert answer.status_code == (201 if "/new/" in path else 200), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def received(api: Api, key: str, kind: str, **more: Any) -> dict[str, Any]:
    """A request; the views are there, as they are in an installation that runs."""
    await api.project()
    return await tell(api, key, "rights/new/receive-request", kind=kind, channel="email", **more)


async def shown(api: Api, key: str, request: str) -> dict[str, Any]:
    await api.project()
    answer = await api.send("GET", f"/v1/rights/requests/{request}", key)
    assert answer.status_code == 200, answer.text
    row: dict[str, Any] = answer.json()["data"]
    return row


async def refuses_what_was_not_made(
    api: Api, tenant: TestTenant, request: str, record: dict[str, str], elsewhere: str
) -> None:
    for field, wrong in (
        ("digest", {"digest": "ab" * 32}),
        ("position", {"form": "html"}),
        ("position", {"position": elsewhere}),
    ):
        refused = await api.post(f"/v1/rights/{request}/record-disclosure", tenant.key, {**record, **wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_access_from_the_receipt_to_the_answer(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    contact, addressee, email = await person(api, tenant)
    activity = {"title": "Newsletter", "purposes": ["Advertising"], "kept_for": ["Until withdrawn"]}
    await tell(api, tenant.key, "rights/new/enter-activity", **activity)
    made = await tell(
        api, tenant.key, "audience/new/create-list", workspace_id=str(tenant.workspace_id), name="Friends"
    )
    await tell(api, tenant.key, f"audience/{made['id']}/add-to-list", contact_ids=[contact])
    await tell(api, tenant.key, f"audience/{addressee}/place-legal-hold", reason="Lawsuit of Chalchiuhtlicue")
    told = await received(api, tenant.key, "access", email=email.upper(), words=WORDS)
    request, result = told["id"], told["result"]
    assert result["addressee_id"] == addressee
    assert (result["terms"][0]["law"], result["place_assumed"]) == ("eu-gdpr", False)
    path = f"/v1/rights/requests/{request}/disclosure"
    early = await api.send("GET", path, tenant.key)
    assert (early.status_code, early.json()["type"].rpartition("/")[2]) == (409, "identity-not-established")
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="mailbox", verified=True)

    answer = await api.send("GET", path, tenant.key)
    assert answer.status_code == 200
    digest = hashlib.sha256(answer.content)
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["content-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    document = answer.json()
    assert document["about"]["email"] == email
    (only,) = document["contacts"]
    assert (only["first_name"], only["present"], only["lists"]) == (NAME, True, ["Friends"])
    assert "Chalchiuhtlicue" not in answer.text
    told_of = {one["what"] for one in document["history"]}
    assert {"audience.contact_created", "audience.consent_recorded", "rights.request_received"} <= told_of
    assert [one["purposes"] for one in document["processing"]] == [["Advertising"]]
    assert WORDING in answer.text
    assert WORDS in answer.text
    assert "[sealed]" not in answer.text
    page = await api.send("GET", f"{path}?form=html", tenant.key)
    assert page.headers["content-type"].startswith("text/html")
    assert NAME in page.text
    assert WORDING in page.text

    record = {
        "digest": digest.hexdigest(),
        "position": answer.headers["penguin-position"],
        "form": "json",
    }
    await refuses_what_was_not_made(api, tenant, request, record, told["position"])
    await tell(api, tenant.key, f"rights/{request}/record-disclosure", **record)
    await tell(api, tenant.key, f"rights/{request}/complete-request")
    row = await shown(api, tenant.key, request)
    assert (row["state"], row["outcome"], row["in_time"]) == ("closed", "fulfilled", True)
    assert NAME not in str(row)
    assert email not in str(row)

    reads = await api.send("GET", "/v1/access?name=access.read_recorded", tenant.key)
    exports = [one for one in reads.json()["data"] if one["payload"]["query"] == "rights.disclosure"]
    assert [one["payload"]["kind"] for one in exports] == ["export"] * 2
    assert set(exports[0]["payload"]["subjects"]) == {addressee, contact}


async def test_who_looks_twice_at_a_person_sees_the_same_and_it_is_noted_once(api: Api) -> None:
    """As the note that it was looked at moved the position that the document tells, and so the document."""
    tenant = await api.tenant(country="DE")
    contact, addressee, email = await person(api, tenant)
    request = (await received(api, tenant.key, "access", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="mailbox", verified=True)
    path = f"/v1/rights/requests/{request}/disclosure"

    async def noted() -> list[str]:
        found = await api.send("GET", "/v1/history?name=rights.disclosure_made", tenant.key)
        return [one["payload"]["digest"] for one in found.json()["data"]]

    first = await api.send("GET", path, tenant.key)
    await person(api, tenant, first_name="Ixchel")
    await tell(api, tenant.key, f"audience/{addressee}/place-legal-hold", reason="Lawsuit of Chalchiuhtlicue")
    again = await api.send("GET", path, tenant.key)
    assert again.content == first.content
    assert again.headers["penguin-position"] == first.headers["penguin-position"]
    assert await noted() == [hashlib.sha256(first.content).hexdigest()]
    await api.send("GET", f"{path}?form=html", tenant.key)
    assert len(await noted()) == 2
    await api.project()
    reads = await api.send("GET", "/v1/access?name=access.read_recorded", tenant.key)
    looks = [one for one in reads.json()["data"] if one["payload"]["query"] == "rights.disclosure"]
    assert len(looks) == 3, "each look is in the access log"

    await tell(api, tenant.key, f"audience/{contact}/update-contact", last_name="Tlaloc")
    changed = await api.send("GET", path, tenant.key)
    assert "Tlaloc" in changed.text
    assert changed.headers["penguin-position"] != first.headers["penguin-position"]


async def test_a_removed_contact_is_disclosed_too_and_nobody_elses(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    contact, _, email = await person(api, tenant)
    await person(api, tenant, first_name="Ixchel")
    await tell(api, tenant.key, f"audience/{contact}/remove-contact")
    request = (await received(api, tenant.key, "access", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="known", verified=True)
    answer = await api.send("GET", f"/v1/rights/requests/{request}/disclosure", tenant.key)
    (only,) = answer.json()["contacts"]
    assert only["present"] is False
    assert NAME in answer.text
    assert "Ixchel" not in answer.text


async def test_of_what_is_stopped_in_part_it_is_told_which_part(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    _, addressee, email = await person(api, tenant)
    for narrow in ({"workspace_id": str(tenant.workspace_id)}, {"campaign_type": "offers"}):
        await tell(api, tenant.key, f"audience/{addressee}/suppress-addressee", kind="manual", **narrow)
    request = (await received(api, tenant.key, "access", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="known", verified=True)
    answer = await api.send("GET", f"/v1/rights/requests/{request}/disclosure", tenant.key)
    document = answer.json()
    parts = [("workspace", "Acme"), ("campaign_type", "offers")]
    assert [(one["scope"], one["within"]) for one in document["standing"]["suppressions"]] == parts
    told = [one["values"] for one in document["history"] if one["what"] == "audience.addressee_suppressed"]
    assert [(one["scope"], one["within"]) for one in told] == parts
    assert str(tenant.workspace_id) not in answer.text
    assert document["about"]["clients"] == [], "it sends for itself"
    page = await api.send("GET", f"/v1/rights/requests/{request}/disclosure?form=html", tenant.key)
    assert page.text.count("<dt>Within</dt>") == 4
    assert "Who is responsible" not in page.text


async def test_of_what_was_given_to_one_client_it_is_told_to_whom(api: Api) -> None:
    tenant = await api.tenant(country="DE", sends_for=SendsFor.CLIENTS)
    client = (
        await api.act(tenant.id, CreateWorkspace(name="Huitzilopochtli Ltd", country="DE"), uuid4())
    ).target
    email = f"{uuid4().hex}@example.org"
    body = {"workspace_id": str(tenant.workspace_id), "email": email}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    (stream,) = [one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")]
    path, of_client = stream.replace("addressee:", "audience/"), {"workspace_id": str(client)}
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": WORDING}
    taken_back = await tell(api, tenant.key, f"{path}/record-consent", **consent, **of_client)
    await tell(api, tenant.key, f"{path}/retract-entry", entry=taken_back["version"], reason="a slip")
    relation = {"kind": "purchase", "occurred_on": "2026-01-05"}
    await tell(api, tenant.key, f"{path}/record-relation", **relation, **of_client)
    await tell(api, tenant.key, f"{path}/describe-addressee", told=True, **of_client)
    step = await tell(api, tenant.key, f"{path}/request-confirmation", **FIRST_STEP, **of_client)
    await tell(api, tenant.key, f"{path}/confirm-consent", request=step["version"])
    message = {"message_id": str(uuid4()), "campaign_type": "offers", "role_relevant": True}
    await tell(api, tenant.key, f"{path}/authorise-message", **message, **of_client)
    for kind in ("access", "portability"):
        request = (await received(api, tenant.key, kind, email=email))["id"]
        await tell(api, tenant.key, f"rights/{request}/check-identity", method="known", verified=True)
        answer = await api.send("GET", f"/v1/rights/requests/{request}/disclosure", tenant.key)
        document = answer.json()
        told = {one["what"]: one["values"].get("workspace") for one in document["history"]}
        names = ["consent_recorded", "confirmation_requested", "consent_confirmed"]
        names += ["relation_recorded", "addressee_described"] if kind == "access" else []
        for name in names:
            assert told[f"audience.{name}"] == "Huitzilopochtli Ltd", name
        assert str(client) not in answer.text
        assert document["about"]["clients"] == ["Acme", "Huitzilopochtli Ltd"], "both are responsible"
        path_of_page = f"/v1/rights/requests/{request}/disclosure?form=html"
        page = await api.send("GET", path_of_page, tenant.key)
        assert "Who is responsible</h2><ul><li>Acme</li><li>Acme</li><li>Huitzilopochtli Ltd" in page.text
        assert str(client) not in page.text
        if kind == "access":
            for name in ("consents", "relations"):
                assert [one["workspace"] for one in document["standing"][name]] == ["Huitzilopochtli Ltd"]
            (decided,) = (one for one in document["history"] if one["what"] == "audience.permission_decided")
            asked_of = decided["values"]["message"]
            assert (asked_of["workspace"], asked_of["campaign_type"]) == ("Huitzilopochtli Ltd", "offers")


async def test_what_is_portable_is_what_the_person_provided(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    _, addressee, email = await person(api, tenant)
    message = {"message_id": str(uuid4()), "workspace_id": str(tenant.workspace_id)}
    await tell(api, tenant.key, f"audience/{addressee}/authorise-message", **message)
    await tell(api, tenant.key, f"audience/{addressee}/request-confirmation", **FIRST_STEP)
    request = (await received(api, tenant.key, "portability", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="account", verified=True)
    document = (await api.send("GET", f"/v1/rights/requests/{request}/disclosure", tenant.key)).json()
    assert "standing" not in document
    assert "audience.permission_decided" not in {one["what"] for one in document["history"]}
    assert WORDING in str(document)
    assert FIRST_STEP["ip"] in str(document)


async def test_only_who_may_see_everything_of_a_person_makes_a_disclosure(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    _, _, email = await person(api, tenant)
    request = (await received(api, tenant.key, "access", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="known", verified=True)
    path = f"/v1/rights/requests/{request}/disclosure"
    for role, status in (
        (TenantRole.COMPLIANCE_OFFICER, 200),
        (TenantRole.ADMIN, 403),
        (TenantRole.CAMPAIGN_MANAGER, 403),
        (TenantRole.VIEWER, 403),
    ):
        key = await api.key(tenant, role)
        assert (await api.send("GET", path, key)).status_code == status, role
    other = await api.tenant(country="DE")
    assert (await api.send("GET", path, other.key)).status_code == 404


async def test_an_objection_stops_everything_and_a_restriction_keeps_the_data_still(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    contact, addressee, email = await person(api, tenant)
    message = {"workspace_id": str(tenant.workspace_id)}

    async def verdict(purpose: str = "marketing") -> tuple[str, str]:
        body = {**message, "message_id": str(uuid4()), "purpose": purpose}
        told = await tell(api, tenant.key, f"audience/{addressee}/authorise-message", **body)
        return told["result"]["verdict"], told["result"]["reasons"][0]["rule"]

    assert (await verdict())[0] == "allow"
    request = (await received(api, tenant.key, "restriction", email=email))["id"]
    await tell(api, tenant.key, f"rights/{request}/check-identity", method="known", verified=True)
    await tell(api, tenant.key, f"rights/{request}/restrict-processing")
    assert await verdict() == ("deny", "suppressed-restriction")
    assert await verdict("transactional") == ("deny", "suppressed-restriction")
    answer = await api.post(f"/v1/audience/{contact}/update-contact", tenant.key, {"first_name": "Itzel"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "processing-restricted")
    last = (await api.send("GET", f"/v1/history?stream=subject_request:{request}", tenant.key)).json()[
        "data"
    ][-1]
    await tell(api, tenant.key, f"rights/{request}/lift-restriction", told_at=last["recorded_at"])
    assert (await verdict())[0] == "allow"
    await received(api, tenant.key, "objection", email=email)
    assert await verdict() == ("deny", "suppressed-objection")


async def test_who_asks_stands_in_the_log_alone_and_sealed_there(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    email = f"{uuid4().hex}@example.org"
    request = (
        await received(api, tenant.key, "access", email=email, requester=NAME, words=WORDS, place="US-CA")
    )["id"]
    manager = await api.key(tenant, TenantRole.FINANCE_LEADER)
    sealed = await api.send("GET", f"/v1/history?stream=subject_request:{request}", manager)
    assert NAME not in sealed.text
    assert email not in sealed.text
    read = await api.send("GET", f"/v1/history?stream=subject_request:{request}", tenant.key)
    assert NAME in read.text
    await tell(api, tenant.key, f"rights/{request}/ask-identity", asked_for="Answer from the address")
    asked = (await api.send("GET", f"/v1/rights/requests/{request}/asked", tenant.key)).json()["data"]
    assert (asked["email"], asked["requester"], asked["words"]) == (email, NAME, WORDS)
    assert [one["asked_for"] for one in asked["said"]] == ["Answer from the address"]
    assert (await api.send("GET", f"/v1/rights/requests/{request}/asked", manager)).status_code == 403
    row = await shown(api, tenant.key, request)
    assert (row["law"], row["place"], row["addressee_id"]) == ("eu-gdpr", "US-CA", None)
    assert row["acknowledge_by"] is not None


async def test_requests_are_found_by_what_is_due(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    for kind in ("access", "objection"):
        await received(api, tenant.key, kind, email=f"{uuid4().hex}@example.org")
    old = await received(
        api,
        tenant.key,
        "access",
        email=f"{uuid4().hex}@example.org",
        received_at="2026-01-05T12:00:00Z",
    )
    await api.project()

    async def found(filters: str) -> list[str]:
        answer = await api.send("GET", f"/v1/rights/requests?{filters}", tenant.key)
        assert answer.status_code == 200, answer.text
        return [row["request_id"] for row in answer.json()["data"]]

    assert await found("due_before=2026-03-01T00:00:00Z") == [old["id"]]
    assert len(await found("kind=access")) == 2
    assert len(await found("state=open&limit=100")) == 3
    assert await found("law=us-ca") == []
    unknown = await api.send("GET", "/v1/rights/requests?kind=unknown", tenant.key)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/kind")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "forget", "channel": "email"}, "/kind"),
        ({"kind": "access", "channel": "email"}, "/email"),
        ({"kind": "access", "channel": "email", "email": "no address"}, "/email"),
        ({"kind": "access", "channel": "email", "email": "a@example.org", "place": "Germany"}, "/place"),
        ({"kind": "access", "channel": "email", "email": "a@example.org", "place": "US-ZZ"}, "/place"),
        (
            {
                "kind": "access",
                "channel": "email",
                "email": "a@example.org",
                "received_at": "2090-01-01T00:00:00Z",
            },
            "/received_at",
        ),
        ({"kind": "access", "channel": "email", "addressee_id": str(uuid4())}, "/addressee_id"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(api: Api, body: dict[str, Any], field: str) -> None:
    tenant = await api.tenant(country="DE")
    answer = await api.post("/v1/rights/new/receive-request", tenant.key, body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["errors"][0]["pointer"] == field, answer.text
    assert "no address" not in answer.text


async def test_the_record_of_processing_activities(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    activity = {
        "title": "Newsletter",
        "purposes": ["Advertising by e-mail"],
        "categories_of_data": ["Name", "E-mail address"],
        "contacts": NAME,
    }
    made = await tell(api, tenant.key, "rights/new/enter-activity", **activity)
    await tell(api, tenant.key, f"rights/{made['id']}/review-activity")
    await api.project()
    answer = await api.send("GET", "/v1/rights/activities", tenant.key)
    (row,) = answer.json()["data"]
    assert (row["title"], row["role"], row["contacts"]) == ("Newsletter", "controller", NAME)
    assert row["record"]["purposes"] == ["Advertising by e-mail"]
    assert row["reviewed_at"] is not None
    await tell(api, tenant.key, f"rights/{made['id']}/end-activity")
    await api.project()
    assert (await api.send("GET", "/v1/rights/activities?ended=false", tenant.key)).json()["data"] == []
