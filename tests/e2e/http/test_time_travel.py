"""Views as they were, over HTTP: by position and by time, what they change to, refusals, and what is entered of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant

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
