"""Outside auditors: a key of their own, for logs of a period, that ends; each reading of theirs an entry."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from httpx import Response

from api.composition import now
from api.http.auditing import OPEN
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.database import Database
from tests.support.looked_at import looked_at, reads

SHUT = re.compile("/certificates/|/envelopes/|/postings")
"""Of the ledger, what holds more than hashes: events, and where the tenant has its checkpoints posted."""


async def lets_in(api: Api, tenant: TestTenant, key: str | None = None, **told: Any) -> Response:
    """Let an auditor into what was recorded until now, for a week, unless something else is said."""
    body = {
        "label": "Audit 2026",
        "auditor": "Mara Quill, Quill & Partners",
        "logs": ["events"],
        "seen_from": "2026-01-01T00:00:00Z",
        "seen_until": now().isoformat(),
        "expires_at": (now() + timedelta(days=7)).isoformat(),
        **told,
    }
    return await api.post("/v1/tenancy/new/admit-auditor", key or tenant.key, body)


async def names(api: Api, key: str, path: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = f"{path}&limit=100"
    while cursor:
        answer = await api.send("GET", cursor, key)
        assert answer.status_code == 200, answer.text
        found += [one["name"] for one in answer.json()["data"]]
        cursor = answer.json()["next"] and f"{path}&limit=100&cursor={answer.json()['next']}"
    return found


async def test_an_auditor_reads_what_they_were_let_in_for_and_it_is_entered(
    database: Database, tmp_path: Path
) -> None:
    async with looked_at(database, tmp_path) as furnished:
        api, tenant = furnished.api, furnished.tenant
        owners = await names(api, tenant.key, "/v1/history?direction=forward")
        admitted = await lets_in(api, tenant, logs=["events", "access"], contexts=["audience"])
        assert admitted.status_code == 201, admitted.text
        key, key_id = admitted.json()["secret"], admitted.json()["id"]
        await api.post(
            "/v1/audience/new/create-list",
            tenant.key,
            {"workspace_id": str(tenant.workspace_id), "name": "Late"},
        )
        entries = await furnished.entries()
        seen = await names(api, key, "/v1/history?direction=forward")
        assert seen == [name for name in owners if name.startswith("audience.")]
        assert await names(api, key, "/v1/history?name=tenancy.tenant_opened") == []
        assert (
            await names(api, key, "/v1/history?name=audience.contact_created,-audience.contact_created") == []
        )
        assert (
            await names(api, key, "/v1/history?after=2020-01-01T00:00:00Z&before=2090-01-01T00:00:00Z")
            == seen
        )
        assert await furnished.entries() >= entries + 4
        shown = (await api.send("GET", "/v1/history?name=audience.contact_created", key)).json()["data"]
        assert {one["payload"]["email"] for one in shown} <= {"[sealed]", "[erased]"}
        assert await names(api, key, "/v1/access?direction=forward")
        told = (await api.send("GET", f"/v1/access?actor={key_id}&limit=100", tenant.key)).json()["data"]
        assert {one["payload"]["kind"] for one in told} == {"replay", "access"}

        with analytics_of(api):
            await furnished.cite()
            for read in reads():
                if read.path.startswith("/v1/platform/"):
                    continue
                answer = await api.send(
                    read.method, furnished.filled(read.path), key, read.body, read.headers
                )
                allowed = read.method == "GET" and (
                    read.path in ("/v1/history", "/v1/access")
                    or (read.path.startswith("/v1/ledger/") and not SHUT.search(read.path))
                )
                assert answer.status_code == (200 if allowed else 403), f"{read.path}: {answer.text}"
        for slug in ("audience/new/create-list", "access/new/sign-off-access", "tenancy/new/create-api-key"):
            assert (await api.post(f"/v1/{slug}", key, {})).status_code == 403
        ended = await api.post(f"/v1/tenancy/{key_id}/dismiss-auditor", tenant.key)
        assert ended.status_code == 200, ended.text
        assert (await api.send("GET", "/v1/history", key)).status_code == 401
        assert (await api.post(f"/v1/tenancy/{key_id}/dismiss-auditor", tenant.key)).json()["events"] == []
    assert "history.state" not in OPEN


async def test_nobody_lets_in_further_than_they_may_look_nor_for_ever(api: Api) -> None:
    tenant = await api.tenant()
    admin = await api.key(tenant, TenantRole.ADMIN)
    assert (await lets_in(api, tenant, admin)).status_code == 201
    proof = await lets_in(api, tenant, admin, shows_evidence=True)
    assert (proof.status_code, proof.json()["missing"]) == (403, ["evidence.read"])
    refused: list[tuple[dict[str, Any], str]] = [
        ({"seen_until": "2025-12-31T00:00:00Z"}, "audit-period-backwards"),
        ({"expires_at": (now() + timedelta(days=93)).isoformat()}, "auditor-stays-too-long"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "expiry-in-the-past"),
        ({"contexts": ["nothing"]}, "audit-context-unknown"),
        ({"logs": []}, "body-invalid"),
    ]
    for told, code in refused:
        answer = await lets_in(api, tenant, **told)
        assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}")
    key = await api.post("/v1/tenancy/new/create-api-key", tenant.key, {"label": "No", "role": "viewer"})
    dismissed = await api.post(f"/v1/tenancy/{key.json()['id']}/dismiss-auditor", tenant.key)
    assert dismissed.json()["type"] == "/problems/not-an-auditor"
    await api.project()
    listed = (await api.send("GET", "/v1/tenancy/api-keys", tenant.key)).json()["data"]
    assert "auditor" in {one["role"] for one in listed}
    assert "Quill" not in str(listed)
