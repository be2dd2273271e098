"""Undo with consequences, over HTTP: what would take it back, what that would do now, what rests on it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.furnished import furnished


async def did(api: Api, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(path, key, body)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def preview(api: Api, tenant: TestTenant, asked: str, key: str | None = None) -> dict[str, Any]:
    answer = await api.send("GET", f"/v1/history/undo?{asked}", key or tenant.key)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def at(told: dict[str, Any]) -> str:
    return f"position={told['position']}"


async def contact(api: Api, tenant: TestTenant, email: str, **fields: str) -> dict[str, Any]:
    body = {"workspace_id": str(tenant.workspace_id), "email": email, **fields}
    return await did(api, tenant.key, "/v1/audience/new/create-contact", body)


async def test_what_undoes_a_change_is_ready_to_be_sent_and_does_it(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant, "anna@example.org", title="Roaster", country="DE")
    path = f"/v1/audience/{made['id']}/update-contact"
    changed = await did(api, tenant.key, path, {"title": "Head roaster", "country": "FR"})
    found = await preview(api, tenant, f"command={changed['command_id']}")
    by_position = await preview(api, tenant, at(changed))
    assert {**found, "asked": None} == {**by_position, "asked": None}
    assert (found["verdict"], found["reasons"], found["command_name"]) == (
        "yes",
        [],
        "audience.update-contact",
    )
    (back,) = found["by"]
    assert (back["path"], back["body"], back["lacks"]) == (path, {"title": "Roaster", "country": "DE"}, [])
    appended = back["would_append"]
    assert [one["name"] for one in appended] == ["audience.contact_updated", "audience.addressee_described"]
    assert appended[0]["data"]["before"] == "[sealed]"
    head = (await api.send("GET", "/v1/history?limit=1&direction=backward", tenant.key)).json()
    assert head["data"][0]["position"] == Position.parse(changed["position"]).n  # asking changed nothing
    await did(api, tenant.key, back["path"], back["body"])
    again = await preview(api, tenant, at(changed))
    assert (again["verdict"], again["by"][0]["would_append"]) == ("no_need", [])
    assert [(one["name"], one["how"]) for one in again["rests_on_it"]["events"]] == [
        ("audience.contact_updated", "same_stream"),
        ("audience.addressee_described", "same_stream"),
    ]
    assert {one["code"] for one in again["reasons"]} == {"changed_since"}


async def test_what_rests_on_it_and_what_never_comes_back_are_told(api: Api) -> None:
    tenant = await api.tenant()
    made = await contact(api, tenant, "anna@example.org")
    list_id = (
        await did(
            api,
            tenant.key,
            "/v1/audience/new/create-list",
            {"name": "News", "workspace_id": str(tenant.workspace_id)},
        )
    )["id"]
    await did(api, tenant.key, f"/v1/audience/{list_id}/add-to-list", {"contact_ids": [made["id"]]})
    found = await preview(api, tenant, f"command={made['command_id']}")
    assert found["verdict"] == "with_consequences"
    (remove,) = found["by"]
    assert remove["command"] == "audience/remove-contact"
    assert ("audience.list_members_added", "names_it") in [
        (one["name"], one["how"]) for one in found["rests_on_it"]["events"]
    ]
    assert {one["undone"] for one in found["events"]} == {"by_commands", "along_with_others"}
    assert found["rests_on_it"]["complete"]
    erased = await did(api, tenant.key, f"/v1/audience/{made['id']}/erase-contact", {})
    gone = await preview(api, tenant, at(erased))
    assert (gone["verdict"], gone["by"]) == ("never", [])
    assert "key_destroyed" in {one["code"] for one in gone["reasons"]}
    assert [job["workflow"] for job in gone["rests_on_it"]["jobs"]]
    refused = await preview(api, tenant, f"command={made['command_id']}")
    assert refused["verdict"] == "not_now"
    assert refused["by"][0]["refused"]["code"] == "contact-erased"


async def test_who_may_not_do_it_or_not_read_it_is_told_so(api: Api) -> None:
    tenant, other = await api.tenant(), await api.tenant("Other")
    made = await contact(api, tenant, "anna@example.org", title="Roaster")
    changed = await did(
        api, tenant.key, f"/v1/audience/{made['id']}/update-contact", {"title": "Head roaster"}
    )
    reader = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    found = await preview(api, tenant, at(changed), reader)
    (back,) = found["by"]
    assert found["rests_on_it"]["exports"] is not None
    assert back["lacks"] or back["refused"]["code"] == "missing-permission", back
    for asked, status in (
        ("", 422),
        ("position=0", 404),
        ("position=99999", 422),
        ("position=x", 422),
        ("command=x", 422),
        (f"command={uuid4()}", 404),
        (f"command={changed['command_id']}&position=3", 422),
    ):
        answer = await api.send("GET", f"/v1/history/undo?{asked}", tenant.key)
        assert answer.status_code == status, (asked, answer.text)
    assert (
        await api.send("GET", f"/v1/history/undo?command={changed['command_id']}", other.key)
    ).status_code == 404


async def test_each_command_of_a_tenant_with_one_of_everything_can_be_asked_about(api: Api) -> None:
    theirs = await furnished(api)
    principal = await api.parts.authenticator.api_key(theirs.tenant.key, fresh=True)
    head = await api.parts.log.head(theirs.tenant.id)
    assert head is not None
    verdicts: Counter[str] = Counter()
    unfit: list[Any] = []
    asked: set[str] = set()
    for row in await api.parts.log.read_log(theirs.tenant.id, limit=1_000):
        if row.name in asked:
            continue
        asked.add(row.name)
        found = await api.parts.undoing.of(principal, row.position, reveal=True, evidence=True)
        verdicts[found.verdict.value] += 1
        unfit += [(row.name, one.filled.kind.slug, one.errors) for one in found.by if one.errors]
    assert unfit == []
    assert {"with_consequences", "needs_words", "never"} <= set(verdicts)
    now = await api.parts.log.head(theirs.tenant.id)
    assert now is not None
    assert now.position == head.position
