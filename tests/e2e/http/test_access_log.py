"""Who read what: every read route there is, by staff under a grant, leaves exactly one entry before its answer.

The routes come from the OpenAPI document, which is held against the app's own: a new one is covered once declared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.routing import Route

from adapters.exports.forms import FILES
from api.http import pages
from api.http.app import create_app
from api.http.openapi import openapi
from application.ports.log import LogUnavailable
from application.principals import Principal
from application.queries import QUERIES
from application.reading import AccessLog
from domain.kernel.permissions import GRANTABLE
from tests.support.api import Api, analytics_of
from tests.support.database import Database
from tests.support.looked_at import EMAIL, ERASURES, WORD, Furnished, looked_at, reads


@pytest.fixture
async def furnished(database: Database, tmp_path: Path) -> AsyncIterator[Furnished]:
    async with looked_at(database, tmp_path) as made:
        yield made


async def test_each_read_of_staff_under_a_grant_is_one_entry_of_the_tenants_log(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise LogUnavailable("away")

    api, shown = furnished.api, 0
    with analytics_of(api):
        await furnished.cite()
        for read in reads():
            path, before = furnished.filled(read.path), await furnished.entries()
            answer = await api.send(
                read.method, path, furnished.staff, read.body, {**furnished.under, **read.headers}
            )
            added = await furnished.entries() - before
            if read.permission is not None and read.permission not in GRANTABLE:
                assert (answer.status_code, added) == (403, 0), f"{path}: {answer.text}"
                continue
            assert (answer.status_code, added) == (200, 1), f"{path}: {answer.text}"
            shown += 1
            with monkeypatch.context() as patched:
                patched.setattr(AccessLog, "record", away)
                refused = await api.send(
                    read.method, path, furnished.staff, read.body, {**furnished.under, **read.headers}
                )
            assert refused.status_code == 503, f"{path} answers without its entry"
        for form in FILES:
            before = await furnished.entries()
            path = f"/v1/reports/activity?format={form}"
            assert (await api.send("GET", path, furnished.staff, headers=furnished.under)).status_code == 200
            assert await furnished.entries() == before + 1
    assert shown > 20
    told, path = [], "/v1/access?actor=staff&limit=100"
    cursor: str | None = path
    while cursor:
        page = (await api.send("GET", cursor, furnished.tenant.key)).json()
        told += page["data"]
        cursor = page["next"] and f"{path}&cursor={page['next']}"
    assert {entry["payload"]["kind"] for entry in told} == {"staff"}
    assert {entry["actor"]["grant"] for entry in told} == {furnished.under["penguin-grant"].partition(".")[2]}
    assert len(told) == shown + len(FILES)


async def test_what_no_grant_can_hold_today_would_leave_its_entry_too(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a grant may hold one day, or staff by their role: no route relies on being closed to them."""
    api = furnished.api
    await furnished.certify()
    beyond = [
        read
        for read in reads()
        if read.permission not in (None, *GRANTABLE) and not read.path.startswith("/v1/platform/")
    ]
    assert f"{ERASURES}/{{id}}/certificate" in {read.path for read in beyond}
    monkeypatch.setattr(Principal, "require", lambda *_: None)
    monkeypatch.setattr(Principal, "confined_to", lambda *_: None)
    with analytics_of(api):
        for read in beyond:
            path, before = furnished.filled(read.path), await furnished.entries()
            answer = await api.send(
                read.method, path, furnished.staff, read.body, {**furnished.under, **read.headers}
            )
            added = await furnished.entries() - before
            assert (answer.status_code, added) == (200, 1), f"{path}: {answer.text}"


async def test_the_document_names_every_read_route_of_the_app(furnished: Furnished) -> None:
    known = {read.path.replace("{", "").replace("}", "") for read in reads()}
    known |= {path.replace("{", "").replace("}", "") for path in openapi()["paths"]}
    own = {*(route.path for route in pages.routes()), "/people/style.css"}
    for route in create_app(furnished.api.parts).router.routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()) and route.path not in own:
            assert any(route.path_regex.match(path) for path in known), route.path


async def test_each_look_back_at_a_view_is_one_entry_whatever_it_shows(furnished: Furnished) -> None:
    for query in QUERIES.values():
        if query.context == "platform":
            continue
        path, before = furnished.filled(query.route), await furnished.entries()
        answer = await furnished.api.send("GET", f"{path}?at=1", furnished.tenant.key)
        there = not query.single or query.name == "tenancy.tenant"
        assert answer.status_code == (200 if there else 404), answer.text
        assert await furnished.entries() - before == int(there), path
        assert openapi()["paths"][query.route]["get"]["x-recorded-looking-back"] == "replay", path


async def test_what_was_looked_for_is_not_kept_only_who_was_found(furnished: Furnished) -> None:
    api, key = furnished.api, furnished.tenant.key
    for path in (f"audience/contacts?email={EMAIL}", f"audience/contacts?q={WORD}&country=DE"):
        assert (await api.send("GET", f"/v1/{path}", key)).status_code == 200
    assert (await api.send("GET", f"/v1/tenancy/members?email={EMAIL}", key)).status_code == 200
    answer = await api.send("GET", "/v1/access?limit=100", key)
    assert EMAIL.lower() not in answer.text.lower()
    assert WORD not in answer.text
    filters = [entry["payload"]["filters"] for entry in answer.json()["data"]]
    assert '{"email":"[sealed]"}' in filters
    looked = next(one for one in answer.json()["data"] if one["payload"]["filters"] == '{"email":"[sealed]"}')
    assert len(looked["payload"]["subjects"]) == 1


async def test_reading_the_access_log_is_an_entry_itself_and_a_walk_through_it_ends(api: Api) -> None:
    tenant = await api.tenant()
    first = (await api.send("GET", "/v1/access", tenant.key)).json()
    assert first["data"] == [], "not its own reading"
    for number in (1, 2, 3):
        told = (await api.send("GET", "/v1/access", tenant.key)).json()["data"]
        assert [entry["payload"]["query"] for entry in told] == ["access.reads"] * number
    for direction in ("forward", "backward"):
        path = cursor = f"/v1/access?limit=1&direction={direction}"
        seen, head = [], len((await api.send("GET", "/v1/access", tenant.key)).json()["data"]) + 1
        while cursor:
            told = (await api.send("GET", cursor, tenant.key)).json()
            seen += [entry["position"] for entry in told["data"]]
            cursor = told["next"] and f"{path}&cursor={told['next']}"
        assert sorted(seen) == list(range(1, head + 1)), direction
    strange = await api.send("GET", "/v1/access?cursor=abc~x", tenant.key)
    assert strange.json()["type"] == "/problems/cursor-mismatch"
