"""Board packs over HTTP: sealed once, the same bytes for ever, and how far the figures have moved since."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.packs.definition import PackDefinition
from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, analytics_of

PACKS = "/v1/packs"
YEAR = {"definition": "compliance", "from": "2026-01-01", "to": "2026-12-31"}


async def contacts(api: Api, tenant: TestTenant, *countries: str) -> None:
    for country in countries:
        email = f"{uuid4().hex}@example.org"
        body = {"workspace_id": str(tenant.workspace_id), "email": email, "country": country}
        assert (await api.post("/v1/audience/new/create-contact", tenant.key, body)).status_code == 201


async def sealed(api: Api, tenant: TestTenant, key: str = "pack", **fields: Any) -> dict[str, Any]:
    made = await api.post(PACKS, tenant.key, {**YEAR, **fields}, idempotency_key=key)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


async def exports(api: Api, tenant: TestTenant) -> list[str]:
    told = await api.send("GET", "/v1/access?limit=100", tenant.key)
    return [
        entry["payload"]["query"] for entry in told.json()["data"] if entry["payload"]["kind"] == "export"
    ]


async def test_a_sealed_pack_stays_what_it_was_while_its_figures_move(api: Api) -> None:
    tenant = await api.tenant()
    await contacts(api, tenant, "DE", "DE", "FR")
    with analytics_of(api):
        made = await sealed(api, tenant, title="Our year")
        assert [event["name"] for event in made["events"]] == ["reporting.pack_sealed"]
        seal = made["data"]
        pdf, figures = [await api.send("GET", seal[name], tenant.key) for name in ("pdf", "figures_file")]
        assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
        assert hashlib.sha256(pdf.content).hexdigest() == seal["pdf_sha256"] == pdf.headers["penguin-sha256"]
        assert len(pdf.content) == seal["pdf_size"]
        assert hashlib.sha256(figures.content).hexdigest() == seal["figures_sha256"]
        assert sorted(await exports(api, tenant)) == ["packs.figures", "packs.pdf"]
        of_contacts = next(one for one in figures.json()["sections"] if one["id"] == "contacts")
        assert [(row[0], row[3]) for row in of_contacts["now"]["rows"]] == [("DE", 2), ("FR", 1)]

        still = (await api.send("GET", f"{PACKS}/{made['id']}", tenant.key)).json()["data"]["drift"]
        moving = {one["section"] for one in still["moved"]}
        assert "contacts" not in moving, "what happened since is no contact"
        await contacts(api, tenant, "DE", "GB")
        head = await api.parts.position_of(tenant.id)
        await api.parts.analytics.report("activity", tenant.id, min_position=Position.parse(head))
        told = (await api.send("GET", f"{PACKS}/{made['id']}?check=true", tenant.key)).json()["data"]
        drift = told["drift"]
        moved = {
            tuple(one["cell"].values())[:1]: one for one in drift["moved"] if one["section"] == "contacts"
        }
        assert (moved["DE",]["sealed"], moved["DE",]["now"], moved["DE",]["difference"]) == (2, 3, 1)
        assert (moved["GB",]["sealed"], moved["GB",]["now"], moved["GB",]["difference"]) == (None, 1, 1)
        assert drift["differ"] == len(drift["moved"]) < drift["compared"]
        assert drift["position"] == head
        checked = told["checked"]
        assert (checked["differ"], checked["not_compared"]) == (0, {}), "as of its position nothing has moved"
        assert checked["compared"] > 2, "every section is computed anew"
        again = [await api.send("GET", seal[name], tenant.key) for name in ("pdf", "figures_file")]
        assert [one.content for one in again] == [pdf.content, figures.content]


async def test_the_same_key_gives_the_same_pack_and_another_body_is_refused(api: Api) -> None:
    tenant = await api.tenant()
    with analytics_of(api):
        made = await sealed(api, tenant)
        again = await api.post(PACKS, tenant.key, YEAR, idempotency_key="pack")
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
        assert again.json()["data"] == made["data"]
        other = await api.post(PACKS, tenant.key, {**YEAR, "title": "x"}, idempotency_key="pack")
        assert other.json()["type"] == "/problems/key-reused"
        assert (await sealed(api, tenant, "another"))["id"] != made["id"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({**YEAR, "definition": "none"}, 422, "board-pack-unknown"),
        ({**YEAR, "from": "2026-12-31", "to": "2026-01-01"}, 422, "board-pack-period-backwards"),
        ({**YEAR, "from": "2024-01-01"}, 422, "board-pack-period-too-long"),
        ({**YEAR, "from": "2126-01-01", "to": "2126-02-01"}, 422, "board-pack-period-not-begun"),
        ({**YEAR, "from": "yesterday"}, 422, "body-invalid"),
        ({**YEAR, "title": "two\nlines"}, 422, "body-invalid"),
        ({**YEAR, "title": "株式会社"}, 422, "board-pack-title-unprintable"),
        ({**YEAR, "title": "x" * 121}, 422, "body-invalid"),
        ({**YEAR, "more": 1}, 422, "body-invalid"),
        ({}, 422, "body-invalid"),
    ],
)
async def test_bad_input_says_what_to_do_and_changes_nothing(
    api: Api, body: dict[str, Any], status: int, said: str
) -> None:
    tenant = await api.tenant()
    before = await api.parts.position_of(tenant.id)
    with analytics_of(api):
        refused = await api.post(PACKS, tenant.key, body)
    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{said}"), refused.text
    assert await api.parts.position_of(tenant.id) == before


async def test_who_may_seal_and_who_may_read(api: Api) -> None:
    tenant, other = await api.tenant(), await api.tenant("Other")
    roles = {role: await api.key(tenant, role) for role in TenantRole}
    with analytics_of(api):
        for role, key in roles.items():
            answer = await api.post(PACKS, key, YEAR, idempotency_key=f"of-{role}")
            may = role.value in {"owner", "admin", "finance_leader", "compliance_officer"}
            assert answer.status_code == (201 if may else 403), (role, answer.text)
        made = await sealed(api, tenant)
        for path in (made["data"]["pdf"], made["data"]["figures_file"], f"{PACKS}/{made['id']}"):
            assert (await api.send("GET", path, roles[TenantRole.VIEWER])).status_code == 200
            assert (await api.send("GET", path, other.key)).status_code == 404


async def test_a_pack_takes_the_permissions_of_its_reports(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {
        "id": "costs",
        "title": "Costs",
        "report": "costs_by_category",
        "sentence": {"measure": "amount", "text": "{total}", "none": "No costs."},
        "table": {"by": ["category"], "measures": ["amount"]},
    }
    told = {"name": "costs", "title": "Costs", "about": "Costs.", "version": "1", "section": [costs]}
    made = PackDefinition.model_validate(told)
    monkeypatch.setattr("application.packs.definition.read_definitions", lambda: {"costs": made})
    tenant = await api.tenant()
    roles = {role: await api.key(tenant, role) for role in TenantRole}
    with analytics_of(api):
        refused = await api.post(PACKS, roles[TenantRole.COMPLIANCE_OFFICER], {**YEAR, "definition": "costs"})
        assert (refused.status_code, refused.json()["permission"]) == (403, "costs.read"), refused.text
        seal = (await sealed(api, tenant, definition="costs"))["data"]
        assert seal["needs"] == ["costs.read"]
        replayed = await api.post(
            PACKS,
            roles[TenantRole.COMPLIANCE_OFFICER],
            {**YEAR, "definition": "costs"},
            idempotency_key="pack",
        )
        assert (replayed.status_code, replayed.json()["permission"]) == (403, "costs.read"), replayed.text
        for path in (seal["pdf"], seal["figures_file"], f"{PACKS}/{seal['pack_id']}"):
            assert (await api.send("GET", path, roles[TenantRole.VIEWER])).status_code == 403
            assert (await api.send("GET", path, roles[TenantRole.FINANCE_LEADER])).status_code == 200


async def test_without_analytics_the_seal_is_told_and_the_files_too(api: Api) -> None:
    tenant = await api.tenant()
    with analytics_of(api):
        made = await sealed(api, tenant)
    refused = await api.post(PACKS, tenant.key, YEAR, idempotency_key="later")
    assert refused.json()["type"] == "/problems/analytics-unavailable"
    told = (await api.send("GET", f"{PACKS}/{made['id']}", tenant.key)).json()["data"]
    assert told["drift"] is None
    assert told["not_computed"]
    assert (await api.send("GET", made["data"]["pdf"], tenant.key)).status_code == 200


async def test_what_was_altered_in_the_archive_is_not_given_out(api: Api) -> None:
    tenant = await api.tenant()
    with analytics_of(api):
        made = await sealed(api, tenant)
    (file,) = api.parts.settings.blobs_folder.glob(f"{tenant.id}/{made['id']}/*.pdf")
    held = bytearray(file.read_bytes())
    held[-1] ^= 1
    file.write_bytes(held)
    answer = await api.send("GET", made["data"]["pdf"], tenant.key)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/board-pack-not-as-sealed")
    file.unlink()
    answer = await api.send("GET", made["data"]["pdf"], tenant.key)
    assert answer.json()["type"] == "/problems/board-pack-not-as-sealed"
    other = api.parts.blobs.write(tenant.id, UUID(made["id"]), file.name, [b"%PDF-1.7 another"])
    assert other.sha256 != file.stem == made["data"]["pdf_sha256"], "a file as whole as any, of other content"
    answer = await api.send("GET", made["data"]["pdf"], tenant.key)
    assert answer.status_code == 409, answer.content
    assert answer.json()["type"] == "/problems/board-pack-not-as-sealed"


async def test_the_packs_there_are(api: Api) -> None:
    tenant = await api.tenant()
    told = (await api.send("GET", f"{PACKS}/definitions", tenant.key)).json()["data"]
    assert [one["name"] for one in told] == ["compliance", "finance"]
    reports = (await api.send("GET", "/v1/reports", tenant.key)).json()["data"]
    of_packs = {section["report"] for pack in told for section in pack["sections"]}
    assert of_packs <= {one["name"] for one in reports}
