"""The doors for people, over HTTP: a token is a person's word, looking changes nothing, and no word is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from httpx import Response

from api.http import doors
from api.http.app import create_app
from api.ops.metrics import Meters
from api.ops.requests import Lines, RequestLog
from api.ops.tracing import NO_TRACER
from application.door_tokens import Door
from application.ports.log import LogUnavailable
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.doors import BROWSER, FORM, ONE_CLICK, PUBLIC, Page, Person, met

STOPPED = {"channel": "one_click", "kind": "unsubscribe", "scope": "tenant", "within": None}
BY_PAGE = {**STOPPED, "channel": "page"}
JUNK = ("x", "A" * 200, "a b", "%00", "ä", "A" * 5_000)


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[Api]:
    """The API, reachable by the world."""
    async with serving(database, tmp_path, public_url=PUBLIC) as made:
        yield made


@pytest.fixture
async def ada(api: Api) -> Person:
    return await met(api, await api.tenant())


def heads(api: Api) -> list[Any]:
    """Where every log stands, and how many receipts there are: what any write would move."""
    with psycopg.connect(api.database.admin) as connection:
        stand = connection.execute("SELECT tenant_id, position FROM log.heads ORDER BY 1").fetchall()
        (receipts,) = connection.execute("SELECT count(*) FROM log.receipts").fetchall()
    return [*stand, receipts]


async def post(api: Api, path: str, body: bytes = ONE_CLICK, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.send("POST", path, None, body, FORM | named)


def problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == f"/problems/{code}"
    return told


class TestOneClick:
    async def test_it_stops_everything_at_once_without_cookie_login_or_key(self, ada: Person) -> None:
        links = await ada.links()
        answer = await post(ada.api, links.stop)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "set-cookie" not in answer.headers
        assert await ada.opt_outs() == [STOPPED]
        message = {"message_id": str(uuid4()), "workspace_id": str(ada.tenant.workspace_id)}
        denied = await ada.api.post(f"/v1/audience/{ada.id}/authorise-message", ada.tenant.key, message)
        assert denied.json()["result"]["reasons"][0]["rule"] == "suppressed-unsubscribe"

    async def test_asked_again_it_is_the_same_answer_and_writes_nothing(self, ada: Person) -> None:
        links, other = await ada.links(), await ada.links()
        first = await post(ada.api, links.stop)
        before = heads(ada.api)
        for path in (links.stop, other.stop, links.stop):
            again = await post(ada.api, path)
            assert (again.status_code, again.text) == (200, first.text)
        assert heads(ada.api) == before
        assert await ada.opt_outs() == [STOPPED]

    async def test_many_at_once_are_one_word(self, ada: Person) -> None:
        links = await ada.links()
        answers = await asyncio.gather(*(post(ada.api, links.stop) for _ in range(20)))
        assert {one.status_code for one in answers} == {200}
        assert await ada.opt_outs() == [STOPPED]

    async def test_it_may_come_in_either_form(self, ada: Person) -> None:
        parts = (
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        )
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = await ada.api.send("POST", (await ada.links()).stop, None, parts, headers)
        assert answer.status_code == 200, answer.text
        assert await ada.opt_outs() == [STOPPED]

    async def test_a_mail_program_that_names_no_media_type_is_heard(self, ada: Person) -> None:
        answer = await ada.api.http.request("POST", (await ada.links()).stop, content=ONE_CLICK)
        assert answer.status_code == 200, answer.text
        assert await ada.opt_outs() == [STOPPED]

    async def test_what_else_a_link_got_on_its_way_does_no_harm(self, ada: Person) -> None:
        path = f"{(await ada.links()).stop}?utm_source=x&utm_source=y"
        assert (await ada.api.send("GET", path)).status_code == 200
        assert (await post(ada.api, path)).status_code == 200
        assert await ada.opt_outs() == [STOPPED]

    @pytest.mark.parametrize(
        ("body", "headers", "status", "code"),
        [
            (b"", FORM, 422, "body-invalid"),
            (b"List-Unsubscribe=Later", FORM, 422, "body-invalid"),
            (b"\xff\xfe=1", FORM, 422, "body-invalid"),
            (b"&".join(b"%d=1" % n for n in range(50)), FORM, 422, "body-invalid"),
            (b'{"List-Unsubscribe": "One-Click"}', {"content-type": "application/json"}, 415, None),
            (ONE_CLICK, {"content-type": "multipart/form-data"}, 422, "body-invalid"),
            (ONE_CLICK, {"content-type": "multipart/form-data; boundary=b"}, 422, "body-invalid"),
            (b"x" * 20_000, FORM, 413, "body-too-large"),
        ],
    )
    async def test_another_body_changes_nothing_and_is_told_what_to_send(
        self, ada: Person, body: bytes, headers: dict[str, str], status: int, code: str | None
    ) -> None:
        path, before = (await ada.links()).stop, heads(ada.api)
        problem(
            await ada.api.send("POST", path, None, body, headers), status, code or "unsupported-media-type"
        )
        page = await ada.api.send("POST", path, None, body, headers | BROWSER)
        assert page.status_code == status
        assert heads(ada.api) == before
        # Who sees the page can still do what they came for.
        shown = Page(page.text)
        assert shown.choices == ["everything"]
        assert (await post(ada.api, shown.action, b"choice=everything")).status_code == 200
        assert await ada.opt_outs() == [BY_PAGE]

    async def test_it_is_taken_while_the_tenant_is_suspended_or_closed(self, api: Api, ada: Person) -> None:
        bea = await met(api, ada.tenant, "bea@people.example")
        first, second = await ada.links(), await bea.links()
        _, staff = await api.staff()
        reason = {"reason": "unpaid"}
        suspended = await api.post(
            f"/v1/tenancy/{ada.tenant.id}/suspend-tenant",
            staff,
            reason,
            penguin_tenant=str(ada.tenant.id),
        )
        assert suspended.status_code == 200, suspended.text
        slug = {"workspace_id": str(ada.tenant.workspace_id), "name": "x"}
        assert (await api.post("/v1/audience/new/create-list", ada.tenant.key, slug)).status_code == 403
        assert (await post(api, first.stop)).status_code == 200
        assert await ada.opt_outs() == [STOPPED]
        name = {"tenant_slug": f"acme-{ada.tenant.id.hex[-12:]}"}
        closed = await api.post(f"/v1/tenancy/{ada.tenant.id}/close-tenant", ada.tenant.key, name)
        assert closed.status_code == 200, closed.text
        assert (await post(api, second.stop)).status_code == 200
        assert await bea.opt_outs() == [STOPPED]

    async def test_no_rate_stops_it_and_a_page_that_is_refused_still_has_its_button(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doors, "LOOKS_A_MINUTE", 1)
        links = await ada.links()
        page = await ada.api.send("GET", links.stop, headers=BROWSER)
        for _ in range(2):  # a minute may end between two of them
            if page.status_code == 200:
                page = await ada.api.send("GET", links.stop, headers=BROWSER)
        assert page.status_code == 429
        assert int(page.headers["retry-after"]) >= 1
        shown = Page(page.text)
        assert shown.choices == ["everything"]
        assert (await post(ada.api, shown.action, b"choice=everything")).status_code == 200
        assert await ada.opt_outs() == [BY_PAGE]
        assert (await post(ada.api, links.stop)).status_code == 200

    async def test_an_outage_is_told_and_the_next_try_is_heard(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        links = await ada.links()

        async def away(*_: object) -> None:
            raise LogUnavailable("gone")

        with monkeypatch.context() as outage:
            outage.setattr(ada.api.parts.log, "append", away)
            told = await post(ada.api, links.stop)
            problem(told, 503, "unavailable")
            assert told.headers["retry-after"] == "1"
            page = await ada.api.send("POST", links.stop, None, ONE_CLICK, FORM | BROWSER)
            assert page.status_code == 503
            shown = Page(page.text)
            assert shown.choices == ["everything"]
        assert await ada.opt_outs() == []
        assert (await post(ada.api, shown.action, b"choice=everything")).status_code == 200
        assert await ada.opt_outs() == [BY_PAGE]

    async def test_a_request_leaves_no_token_and_no_address_in_a_line(
        self, ada: Person, capsys: pytest.CaptureFixture[str]
    ) -> None:
        links, out = await ada.links(), BytesIO()
        lines = Lines(out)
        app = RequestLog(create_app(ada.api.parts), meters=Meters(), tracer=NO_TRACER, lines=lines)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p") as client:
            await client.post(links.stop, content=ONE_CLICK, headers=FORM)
            await client.get(links.page)
            await client.post("/u/x", content=ONE_CLICK, headers=FORM)
        lines.flush()
        written = out.getvalue().decode()
        told = [json.loads(line) for line in written.splitlines()]
        assert [(one["name"], one["status"]) for one in told] == [
            ("doors.one-click", 200),
            ("doors.look", 200),
            ("doors.one-click", 404),
        ]
        captured = capsys.readouterr()
        for secret in (links.stop[3:], links.page[3:], str(ada.id), "127.0.0.1"):
            assert secret not in written + captured.out + captured.err

    async def test_it_reaches_who_has_the_address_after_an_erasure(self, api: Api, ada: Person) -> None:
        links = await ada.links()
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        erased = await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        assert erased.status_code == 200, erased.text
        again = await met(api, ada.tenant)
        assert again.id != ada.id
        forgotten = {"channel": "erasure", "kind": "unsubscribe", "scope": "tenant", "within": None}
        assert await again.opt_outs() == [forgotten]
        objecting = await api.send("POST", links.page, None, b"choice=objection", FORM)
        assert objecting.status_code == 200
        assert await again.opt_outs() == [forgotten, {**BY_PAGE, "kind": "objection"}]
        assert "everything" not in Page((await api.send("GET", links.page)).text).choices


class TestLooking:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_it_changes_nothing(self, ada: Person, method: str) -> None:
        asked = await ada.api.post(
            f"/v1/audience/{ada.id}/request-confirmation", ada.tenant.key, {"source": "website_form"}
        )
        links = await ada.links(campaign_type="news", request=asked.json()["version"])
        before = heads(ada.api)
        for path in (links.stop, links.page, links.confirmation):
            assert path is not None
            for more in ("", "?choice=everything", "?List-Unsubscribe=One-Click"):
                answer = await ada.api.send(method, f"{path}{more}")
                assert answer.status_code == 200
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["referrer-policy"] == "no-referrer"
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
        assert heads(ada.api) == before

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
    async def test_other_methods_are_none(self, ada: Person, method: str) -> None:
        links, before = await ada.links(), heads(ada.api)
        for path in (links.stop, links.page):
            problem(await ada.api.send(method, path), 405, "method-not-allowed")
        assert heads(ada.api) == before


class TestTokens:
    @pytest.mark.parametrize("door", ["u", "p", "c"])
    async def test_what_is_none_of_ours_gets_one_answer(self, ada: Person, door: str) -> None:
        links, before = await ada.links(), heads(ada.api)
        good = links.stop.removeprefix("/u/")
        bad = [*JUNK, good[:-1], good[1:], f"{good}A", good.swapcase()]
        bad += [links.page[3:], "B" + good[1:]] if door == "u" else [good]
        for token in bad:
            for method in ("GET", "POST"):
                answer = await ada.api.send(method, f"/{door}/{token}", None, ONE_CLICK, FORM)
                told = problem(answer, 404, "link-unusable")
                assert told.keys() == {"type", "title", "status", "detail", "request_id"}
                assert token not in answer.text or len(token) < 4
                page = await ada.api.send(method, f"/{door}/{token}", None, ONE_CLICK, FORM | BROWSER)
                assert page.status_code == 404
                assert Page(page.text).buttons == []
        assert heads(ada.api) == before

    async def test_a_token_is_of_its_tenant_alone(self, api: Api, ada: Person) -> None:
        other = await met(api, await api.tenant("Other"))
        before = await other.stream()
        assert (await post(api, (await ada.links()).stop)).status_code == 200
        assert await other.stream() == before
        # Whoever could make tokens under one tenant's keys for a person of another still finds nobody.
        tokens = api.parts.door_tokens
        crossed = replace(tokens.read((await other.links()).stop[3:], Door.OPT_OUT), tenant_id=ada.tenant.id)
        for method in ("GET", "POST"):
            answer = await api.send(method, f"/u/{tokens.text(crossed)}", None, ONE_CLICK, FORM)
            problem(answer, 404, "link-unusable")
        assert await other.stream() == before

    async def test_an_api_key_beside_it_makes_no_difference(self, api: Api, ada: Person) -> None:
        other = await api.tenant("Other")
        answer = await api.send("POST", (await ada.links()).stop, other.key, ONE_CLICK, FORM)
        assert answer.status_code == 200
        assert await ada.opt_outs() == [STOPPED]


class TestLinks:
    async def test_they_are_for_who_may_send(self, api: Api, ada: Person) -> None:
        viewer = await api.key(ada.tenant, TenantRole.VIEWER)
        problem(await ada.asked(uuid4(), viewer), 403, "missing-permission")
        tenant, within = ada.tenant, str(ada.tenant.workspace_id)
        role = {"workspace_id": within, "role": "member"}
        given = await api.post(f"/v1/tenancy/{tenant.owner_id}/set-workspace-role", tenant.key, role)
        assert given.status_code == 200, given.text
        speaks_for = str(tenant.owner_id)
        confined = await api.key(tenant, TenantRole.OWNER, member_id=speaks_for, workspaces=[within])
        asked = await ada.asked(uuid4(), confined)
        assert asked.status_code == 200, asked.text
        problem(await ada.asked(uuid4(), confined, workspace_id=str(uuid4())), 404, "not-found")
        for key in (confined, tenant.key):
            ahead = problem(await ada.asked(uuid4(), key, request="999"), 422, "parameter-invalid")
            assert [one["parameter"] for one in ahead["errors"]] == ["request"]
        problem(await ada.asked(uuid4(), confined, min_position="p1"), 422, "parameter-invalid")

    async def test_whoever_or_whatever_is_not_there_has_none(self, api: Api, ada: Person) -> None:
        other = await api.tenant("Other")
        problem(await ada.asked(uuid4(), other.key), 404, "not-found")
        problem(await ada.asked(uuid4(), workspace_id=str(uuid4())), 404, "not-found")
        problem(await replace(ada, id=uuid4()).asked(uuid4()), 404, "not-found")
        for wrong in ({"campaign_type": "No Word"}, {"request": "0"}, {"workspace_id": "x"}, {"more": "1"}):
            problem(await ada.asked(uuid4(), **wrong), 422, "parameter-invalid")

    async def test_nobody_writes_to_who_was_erased(self, api: Api, ada: Person) -> None:
        assert (await ada.asked(uuid4())).status_code == 200
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        problem(await ada.asked(uuid4()), 404, "not-found")

    async def test_without_an_address_for_the_world_there_are_none(
        self, database: Database, tmp_path: Path
    ) -> None:
        async with serving(database, tmp_path) as api:
            ada = await met(api, await api.tenant())
            told = problem(await ada.asked(uuid4()), 409, "no-public-address")
            assert "PENGUINMAILS_PUBLIC_URL" in told["detail"]
