"""The OpenAPI document against the API: whatever fits or does not fit it, no 5xx, no answer that it does not name."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http.app import create_app
from api.http.openapi import openapi
from api.http.problems import catalogue
from application.door_tokens import Door, DoorToken
from application.ports.positions import Position
from application.queries import QUERIES
from domain.kernel.commands import COMMANDS
from domain.kernel.permissions import TenantRole
from domain.law.packs import pack_texts
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.campaigns import CONTENT
from tests.support.database import Database


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "application/json-lines")
def one_line(_: object, value: object) -> bytes:
    """A batch of one line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("application/toml")
def text(_: object, value: object) -> bytes:
    """What is no pack at all, most of the time."""
    return str(value).encode()


class Served:
    """The API on a port, in a thread with a loop of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.key = self.workspace = ""
        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.ready = threading.Event()
        self.server: uvicorn.Server | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve(database, folder)))

    async def serve(self, database: Database, folder: Path) -> None:
        async with serving(database, folder, public_url="https://mail.example.com") as api:
            await self.furnish(api)
            with analytics_of(api):
                config = uvicorn.Config(
                    create_app(api.parts), log_level="critical", lifespan="off", access_log=False
                )
                self.server = uvicorn.Server(config)
                self.ready.set()
                await self.server.serve(sockets=[self.listener])

    async def furnish(self, api: Api) -> None:
        tenant = await api.tenant()
        # A key that speaks for a member: campaigns are written by somebody.
        self.key = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
        self.workspace = str(tenant.workspace_id)
        person = {"workspace_id": self.workspace, "email": "a@example.org"}
        made_of: dict[str, Any] = {}
        for slug, body in (("contact", person), ("list", {"workspace_id": self.workspace, "name": "All"})):
            made = await api.post(f"/v1/audience/new/create-{slug}", tenant.key, body)
            made_of[slug] = made.json()
            self.ids[slug] = made_of[slug]["id"]
        contact = next(one for one in made_of["contact"]["events"] if one["stream"].startswith("addressee:"))
        self.ids["addressee"] = contact["stream"].partition(":")[2]
        await self.furnish_doors(api, tenant)
        campaign = {"workspace_id": self.workspace, "name": "Saws", "list_ids": [self.ids["list"]]}
        made = await api.post("/v1/campaign/new/create-campaign", self.key, campaign)
        self.ids["campaign"] = made.json()["id"]
        paid: dict[str, Any] = {
            "category": "server",
            "amount": 1,
            "currency": "USD",
            "incurred_on": "2026-10-01",
        }
        paid |= {"provider": "Hostwinds", "basis": "estimate"}
        for context, slug, body in (
            ("costs", "enter-cost", paid),
            ("finance", "set-target", {"metric": "mrr", "value": "1", "unit": "USD"}),
        ):
            made = await api.post(f"/v1/{context}/new/{slug}", self.key, body)
            self.ids[slug.partition("-")[2]] = made.json()["id"]
        self.ids |= dict.fromkeys(("period", "allocation", "exchange_rate"), str(tenant.id))
        self.ids |= {"tenant": str(tenant.id), "workspace": self.workspace, "member": str(tenant.owner_id)}
        await api.project()

    async def furnish_doors(self, api: Api, tenant: TestTenant) -> None:
        """A token for each door of people."""
        person = UUID(self.ids["addressee"])
        asking = f"/v1/audience/{person}/request-confirmation"
        asked = await api.post(asking, tenant.key, {"source": "website_form"})
        for letter, door in zip("upc", Door, strict=True):
            token = DoorToken(
                door, tenant.id, person, tenant.workspace_id, None, "news", asked.json()["version"]
            )
            self.tokens[f"/{letter}/"] = api.parts.door_tokens.text(token)

    def past(self, case: Any) -> dict[str, str]:
        """A moment that there was, in the place of one that was asked for at random."""
        asked = {name for name in ("at", "from", "to") if name in (case.query or {})}
        if "/v1/reports/" in case.path:
            return {}
        if case.path == "/v1/history/causes":
            for name in ("command", "correlation"):
                (case.query or {}).pop(name, None)
            asked.add("position")
        return dict.fromkeys(asked, Position(1, 3).token())

    def aimed(self, case: Any, number: int) -> Any:
        """Every other case has the tenant's own ids, and no moments: most that are made up lie in other centuries."""
        if number % 2 and isinstance(case.body, dict) and "workspace_id" in case.body:
            case.body["workspace_id"] = self.workspace
        if number % 2 and isinstance(case.body, dict) and "/v1/campaign/" in case.path:
            own = {"list_ids": [self.ids["list"]], "countries": ["DE"], "content": CONTENT}
            case.body |= {name: value for name, value in own.items() if name in case.body}
        if number % 2:
            for name, part in product(MOMENTS, (case.query, case.body)):
                if isinstance(part, dict):
                    part.pop(name, None)
            # Text that fits the schema is still no token of ours, and no stream's name.
            for name in ("cursor", "min_position", "start", "pack"):
                (case.query or {}).pop(name, None)
            case.query = {**(case.query or {}), **self.past(case)}
            if "stream" in (case.query or {}):
                case.query["stream"] = f"list:{self.ids['list']}"
        kinds = [kind for kind in self.ids if kind in case.path]
        if number % 2 and case.path[:3] in self.tokens:
            case.path_parameters["token"] = self.tokens[case.path[:3]]
        if number % 2 and case.path.endswith("/links"):
            case.query["workspace_id"] = self.workspace
        if number % 2 and "/create-" in case.path:
            case.path_parameters["stream_id"] = "new"
            case.headers.pop("If-Match", None)
        elif number % 2 and kinds and "archive-campaign" not in case.path:  # the others come after it
            for name in ("id", "stream_id"):
                if name in case.path_parameters:
                    case.path_parameters[name] = self.ids[kinds[0]]
        return case

    def __enter__(self) -> Self:
        self.thread.start()
        if not self.ready.wait(60):
            raise TimeoutError("the API did not come up")
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.should_exit = True
        self.thread.join()


def with_pack(case: Any, number: int) -> Any:
    """Every other rule pack is one."""
    if number % 2 and case.method == "POST" and case.path.startswith("/v1/law/"):
        case.body = PACK
    return case


# What nearly every operation takes, and one piece of code reads for all of them.
OF_ALL = {"IdempotencyKey", "IfMatch", "DryRunHeader", "Reason", "Version", "RequestId"}
STAFF = {"Tenant", "Grant"}
EVERY = 4


def with_headers_of_its_own(document: dict[str, Any]) -> dict[str, Any]:
    """What all operations take is asked of every fourth; what staff alone may send, of none.

    So what is made up, and what is made wrong, is mostly what the operation itself takes.
    """
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    for number, operation in enumerate(operations):
        left_out = STAFF if number % EVERY == 0 else STAFF | OF_ALL
        references = {f"#/components/parameters/{name}" for name in left_out}
        taken = [one for one in operation["parameters"] if one.get("$ref") not in references]
        assert len(taken) < len(operation["parameters"]) or number % EVERY == 0
        operation["parameters"] = taken
    return document


@pytest.fixture(scope="module")
def document(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Served(module_database, tmp_path_factory.mktemp("api")) as served:
        told = httpx.get(f"{served.url}/openapi.json").json()
        yield schemathesis.openapi.from_dict(with_headers_of_its_own(told)), served


PACK = pack_texts()["de.toml"]
MOMENTS = ("after", "before", "in_force", "known", "expires_at", "occurred_at")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
BOUNDED = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_answers_as_its_document_says(document: Any, mode: GenerationMode) -> None:
    schema, served = document
    found, statuses = [], Counter[int]()
    for result in schema.get_all_operations():
        operation = result.ok()

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            number = statuses.total()
            response = with_pack(served.aimed(case, number), number).call(
                served.url, headers={"authorization": f"Bearer {served.key}"}, timeout=60
            )
            statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)
            if response.status_code >= 400:
                assert response.headers["content-type"] == ["application/problem+json"]

        try:
            ask()
        except (AssertionError, FailureGroup) as failure:
            found.append(f"{operation.label}: {failure}")
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, f"{operation.label} can never be asked"
    assert not found, "\n\n".join(found)
    if mode is GenerationMode.POSITIVE:
        # What this key may not ask is no question of what is there: the platform's, above all.
        allowed = statuses.total() - statuses[403]
        assert statuses[200] + statuses[201] > 0.18 * allowed, "most of these asked for nothing that is there"


def test_every_command_and_query_is_in_the_document_under_a_stable_name() -> None:
    operations = {
        operation["operationId"]: path
        for path, methods in openapi()["paths"].items()
        for operation in methods.values()
    }
    for command in COMMANDS.public():
        assert operations[f"{command.context}_{command.slug.replace('-', '_')}"].endswith(f"/{command.slug}")
    for query in QUERIES.values():
        assert operations[query.name.replace(".", "_")] == query.route
    assert len(operations) == sum(len(methods) for methods in openapi()["paths"].values())


def test_every_problem_has_a_rule_and_a_remedy() -> None:
    silent = [
        code
        for code, kind in catalogue().items()
        if not {". ", "; ", ": "} & {a + b for a, b in pairwise(kind.about)}
    ]
    assert not silent, "these say a rule and no remedy"
    for kind in catalogue().values():
        assert kind.title
        assert 400 <= kind.status <= 503
