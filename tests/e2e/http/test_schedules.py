"""Schedules over HTTP: what is refused, and who may."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.kernel.permissions import TenantRole
from tests.support.api import Api
from tests.support.deliveries import SCHEDULE

CREATE = "/v1/reporting/new/create-schedule"


def of(**item: Any) -> dict[str, Any]:
    return {"items": [item]}


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        (of(report="no_such"), "schedule-item-unknown", "/items/0/report"),
        (of(pack="no_such", period="yesterday"), "schedule-item-unknown", "/items/0/pack"),
        (
            of(report="activity", parameters={"more": "1"}),
            "schedule-parameters-invalid",
            "/items/0/parameters/more",
        ),
        (
            of(report="activity", parameters={"from": "2026-01-01"}),
            "schedule-parameters-invalid",
            "/items/0/parameters/from",
        ),
        (
            of(report="activity", parameters={"at_position": "1"}),
            "schedule-parameters-invalid",
            "/items/0/parameters/at_position",
        ),
        (
            of(report="activity", parameters={"at_time": "2026-11-01T00:00:00Z"}),
            "schedule-parameters-invalid",
            "/items/0/parameters/at_time",
        ),
        (
            of(report="mrr", parameters={"grain": "eon"}),
            "schedule-parameters-invalid",
            "/items/0/parameters/grain",
        ),
        (
            of(report="contacts_by_segment", period="last_month"),
            "schedule-parameters-invalid",
            "/items/0/period",
        ),
        ({"recipients": [str(uuid4())]}, "schedule-recipient-unknown", "/recipients/0"),
    ],
)
async def test_what_does_not_fit_is_refused_at_its_place_and_changes_nothing(
    api: Api, fields: dict[str, Any], code: str, pointer: str
) -> None:
    tenant = await api.tenant()
    before = await api.parts.position_of(tenant.id)
    refused = await api.post(CREATE, tenant.key, {**SCHEDULE, **fields})
    told = refused.json()
    assert (refused.status_code, told["type"]) == (422, f"/problems/{code}"), refused.text
    assert [one["pointer"] for one in told["errors"]] == [pointer]
    assert await api.parts.position_of(tenant.id) == before


async def test_nobody_schedules_or_is_sent_what_they_may_not_read(api: Api) -> None:
    tenant = await api.tenant()
    costs = {**SCHEDULE, **of(report="costs_by_category", period="last_month")}
    pack = {**SCHEDULE, **of(pack="finance", period="last_month")}
    may = {TenantRole.OWNER, TenantRole.ADMIN, TenantRole.FINANCE_LEADER, TenantRole.COMPLIANCE_OFFICER}
    for role in TenantRole:
        key = await api.key(tenant, role)
        made = await api.post(CREATE, key, SCHEDULE)
        assert made.status_code == (201 if role in may else 403), f"{role}: {made.text}"
        for wanted in (costs, pack):
            of_books = await api.post(CREATE, key, wanted)
            allowed = role in may - {TenantRole.COMPLIANCE_OFFICER}
            assert of_books.status_code == (201 if allowed else 403), f"{role}: {of_books.text}"
    body = {"email": "v@acme.example", "full_name": "V", "role": "viewer"}
    invited = await api.post("/v1/tenancy/new/invite-member", tenant.key, body)
    to = {"recipients": [invited.json()["id"]]}
    early = await api.post(CREATE, tenant.key, {**SCHEDULE, **to})
    assert early.json()["type"] == "/problems/schedule-recipient-unknown", "they have not joined"
    await api.post("/v1/invitations/accept", None, {"token": invited.json()["secret"]})
    assert (await api.post(CREATE, tenant.key, {**SCHEDULE, **to})).status_code == 201
    refused = await api.post(CREATE, tenant.key, {**costs, **to})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/schedule-recipient-may-not")


async def test_a_schedule_is_changed_and_stopped_by_who_may_read_what_it_delivers(api: Api) -> None:
    tenant = await api.tenant()
    costs = of(report="costs_by_category", period="last_month")
    activity = of(report="activity", period="yesterday")
    leader = await api.key(tenant, TenantRole.FINANCE_LEADER)
    compliance = await api.key(tenant, TenantRole.COMPLIANCE_OFFICER)
    made = await api.post(CREATE, leader, {**SCHEDULE, **costs})
    of_books = f"/v1/reporting/{made.json()['id']}"
    of_all = f"/v1/reporting/{(await api.post(CREATE, leader, SCHEDULE)).json()['id']}"
    before = await api.parts.position_of(tenant.id)
    for path, name, body in (
        (of_books, "change-schedule", {"title": "Mine"}),
        (of_books, "change-schedule", activity),
        (of_books, "pause-schedule", {}),
        (of_books, "resume-schedule", {}),
        (of_books, "remove-schedule", {}),
        (of_all, "change-schedule", costs),
    ):
        told = (await api.post(f"{path}/{name}", compliance, body)).json()
        assert (told["type"], told["missing"]) == ("/problems/not-yours-to-read", ["costs.read"]), told
    assert await api.parts.position_of(tenant.id) == before
    for key in (leader, tenant.key):
        for path, name, body in (
            (of_books, "change-schedule", {"title": f"Of {key[-4:]}"}),
            (of_books, "pause-schedule", {}),
            (of_books, "resume-schedule", {}),
        ):
            done = await api.post(f"{path}/{name}", key, body)
            assert done.status_code == 200, done.text
    for path, key in ((of_books, leader), (of_books, compliance), (of_all, compliance)):
        removed = await api.post(f"{path}/remove-schedule", key)
        assert removed.status_code == 200, "what is gone delivers nothing to anybody"


async def test_a_report_of_the_same_path_as_a_view_is_none_and_views_stand_beside_the_reports(
    api: Api,
) -> None:
    tenant = await api.tenant()
    made = await api.post(CREATE, tenant.key, SCHEDULE)
    await api.project()
    listed = await api.send("GET", "/v1/reports/schedules", tenant.key)
    assert [row["schedule_id"] for row in listed.json()["data"]] == [made.json()["id"]]
    assert (await api.send("GET", "/v1/reports/no_such", tenant.key)).status_code == 404
    assert (await api.send("GET", "/v1/reports/deliveries", tenant.key)).json()["data"] == []
    assert (await api.send("GET", "/v1/packs", tenant.key)).json()["data"] == []
