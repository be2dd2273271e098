"""Callers who leave before they said all: noted as 499, answered by nothing, and nothing is done for them."""

from __future__ import annotations

from typing import Any

import pytest

from api.http.app import create_app
from tests.support.api import Api, TestTenant


async def asked(api: Api, tenant: TestTenant, path: str, media: str, query: bytes = b"") -> dict[str, Any]:
    """The scope after a request of which half the body came, and what was sent for it, under `sent`."""
    told, sent = iter([{"type": "http.request", "body": b'{"name": "Ha', "more_body": True}]), list[Any]()

    async def receive() -> Any:
        return next(told, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"authorization", f"Bearer {tenant.key}".encode()), (b"content-type", media.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await create_app(api.parts)(scope, receive, send)
    return {**scope, "sent": sent}


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/v1/audience/new/create-list", "application/json"),
        ("/v1/invitations/accept", "application/json"),
        ("/v1/law/rejudge", "application/toml"),
    ],
)
async def test_who_leaves_in_the_middle_of_a_body_is_noted_and_not_answered(
    api: Api, path: str, media: str
) -> None:
    tenant = await api.tenant()
    before = await api.parts.log.head(tenant.id)
    found = await asked(api, tenant, path, media)
    assert found["penguin.status"] == 499
    assert "penguin.problem" not in found
    assert found["sent"] == []
    assert await api.parts.log.head(tenant.id) == before


async def test_who_leaves_in_the_middle_of_a_file_is_noted_and_not_answered(api: Api) -> None:
    tenant = await api.tenant()
    query = f"workspace_id={tenant.workspace_id}".encode()
    before = await api.parts.log.head(tenant.id)
    found = await asked(api, tenant, "/v1/audience/imports", "text/csv", query)
    assert found["penguin.status"] == 499
    assert found["sent"] == []
    assert await api.parts.log.head(tenant.id) == before
