"""An agency sends for clients, each a sender apart: what a person gave one of them counts for no other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.audience.consent_events import ConsentRecorded
from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SendsFor
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, TestTenant
from tests.support.database import Database
from tests.support.importing import Importing, content

NOW = datetime.now(UTC)
LATELY = (NOW - timedelta(days=30)).date().isoformat()
CONSENT = {"source": "website_form", "wording": "Yes, write to me."}
UPDATE = {"duplicates": "update"}
ELSEWHERE = "What was given to other clients alone does not count here"


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


@dataclass
class Agency:
    """A tenant with two clients, A and B, and somebody in Canada whom both have as a contact."""

    api: Api
    tenant: TestTenant
    b: UUID
    email: str
    who: str

    @property
    def a(self) -> UUID:
        return self.tenant.workspace_id

    async def tell(self, command: str, key: str | None = None, **body: Any) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/audience/{self.who}/{command}", key or self.tenant.key, body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def refused(self, command: str, key: str | None = None, **body: Any) -> tuple[int, str]:
        answer = await self.api.post(f"/v1/audience/{self.who}/{command}", key or self.tenant.key, body)
        return answer.status_code, answer.json()["type"].removeprefix("/problems/")

    async def decided(self, client: UUID) -> dict[str, Any]:
        """What is decided about a message of a client's."""
        message = {"workspace_id": str(client), "message_id": str(uuid4())}
        told: dict[str, Any] = (await self.tell("authorise-message", **message))["result"]
        return told

    async def verdicts(self) -> tuple[str, str]:
        """For A, and for B."""
        return (await self.decided(self.a))["verdict"], (await self.decided(self.b))["verdict"]

    async def given_to(self) -> list[UUID | None]:
        """To whom the consents were given that stand in the log."""
        (rows,) = await self.api.parts.log.read_streams(self.tenant.id, [(f"addressee:{self.who}", 0)])
        events = self.api.parts.codec.decode(rows)
        return [one.workspace_id for one in events if isinstance(one, ConsentRecorded)]

    async def rule(self, client: UUID) -> str:
        return str((await self.decided(client))["reasons"][0]["rule"])


async def agency_of(api: Api, sends_for: SendsFor = SendsFor.CLIENTS, country: str = "CA") -> Agency:
    tenant = await api.tenant(country=country, sends_for=sends_for)
    b = (await api.act(tenant.id, CreateWorkspace(name="Client B", country=country), uuid4())).target
    email = f"{uuid4()}@people.example"
    made = await met(api, tenant, tenant.workspace_id, email, country)
    await met(api, tenant, b, email, country)
    streams = [one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")]
    return Agency(api, tenant, b, email, streams[0].partition(":")[2])


async def met(
    api: Api, tenant: TestTenant, workspace: UUID, email: str, country: str = "CA"
) -> dict[str, Any]:
    body = {
        "workspace_id": str(workspace),
        "email": email,
        "country": country,
        "subscriber_type": "individual",
    }
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
async def agency(api: Api) -> Agency:
    return await agency_of(api)


async def test_a_client_is_where_the_tenant_is_and_that_is_said(api: Api) -> None:
    """The law of one country is looked at for all that a tenant sends: a client elsewhere would go by the wrong one."""
    for sends_for, silent in (
        (SendsFor.CLIENTS, (422, "client-country-missing")),
        (SendsFor.ITSELF, (201, "")),
    ):
        tenant = await api.tenant(country="CA", sends_for=sends_for)
        told = []
        for country in (None, "DE", "CA"):
            body = {"name": "Saws", "country": country}
            answer = await api.post("/v1/tenancy/new/create-workspace", tenant.key, body)
            told.append((answer.status_code, answer.json().get("type", "").removeprefix("/problems/")))
            if answer.status_code == 422:
                assert [one["pointer"] for one in answer.json()["errors"]] == ["/country"]
        assert told == [silent, (422, "client-elsewhere"), (201, "")]
        await api.project()
        rows = (await api.send("GET", "/v1/tenancy/workspaces", tenant.key)).json()["data"]
        expected = ["CA", "CA"] if sends_for is SendsFor.CLIENTS else ["CA", None, "CA"]
        assert [one["country"] for one in rows] == expected


class TestWhatOneWasGiven:
    @pytest.mark.parametrize(
        ("command", "body", "rule"),
        [
            ("record-consent", {**CONSENT, "occurred_on": LATELY}, "ca.express"),
            ("record-relation", {"kind": "purchase", "occurred_on": LATELY}, "ca.purchase"),
            ("record-relation", {"kind": "inquiry", "occurred_on": LATELY}, "ca.inquiry"),
        ],
    )
    async def test_counts_for_that_client_alone(
        self, agency: Agency, command: str, body: dict[str, Any], rule: str
    ) -> None:
        assert await agency.refused(command, **body) == (422, "client-not-named")
        assert await agency.refused(command, **body, workspace_id=str(uuid4())) == (404, "no-such-workspace")
        entry = (await agency.tell(command, **body, workspace_id=str(agency.a)))["version"]
        allowed, not_allowed = await agency.decided(agency.a), await agency.decided(agency.b)
        assert allowed["verdict"] == "allow"
        assert rule in {one["rule"] for one in allowed["reasons"]}
        assert ELSEWHERE not in str(allowed)
        assert not_allowed["verdict"] == "deny"
        reason = not_allowed["reasons"][0]
        assert f"{ELSEWHERE} (entry {entry})." in reason["about"]
        assert entry in reason["entries"]

    async def test_so_does_what_a_file_of_theirs_says(self, api: Api, database: Database) -> None:
        agency = await agency_of(api, country="DE")
        of_a, of_b = (of(agency, one, database) for one in (agency.a, agency.b))
        row = content((agency.email, "Ann", "DE", LATELY))
        await of_a.run(await of_a.ready(row), UPDATE)
        assert await agency.given_to() == [agency.a]
        assert ELSEWHERE in str(await agency.decided(agency.b))
        assert ELSEWHERE not in str(await agency.decided(agency.a))
        before = len(await of_a.history())
        await of_a.run(await of_a.ready(row), UPDATE)
        new = (await of_a.history())[before:]
        assert not [one for one in new if one.stream.startswith("addressee:")], "the same row, said again"
        await of_b.run(await of_b.ready(row), UPDATE)
        assert await agency.given_to() == [agency.a, agency.b], "B has it from them too"

    async def test_and_how_an_address_was_come_by(self, agency: Agency) -> None:
        untold: list[dict[str, Any]] = [{"told": True}, {"could_object": False}]
        for told in untold:
            assert await agency.refused("describe-addressee", **told) == (422, "client-not-named")
        of_a = {"workspace_id": str(agency.a)}
        assert await agency.refused("describe-addressee", **of_a, country="FR") == (422, "of-all-clients")
        assert (await agency.tell("describe-addressee", **of_a, told=True, could_object=True))["events"]
        assert (await agency.tell("describe-addressee", **of_a, told=True))["events"] == []
        assert (await agency.tell("describe-addressee", country="DE"))["events"], "where they are is of all"

    async def test_a_preview_tells_how_many_a_clients_campaign_cannot_reach_and_why(
        self, agency: Agency
    ) -> None:
        api, tenant = agency.api, agency.tenant
        await agency.tell("record-consent", **CONSENT, occurred_on=LATELY, workspace_id=str(agency.a))
        await met(api, tenant, agency.b, f"{uuid4()}@people.example")
        await api.project()
        told = {}
        author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
        for client in (agency.a, agency.b):
            body = {"workspace_id": str(client), "name": "All"}
            listed = (await api.post("/v1/audience/new/create-list", tenant.key, body)).json()["id"]
            rows = await api.send("GET", f"/v1/audience/contacts?workspace_id={client}", tenant.key)
            ids = [one["contact_id"] for one in rows.json()["data"]]
            await api.post(f"/v1/audience/{listed}/add-to-list", tenant.key, {"contact_ids": ids})
            plan = {
                "workspace_id": str(client),
                "name": "News",
                "purpose": "marketing",
                "list_ids": [listed],
                "countries": ["CA"],
            }
            made = await api.post("/v1/campaign/new/create-campaign", author, plan)
            assert made.status_code == 201, made.text
            told[client] = made.json()["id"]
        await api.project()
        of_a, of_b = [await previewed(api, tenant.key, told[one]) for one in (agency.a, agency.b)]
        assert of_a["verdicts"] == {"allow": 1, "hold": 0, "deny": 0}
        assert of_b["verdicts"] == {"allow": 0, "hold": 0, "deny": 2}
        assert [(one["rule"], one["people"]) for one in of_b["reasons"]] == [("otherwise", 2)]


def of(agency: Agency, client: UUID, database: Database) -> Importing:
    """Imports into a client's workspace."""
    tenant = TestTenant(agency.tenant.id, client, agency.tenant.owner_id, agency.tenant.key)
    return Importing(agency.api, agency.api.http, tenant, database)


@pytest.mark.parametrize(("sends_for", "new_to_b"), [(SendsFor.CLIENTS, 1), (SendsFor.ITSELF, 0)])
async def test_who_was_written_to_by_one_client_is_new_to_another(
    api: Api, sends_for: SendsFor, new_to_b: int
) -> None:
    """And where the tenant sends for itself, its workspaces are one sender."""
    here = await agency_of(api, sends_for)
    await here.tell("record-consent", **CONSENT, occurred_on=LATELY, workspace_id=str(here.a))
    message = {"workspace_id": str(here.a), "message_id": str(uuid4())}
    for command in ("authorise-message", "dispatch-message"):
        await here.tell(command, **message)
    await api.project()
    for client, new in ((here.a, 0), (here.b, new_to_b)):
        answer = await api.send("GET", f"/v1/audience/preview?workspace_id={client}", here.tenant.key)
        assert json.loads(answer.text.splitlines()[-1])["preview"]["never_written_to"] == new


async def previewed(api: Api, key: str, campaign: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/v1/audience/preview?campaign_id={campaign}", key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = json.loads(answer.text.splitlines()[-1])["preview"]
    return told


class TestWhatTheyStopped:
    async def test_holds_for_all_until_they_ask_one_of_them_to_write(self, agency: Agency) -> None:
        for client in (agency.a, agency.b):
            old = {"occurred_at": ago(60), "workspace_id": str(client)}
            await agency.tell("record-consent", **CONSENT, **old)
        assert await agency.verdicts() == ("allow", "allow")
        await agency.tell("record-opt-out", channel="reply", occurred_at=ago(40))
        assert await agency.verdicts() == ("deny", "deny")
        assert await agency.rule(agency.b) == "suppressed-unsubscribe"
        silent = {"occurred_at": ago(30), "workspace_id": str(agency.a)}
        await agency.tell("record-consent", **CONSENT, **silent)
        assert await agency.verdicts() == ("deny", "deny"), "it does not say that they want mail again"
        told = await agency.tell("record-consent", **CONSENT, **silent, explicit=True)
        assert told["result"] == {"opt_outs_lifted": True, "opt_outs_going_on": []}
        assert [one["name"] for one in told["events"]] == ["audience.consent_recorded"]
        assert await agency.verdicts() == ("allow", "deny"), "B has an older consent, and stays stopped"
        assert await agency.rule(agency.b) == "suppressed-unsubscribe"
        await agency.tell("retract-entry", entry=told["version"], reason="entered by mistake")
        assert await agency.verdicts() == ("deny", "deny"), "it had ended nothing"
        again = await agency.tell("record-consent", **CONSENT, **silent, explicit=True)
        await agency.tell("withdraw-consent", entry=again["version"], channel="page")
        assert await agency.verdicts() == ("deny", "deny")

    async def test_said_again_later_holds_for_that_one_too(self, agency: Agency) -> None:
        of_a: dict[str, Any] = {"workspace_id": str(agency.a), "explicit": True}
        await agency.tell("record-opt-out", channel="reply", occurred_at=ago(40))
        await agency.tell("record-consent", **CONSENT, **of_a, occurred_at=ago(30))
        assert await agency.verdicts() == ("allow", "deny")
        await agency.tell("record-opt-out", channel="reply", occurred_at=ago(20))
        assert await agency.verdicts() == ("deny", "deny")
        late = await agency.tell("record-consent", **CONSENT, **of_a, occurred_at=ago(25))
        assert late["result"]["opt_outs_lifted"] is False
        assert await agency.rule(agency.a) == "suppressed-unsubscribe"


class TestWhoIsOfOneClient:
    async def test_enters_and_sees_what_is_theirs_alone(self, agency: Agency) -> None:
        api, of_a = agency.api, {"workspace_id": str(agency.a)}
        key = await api.key(agency.tenant, TenantRole.MEMBER, workspaces=[agency.b])
        consent = await agency.tell("record-consent", **CONSENT, occurred_on=LATELY, **of_a)
        contract = await agency.tell("record-relation", kind="contract", occurred_on=LATELY, **of_a)
        asked = await agency.tell("request-confirmation", **CONSENT, **of_a)
        for command, body in (
            ("record-consent", {**CONSENT, "occurred_on": LATELY, **of_a}),
            ("request-confirmation", {**CONSENT, **of_a}),
            ("record-relation", {"kind": "inquiry", "occurred_on": LATELY, **of_a}),
            ("describe-addressee", {"told": True, **of_a}),
        ):
            assert await agency.refused(command, key, **body) == (404, "not-found"), command
        # By its number it is what a number is that never was: else that would tell of whom it is.
        retracted = {"reason": "by mistake"}
        for command, name, number, more, answer in (
            ("withdraw-consent", "entry", consent, {"channel": "page"}, (422, "no-such-consent")),
            ("end-relation", "entry", contract, {"ended_on": LATELY}, (422, "no-such-entry")),
            ("confirm-consent", "request", asked, {}, (409, "confirmation-not-asked")),
            *(
                ("retract-entry", "entry", one, retracted, (403, "needs-whole-tenant"))
                for one in (consent, contract, asked)
            ),
            ("lift-suppression", "entry", consent, retracted, (403, "needs-whole-tenant")),
        ):
            for named in (number["version"], 999):
                assert await agency.refused(command, key, **{name: named}, **more) == answer, (command, named)
        plain = {"occurred_on": LATELY, **CONSENT}
        assert await agency.refused("record-consent", key, **plain) == (422, "client-not-named")
        own = await agency.tell("record-consent", key, **plain, workspace_id=str(agency.b))
        await api.project()
        for view in ("consents", "consent_timeline"):
            mine = await seen(api, key, f"{view}?addressee_id={agency.who}")
            assert [(one["entry"], one["workspace_id"]) for one in mine] == [
                (own["version"], str(agency.b))
            ], view
            every = await seen(api, agency.tenant.key, f"{view}?addressee_id={agency.who}")
            assert [one["workspace_id"] for one in every] == [str(agency.b), *[str(agency.a)] * 3], view
        found = await seen(api, agency.tenant.key, f"consents?workspace_id={agency.a}")
        assert len(found) == 3
        assert await seen(api, key, f"consents?workspace_id={agency.a}") == []

    async def test_learns_from_no_answer_who_is_known_to_others(self, agency: Agency) -> None:
        """Not of whoever is another client's, nor of who was erased: the same is told as of somebody new."""
        api, tenant = agency.api, agency.tenant
        key = await api.key(tenant, TenantRole.MEMBER, workspaces=[agency.b])
        new, known, gone = (f"{uuid4()}@people.example" for _ in range(3))
        await met(api, tenant, agency.a, known)
        made = await met(api, tenant, agency.a, gone)
        erased = await api.post(f"/v1/audience/{made['id']}/erase-contact", tenant.key, {})
        assert erased.status_code == 200, erased.text
        told = []
        for email in (new, known, gone):
            body = {"workspace_id": str(agency.b), "email": email}
            dry = await api.post("/v1/audience/new/create-contact?dry_run=true", key, body)
            really = await api.post("/v1/audience/new/create-contact", key, body, idempotency_key=email)
            receipt = await api.send("GET", f"/v1/receipts/{email}", key)
            answers = [dry.json(), really.json(), receipt.json()["data"]]
            told.append([[event["name"] for event in one["events"]] for one in answers])
        assert told == [[["audience.contact_created"]] * 3] * 3

    async def test_has_them_asked_again_after_a_stop_which_ends_for_that_client_alone(
        self, agency: Agency
    ) -> None:
        key = await agency.api.key(agency.tenant, TenantRole.MEMBER, workspaces=[agency.b])
        await agency.tell("record-opt-out", channel="reply", occurred_at=ago(40))
        of_b: dict[str, Any] = {"workspace_id": str(agency.b), "explicit": True}
        await agency.tell("record-consent", key, **CONSENT, **of_b, occurred_at=ago(30))
        assert await agency.verdicts() == ("deny", "allow")


async def seen(api: Api, key: str, path: str) -> list[dict[str, Any]]:
    answer = await api.send("GET", f"/v1/audience/{path}", key)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


class TestWhoSendsForItself:
    async def test_needs_no_client_to_be_named(self, api: Api) -> None:
        own = await agency_of(api, SendsFor.ITSELF)
        await own.tell("record-consent", **CONSENT, occurred_on=LATELY)
        assert await own.verdicts() == ("allow", "allow")
        assert (await own.tell("describe-addressee", told=True))["events"]

    async def test_may_name_one_for_whom_alone_it_counts_then(self, api: Api) -> None:
        own = await agency_of(api, SendsFor.ITSELF)
        relation = {"kind": "purchase", "occurred_on": LATELY}
        await own.tell("record-relation", **relation, workspace_id=str(own.a))
        assert await own.verdicts() == ("allow", "deny")
        await own.tell("record-relation", **relation)
        assert await own.verdicts() == ("allow", "allow")

    async def test_enters_what_a_file_says_for_all_of_it(self, api: Api, database: Database) -> None:
        own = await agency_of(api, SendsFor.ITSELF, "DE")
        importing = of(own, own.a, database)
        row = content((own.email, "Ann", "DE", LATELY))
        await importing.run(await importing.ready(row), UPDATE)
        assert await own.given_to() == [None]
