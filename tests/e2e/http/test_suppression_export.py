"""The suppression list going out: every address that nothing goes to, and what of it cannot be in a file."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from application.exporting import Written
from application.workflow import Because, Workflow
from domain.audience.addressee_events import AddresseeRegistered, AddresseeSuppressed
from domain.audience.consent_events import OptedOut
from domain.audience.email_claim import EmailKnown
from domain.audience.listed import LISTABLE
from domain.kernel.ids import AddresseeId
from domain.kernel.permissions import TenantRole
from domain.kernel.personal import KeyKind
from domain.law.facts import OPT_OUTS, Scope, Suppression, SuppressionKind
from tests.support.importing import Importing
from tests.support.suppressions import behind, hashed, listing, standing, take_in

EXPORT = "/v1/audience/suppressions/export"
KINDS = SuppressionKind
ANN, BOB = "Ann@People.example", "bob@people.example"


async def exported(importing: Importing, query: str = "", key: str | None = None) -> list[list[str]]:
    await importing.api.project()
    answer = await importing.get(f"{EXPORT}{query}", key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text)))


async def test_every_suppressed_address_is_in_it_and_the_rest_is_counted(importing: Importing) -> None:
    await take_in(
        importing,
        listing(
            (ANN, "unsubscribe", "2025-03-01"),
            (BOB, "hard bounce", "2025-03-02"),
            ("cyd@people.example", "", "2025-03-03", "offers"),
            (hashed("x@y.example"), "complaint"),
            (hashed("z@y.example", "md5"),),
        ),
    )
    body = {"workspace_id": str(importing.tenant.workspace_id), "email": "free@people.example"}
    await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
    header, *rows, last = await exported(importing)
    assert header == ["email", "algorithm", "kind", "scope", "within", "since", "position"]
    assert [row[:6] for row in rows] == [
        [ANN, "", "unsubscribe", "tenant", "", "2025-03-02T11:59:59+00:00"],
        [BOB, "", "hard_bounce", "tenant", "", "2025-03-02T00:00:00+00:00"],
        ["cyd@people.example", "", "unsubscribe", "campaign_type", "offers", "2025-03-04T11:59:59+00:00"],
    ]
    positions = [int(row[6]) for row in rows]
    history = await importing.history()
    assert {history[position - 1].name for position in positions} == {
        "audience.opted_out",
        "audience.addressee_suppressed",
    }
    assert last[0].startswith("# 3 entries as of position ")
    assert "0 suppressed people whose address is not kept" in last[0]
    assert "2 known by a hash alone" in last[0]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
async def test_hashes_are_those_that_others_make_of_the_address(importing: Importing, algorithm: str) -> None:
    await take_in(importing, listing((ANN, "complaint")))
    header, row, _ = await exported(importing, f"?as={algorithm}")
    assert header[0] == algorithm
    expected = hashlib.new(algorithm, ANN.lower().encode(), usedforsecurity=False).hexdigest()
    assert row[:3] == [expected, algorithm, "complaint"]


async def test_what_was_lifted_is_not_in_it_and_who_was_erased_is_counted(importing: Importing) -> None:
    await take_in(importing, listing((ANN, "manual"), (BOB, "complaint", "2025-01-01")))
    state = await behind(importing, ANN.lower())
    assert state is not None
    lift = {"entry": state.suppressions[0].position, "reason": "It works again."}
    path = f"/v1/audience/{state.addressee_id}/lift-suppression"
    assert (await importing.api.post(path, importing.tenant.key, lift)).status_code == 200
    body = {"workspace_id": str(importing.tenant.workspace_id), "email": BOB}
    made = await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
    gone = f"/v1/audience/{made.json()['id']}/erase-contact"
    assert (await importing.api.post(gone, importing.tenant.key)).status_code == 200
    who = await behind(importing, BOB)
    assert who is not None
    importing.api.parts.keys.destroy([(importing.tenant.id, str(who.addressee_id), KeyKind.PROFILE)])
    _, last = await exported(importing)
    assert "0 entries" in last[0]
    assert "1 suppressed people whose address is not kept" in last[0]


async def test_who_was_erased_and_had_said_nothing_is_counted_until_they_are_back(
    importing: Importing,
) -> None:
    async def enter(email: str) -> str:
        body = {"workspace_id": str(importing.tenant.workspace_id), "email": email}
        made = await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
        assert made.status_code == 201, made.text
        contact: str = made.json()["id"]
        return contact

    for email in (ANN, BOB):
        gone = f"/v1/audience/{await enter(email)}/erase-contact"
        assert (await importing.api.post(gone, importing.tenant.key)).status_code == 200
    _, last = await exported(importing)  # also while a key is not destroyed yet
    assert last[0].startswith("# 0 entries")
    assert "2 suppressed people whose address is not kept" in last[0]
    await enter(BOB)
    _, row, last = await exported(importing)
    assert row[:4] == [BOB, "", "unsubscribe", "tenant"]
    assert "1 suppressed people whose address is not kept" in last[0]


async def test_no_spreadsheet_runs_an_address(importing: Importing) -> None:
    await take_in(importing, listing(("=cmd@people.example",), ("+1@people.example",)))
    _, *rows, _ = await exported(importing)
    assert [row[0] for row in rows] == ["'=cmd@people.example", "'+1@people.example"]
    other = Importing(importing.api, importing.http, await importing.api.tenant("Other"), importing.database)
    answer = await importing.get(EXPORT)
    assert answer.status_code == 200, answer.text
    state = await take_in(other, answer.content)
    assert (state.tally.imported, dict(state.problems)) == (2, {})
    assert await behind(other, "=cmd@people.example") is not None


async def test_it_is_recorded_before_it_begins_and_tells_what_it_was_made_from(importing: Importing) -> None:
    await take_in(importing, listing((ANN,), (hashed(BOB),)))
    await importing.api.project()
    answer = await importing.get(EXPORT)
    head = await importing.api.parts.position_of(importing.tenant.id)
    assert answer.headers["penguin-position"] == head
    assert answer.headers["penguin-known-by-hash-alone"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    with psycopg.connect(importing.database.admin) as connection:
        (payload,) = connection.execute("SELECT payload FROM log.access_events").fetchone() or (b"{}",)
    told = orjson.loads(payload)
    assert (told["kind"], told["query"], told["position"]) == ("export", "audience.export_suppressions", head)


async def test_who_may_not_read_addresses_or_take_them_out_gets_nothing(importing: Importing) -> None:
    await take_in(importing, listing((ANN,)))
    api, tenant = importing.api, importing.tenant
    for role in (TenantRole.VIEWER, TenantRole.MEMBER, TenantRole.CAMPAIGN_MANAGER):
        answer = await importing.get(EXPORT, await api.key(tenant, role))
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/missing-permission")
    officer = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    bound = await api.key(tenant, TenantRole.OWNER, workspaces=[str(tenant.workspace_id)])
    await importing.api.project()
    assert (await importing.get(EXPORT, bound)).status_code == 403, "the list is the tenant's"
    assert (await importing.get(EXPORT, officer)).status_code == 200
    assert (await importing.get(f"{EXPORT}?as=rot13")).status_code == 422
    other = await api.tenant("Other")
    _, last = await exported(importing, key=other.key)
    assert "# 0 entries" in last[0]
    assert ANN not in last[0]


async def test_where_the_views_are_behind_the_position_tells_and_one_that_is_named_is_waited_for(
    importing: Importing,
) -> None:
    await take_in(importing, listing((ANN,)))
    await importing.api.project()
    before = await importing.api.parts.position_of(importing.tenant.id)
    await take_in(importing, listing((BOB,)))
    answer = await importing.get(EXPORT)
    assert (answer.status_code, answer.headers["penguin-position"]) == (200, before)
    assert BOB not in answer.text
    head = await importing.api.parts.position_of(importing.tenant.id)
    answer = await importing.get(f"{EXPORT}?min_position={head}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/view-not-ready")
    await importing.api.project()
    assert BOB in (await importing.get(f"{EXPORT}?min_position={head}")).text


async def test_a_long_list_comes_in_pages_and_as_of_one_position(importing: Importing) -> None:
    addresses = [f"a{n}-{os.urandom(3).hex()}@people.example" for n in range(2_300)]
    await take_in(importing, listing(*((one,) for one in addresses)))
    await importing.api.project()
    until, hashes = await importing.api.parts.suppressions.begun(importing.tenant.id)
    await take_in(importing, listing(("late@people.example",)))
    await importing.api.project()
    lines = importing.api.parts.suppressions.lines(importing.tenant.id, Written.ADDRESS, until, hashes)
    text = b"".join([piece async for piece in lines]).decode()
    _, *rows, last = csv.reader(io.StringIO(text))
    assert [row[0] for row in rows] == addresses
    assert last[0].startswith("# 2300 entries")


async def test_what_is_lifted_after_its_position_stands_in_it(importing: Importing) -> None:
    await take_in(importing, listing((ANN, "manual"), (BOB, "unsubscribe", "2025-01-01")))
    await importing.api.project()
    suppressions, tenant = importing.api.parts.suppressions, importing.tenant
    until, hashes = await suppressions.begun(tenant.id)
    ann, bob = await behind(importing, ANN.lower()), await behind(importing, BOB)
    assert ann is not None
    assert bob is not None
    lift = {"entry": ann.suppressions[0].position, "reason": "It works again."}
    consent = {"occurred_on": "2026-01-01", "source": "website_form", "wording": "Write!", "explicit": True}
    for path, body in (
        (f"{ann.addressee_id}/lift-suppression", lift),
        (f"{bob.addressee_id}/record-consent", consent),
    ):
        answer = await importing.api.post(f"/v1/audience/{path}", tenant.key, body)
        assert answer.status_code == 200, answer.text
    await importing.api.project()
    lines = suppressions.lines(tenant.id, Written.ADDRESS, until, hashes)
    text = b"".join([piece async for piece in lines]).decode()
    _, *rows, _ = csv.reader(io.StringIO(text))
    assert [row[0] for row in rows] == [ANN, BOB]
    _, *rows, _ = await exported(importing)
    assert rows == [], "as of now"


async def happened(importing: Importing, one: Suppression) -> str:
    """Somebody against whom this stands; their address."""
    parts, tenant = importing.api.parts, importing.tenant
    email = f"{one.kind}-{one.scope}@people.example".replace("_", "-")
    workflow = Workflow(parts.commands, tenant.id, uuid4(), Because(uuid4()))
    unit, who = workflow.unit(tenant.id), AddresseeId(uuid4())
    key, _ = await unit.find("email_claim", email)
    await unit.load("addressee", who)
    unit.append("email_claim", key, EmailKnown(addressee_id=who))
    told: dict[str, Any] = {"addressee_id": who, "kind": one.kind, "scope": one.scope, "within": one.within}
    said = (
        OptedOut(**told, occurred_at=one.since, channel="page")
        if one.kind in OPT_OUTS and one.scope is not Scope.PLATFORM
        else AddresseeSuppressed(**told, occurred_at=one.since)
    )
    unit.append("addressee", who, AddresseeRegistered(addressee_id=who, email=email), said)
    await workflow.commit(unit, "test.suppress", key=email)
    return email


@pytest.mark.parametrize("written", [Written.ADDRESS, Written.SHA256])
async def test_a_list_comes_back_as_it_went_out(importing: Importing, written: Written) -> None:
    since, workspace = datetime(2025, 3, 1, tzinfo=UTC), str(importing.tenant.workspace_id)
    reach = {Scope.TENANT: None, Scope.CAMPAIGN_TYPE: "offers", Scope.WORKSPACE: workspace}
    of_platform = [(KINDS.COMPLAINT, Scope.PLATFORM), (KINDS.ABUSE, Scope.PLATFORM)]
    wanted = [(kind, scope) for kind in LISTABLE for scope in reach]
    expected: dict[str, tuple[SuppressionKind, Scope, str | None]] = {}
    for kind, scope in [*wanted, (KINDS.RESTRICTION, Scope.TENANT), *of_platform]:
        within = reach.get(scope)
        email = await happened(importing, Suppression(kind, scope, since, 0, within))
        own = kind not in (KINDS.RESTRICTION, KINDS.ABUSE) and scope is not Scope.PLATFORM
        # Another tenant has no such workspace, and has to do with no platform's word nor with a request made here.
        far = scope if scope is Scope.CAMPAIGN_TYPE else Scope.TENANT
        expected[email] = (kind if own else KINDS.MANUAL, far, reach[far])
    assert {kind for kind, _, _ in expected.values()} == set(LISTABLE)
    assert set(KINDS) - {KINDS.ERASURE} == {
        *LISTABLE,
        KINDS.RESTRICTION,
        KINDS.ABUSE,
    }, "a kind that is not in here"
    await importing.api.project()
    file = (await importing.get(f"{EXPORT}?as={written}")).content
    other = Importing(importing.api, importing.http, await importing.api.tenant("Other"), importing.database)
    state = await take_in(other, file)
    assert (state.tally.imported, dict(state.problems)) == (len(expected), {})
    for email, told in expected.items():
        if written is not Written.ADDRESS:
            body = {"workspace_id": str(other.tenant.workspace_id), "email": email}
            made = await other.api.post("/v1/audience/new/create-contact", other.tenant.key, body)
            assert made.status_code == 201, made.text
        there = await behind(other, email)
        assert there is not None
        assert [(one.kind, one.scope, one.within, one.since) for one in there.suppressions] == [
            (*told, since)
        ], email


@pytest.mark.parametrize("by_hash", [True, False])
async def test_what_is_of_a_workspace_of_the_tenants_stays_so(importing: Importing, *, by_hash: bool) -> None:
    workspace = str(importing.tenant.workspace_id)
    whom = hashed(ANN) if by_hash else ANN
    file = listing((whom, "complaint", "workspace", workspace), header=("Email", "Kind", "Scope", "Within"))
    assert (await take_in(importing, file)).tally.imported == 1
    body = {"workspace_id": workspace, "email": ANN}
    await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
    assert standing(await behind(importing, ANN.lower())) == [("complaint", "workspace", workspace)]
    assert (await take_in(importing, file)).tally.imported == 0, "the same again"
