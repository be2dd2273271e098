"""Tenant B, with every permission of its own, meets A's ids on every route: it learns and changes nothing.

The routes come from the OpenAPI document, so that a new one is covered on the day it is declared. The same requests by
A itself must work: a test that proves nothing would else look like one that does.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from api.http.openapi import openapi
from application.ports.positions import Position
from application.queries import QUERIES
from domain.kernel.commands import COMMANDS
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole, TenantRole
from domain.law.packs import pack_texts
from domain.tenancy.secret import SecretCommand
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.exported import rows_of, text_of
from tests.support.furnished import MARK, Theirs, body_of, furnished
from tests.support.other_routes import MESSAGE, OF_AN_EVENT, OF_BILLING, OF_LEDGER, OF_SQL
from tests.support.report_routes import of_reports

_MAKING = ("create", "enter", "invite", "record", "save", "set")
FORGED = f"AQ{'A' * 150}"


def logs(api: Api) -> dict[UUID, tuple[int, int]]:
    """How many events each tenant's two logs hold."""
    with psycopg.connect(api.database.admin) as connection:
        rows = connection.execute(
            "SELECT h.tenant_id, h.position, coalesce(a.position, 0) FROM log.heads h "
            "LEFT JOIN log.access_heads a USING (tenant_id)"
        ).fetchall()
    return {tenant: (events, reads) for tenant, events, reads in rows}


def says_nothing(answer: httpx.Response, theirs: Theirs, sent: str) -> None:
    """The answer holds nothing of theirs that was not in the request."""
    assert answer.status_code < 500, answer.text
    for secret in theirs.secrets():
        if secret not in sent:
            assert secret not in answer.text, f"{answer.request.method} {answer.request.url}"
            assert not any(secret in value for value in answer.headers.values())
    if answer.status_code >= 400:
        assert MARK not in answer.text


def nothing_of_a_report(answer: httpx.Response, theirs: Theirs, path: str) -> None:
    """A report of ours, as a file too, has no rows, and what stands beside them names nothing of theirs."""
    _, is_file, form = path.partition("format=")
    if not is_file:
        assert answer.json()["data"] == [], answer.text
        return
    assert rows_of(answer.content, form) == []
    assert not [secret for secret in theirs.secrets() if secret in text_of(answer.content, form)]


async def test_every_command_on_anothers_id_is_not_found_and_changes_nothing(api: Api) -> None:
    theirs = await furnished(api)
    ours = await api.tenant("Ours")
    before, chosen = logs(api), ""
    commands = [command for command in COMMANDS.public() if command.context != "platform"]
    assert len(commands) > 20
    for command in commands:
        target = theirs.ids.get(command.stream)
        assert target is not None, f"the test has no {command.stream} of A's: add one"
        body = body_of(command, theirs.ids)
        path = f"/v1/{command.context}/{target}/{command.slug}"
        for dry in ("false", "true"):
            answer = await api.post(path, ours.key, body, penguin_dry_run=dry)
            assert answer.status_code in (201, 200, 403, 404, 409, 422), answer.text
            says_nothing(answer, theirs, path + json.dumps(body) + chosen)
            if answer.status_code == 200:
                # A stream of B's own, under an id that B chose, which is from now on B's too: A's is another.
                assert target in chosen or command.slug.startswith(_MAKING), f"{path}: {answer.text}"
                chosen += target
        new = await api.post(f"/v1/{command.context}/new/{command.slug}", ours.key, body)
        says_nothing(new, theirs, json.dumps(body) + chosen)
    after = logs(api)
    assert after[theirs.tenant.id] == before[theirs.tenant.id]


async def test_every_command_of_the_platform_is_refused_to_a_tenants_owner(api: Api) -> None:
    theirs = await furnished(api)
    staff, _ = await api.staff(StaffRole.SUPPORT)
    ours = await api.tenant("Ours")
    before = logs(api)
    commands = [
        command
        for command in COMMANDS.public()
        if command.context == "platform" or command.permission.value.startswith("platform.")
    ]
    assert {command.slug for command in commands} >= {"register-tenant", "add-staff", "create-staff-key"}
    targets = ("new", str(ours.id), str(theirs.tenant.id), str(staff), str(PLATFORM))
    ways: tuple[dict[str, str], ...] = (
        {},
        {"penguin_dry_run": "true"},
        {"penguin_tenant": str(PLATFORM)},
        {"penguin_tenant": str(theirs.tenant.id)},
    )
    for command in commands:
        body = body_of(command, theirs.ids)
        for target in targets:
            path = f"/v1/{command.context}/{target}/{command.slug}"
            for headers in ways:
                answer = await api.post(path, ours.key, body, **headers)
                assert answer.status_code in (403, 404), f"{path} {headers}: {answer.text}"
                says_nothing(answer, theirs, path + json.dumps(body) + str(headers))
            line = {
                "id": path,
                "command": f"{command.context}/{command.slug}",
                "target": target,
                "body": body,
            }
            batch = await api.send(
                "POST",
                "/v1/batch",
                ours.key,
                json.dumps(line).encode(),
                {"content-type": "application/x-ndjson"},
            )
            refused = (403, 404, 422) if issubclass(command, SecretCommand) else (403, 404)
            assert json.loads(batch.text)["status"] in refused, batch.text
    assert logs(api) == before


_OUR_LAST = 5
"""A position that a log of ours has from its opening on."""
_BESIDE_THE_LOG = {"cursor_position", "lag", "failures", "given_up", "replays"}


async def as_it_was(api: Api, theirs: Theirs, path: str, live: Any) -> None:
    """What A's view was at the position where it stands is what it is."""
    then = await api.send("GET", f"{path}?at={live['position']}", theirs.tenant.key)
    assert then.status_code == 200, then.text
    told = then.json()
    if "webhook" in path:  # how sending goes is not in the log
        for one in (told, live):
            for row in one["data"] if isinstance(one["data"], list) else [one["data"]]:
                for name in _BESIDE_THE_LOG:
                    del row[name]
    assert (told["data"], told["position"]) == (live["data"], live["position"]), path


async def test_every_view_of_anothers_shows_nothing(api: Api) -> None:
    theirs = await furnished(api)
    ours = await api.tenant("Ours")
    await api.project()
    before = logs(api)
    singles = {
        "tenancy.tenant": "tenant",
        "audience.contact_list": "list",
        "audience.contact_import": "import",
        "rights.request": "subject_request",
        "retention.plan": "disposal",
        "finance.exchange_rate": "rate",
    }
    for query in QUERIES.values():
        if query.context == "platform":
            for method in ("GET",):
                path = query.route.replace("{id}", theirs.ids["owner"])
                assert (await api.send(method, path, ours.key)).status_code == 403
            continue
        if query.single:
            kind = singles.get(query.name, query.name.partition(".")[2])
            path = query.route.replace("{id}", theirs.ids[kind])
            own = await api.send("GET", path, theirs.tenant.key)
            assert own.status_code == 200, f"{path}: {own.text}"
            answer = await api.send("GET", path, ours.key)
            assert answer.status_code == 404, answer.text
            await as_it_was(api, theirs, path, own.json())
            assert (await api.send("GET", f"{path}?at={_OUR_LAST}", ours.key)).status_code == 404
        else:
            path = query.route
            own = await api.send("GET", path, theirs.tenant.key)
            assert own.status_code == 200, f"{path}: {own.text}"
            assert own.json()["data"], f"the test has nothing of A's in {path}: add one"
            answer = await api.send("GET", path, ours.key)
            assert answer.status_code == 200, answer.text
            await as_it_was(api, theirs, path, own.json())
            changed = await api.send("GET", f"{path}/difference?from=0", theirs.tenant.key)
            assert changed.json()["data"], changed.text
            for before_now in (f"{path}?at={_OUR_LAST}", f"{path}/difference?from=0"):
                then = await api.send("GET", before_now, ours.key)
                assert then.status_code == 200, then.text
                says_nothing(then, theirs, path)
            for name in query.params.model_fields:
                wanted = theirs.ids.get(name.removesuffix("_id").removesuffix("person"))
                if wanted is not None:
                    filtered = await api.send("GET", f"{path}?{name}={wanted}", ours.key)
                    assert filtered.json()["data"] == [], filtered.text
        says_nothing(answer, theirs, path)
    own_reads = logs(api)[theirs.tenant.id][1] - before[theirs.tenant.id][1]
    assert own_reads > 0, "A's own reads left no trace"
    assert logs(api)[theirs.tenant.id][0] == before[theirs.tenant.id][0]


def of_history(ids: dict[str, str]) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Requests for what was, what led to what, and what would take it back."""
    yield "GET", "/v1/history/known?position=1", None, {}
    for kind in ("contact", "list", "member", "workspace", "import", "webhook_endpoint"):
        yield "GET", f"/v1/history/state?stream={kind}:{ids[kind]}", None, {}
        yield (
            "GET",
            f"/v1/history/difference?stream={kind}:{ids[kind]}&from={Position(1, 0).token()}",
            None,
            {},
        )
        yield "GET", f"/v1/history?stream={kind}:{ids[kind]}", None, {}
        yield "GET", f"/v1/history/blame?stream={kind}:{ids[kind]}", None, {}
        yield "GET", f"/v1/history/causes?command={ids[kind]}", None, {}
        yield "GET", f"/v1/history/undo?command={ids[kind]}", None, {}


def other_routes(theirs: Theirs) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Requests for all that is neither a command nor a view."""
    ids, csv = theirs.ids, {"content-type": "text/csv"}
    yield "GET", "/v1/history", None, {}
    yield "GET", "/v1/access", None, {}
    yield "GET", "/v1/access/review", None, {}
    yield from of_history(ids)
    for kind in ids:
        yield "GET", f"/v1/receipts/{MARK}-{kind}", None, {}
    yield from (*OF_SQL, *OF_BILLING)
    yield from (("GET", path, None, {}) for path in OF_LEDGER)
    yield "POST", "/v1/ledger/evidence", {"about": ids["contact"]}, {}
    yield "POST", "/v1/ledger/evidence/question", {"about": ids["contact"]}, {}
    yield "POST", "/v1/ledger/disclosures", OF_AN_EVENT, {}
    yield "POST", f"/v1/sql/queries/{ids['saved_query']}/run", {}, {}
    yield from of_reports(ids)
    yield "POST", f"/v1/audience/imports?workspace_id={ids['workspace']}", b"email\nx@example.org\n", csv
    yield "POST", f"/v1/audience/imports/{ids['import']}/preview", {}, {}
    yield "GET", f"/v1/audience/imports/{ids['import']}/progress", None, {}
    yield "GET", f"/v1/audience/imports/{ids['import']}/errors", None, {}
    listed = f"/v1/audience/imports?workspace_id={ids['workspace']}&kind=suppressions"
    yield "POST", listed, b"email\nx@example.org\n", csv
    yield "GET", "/v1/audience/suppressions/export", None, {}
    lines = [
        {"id": "1", "command": "audience/rename-list", "target": ids["list"], "body": {"name": "Mine now"}},
        {"id": "2", "command": "audience/erase-contact", "target": ids["contact"], "body": {}},
        {
            "id": "3",
            "command": "audience/create-list",
            "target": "new",
            "body": {"workspace_id": ids["workspace"], "name": "In there"},
        },
    ]
    batch = "\n".join(json.dumps(line) for line in lines).encode()
    yield "POST", "/v1/batch", batch, {"content-type": "application/x-ndjson"}
    yield "POST", "/v1/invitations/accept", {"token": f"pm_invite_{'A' * 75}"}, {}
    yield "GET", f"/v1/audience/preview?workspace_id={ids['workspace']}&list_id={ids['list']}", None, {}
    yield "GET", f"/v1/audience/preview?campaign_id={ids['campaign']}", None, {}
    yield "GET", "/v1/law/rejudge", None, {}
    pack = pack_texts()["de.toml"].encode()
    yield "POST", "/v1/law/rejudge?hindsight=true", pack, {"content-type": "application/toml"}
    yield "GET", "/v1/law/packs", None, {}
    yield "GET", "/v1/ledger/events/noted", None, {}
    yield "GET", "/v1/ledger/access/noted?size=1&epoch=1", None, {}
    # Doors of people: what a token of A's does is up to who holds it (test_doors.py); this one is forged.
    form = {"content-type": "application/x-www-form-urlencoded"}
    for door, body in (
        ("u", b"List-Unsubscribe=One-Click"),
        ("p", b"choice=everything"),
        ("d", b"choice=access"),
        ("c", b""),
    ):
        yield "GET", f"/{door}/{FORGED}", None, {}
        yield "POST", f"/{door}/{FORGED}", body, form
    about = f"workspace_id={ids['workspace']}&message_id={ids['list']}"
    yield "GET", f"/v1/audience/addressees/{ids['import']}/links?{about}", None, {}
    yield "GET", f"/v1/audience/addressees/{ids.get('addressee')}/links?{about}", None, {}
    yield "GET", f"/v1/rights/requests/{ids['import']}/disclosure", None, {}
    yield "GET", f"/v1/rights/requests/{ids['import']}/asked", None, {}
    yield "GET", f"/v1/rights/requests/{ids.get('subject_request')}/asked", None, {}
    yield "GET", f"/v1/rights/requests/{ids.get('subject_request')}/disclosure", None, {}
    yield "GET", f"/v1/audience/erasures/{ids.get('erasure')}/certificate", None, {}
    yield "GET", "/v1/audience/contacts", None, {"penguin-tenant": ids["tenant"]}
    yield "GET", "/v1/audience/contacts", None, {"penguin-grant": f"{ids['tenant']}.{ids['grant']}"}


async def test_no_other_route_shows_or_changes_anything_of_another(api: Api) -> None:
    theirs = await furnished(api)
    ours = await api.tenant("Ours")
    await api.project()
    before = logs(api)
    with analytics_of(api):
        for method, path, body, headers in other_routes(theirs):
            answer = await api.send(method, path, ours.key, body, headers)
            says_nothing(answer, theirs, f"{path}{body!r}{headers}")
            if path.startswith("/v1/platform/"):
                assert answer.status_code == 403, answer.text
                continue
            if path.startswith("/v1/receipts"):
                assert answer.status_code == 404
            if FORGED in path or path.startswith(
                ("/v1/audience/addressees", "/v1/audience/erasures", "/v1/rights")
            ):
                assert answer.status_code == 404, answer.text
            if path.endswith("/run"):
                assert answer.status_code == 404, answer.text
            if path == "/v1/sql":
                assert answer.status_code == 200, answer.text
            if path == "/v1/batch":
                statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
                assert statuses == [404, 404, 404], answer.text
            if path.startswith("/v1/packs/") and not path.endswith("/definitions"):
                assert answer.status_code == 404
            if path.startswith("/v1/citations"):
                assert answer.status_code == 404, answer.text
            if path == "/v1/reports/definitions/preview":
                assert answer.json()["data"]["months"] == [], answer.text
            if path.endswith("/cite"):
                assert answer.status_code == 422, answer.text
            if path.startswith("/v1/audience/preview"):
                assert answer.status_code == 404
            if path.startswith("/v1/law/rejudge"):
                assert json.loads(answer.text.splitlines()[-1])["summary"]["judged"] == 0, answer.text
            # Ours has of these too: its owner, its workspace, and what is said of metrics that nobody tells.
            own = any(name in path for name in ("activity", "usage", "scorecard", "/cite", "/preview"))
            if "/reports/" in path and not own:
                nothing_of_a_report(answer, theirs, path)
    assert logs(api)[theirs.tenant.id] == before[theirs.tenant.id]


def test_every_route_is_covered() -> None:
    """A route that is neither a command nor a view must be among those above."""
    theirs = Theirs(TestTenant(UUID(int=1), UUID(int=2), UUID(int=3), ""))
    theirs.ids = dict.fromkeys(
        (
            "contact",
            "list",
            "member",
            "workspace",
            "import",
            "webhook_endpoint",
            "tenant",
            "grant",
            "erasure",
            "saved_query",
            "campaign",
        ),
        "00000000-0000-7000-8000-000000000001",
    )
    asked = {(method.lower(), path.partition("?")[0]) for method, path, _, _ in other_routes(theirs)}
    known = {f"/v1/{c.context}/{{stream_id}}/{c.slug}" for c in COMMANDS.public()}
    known |= {q.route for q in QUERIES.values()}
    known |= {f"{q.route}/difference" for q in QUERIES.values() if not q.single}
    for path, operations in openapi()["paths"].items():
        for method in operations:
            if (
                path in known
                and method in ("get", "post")
                and not (path == "/v1/audience/imports" and method == "post")
            ):
                continue
            path = path.replace("{name}", "contacts_by_segment").replace("{citation}", "pm1:AAAA")  # noqa: PLW2901
            filled = path.replace("{id}", theirs.ids["import"]).replace("{token}", FORGED)
            ledger = {"{log}": "events", "{position}": "1", "{path}": "0/000.p/1", "{of}": MESSAGE}
            filled = functools.reduce(lambda found, one: found.replace(*one), ledger.items(), filled)
            if filled == "/v1/receipts/{key}":
                filled = f"/v1/receipts/{MARK}-contact"
            assert (method, filled) in asked, (
                f"no test asks {method.upper()} {path} with another tenant's ids"
            )


@pytest.mark.parametrize("role", list(TenantRole))
async def test_a_key_of_one_workspace_sees_and_touches_that_one_alone(api: Api, role: TenantRole) -> None:
    tenant = await api.tenant()
    made = await api.post("/v1/tenancy/new/create-workspace", tenant.key, {"name": "Second"})
    assert made.status_code == 201, made.text
    second = made.json()["id"]
    for workspace, email in ((tenant.workspace_id, "first@example.org"), (second, "second@example.org")):
        body = {"workspace_id": str(workspace), "email": email}
        assert (await api.post("/v1/audience/new/create-contact", tenant.key, body)).status_code == 201
    await api.project()
    confined = await api.key(tenant, role, workspaces=[second])
    answer = await api.send("GET", "/v1/audience/contacts", confined)
    assert {row["workspace_id"] for row in answer.json()["data"]} == {second}
    elsewhere = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    refused = await api.post("/v1/audience/new/create-list", confined, elsewhere)
    assert refused.status_code in (403, 404)
