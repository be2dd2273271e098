"""Views as they were, over HTTP: by position and by time, what they change to, refusals, and what is entered of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.working import Worker

CONTACTS = "/v1/audience/contacts"


async def got(api: Api, tenant: TestTenant, path: str, key: str | None = None) -> Any:
    answer = await api.send("GET", path, key or tenant.key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: Api, tenant: TestTenant, path: str) -> tuple[int, str, list[str]]:
    answer = await api.send("GET", path, tenant.key)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return (
        answer.status_code,
        told["type"].removeprefix("/problems/"),
        [one.get("pointer") for one in told.get("errors", [])],
    )


async def did(
    api: Api, tenant: TestTenant, path: str, body: dict[str, Any], **headers: str
) -> dict[str, Any]:
    answer = await api.post(path, tenant.key, body, **headers)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


def of(told: dict[str, Any], name: str) -> int:
    """The position of one of a command's events."""
    found: int = next(one["position"] for one in told["events"] if one["name"] == name)
    return found


async def contact(api: Api, tenant: TestTenant, email: str, **fields: str) -> dict[str, Any]:
    body = {"workspace_id": str(tenant.workspace_id), "email": email, **fields}
    return await did(api, tenant, "/v1/audience/new/create-contact", body)


async def test_a_view_is_shown_as_of_a_position_and_a_time(api: Api) -> None:
    tenant, other = await api.tenant(), await api.tenant("Other")
    await contact(api, other, "bob@example.org")
    first = await contact(api, tenant, "anna@example.org", first_name="Anna", country="DE")
    then = datetime.now(UTC)
    second = await did(api, tenant, f"/v1/audience/{first['id']}/update-contact", {"country": "FR"})
    third = await contact(api, tenant, "carl@example.org")
    await did(api, tenant, f"/v1/audience/{third['id']}/remove-contact", {})
    # Nothing was projected: what was comes from the log itself.
    seen = await got(api, tenant, f"{CONTACTS}?at={first['position']}")
    assert [(row["email"], row["country"]) for row in seen["data"]] == [("anna@example.org", "DE")]
    assert seen["position"] == first["position"]
    events = (await got(api, tenant, "/v1/history?limit=100"))["data"]
    moments = {one["position"]: datetime.fromisoformat(one["recorded_at"]) for one in events}
    assert datetime.fromisoformat(seen["as_of"]) == moments[Position.parse(first["position"]).n]
    timed = await got(api, tenant, f"{CONTACTS}?at={quote(then.isoformat())}")
    assert (timed["data"], timed["position"], timed["as_of"]) == (
        seen["data"],
        seen["position"],
        seen["as_of"],
    )
    numbered = await got(api, tenant, f"{CONTACTS}?at={Position.parse(third['position']).n}&limit=1")
    assert [row["email"] for row in numbered["data"]] == ["carl@example.org"]
    more = f"{CONTACTS}?at={third['position']}&limit=1&cursor={numbered['next']}"
    assert [row["country"] for row in (await got(api, tenant, more))["data"]] == ["FR"]
    one = await got(api, tenant, f"{CONTACTS}/{first['id']}?at={first['position']}")
    assert (one["data"]["country"], one["position"]) == ("DE", first["position"])
    filtered = await got(api, tenant, f"{CONTACTS}?at={second['position']}&country=FR")
    assert len(filtered["data"]) == 1
    now = await got(api, tenant, f"{CONTACTS}?at={quote(datetime.now(UTC).isoformat())}")
    await api.project()
    live = await got(api, tenant, CONTACTS)
    assert (now["data"], now["position"]) == (live["data"], live["position"])
    assert await refused(api, tenant, f"{CONTACTS}/{third['id']}?at={first['position']}") == (
        404,
        "not-found",
        [],
    )


async def test_no_moment_before_the_first_or_to_come_and_none_that_is_nonsense(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant, "anna@example.org")
    before = await got(api, tenant, f"{CONTACTS}?at=2001-01-01T00:00:00Z")
    assert (before["data"], before["as_of"], Position.parse(before["position"]).n) == ([], None, 0)
    assert before["note"] == "Nothing had been recorded by then."
    assert await refused(api, tenant, f"{CONTACTS}/{made['id']}?at=0") == (404, "not-found", [])
    for at, expected in (
        ("2099-01-01T00:00:00Z", (422, "parameter-invalid", ["/at"])),
        (Position(1, 10**6).token(), (422, "beyond-the-log", [])),
        ("999999", (422, "beyond-the-log", [])),
        (str(10**30), (422, "beyond-the-log", [])),
        ("yesterday", (422, "parameter-invalid", ["/at"])),
        ("2026-11-01T00:00:00", (422, "parameter-invalid", ["/at"])),
        ("", (422, "parameter-invalid", ["/at"])),
        (f"1&min_position={made['position']}", (422, "parameter-invalid", ["/min_position", "/at"])),
    ):
        assert await refused(api, tenant, f"{CONTACTS}?at={at}") == expected, at


async def test_a_look_back_is_entered_once_and_shows_only_what_the_reader_may_see(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant, "anna@example.org")
    viewer = await api.key(tenant, TenantRole.VIEWER)
    sealed = await got(api, tenant, f"{CONTACTS}?at={made['position']}", viewer)
    assert [row["email"] for row in sealed["data"]] == ["[sealed]"]
    await got(api, tenant, f"{CONTACTS}?at={made['position']}&email=anna@example.org")
    entries = (await got(api, tenant, "/v1/access?limit=100"))["data"]
    looked = [one["payload"] for one in entries if one["payload"]["query"] == "audience.contacts"]
    assert [(one["kind"], one["position"], one["rows"]) for one in looked] == [
        ("replay", made["position"], 1)
    ] * 2
    assert "anna" not in str(looked)
    denied = await api.send("GET", f"{CONTACTS}?at={made['position']}&email=anna@example.org", viewer)
    assert denied.status_code == 403


async def test_the_difference_of_a_view_names_what_changed_each_field(api: Api) -> None:
    tenant = await api.tenant()
    anna = await contact(api, tenant, "anna@example.org", country="DE")
    bob = await contact(api, tenant, "bob@example.org")
    start = bob["position"]
    reason = {"penguin_reason": "He moved"}
    moved = await did(api, tenant, f"/v1/audience/{anna['id']}/update-contact", {"country": "FR"}, **reason)
    await did(api, tenant, f"/v1/audience/{anna['id']}/update-contact", {"first_name": "Anna"})
    back = await did(api, tenant, f"/v1/audience/{anna['id']}/update-contact", {"first_name": "Anne"})
    gone = await did(api, tenant, f"/v1/audience/{bob['id']}/remove-contact", {})
    carl = await contact(api, tenant, "carl@example.org")
    told = await got(api, tenant, f"{CONTACTS}/difference?from={start}")
    assert told["position"] == carl["position"]
    assert told["from"]["position"] == start
    new, old, changed = told["data"]
    created, updated, removed = (f"audience.contact_{what}" for what in ("created", "updated", "removed"))
    assert (new["change"], new["after"]["email"], new["before"]) == ("added", "carl@example.org", None)
    assert new["because"]["position"] == of(carl, created)
    assert (old["change"], old["before"]["email"], old["after"]) == ("gone", "bob@example.org", None)
    assert old["because"]["position"] == of(gone, removed)
    fields = {one["path"]: one for one in changed["fields"]}
    country, name = fields["/country"], fields["/first_name"]
    assert (country["before"], country["after"]) == ("DE", "FR")
    why = country["because"]
    assert (why["position"], why["event"], why["reason"]) == (of(moved, updated), updated, "He moved")
    assert (why["command_name"], why["actor"]["kind"]) == ("audience.update-contact", "api_key")
    assert (name["before"], name["after"]) == (None, "Anne")
    assert name["because"]["position"] == of(back, updated)
    assert set(fields) == {"/country", "/first_name", "/updated_at", "/updated_position"}
    path = f"{CONTACTS}/difference?from={start}&to={carl['position']}&limit=1"
    seen: list[Any] = []
    following = path
    while following:
        page = await got(api, tenant, following)
        seen += page["data"]
        following = page["next"] and f"{path}&cursor={page['next']}"
    assert seen == told["data"]
    same = await got(api, tenant, f"{CONTACTS}/difference?from={start}&to={start}")
    assert (same["data"], same["next"]) == ([], None)
    assert (await refused(api, tenant, f"{CONTACTS}/difference"))[0] == 422
    backwards = f"{CONTACTS}/difference?from={carl['position']}&to={start}"
    assert (await refused(api, tenant, backwards))[0] == 422


async def test_blame_names_for_each_field_the_event_that_gave_it_its_value(api: Api) -> None:
    tenant = await api.tenant()
    anna = await contact(api, tenant, "anna@example.org", country="DE")
    path = f"/v1/audience/{anna['id']}/update-contact"
    first = await did(
        api, tenant, path, {"attributes": {"city": "Bonn", "team": "A"}}, penguin_reason="Asked"
    )
    second = await did(api, tenant, path, {"attributes": {"city": "Kiel"}})
    told = await got(api, tenant, f"/v1/history/blame?stream=contact:{anna['id']}")
    fields = {one["path"]: one for one in told["data"]["fields"]}
    city, team, country = (
        fields[one] for one in ("/attributes/city", "/attributes/team", "/segment/country")
    )
    updated = "audience.contact_updated"
    assert (city["value"], city["before"], city["because"]["position"]) == (
        "Kiel",
        "Bonn",
        of(second, updated),
    )
    assert (team["value"], team["before"], team["because"]["position"]) == ("A", None, of(first, updated))
    assert (team["because"]["reason"], team["because"]["channel"]) == ("Asked", "api")
    assert (country["value"], country["because"]["event"]) == ("DE", "audience.contact_created")
    state = await got(api, tenant, f"/v1/history/state?stream=contact:{anna['id']}")
    assert {one.split("/")[1] for one in fields} == set(state["data"]["state"])
    then = await got(api, tenant, f"/v1/history/blame?stream=contact:{anna['id']}&at={first['position']}")
    assert {one["path"]: one["value"] for one in then["data"]["fields"]}["/attributes/city"] == "Bonn"
    assert then["position"] == first["position"]
    manager = await api.key(tenant, TenantRole.CAMPAIGN_MANAGER)
    sealed = await got(api, tenant, f"/v1/history/blame?stream=contact:{anna['id']}", manager)
    assert "Asked" not in str(sealed)
    assert "Bonn" not in str(sealed)


async def test_causes_are_a_tree_of_commands_events_and_jobs(api: Api) -> None:
    tenant = await api.tenant()
    anna = await contact(api, tenant, "anna@example.org")
    erased = await did(api, tenant, f"/v1/audience/{anna['id']}/erase-contact", {}, penguin_reason="Asked")
    await Worker(api).work_off()
    events = (await got(api, tenant, "/v1/history?limit=100"))["data"]
    shredded = next(one for one in events if one["name"] == "audience.profile_key_destroyed")
    told = (await got(api, tenant, f"/v1/history/causes?position={shredded['position']}"))["data"]
    tree = told["tree"]
    assert (tree["command"], tree["command_name"], tree["reason"]) == (
        erased["command_id"],
        "audience.erase-contact",
        "Asked",
    )
    jobs = {job["workflow"]: job for event in tree["events"] for job in event["jobs"]}
    (shred,) = jobs["subject.shred"]["commands"]
    assert shred["actor"]["id"] == jobs["subject.shred"]["job"]
    assert [one["position"] for one in shred["events"]] == [shredded["position"]]
    assert (told["complete"], told["above"]) == (True, 0)
    for path in (
        f"correlation={erased['command_id']}",
        f"command={shred['command']}",
        f"position={tree['events'][0]['position']}",
    ):
        again = (await got(api, tenant, f"/v1/history/causes?{path}"))["data"]
        assert again["tree"] == tree, path
    for path, expected in (
        ("", 422),
        ("position=1&command=x", 422),
        ("command=x", 422),
        (f"command={uuid4()}", 404),
        ("position=0", 404),
        ("position=100000", 422),
    ):
        assert (await refused(api, tenant, f"/v1/history/causes?{path}"))[0] == expected, path
