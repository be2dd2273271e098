"""From a consent to the counted decision, over HTTP: the register, the decisions, and the reports that count them."""

from __future__ import annotations

import csv
from typing import Any
from uuid import uuid4

from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, analytics_of

MARK = "Quetzalcoatl"
DIMENSIONS = ("day", "verdict", "law", "rule", "kind", "channel", "scope")
OF_PERMISSION = ("decisions", "denials_by_reason", "allows_by_basis", "dispatches", "opt_outs", "lapses")


async def person(api: Api, tenant: TestTenant, workspace: object = None) -> tuple[str, str]:
    """A contact, and the addressee behind it."""
    body = {
        "workspace_id": str(workspace or tenant.workspace_id),
        "email": f"{uuid4().hex}@example.org",
        "country": "DE",
        "subscriber_type": "corporate",
    }
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    streams = [event["stream"] for event in made["events"] if event["stream"].startswith("addressee:")]
    return made["id"], streams[0].partition(":")[2]


async def tell(api: Api, tenant: TestTenant, addressee: str, command: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/audience/{addressee}/{command}", tenant.key, body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def seen(api: Api, key: str, path: str) -> list[dict[str, Any]]:
    answer = await api.send("GET", f"/v1/{path}", key)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def mailed(api: Api, tenant: TestTenant) -> tuple[str, str, str]:
    """Somebody who was not to be mailed, consented, was mailed, and opted out; their contact, and the last position."""
    contact, addressee = await person(api, tenant)
    message = {"message_id": str(uuid4()), "workspace_id": str(tenant.workspace_id)}
    await tell(api, tenant, addressee, "authorise-message", **message)
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": MARK, "ip": "192.0.2.77"}
    await tell(api, tenant, addressee, "record-consent", **consent)
    await tell(api, tenant, addressee, "authorise-message", **message)
    await tell(api, tenant, addressee, "dispatch-message", **message)
    told = await tell(
        api, tenant, addressee, "record-opt-out", channel="reply", kind="objection", reason=MARK
    )
    position: str = told["position"]
    return contact, addressee, position


async def test_a_persons_register_and_decisions_are_read_from_their_contact(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    contact, addressee, position = await mailed(api, tenant)
    await mailed(api, tenant)
    await api.project()
    page = await api.send("GET", f"/v1/audience/consents?contact_id={contact}&limit=1", tenant.key)
    told = page.json()
    assert [(row["what"], row["kind"], row["state"]) for row in told["data"]] == [
        ("opt_out", "objection", "standing")
    ]
    assert told["as_of"] is not None
    following = f"audience/consents?contact_id={contact}&limit=1&cursor={told['next']}"
    (consent,) = await seen(api, tenant.key, following)
    assert (consent["entry"], consent["occurred_on"], consent["documented"]) == (3, "2026-01-05", True)
    assert MARK not in page.text + str(consent)
    history = await api.send("GET", f"/v1/history?stream=addressee:{addressee}", tenant.key)
    assert MARK in history.text, "proof is read in the history, by those who may"
    timeline = await seen(api, tenant.key, f"audience/consent_timeline?addressee_id={addressee}")
    assert [row["entry"] for row in timeline] == [6, 3]
    (decision,) = await seen(api, tenant.key, f"audience/decisions?addressee_id={addressee}")
    assert (decision["verdict"], decision["rule"], decision["superseded"]) == ("allow", "de.consent", False)
    assert decision["dispatched_at"] is not None
    everything = await seen(api, tenant.key, f"audience/decisions?addressee_id={addressee}&superseded=true")
    assert [row["verdict"] for row in everything] == ["allow", "deny"]
    assert (
        len(await seen(api, tenant.key, f"audience/decisions?dispatched=true&min_position={position}")) == 2
    )
    for wrong in (
        "consents?state=gone",
        "consents?what=x",
        "decisions?verdict=maybe",
        "standings?expiring_within_days=0",
        "standings?expiring_within_days=367",
        "standings?verdict=maybe",
        "standing_coverage?in_days=-1",
        "decisions?decided_to=x",
    ):
        assert (await api.send("GET", f"/v1/audience/{wrong}", tenant.key)).status_code == 422, wrong


async def test_a_filter_that_nothing_can_fit_is_refused_by_name_with_what_is_known(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    await api.project()
    for path, parameter, known in (
        ("audience/decisions?law=zz", "law", "de"),
        ("audience/decisions?rule=de.nothing", "rule", "de.consent"),
        ("audience/decisions?rule=zz", "rule", "suppressed-complaint"),
        ("audience/standings?law=DE", "law", "de"),
        ("audience/standings?basis=zzz", "basis", "express consent"),
        ("audience/standings?missing=zz", "missing", "refusal_notice"),
        ("rights/requests?law=zz", "law", "us-ca"),
        ("reports/decisions/events?cell.law=zz&cell.rule=none", "cell.law", "none"),
        ("reports/denials_by_reason/events?cell.law=de&cell.rule=zz", "cell.rule", "otherwise"),
        ("reports/allows_by_basis/events?cell.law=de&cell.basis=zz", "cell.basis", "express consent"),
    ):
        answer = await api.send("GET", f"/v1/{path}", tenant.key)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["parameter"]) == (422, parameter), path
        assert known in error["detail"].removesuffix(".").replace("Name one of ", ", ").split(", "), path
    for path in (
        "decisions?law=de&rule=otherwise",
        "standings?law=fr&basis=consent&missing=country",
        "decisions?decided_from=2026-01-02T00:00:00Z&decided_to=2026-01-02T00:00:00Z",
    ):
        assert await seen(api, tenant.key, f"audience/{path}") == [], "known, and nobody stands so"


async def test_a_period_that_ends_before_it_begins_is_refused_by_name(api: Api) -> None:
    tenant = await api.tenant()
    decided = "audience/decisions?decided_from=2026-01-02T00:00:00Z&decided_to=2026-01-01T23:59:59Z"
    with analytics_of(api):
        for path, pointer in (
            (decided, "/decided_to"),
            ("reports/decisions?from=2026-01-02&to=2026-01-01", "/to"),
        ):
            answer = await api.send("GET", f"/v1/{path}", tenant.key)
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["pointer"]) == (422, pointer)
            assert "lies before" in error["detail"]


async def test_a_key_of_one_workspace_sees_its_own_people_and_decisions_alone(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    second = (await api.post("/v1/tenancy/new/create-workspace", tenant.key, {"name": "Second"})).json()["id"]
    own, foreign = await person(api, tenant, second), await person(api, tenant)
    for contact, workspace in ((own, second), (foreign, str(tenant.workspace_id))):
        message = {"message_id": str(uuid4()), "workspace_id": workspace}
        await tell(api, tenant, contact[1], "authorise-message", **message)
        await tell(api, tenant, contact[1], "record-opt-out", channel="page")
    await api.project()
    confined = await api.key(tenant, TenantRole.MEMBER, workspaces=[second])
    for view in ("consents", "consent_timeline", "decisions", "standings"):
        rows = await seen(api, confined, f"audience/{view}")
        assert {row["addressee_id"] for row in rows} == {own[1]}, view
        assert await seen(api, confined, f"audience/{view}?addressee_id={foreign[1]}") == []
        rows = await seen(api, tenant.key, f"audience/{view}")
        assert {row["addressee_id"] for row in rows} == {own[1], foreign[1]}
    assert await seen(api, confined, f"audience/consents?contact_id={foreign[0]}") == []
    for name in OF_PERMISSION:
        answer = await api.send("GET", f"/v1/reports/{name}", confined)
        assert answer.status_code == 403, "a report is of the whole tenant"


async def test_what_was_decided_is_counted_and_opens_to_its_events(api: Api) -> None:
    tenant, other = await api.tenant(country="DE"), await api.tenant("Other", country="DE")
    await mailed(api, tenant)
    _, _, position = await mailed(api, tenant)
    elsewhere = (await mailed(api, other))[2]
    with analytics_of(api):
        for whose, at, people in ((tenant, position, 2), (other, elsewhere, 1)):
            told = {}
            for name in OF_PERMISSION:
                path = f"/v1/reports/{name}?min_position={at}"
                answer = (await api.send("GET", path, whose.key)).json()
                told[name] = answer["data"]
                as_csv = await api.send("GET", f"{path}&format=csv", whose.key)
                lines = list(csv.DictReader(as_csv.text.splitlines()))
                assert lines == [
                    {key: "" if value is None else str(value) for key, value in row.items()}
                    for row in answer["data"]
                ]
            decided = {
                (row["verdict"], row["law"], row["rule"]): row["decisions"] for row in told["decisions"]
            }
            assert decided == {("allow", "de", "de.consent"): people, ("deny", "de", "otherwise"): people}
            (why,) = told["denials_by_reason"]
            assert (why["rule"], why["missing"], why["decisions"]) == ("otherwise", None, people)
            assert [row["messages"] for row in told["dispatches"]] == [people]
            allowed = [(row["law"], row["basis"], row["decisions"]) for row in told["allows_by_basis"]]
            assert allowed == [("de", "express consent", people)]
            (out,) = told["opt_outs"]
            assert (out["kind"], out["channel"], out["opt_outs"]) == ("objection", "reply", people)
            assert out["latency_known"] == people
            assert 0 <= out["latency_longest"] < 60
            opened = (("denials_by_reason", why), ("opt_outs", out), ("decisions", told["decisions"][1]))
            for name, row in opened:
                cell = "&".join(f"cell.{part}={row[part]}" for part in DIMENSIONS if part in row)
                events = await api.send("GET", f"/v1/reports/{name}/events?{cell}", whose.key)
                assert sum(event["weight"] for event in events.json()["data"]) == people, events.text
                assert events.json()["scale"] == 1
            cell = "&".join(f"cell.{part}={out[part]}" for part in DIMENSIONS if part in out)
            behind = f"/v1/reports/opt_outs/events?{cell}&cell.measure=latency_seconds"
            answer = (await api.send("GET", behind, whose.key)).json()
            weight = sum(event["weight"] for event in answer["data"])
            assert weight / answer["scale"] == out["latency_seconds"]
            assert answer["scale"] == 1_000_000


async def test_a_client_of_an_agency_sees_how_people_stand_towards_it_and_no_other(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    first = str(tenant.workspace_id)
    second = (await api.post("/v1/tenancy/new/create-workspace", tenant.key, {"name": "Second"})).json()["id"]
    body = {"email": f"{uuid4().hex}@example.org", "country": "DE", "subscriber_type": "individual"}
    entered = [
        await api.post("/v1/audience/new/create-contact", tenant.key, {**body, "workspace_id": workspace})
        for workspace in (first, second)
    ]
    streams = {event["stream"] for made in entered for event in made.json()["events"]}
    (addressee,) = [one.partition(":")[2] for one in streams if one.startswith("addressee:")]
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": MARK}
    for workspace in (first, second):
        await tell(api, tenant, addressee, "record-consent", **consent, workspace_id=workspace)
    await tell(api, tenant, addressee, "suppress-addressee", kind="manual", workspace_id=second)
    await api.project()
    confined = await api.key(tenant, TenantRole.MEMBER, workspaces=[second])
    (row,) = await seen(api, confined, "audience/standings")
    assert (row["workspace_id"], row["verdict"], len(row["contact_ids"])) == (second, "deny", 1)
    assert await seen(api, confined, f"audience/standings?workspace_id={first}") == []
    (row,) = await seen(api, tenant.key, f"audience/standings?workspace_id={first}")
    assert (row["workspace_id"], row["verdict"], len(row["entries"])) == (first, "allow", 1)
    counted = await seen(api, tenant.key, "audience/standing_coverage")
    assert {(one["verdict"], one["people"]) for one in counted} == {("allow", 1), ("deny", 1)}
    (own,) = await seen(api, confined, "audience/standing_coverage")
    assert (own["verdict"], own["people"]) == ("deny", 1)
