"""Whatever is sent, a problem document comes back that names what is wrong and repeats nothing of it; never a 500."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.http.versions import DEPRECATED, Deprecation
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.problems import problem

CREATE = "/v1/audience/new/create-list"
SECRET = "zebra-in-the-body"


async def test_a_stale_version_is_told_with_the_current_one(api: Api) -> None:
    tenant = await api.tenant()
    made = (
        await api.post(CREATE, tenant.key, {"workspace_id": str(tenant.workspace_id), "name": "a"})
    ).json()
    path = f"/v1/audience/{made['id']}/rename-list"
    renamed = await api.post(path, tenant.key, {"name": "b"}, if_match='"1"')
    assert renamed.headers["etag"] == '"2"'
    told = problem(await api.post(path, tenant.key, {"name": "c"}, if_match='"1"'), 409, "stale-version")
    assert told["current"] == 2


BODIES = {
    "empty": (b"", 415, "unsupported-media-type"),
    "cut off": (b'{"name": "x"', 400, "malformed-json"),
    "trailing garbage": (b'{"name": "x"} x', 400, "malformed-json"),
    "two objects": (b"{}{}", 400, "malformed-json"),
    "a list": (b"[]", 422, "body-invalid"),
    "null": (b"null", 422, "body-invalid"),
    "not UTF-8": (b'{"name": "\xff\xfe"}', 400, "malformed-json"),
    "lone surrogate": (b'{"name": "\\ud800"}', 400, "malformed-json"),
    "deep": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "malformed-json"),
    "huge number": (b'{"name": ' + b"9" * 10_000 + b"}", 400, "malformed-json"),
    "NaN": (b'{"name": NaN}', 422, "body-invalid"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_none(api: Api, name: str) -> None:
    body, status, code = BODIES[name]
    tenant = await api.tenant()
    headers = {"content-type": "application/json"} if body else {"content-type": "text/plain"}
    answer = await api.send("POST", CREATE, tenant.key, body, headers)
    assert answer.status_code in (status, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] in (f"/problems/{code}", "/problems/body-invalid")


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "a\nb", "\u202eabc", "", " ", "x" * 10_001])
async def test_text_that_nobody_should_store(api: Api, name: str) -> None:
    tenant = await api.tenant()
    answer = await api.post(CREATE, tenant.key, {"workspace_id": str(tenant.workspace_id), "name": name})
    told = problem(answer, 422, "body-invalid")
    assert [error["pointer"] for error in told["errors"]] == ["/name"]


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    [
        ("country", "USA", "two letters of ISO 3166-1"),
        ("country", "ZZ", "two letters of ISO 3166-1"),
        ("occurred_on", "2023-02-29", "as 2026-02-28"),
        ("occurred_on", "yesterday", "beginning with the year"),
        ("occurred_at", "2026-02-28T09:30:00", "Name the zone"),
        ("occurred_at", "noon", "beginning with the year"),
    ],
)
async def test_what_is_wrong_with_a_value_says_how_it_is_written(
    api: Api, field: str, value: str, remedy: str
) -> None:
    tenant = await api.tenant()
    command = "describe-addressee" if field == "country" else "record-consent"
    answer = await api.post(f"/v1/audience/{uuid4()}/{command}", tenant.key, {field: value})
    told = problem(answer, 422, "body-invalid")
    (error,) = [one for one in told["errors"] if one["pointer"] == f"/{field}"]
    assert remedy in error["detail"]


async def test_what_was_sent_is_never_repeated(api: Api) -> None:
    tenant = await api.tenant()
    body = {
        "workspace_id": SECRET,
        "email": SECRET,
        "first_name": [SECRET],
        "country": SECRET,
        "attributes": {"a": [SECRET]},
        "subscriber_type": SECRET,
    }
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    told = problem(answer, 422, "body-invalid")
    assert SECRET not in answer.text
    pointers = {error["pointer"] for error in told["errors"]}
    assert pointers == {
        "/workspace_id",
        "/email",
        "/first_name",
        "/country",
        "/attributes/a",
        "/subscriber_type",
    }


async def test_an_unknown_field_is_named(api: Api) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "x", "nmae": "y"}
    told = problem(await api.post(CREATE, tenant.key, body), 422, "body-invalid")
    assert told["errors"][0]["pointer"] == "/nmae"


async def test_a_field_that_stands_twice_is_named(api: Api) -> None:
    tenant = await api.tenant()
    body = f'{{"name": "x", "workspace_id": "{tenant.workspace_id}", "name": "y"}}'
    head = {"content-type": "application/json"}
    told = problem(await api.send("POST", CREATE, tenant.key, body.encode(), head), 422, "body-invalid")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [("/name", "repeated")]


async def test_an_oversize_body_is_refused_by_its_length_and_while_it_comes(api: Api) -> None:
    tenant = await api.tenant()
    head = {"content-type": "application/json"}
    told = problem(await api.send("POST", CREATE, tenant.key, b"x" * 1_048_577, head), 413, "body-too-large")
    assert told["limit"] == 1_048_576

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    request = api.http.build_request(
        "POST", CREATE, content=endless(), headers={**head, "authorization": f"Bearer {tenant.key}"}
    )
    assert "content-length" not in request.headers
    problem(await api.http.send(request), 413, "body-too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/audience/new/create-lists", 404, "not-found"),
        ("GET", "/v1/nowhere/contacts", 404, "not-found"),
        ("GET", "/v1", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/v1/audience/new/create-list", 405, "method-not-allowed"),
        ("DELETE", "/v1/audience/contacts", 405, "method-not-allowed"),
        ("POST", "/v1/audience/not-an-id/create-list", 404, "not-found"),
        ("POST", "/v1/audience/00000000-0000-7000-8000-00000000dead/rename-list", 404, "not-found"),
        ("GET", "/v1/audience/contacts/not-an-id", 404, "not-found"),
    ],
)
async def test_wrong_addresses_and_methods(api: Api, method: str, path: str, status: int, code: str) -> None:
    tenant = await api.tenant()
    await api.project()
    body = {"name": "x"} if method == "POST" else None
    answer = await api.send(method, path, tenant.key, body)
    problem(answer, status, code)
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("idempotency-key", "x" * 256),
        ("idempotency-key", "has space"),
        ("if-match", "abc"),
        ("if-match", "*"),
        ("penguin-dry-run", "maybe"),
        ("penguin-tenant", "acme"),
        ("penguin-grant", "acme"),
        ("penguin-reason", "x" * 501),
    ],
)
async def test_headers_that_cannot_be_used(api: Api, header: str, value: str) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    _, staff = await api.staff()
    key = staff if header in ("penguin-tenant", "penguin-grant") else tenant.key
    answer = await api.send("POST", CREATE, key, body, {header: value})
    told = problem(answer, 400, "header-invalid")
    assert told["errors"][0]["header"].lower() == header


async def test_an_unknown_version_of_the_api(api: Api) -> None:
    tenant = await api.tenant()
    answer = await api.post(CREATE, tenant.key, {}, penguin_version="1999-01-01")
    assert problem(answer, 400, "unknown-version")["versions"] == ["2026-11-23"]
    known = await api.post(CREATE, tenant.key, {}, penguin_version="2026-11-23")
    problem(known, 422, "body-invalid")


async def test_a_route_that_goes_says_when(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    going = Deprecation(date(2026, 12, 1), date(2027, 12, 1), "/docs#audience_create_list")
    for operation in ("audience_create_list", "reports_list"):
        monkeypatch.setitem(DEPRECATED, operation, going)
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    answers = [await api.post(CREATE, tenant.key, body), await api.send("GET", "/v1/reports", tenant.key)]
    for answer in answers:
        assert answer.headers["deprecation"] == "@1796083200"
        assert answer.headers["sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
        assert 'rel="deprecation"' in answer.headers["link"]
    assert "sunset" not in (await api.send("GET", "/v1/history", tenant.key)).headers


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "cursor=zz",
        "min_position=zz",
        "country=Germany",
        "workspace_id=1",
        "nothing=1",
        "q=%00",
        "q=%ff",
        "list_id=%F0%9F%92%A9",
    ],
)
async def test_parameters_that_cannot_be_used(api: Api, query: str) -> None:
    tenant = await api.tenant()
    await api.project()
    answer = await api.send("GET", f"/v1/audience/contacts?{query}", tenant.key)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["stream=%00", "stream=email_claim:x", "after=yesterday", "correlation=1", "name="]
)
async def test_history_parameters_that_cannot_be_used(api: Api, query: str) -> None:
    tenant = await api.tenant()
    answer = await api.send("GET", f"/v1/history?{query}", tenant.key)
    assert answer.status_code in (200, 404, 422), answer.text
    assert answer.status_code == 200 or answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/history", "/v1/access"])
@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("moment", ["2026-01-01", "2026-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "1"])
async def test_a_moment_without_offset_or_beyond_all_years_is_named(
    api: Api, path: str, name: str, moment: str
) -> None:
    tenant = await api.tenant()
    told = problem(await api.send("GET", f"{path}?{name}={moment}", tenant.key), 422, "parameter-invalid")
    assert [error["pointer"] for error in told["errors"]] == [f"/{name}"]


async def test_moments_are_shown_in_utc_whatever_zone_the_server_is_set_to(
    database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(),"
            " 'Pacific/Kiritimati'); END $$"
        )
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        await api.key(tenant, TenantRole.VIEWER, expires_at="2100-01-01T00:00:00Z")
        await api.project()
        rows = (await api.send("GET", "/v1/tenancy/api-keys", tenant.key)).json()["data"]
        assert "2100-01-01T00:00:00Z" in [row["expires_at"] for row in rows]


async def test_a_dry_run_says_what_would_be_and_leaves_nothing(api: Api) -> None:
    tenant = await api.tenant()
    before = await api.parts.position_of(tenant.id)
    body = {"workspace_id": str(tenant.workspace_id), "email": "a@example.org", "first_name": "Zebra"}
    for header in ({"penguin_dry_run": "true"}, {}):
        path = "/v1/audience/new/create-contact" + ("" if header else "?dry_run=true")
        answer = await api.post(path, tenant.key, body, idempotency_key="once", **header)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["dry_run"]
        assert "audience.contact_created" in [event["name"] for event in told["events"]]
        assert "Zebra" not in answer.text
        assert "hmac" not in answer.text
    assert await api.parts.position_of(tenant.id) == before
    viewer = await api.key(tenant, TenantRole.VIEWER)
    problem(
        await api.post("/v1/audience/new/create-contact", viewer, body, penguin_dry_run="true"),
        403,
        "missing-permission",
    )


async def test_pages_for_people(api: Api) -> None:
    for path in ("/", "/docs", "/problems", "/problems/missing-permission"):
        answer = await api.send("GET", path)
        assert answer.status_code == 200
        assert "<h1>" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert "style=" not in answer.text
    problem(await api.send("GET", "/problems/none-such"), 404, "not-found")
    document = (await api.send("GET", "/openapi.json")).json()
    assert json.dumps(document).count("$defs") == 0


async def test_an_unforeseen_error_tells_nothing_but_its_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = await api.tenant()

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(type(api.parts.commands), "execute", broken)
    monkeypatch.setattr(type(api.parts.replay), "history", broken)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    for answer in (
        await api.post(CREATE, tenant.key, body),
        await api.send("GET", "/v1/history", tenant.key),
    ):
        problem(answer, 500, "internal")
        assert SECRET not in answer.text
    capsys.readouterr()


async def test_what_is_no_command_is_not_found_and_no_other_method_is_offered(api: Api) -> None:
    tenant = await api.tenant()
    for path in ("/v1/audience/new/nope", "/v1/nope/new/create-list", "/v1/audience/new%2Fcreate-list"):
        answer = await api.post(path, tenant.key, {"workspace_id": str(tenant.workspace_id), "name": "x"})
        problem(answer, 404, "not-found")
        assert "allow" not in answer.headers
    for path in ("/v1/audience/contacts", "/v1/history/state"):
        answer = await api.post(path, tenant.key, {})
        problem(answer, 405, "method-not-allowed")
        assert "GET" in answer.headers["allow"]


async def test_a_packed_body_is_not_taken_and_two_credentials_are_not_chosen_from(api: Api) -> None:
    tenant = await api.tenant()
    packed = gzip.compress(json.dumps({"workspace_id": str(tenant.workspace_id), "name": "x"}).encode())
    answer = await api.send("POST", CREATE, tenant.key, packed, {"content-encoding": "gzip"})
    problem(answer, 415, "unsupported-media-type")
    twice = [("authorization", f"Bearer {tenant.key}"), ("authorization", "Bearer pm_live_other")]
    problem(await api.http.get("/v1/audience/lists", headers=twice), 400, "header-invalid")
