"""What single workspaces enter about people: about those whom a contact of theirs refers to, and about nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.permissions import WORKSPACE_ROLES, TenantRole, WorkspaceRole
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.doors import FORM, PUBLIC

CONSENT = {"occurred_on": "2026-01-05", "source": "website_form", "wording": "Yes, please."}
BOTH = ["consent.write", "sending.authorise"]


async def met(api: Api, tenant: TestTenant, workspace: UUID, email: str | None = None) -> tuple[str, str]:
    """The ids of a new contact and of whom it refers to, where they are new in the tenant."""
    body = {
        "workspace_id": str(workspace),
        "email": email or f"{uuid4()}@people.example",
        "country": "GB",
        "subscriber_type": "corporate",
    }
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    streams = [one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")]
    return made["id"], streams[0].partition(":")[2] if streams else ""


async def second(api: Api, tenant: TestTenant) -> UUID:
    return (await api.act(tenant.id, CreateWorkspace(name="Second"), uuid4())).target


def entries(workspace: UUID) -> dict[str, dict[str, Any]]:
    """What the ledger takes from a workspace about a person of its own."""
    message = {"workspace_id": str(workspace), "message_id": str(uuid4())}
    return {
        "record-consent": CONSENT,
        "request-confirmation": {"source": "website_form", "wording": "Yes, please."},
        "record-relation": {"kind": "inquiry", "occurred_on": "2026-01-05"},
        "authorise-message": message,
        "dispatch-message": message,
        "suppress-addressee": {"kind": "manual", "workspace_id": str(workspace)},
        "withdraw-consent": {"channel": "reply"},
        "record-opt-out": {"channel": "request", "kind": "objection"},
    }


FOR_THE_TENANT: dict[str, dict[str, Any]] = {
    "describe-addressee": {"country": "FR"},
    "retract-entry": {"entry": 2, "reason": "a slip"},
    "lift-suppression": {"entry": 2, "reason": "it works again"},
    "suppress-addressee": {"kind": "manual"},
}


@pytest.mark.parametrize("role", [TenantRole.MEMBER, TenantRole.ADMIN, TenantRole.CAMPAIGN_MANAGER])
async def test_a_key_of_a_workspace_enters_what_its_people_say(api: Api, role: TenantRole) -> None:
    tenant = await api.tenant(country="GB")
    other = await second(api, tenant)
    key = await api.key(tenant, role, workspaces=[tenant.workspace_id], permissions=BOTH)
    _, ours = await met(api, tenant, tenant.workspace_id)
    _, theirs = await met(api, tenant, other)
    before = await api.parts.log.head(tenant.id)
    for name, body in {**FOR_THE_TENANT, **entries(tenant.workspace_id)}.items():
        for who in (theirs, str(uuid4())):
            refused = await api.post(f"/v1/audience/{who}/{name}", key, body)
            assert (refused.status_code, refused.json()["type"]) == (404, "/problems/not-found"), name
    assert await api.parts.log.head(tenant.id) == before
    for name, body in entries(tenant.workspace_id).items():
        answer = await api.post(f"/v1/audience/{ours}/{name}", key, body)
        assert (answer.status_code, bool(answer.json()["events"])) == (200, True), (name, answer.text)
    for name, body in FOR_THE_TENANT.items():
        refused = await api.post(f"/v1/audience/{ours}/{name}", key, body)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/needs-whole-tenant"), name
    elsewhere = await api.post(
        f"/v1/audience/{ours}/suppress-addressee", key, entries(other)["suppress-addressee"]
    )
    assert elsewhere.status_code == 404


async def client_user(api: Api, tenant: TestTenant, workspace: UUID) -> str:
    """The key of somebody who is a viewer in the tenant, and a member of one workspace."""
    invited = await api.post(
        "/v1/tenancy/new/invite-member",
        tenant.key,
        {
            "email": "client@acme.example",
            "full_name": "Client User",
            "role": "viewer",
            "workspaces": {str(workspace): "member"},
        },
    )
    assert invited.status_code == 201, invited.text
    body = {"token": invited.json()["secret"]}
    accepted = await api.send("POST", "/v1/invitations/accept", None, body)
    assert accepted.status_code == 200, accepted.text
    return await api.key(tenant, TenantRole.MEMBER, member_id=invited.json()["id"])


async def test_an_opt_out_that_a_clients_user_enters_holds_in_the_whole_tenant(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    other = await second(api, tenant)
    key = await client_user(api, tenant, other)
    email = f"{uuid4()}@people.example"
    _, who = await met(api, tenant, tenant.workspace_id, email)
    path = f"/v1/audience/{who}/record-opt-out"
    assert (await api.post(path, key, {"channel": "reply"})).status_code == 404
    contact, _ = await met(api, tenant, other, email)
    assert (await api.post(path, key, {"channel": "reply"})).status_code == 200
    for key_of, workspace in ((key, other), (tenant.key, tenant.workspace_id)):
        message = {"workspace_id": str(workspace), "message_id": str(uuid4())}
        told = await api.post(f"/v1/audience/{who}/authorise-message", key_of, message)
        assert told.json()["result"]["reasons"][0]["rule"] == "suppressed-unsubscribe"
    await api.post(f"/v1/audience/{contact}/remove-contact", tenant.key)
    assert (await api.post(path, key, {"channel": "page"})).status_code == 404, "the contact is gone"


async def test_who_is_confined_lifts_no_opt_out_by_a_consent(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    key = await api.key(tenant, TenantRole.MEMBER, workspaces=[tenant.workspace_id])
    _, who = await met(api, tenant, tenant.workspace_id)
    said = {"channel": "reply", "occurred_at": "2026-01-01T00:00:00Z"}
    assert (await api.post(f"/v1/audience/{who}/record-opt-out", key, said)).status_code == 200
    path = f"/v1/audience/{who}/record-consent"
    refused = await api.post(path, key, {**CONSENT, "explicit": True})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/needs-whole-tenant")
    assert (await api.post(path, key, CONSENT)).status_code == 200, "it lifts nothing"
    lifted = await api.post(path, tenant.key, {**CONSENT, "explicit": True})
    assert "audience.opt_out_lifted" in [one["name"] for one in lifted.json()["events"]]


async def test_many_are_authorised_and_links_are_made_for_ones_own_people_alone(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    other = await second(api, tenant)
    key = await api.key(tenant, TenantRole.MEMBER, workspaces=[tenant.workspace_id])
    ours = [(await met(api, tenant, tenant.workspace_id))[1] for _ in range(2)]
    _, theirs = await met(api, tenant, other)
    path = "/v1/audience/new/authorise-messages"

    def asked(*people: str) -> dict[str, Any]:
        messages = [{"addressee_id": who, "message_id": str(uuid4())} for who in people]
        return {"workspace_id": str(tenant.workspace_id), "messages": messages}

    assert (await api.post(path, key, asked(*ours))).json()["result"]["counts"] == {"allow": 2}
    for people in ((*ours, theirs), (theirs,), (*ours, str(uuid4()))):
        assert (await api.post(path, key, asked(*people))).status_code == 404
    assert (await api.post(path, tenant.key, asked(*ours, theirs))).status_code == 201
    query = f"workspace_id={tenant.workspace_id}&message_id={uuid4()}"
    refused = await api.send("GET", f"/v1/audience/addressees/{theirs}/links?{query}", key)
    assert refused.status_code == 404


async def test_a_key_of_a_workspace_holds_there_all_that_roles_of_workspaces_do(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    for role, workspace_role in (
        (TenantRole.ADMIN, WorkspaceRole.ADMIN),
        (TenantRole.MEMBER, WorkspaceRole.MEMBER),
        (TenantRole.VIEWER, WorkspaceRole.VIEWER),
    ):
        key = await api.key(tenant, role, workspaces=[tenant.workspace_id])
        principal = await api.parts.authenticator.api_key(key)
        assert principal.workspaces.keys() == {tenant.workspace_id}
        assert principal.workspaces[tenant.workspace_id] >= WORKSPACE_ROLES[workspace_role]
        assert not principal.permissions


async def test_who_may_ask_for_a_confirmation_gets_its_link(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path, public_url=PUBLIC) as api:
        await confirms_by_link(api)


async def confirms_by_link(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    other = await second(api, tenant)
    key = await api.key(tenant, TenantRole.MEMBER, workspaces=[tenant.workspace_id], permissions=BOTH)
    _, ours = await met(api, tenant, tenant.workspace_id)
    _, theirs = await met(api, tenant, other)

    async def link(who: str, request: int, workspace: UUID = tenant.workspace_id) -> Any:
        query = f"workspace_id={workspace}&message_id={uuid4()}&request={request}"
        return await api.send("GET", f"/v1/audience/addressees/{who}/links?{query}", key)

    asking = {"source": "website_form", "wording": "Yes, please."}
    asked = await api.post(f"/v1/audience/{ours}/request-confirmation", key, asking)
    told = await link(ours, asked.json()["version"])
    assert told.status_code == 200, told.text
    confirmed = await api.send(
        "POST", told.json()["data"]["confirmation"].removeprefix(PUBLIC), None, b"", FORM
    )
    assert confirmed.status_code == 200, confirmed.text
    stands = await api.post(f"/v1/audience/{theirs}/request-confirmation", tenant.key, asking)
    for refused in (
        await link(theirs, stands.json()["version"]),
        await link(ours, 2, other),
    ):
        assert refused.status_code == 404
    stopped = {"channel": "reply"}
    assert (await api.post(f"/v1/audience/{ours}/record-opt-out", key, stopped)).status_code == 200
    again = await api.post(f"/v1/audience/{ours}/request-confirmation", key, asking)
    refused = await link(ours, again.json()["version"])
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/needs-whole-tenant")
