"""Retention at the command line: what is kept, what is due, and a log that is not deleted before its time."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx

from tests.support.serving import Served


def test_what_is_due_is_seen_planned_and_destroyed(demo_installation: Served) -> None:
    cli, key = demo_installation.cli, demo_installation.key
    rules = {
        one["kind"]: one for one in json.loads(cli("retention", "schedule", "--json", key=key).stdout)["data"]
    }
    assert rules["request_details"]["source"].startswith("11 CCR 7101(a)")
    tenant = json.loads(cli("replay", "--name", "tenancy.tenant_opened", "--json", key=key).stdout)["data"][0]
    tenant_id = tenant["stream"].partition(":")[2]

    def post(path: str, **body: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())}
        answer = httpx.post(f"{demo_installation.address}/v1/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer

    at_once = {"kind": "saved_queries", "period": {"days": 0}, "reason": "They go with their query"}
    post(f"retention/{tenant_id}/change-retention", **at_once)
    query = post("reporting/new/save-query", title="Mine", sql="SELECT 1").json()["id"]
    post(f"reporting/{query}/delete-query")
    due = json.loads(cli("retention", "due", "--kind", "saved_queries", "--json", key=key).stdout)["data"]
    assert [(one["object_id"], one["held"]) for one in due] == [(query, False)]
    ask = ("retention", "plan", "--kind", "saved_queries", "--reason", "Due", "--json")
    shown = json.loads(cli(*ask, key=key).stdout)
    assert (shown["plan"], [one["object_id"] for one in shown["objects"]]) == (None, [query])
    planned = json.loads(cli(*ask, "--no-dry-run", key=key).stdout)
    assert planned["plan"]
    cli("retention", "agree", planned["plan"], "--json", key=key, code=1)
    assert json.loads(cli("retention", "holds", "--json", key=key).stdout)["data"] == []


def test_a_log_of_a_tenant_that_is_not_closed_is_not_deleted(demo_installation: Served) -> None:
    cli = demo_installation.cli
    told = json.loads(
        cli("replay", "--name", "tenancy.tenant_opened", "--json", key=demo_installation.key).stdout
    )
    tenant_id = told["data"][0]["stream"].partition(":")[2]
    cli("tenant", "delete-log", tenant_id, code=2)
    cli("tenant", "delete-log", tenant_id, "--yes", "--dry-run", code=2)
    refused = json.loads(cli("tenant", "delete-log", tenant_id, "--dry-run", "--json", code=1).stderr)
    assert refused["code"] == "tenant-not-closed"
    assert "Stop all processes" in cli("tenant", "delete-log", tenant_id, "--yes", code=1).stderr
    cli("tenant", "delete-log", str(uuid4()), "--dry-run", code=3)
