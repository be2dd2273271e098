"""Past decisions judged again over HTTP: what flips and why, what cannot be asked, and half an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest

from api.http.app import create_app
from application import rejudging
from application.ports.log import LogUnavailable
from application.ports.positions import Position
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import TenantRole
from domain.law import packs as packs_folder
from domain.law.packs import load_packs
from domain.law.reading import read_pack
from domain.platform.rule_pack import AdoptRulePack, pack_stream_id
from tests.support.api import Api, TestTenant

CANADA = (files(packs_folder) / "ca.toml").read_text(encoding="utf-8")
STRICTER = CANADA.replace("years = 2", "years = 1")
MADE_UP = """law = "ca"
title = "A law"
countries = ["CA"]
zones = ["America/Toronto"]
otherwise_about = "Nothing fits here."
"""
VERSION = """
[[rules]]
id = "ca.one"
verdict = "deny"
cites = "s.1"
confidence = "T"
checked = 2026-11-22
about = "Something is so, and then this."
{dates}
"""


def two_versions(until: str, since: str) -> str:
    """A pack of one rule in two versions; the second begins in its line 16."""
    first, second = (
        VERSION.format(dates=f"{name} = {day}")
        for name, day in (("in_force_to", until), ("in_force_from", since))
    )
    return MADE_UP + first + second


TOML = {"content-type": "application/toml"}


async def bought(api: Api, tenant: TestTenant, days_ago: int) -> str:
    """Somebody in Canada who bought something; the id of a message that was decided on."""
    body = {
        "workspace_id": str(tenant.workspace_id),
        "email": f"{uuid4()}@people.example",
        "country": "CA",
        "subscriber_type": "individual",
    }
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    (who,) = [
        one["stream"].partition(":")[2]
        for one in made["events"]
        if one["name"] == "audience.addressee_registered"
    ]
    day = (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()
    relation = {"kind": "purchase", "occurred_on": day}
    assert (await api.post(f"/v1/audience/{who}/record-relation", tenant.key, relation)).status_code == 200
    message = {"message_id": str(uuid4()), "workspace_id": str(tenant.workspace_id)}
    decided = await api.post(f"/v1/audience/{who}/authorise-message", tenant.key, message)
    assert decided.json()["result"]["verdict"] == "allow"
    return message["message_id"]


async def rejudged(
    api: Api, key: str, query: str = "", pack: str | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """The flips, the summary's line, and how far it was in between."""
    method, body, headers = ("GET", None, {}) if pack is None else ("POST", pack.encode(), TOML)
    answer = await api.send(method, f"/v1/law/rejudge{query}", key, body, headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["penguin-position"] == last["position"]
    far = [line["progress"] for line in lines if "progress" in line]
    return [line["flip"] for line in lines if "flip" in line], last, far


async def test_the_decisions_that_flip_and_the_rule_that_flips_them(api: Api) -> None:
    tenant = await api.tenant(country="CA")
    await bought(api, tenant, 100)
    late = await bought(api, tenant, 500)
    flips, last, far = await rejudged(api, tenant.key)
    same = {"judged": 2, "identical": 2, "same_verdict": 0, "flipped": 0, "without_packs": 0}
    assert (flips, last["summary"]) == ([], same)
    head = await api.parts.log.head(tenant.id)
    assert head is not None
    assert last["position"] == Position(head.epoch, head.position).token()
    assert far[0] == {"position": Position(1, 0).token(), "until": last["position"], **dict.fromkeys(same, 0)}
    assert far[-1] == {"position": last["position"], "until": last["position"], **same}

    (flip,), last, _ = await rejudged(api, tenant.key, pack=STRICTER)
    assert flip["message_id"] == late
    assert flip["before"] == {"verdict": "allow", "law": "ca", "rule": "ca.purchase"}
    assert flip["after"] == {"verdict": "deny", "law": "ca", "rule": "otherwise"}
    assert (last["summary"]["judged"], last["summary"]["flipped"]) == (2, 1)
    asked = f"/v1/history?stream={flip['stream']}&name=audience.permission_decided"
    (told,) = (await api.send("GET", asked, tenant.key)).json()["data"]
    assert (told["position"], told["version"], told["recorded_at"]) == (
        flip["position"],
        flip["version"],
        flip["recorded_at"],
    )
    first = far[-1]["position"]
    assert (await rejudged(api, tenant.key, f"?start={first}", STRICTER))[1]["summary"]["judged"] == 0
    assert await api.parts.log.head(tenant.id) == head, "looking decides nothing"


async def test_by_a_version_that_was_in_use_once(api: Api) -> None:
    tenant = await api.tenant(country="CA")
    late = await bought(api, tenant, 500)
    former = read_pack(STRICTER, "ca.toml")
    command = AdoptRulePack(law="ca", pack_version=former.version, text=STRICTER)
    await api.act(PLATFORM, command, pack_stream_id("ca"), opens_log=True)
    answer = (await api.send("GET", "/v1/law/packs", tenant.key)).json()
    listed = [(one["law"], one["version"], one["current"]) for one in answer["data"]]
    present = {pack.law: pack for pack in load_packs()}
    assert [one for one in listed if one[0] != "ca"] == [
        (law, pack.version, True) for law, pack in present.items() if law != "ca"
    ]
    assert [one for one in listed if one[0] == "ca"] == [
        ("ca", former.version, False),
        ("ca", present["ca"].version, True),
    ]
    (entered,) = [one for one in answer["data"] if one["version"] == former.version]
    assert datetime.fromisoformat(entered["adopted_at"]) <= datetime.now(UTC)
    told = {one: len(getattr(former, one)) for one in ("rules", "deadlines", "content", "also")}
    assert {one: entered[one] for one in told} == told
    assert entered["statements"] == sum(told.values()) > 9
    taken = {one["name"]: (one["command"], one["field"], one["to_settle"]) for one in entered["missing"]}
    assert taken["role_relevant"] == ("audience/authorise-message", "role_relevant", None)
    (zealand,) = [one for one in answer["data"] if one["law"] == "nz"]
    (conduct,) = [one for one in zealand["missing"] if one["name"] == "conduct"]
    assert (conduct["command"], conduct["field"], conduct["value"]) == (None, None, None)
    assert conduct["to_settle"].startswith("whether what the person did")

    (flip,), _, _ = await rejudged(api, tenant.key, f"?pack=ca:{former.version}")
    assert (flip["message_id"], flip["after"]["verdict"]) == (late, "deny")
    flips, last, _ = await rejudged(api, tenant.key, f"?pack=ca:{present['ca'].version}")
    assert (flips, last["summary"]["identical"]) == ([], 1)
    twice = f"?pack=ca:{present['ca'].version}"
    for method, query, body in (
        ("GET", f"{twice},ca:{former.version}", None),
        ("POST", twice, CANADA.encode()),
    ):
        refused = await api.send(method, f"/v1/law/rejudge{query}", tenant.key, body, TOML)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/unknown-pack")


async def test_a_period_other_knowledge_and_hindsight(api: Api) -> None:
    tenant = await api.tenant(country="CA")
    await bought(api, tenant, 500)
    between = datetime.now(UTC).isoformat().replace("+", "%2B")
    await bought(api, tenant, 500)
    for query, judged in (
        (f"after={between}", 1),
        (f"before={between}", 1),
        (f"after={between}&before={between}", 0),
    ):
        _, last, _ = await rejudged(api, tenant.key, f"?{query}")
        assert last["summary"]["judged"] == judged, query
    known_late = CANADA.replace("known_from = 2014-07-01", "known_from = 2026-01-01")
    flips, _, _ = await rejudged(api, tenant.key, "?known=2025-01-01T00:00:00Z", known_late)
    assert len(flips) == 2
    for query in (
        "?today=true",
        "?hindsight=true",
        "?in_force=2027-01-01T00:00:00Z",
        "?known=2026-11-01T00:00:00Z",
    ):
        assert (await rejudged(api, tenant.key, query))[0] == [], query


@pytest.mark.parametrize(
    ("query", "kind", "field"),
    [
        ("after=2026-02-01T00:00:00Z&before=2026-01-01T00:00:00Z", "period-reversed", "/before"),
        ("known=2099-01-01T00:00:00Z", "not-yet-known", "/known"),
        ("known=tomorrow", "parameter-invalid", "/known"),
        ("after=2026-02-01T00:00:00", "parameter-invalid", "/after"),
        ("hindsight=perhaps", "parameter-invalid", "/hindsight"),
        ("pack=zz:0123456789abcdef", "unknown-pack", "/pack"),
        ("pack=ca:0123456789abcdef", "unknown-pack", "/pack"),
        ("pack=ca", "unknown-pack", "/pack"),
        ("pack=", "unknown-pack", "/pack"),
        ("start=x", "parameter-invalid", "start"),
        (f"start={Position(1, 10**9).token()}", "beyond-the-log", None),
        ("since=2026-02-01T00:00:00Z", "parameter-invalid", "since"),
    ],
)
async def test_what_cannot_be_asked_names_the_parameter(
    api: Api, query: str, kind: str, field: str | None
) -> None:
    tenant = await api.tenant()
    answer = await api.send("GET", f"/v1/law/rejudge?{query}", tenant.key)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (422, f"/problems/{kind}"), answer.text
    if field is not None:
        (error,) = told["errors"]
        assert error.get("pointer", error.get("parameter")) == field
    assert "0123456789abcdef" not in answer.text


@pytest.mark.parametrize(
    ("pack", "place", "words"),
    [
        (two_versions("2020-01-01", "2021-01-01").encode(), "ca.toml:16: ", "no version of ca.one"),
        (two_versions("2022-01-01", "2021-01-01").encode(), "ca.toml:16: ", "two versions of ca.one"),
        (b"a = 1\nlaw = ,", "ca.toml: ", "line 2"),
        (b"", "ca.toml:1: ", "law: Field required"),
        (b"\xff", "ca.toml: ", "UTF-8"),
        (CANADA.replace("America/St_Johns", "Mars/Olympus").encode(), "ca.toml:1: ", "no such zone"),
        (b"a." * 20_000 + b"b = 1", "ca.toml:1: ", "at most"),
    ],
)
async def test_a_pack_that_is_not_whole_is_refused_with_file_and_line(
    api: Api, pack: bytes, place: str, words: str
) -> None:
    tenant = await api.tenant()
    named = {**TOML, "penguin-file-name": "laws%2Fca.toml"}
    answer = await api.send("POST", "/v1/law/rejudge", tenant.key, pack, named)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (422, "/problems/pack-unusable"), answer.text
    assert told["detail"].startswith(place)
    assert words in told["detail"]


async def test_a_body_is_a_pack_of_some_size(api: Api) -> None:
    tenant = await api.tenant()
    for body, media, status in (
        (b"{}", "application/json", 415),
        (b"#" * 100_001, "application/toml", 413),
        (CANADA.encode(), "text/plain; charset=utf-8", 200),
    ):
        answer = await api.send("POST", "/v1/law/rejudge", tenant.key, body, {"content-type": media})
        assert answer.status_code == status, answer.text


async def test_who_may_ask_and_of_whose_past(api: Api) -> None:
    ours, theirs = await api.tenant("Ours", country="CA"), await api.tenant("Theirs", country="CA")
    await bought(api, theirs, 500)
    flips, last, _ = await rejudged(api, ours.key, pack=STRICTER)
    assert (flips, last["summary"]["judged"]) == ([], 0)
    viewer = await api.key(theirs, TenantRole.VIEWER)
    confined = await api.key(theirs, TenantRole.OWNER, workspaces=[theirs.workspace_id])
    for key in (viewer, confined):
        answer = await api.send("GET", "/v1/law/rejudge", key)
        assert (answer.status_code, answer.json()["permission"]) == (403, "history.read")
        assert (await api.send("GET", "/v1/law/packs", key)).status_code == 200
    officer = await api.key(theirs, TenantRole.COMPLIANCE_OFFICER)
    await rejudged(api, officer, "?today=true", CANADA)
    reads = (await api.send("GET", "/v1/access?direction=backward&limit=1", theirs.key)).json()["data"]
    assert [(one["payload"]["query"], one["payload"]["kind"]) for one in reads] == [("law.rejudge", "replay")]
    version = read_pack(CANADA, "ca.toml").version
    assert json.loads(reads[0]["payload"]["filters"]) == {"today": True, "sent": [f"ca:{version}"]}
    assert (await api.send("GET", "/v1/law/rejudge")).status_code == 401


@dataclass
class Reader:
    """Somebody who reads so many lines of an answer, and then does something else."""

    api: Api
    lines: list[dict[str, Any]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, key: str, enough: int, then: Callable[[], Awaitable[None]]) -> None:
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.lines += [json.loads(line) for line in message.get("body", b"").splitlines()]
            if len(self.lines) >= enough:
                await then()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/v1/law/rejudge",
            "raw_path": b"/v1/law/rejudge",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {key}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await create_app(self.api.parts)(scope, receive, send)


@pytest.fixture
async def long_past(api: Api, monkeypatch: pytest.MonkeyPatch) -> TestTenant:
    """Six decisions, each read and judged for itself."""
    tenant = await api.tenant(country="CA")
    for _ in range(6):
        await bought(api, tenant, 100)
    monkeypatch.setattr(rejudging, "_SCAN", 1)
    monkeypatch.setattr(rejudging, "_TOGETHER", 1)
    return tenant


async def test_nothing_more_is_read_while_the_reader_reads_nothing_or_after_it_left(
    api: Api, long_past: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, reader, log = 0, Reader(api), type(api.parts.log)
    read_log = log.read_log

    async def counted(*given: Any, **more: Any) -> Any:
        nonlocal looked
        looked += 1
        return await read_log(*given, **more)

    async def hold() -> None:
        reader.gone.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(log, "read_log", counted)
    reading = asyncio.create_task(reader.read(long_past.key, 3, hold))
    await asyncio.wait_for(reader.gone.wait(), 10)
    before = looked
    await asyncio.wait_for(reading, 10)
    assert looked == before
    assert [list(line) for line in reader.lines] == [["progress"]] * 3
    head = await api.parts.log.head(long_past.id)
    assert head is not None
    assert before < head.position


async def test_an_answer_that_breaks_off_says_so_and_where_to_go_on(
    api: Api, long_past: TestTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, asked = type(api.parts.log), 0
    read_streams = log.read_streams

    async def failing(*given: Any, **more: Any) -> Any:
        nonlocal asked
        asked += "up_to_position" in more
        if asked > 3:
            raise LogUnavailable("away")
        return await read_streams(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(log, "read_streams", failing)
        answer = await api.send("GET", "/v1/law/rejudge", long_past.key)
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last["problem"]["type"] == "/problems/unavailable"
    reached = lines[-1]["progress"]
    assert reached["judged"] == 3
    _, rest, _ = await rejudged(api, long_past.key, f"?start={reached['position']}")
    assert rest["summary"]["judged"] == 3
