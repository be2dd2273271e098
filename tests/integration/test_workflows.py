"""What the log makes due is done by itself: through the real list, dispatcher, runner and workflows, days moved by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from api.workflows import workflows_of
from application.jobs import SWEEPING
from application.stores import STORES
from domain.audience.contact_import import ImportStatus
from domain.kernel.permissions import StaffRole
from domain.kernel.personal import KeyKind
from domain.tenancy.grant import GrantNotOver
from projections.jobs.due import WORKFLOWS
from projections.jobs.sweeps import SWEEPS
from tests.support.api import serving
from tests.support.database import Database
from tests.support.importing import Importing, content, people
from tests.support.working import MovedClock, Worker


@pytest.fixture
async def importing(database: Database, tmp_path: Path, clock: MovedClock) -> AsyncIterator[Importing]:
    async with serving(database, tmp_path, clock) as api:
        yield Importing(api, api.http, await api.tenant(), database)


def sealed(importing: Importing, subject: UUID) -> bool:
    """Whether there is a key under which something of a subject's is kept."""
    return bool(importing.api.parts.keys.find([(importing.tenant.id, str(subject), KeyKind.PROFILE)]))


async def names(importing: Importing) -> list[str]:
    return [row.name for row in await importing.history()]


async def grant_for_an_hour(importing: Importing) -> tuple[str, dict[str, str]]:
    """A key of support, and the header of a grant that was approved at this moment."""
    api, tenant = importing.api, importing.tenant
    _, asking = await api.staff(StaffRole.SUPPORT)
    _, approving = await api.staff(StaffRole.OPERATIONS)
    here = {"penguin-tenant": str(tenant.id)}
    body = {"scope": ["contacts.read"], "ticket": "SUP-1", "reason": "Counts look wrong", "hours": 1}
    asked = await api.send("POST", "/v1/tenancy/new/request-grant", asking, body, here)
    grant = asked.json()["id"]
    approved = await api.send("POST", f"/v1/tenancy/{grant}/approve-grant", approving, {}, here)
    assert approved.status_code == 200, approved.text
    return asking, {"penguin-grant": f"{tenant.id}.{grant}"}


async def test_each_job_of_the_list_has_its_workflow_and_each_workflow_its_job(importing: Importing) -> None:
    parts = importing.api.parts
    known = workflows_of(parts).by_name
    assert set(known) == {workflow.name for workflow in (*WORKFLOWS, *SWEEPS)}
    assert {sweep.name for sweep in SWEEPS} == SWEEPING, "what no event makes due has none for its cause"


async def test_a_grant_expires_by_itself_and_the_tenant_sees_it(
    importing: Importing, clock: MovedClock
) -> None:
    api, worker = importing.api, Worker(importing.api)
    clock.behind = timedelta(hours=2)
    key, under = await grant_for_an_hour(importing)
    await api.project()
    assert (await api.send("GET", "/v1/audience/contacts", key, headers=under)).status_code == 200
    clock.behind = timedelta(0)
    over = await api.send("GET", "/v1/audience/contacts", key, headers=under)
    assert over.json()["type"] == "/problems/grant-not-active", "it is over with or without the event"
    assert await worker.work_off() == ["grant.expire"]
    (grant,) = (await importing.get("/v1/tenancy/grants")).json()["data"]
    assert grant["status"] == "expired"
    (told,) = (await importing.get("/v1/history?name=tenancy.grant_expired")).json()["data"]
    assert (told["actor"]["kind"], told["channel"]) == ("workflow", "worker")
    assert await worker.work_off() == []


async def test_a_job_that_comes_too_early_changes_nothing(importing: Importing, clock: MovedClock) -> None:
    clock.behind = timedelta(hours=2)
    await grant_for_an_hour(importing)
    clock.behind = timedelta(hours=1, minutes=1)
    before = await names(importing)
    with pytest.raises(GrantNotOver):
        await Worker(importing.api).work_off()
    assert await names(importing) == before


async def test_files_of_an_import_are_destroyed_seven_days_after_its_end(
    importing: Importing, clock: MovedClock, tmp_path: Path
) -> None:
    worker, api = Worker(importing.api), importing.api
    import_id = await importing.ready(content(*people(2), ("broken",)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    assert await worker.work_off() == ["import.run"]
    errors = f"/v1/audience/imports/{import_id}/errors"
    assert (await importing.get(errors)).status_code == 200

    clock.behind = timedelta(days=7, minutes=1)
    import_id = await importing.ready(content(("broken",), ("late@people.example", "L")))
    await importing.run(import_id)
    errors = f"/v1/audience/imports/{import_id}/errors"
    assert (await importing.get(errors)).status_code == 200
    kept = importing.files(tmp_path)
    clock.behind = timedelta(0)
    assert await worker.work_off() == ["import.destroy_files"]
    assert not sealed(importing, import_id)
    assert len(importing.files(tmp_path)) == len(kept) - 3, "the file and its errors, nothing of the other's"
    answer = await importing.get(errors)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/import-files-gone")
    state = await api.parts.imports.existing(importing.tenant.id, import_id)
    assert (state.status, state.files_destroyed) == (ImportStatus.COMPLETED, True)
    row = (await importing.get(f"/v1/audience/imports/{import_id}")).json()["data"]
    assert (row["files_destroyed"], row["rejected"]) == (True, 1)


async def test_an_upload_that_nobody_starts_expires_with_its_key(
    importing: Importing, clock: MovedClock, tmp_path: Path
) -> None:
    worker, api = Worker(importing.api), importing.api
    waiting = await importing.ready(content(*people(1)))
    clock.behind = timedelta(days=7, minutes=1)
    idle = await importing.ready(content(*people(2)))
    started = await importing.ready(content(*people(3)))
    await importing.run(started)
    clock.behind = timedelta(0)
    assert sorted(await worker.work_off()) == [
        "import.destroy_files",
        "import.destroy_files",
        "import.expire",
    ]
    state = await api.parts.imports.existing(importing.tenant.id, idle)
    assert (state.status, state.files_destroyed) == (ImportStatus.EXPIRED, True)
    assert (sealed(importing, idle), sealed(importing, waiting)) == (False, True)
    assert len(importing.files(tmp_path)) == 1, "only what still waits"
    row = (await importing.get(f"/v1/audience/imports/{idle}")).json()["data"]
    assert (row["status"], row["files_destroyed"]) == ("expired", True)
    late = await importing.command(idle, "start-import")
    assert late.json()["type"] == "/problems/import-not-ready"
    assert (await importing.command(waiting, "start-import")).status_code == 200


async def test_erasure_destroys_the_key_and_the_history_shows_nothing_any_more(importing: Importing) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    body = {"workspace_id": str(tenant.workspace_id), "email": "ann@people.example", "first_name": "Ann"}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    streams = [event["stream"] for event in made["events"]]
    subject = next(UUID(one.partition(":")[2]) for one in streams if one.startswith("addressee:"))
    assert sealed(importing, subject)
    erased = await api.post(f"/v1/audience/{made['id']}/erase-contact", tenant.key)
    assert erased.status_code == 200, erased.text
    assert sorted(await worker.work_off()) == [
        "subject.certify",
        "subject.forget_evidence",
        "subject.shred",
    ]
    assert not sealed(importing, subject)
    assert "audience.profile_key_destroyed" in await names(importing)
    history = (await importing.get(f"/v1/history?stream=contact:{made['id']}")).json()["data"]
    assert history[0]["payload"]["first_name"] == "[erased]"
    assert (await importing.get("/v1/audience/contacts")).json()["data"] == []
    assert await worker.work_off() == []


async def person(importing: Importing, **more: str) -> tuple[str, str]:
    """A contact with a documented consent; its id and the addressee's."""
    api, tenant = importing.api, importing.tenant
    body = {"workspace_id": str(tenant.workspace_id), "email": "ann@people.example", "first_name": "Ann"}
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, {**body, **more})).json()
    (who,) = {one["stream"] for one in made["events"] if one["stream"].startswith("addressee:")}
    consent = {"occurred_on": "2020-01-05", "source": "event", "wording": "I agree"}
    subject = who.partition(":")[2]
    answer = await api.post(f"/v1/audience/{subject}/record-consent", tenant.key, consent)
    assert answer.status_code == 200, answer.text
    return made["id"], subject


async def wording(importing: Importing, subject: str) -> str:
    """What the history shows of the words that were agreed to."""
    path = f"/v1/history?stream=addressee:{subject}&name=audience.consent_recorded"
    ((event,)) = (await importing.get(path)).json()["data"]
    told: str = event["payload"]["wording"]
    return told


async def test_a_certificate_names_every_store_and_is_given_once(importing: Importing) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    await importing.ready(content(*people(1)))
    contact, subject = await person(importing)
    path = f"/v1/audience/erasures/{subject}"
    await api.project()
    assert (await importing.get(path)).status_code == 404
    asked = {"kind": "access", "channel": "email", "email": "ann@people.example"}
    assert (await api.post("/v1/rights/new/receive-request", tenant.key, asked)).status_code == 201
    told = (await api.post(f"/v1/audience/{subject}/erase-addressee", tenant.key)).json()["result"]
    assert told["addressee_id"] == subject
    assert sorted(await worker.work_off()) == ["subject.certify", "subject.shred"]
    row = (await importing.get(path)).json()["data"]
    assert row["status"] == "certified"
    assert row["evidence_until"] == row["evidence_ends"] is not None
    assert [line["law"] for line in row["evidence_by"]] == [None], (
        "nobody knows whose law it is: the general line"
    )
    stores = {line["store"]: line for line in row["stores"]}
    assert stores.keys() == {store.name for store in STORES}
    assert "written anew" in stores["views"]["proof"]
    assert "views_contacts_v4_1.contacts" in stores["views"]["proof"]
    assert "1 uploads" in stores["uploads"]["proof"]
    assert stores["uploads"]["gone_by"] is not None
    assert row["positions"].keys() >= {"contacts", "consents", "imports"}
    assert any("who asked" in line["what"] for line in row["kept"])
    kept = {line["until"] for line in row["kept"]}
    assert {datetime.fromisoformat(one) for one in kept if one} == {
        datetime.fromisoformat(row["evidence_ends"])
    }
    text = await importing.get(f"{path}/certificate")
    assert text.headers["content-type"].startswith("text/plain")
    assert f"Person           {subject}" in text.text
    assert max(map(len, text.text.splitlines())) <= 100
    assert (await names(importing)).count("audience.erasure_certified") == 1
    listed = (await importing.get("/v1/audience/erasures?status=certified")).json()["data"]
    assert [one["addressee_id"] for one in listed] == [subject]
    again = await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)
    assert (again.status_code, again.json()["addressee_id"]) == (409, subject)
    assert await worker.work_off() == []


async def test_proof_goes_when_its_time_has_come_and_nothing_about_the_person_is_left(
    importing: Importing, clock: MovedClock
) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    contact, subject = await person(importing, country="GB")
    clock.behind = timedelta(days=365 * 6 + 7)
    assert (await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)).status_code == 200
    clock.behind = timedelta(0)
    assert sorted(await worker.work_off()) == [
        "subject.certify",
        "subject.forget_evidence",
        "subject.shred",
    ]
    assert await wording(importing, subject) == "[erased]"
    row = (await importing.get(f"/v1/audience/erasures/{subject}")).json()["data"]
    assert row["evidence_destroyed_at"] is not None
    stop = {"channel": "reply", "reason": "I said so"}
    late = await api.post(f"/v1/audience/{subject}/record-opt-out", tenant.key, stop)
    assert late.status_code == 200, "a word is heard when nothing is left to seal its reason with"


async def test_a_legal_hold_keeps_the_proof_beyond_its_time_and_no_longer_than_it_stands(
    importing: Importing, clock: MovedClock
) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    contact, subject = await person(importing, country="GB")
    clock.behind = timedelta(days=365 * 6 + 7)
    assert (await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)).status_code == 200
    hold = await api.post(f"/v1/audience/{subject}/place-legal-hold", tenant.key, {"reason": "A claim"})
    assert hold.status_code == 200, hold.text
    clock.behind = timedelta(0)
    assert sorted(await worker.work_off()) == ["subject.certify", "subject.shred"]
    assert await wording(importing, subject) == "I agree"
    row = (await importing.get(f"/v1/audience/erasures/{subject}")).json()["data"]
    assert (row["held"], row["evidence_until"]) == (True, None)
    (standing,) = (await importing.get("/v1/audience/legal_holds?standing=true")).json()["data"]
    release = {"entry": standing["entry"], "reason": "Settled"}
    done = await api.post(f"/v1/audience/{subject}/release-legal-hold", tenant.key, release)
    assert done.status_code == 200, done.text
    assert await worker.work_off() == ["subject.forget_evidence"]
    assert await wording(importing, subject) == "[erased]"
    again = await api.post(f"/v1/audience/{subject}/place-legal-hold", tenant.key, {"reason": "Another"})
    assert again.json()["type"] == "/problems/evidence-expired"


async def test_a_certificate_waits_for_a_view_and_is_not_given_up_for_it(importing: Importing) -> None:
    api, tenant, worker = importing.api, importing.tenant, Worker(importing.api)
    contact, _ = await person(importing)
    assert (await api.post(f"/v1/audience/{contact}/erase-contact", tenant.key)).status_code == 200
    with psycopg.connect(importing.database.admin) as reading:
        await api.project()
        reading.execute("SELECT * FROM views_contacts_v4_1.contacts")
        assert await worker.work_off() == ["subject.shred"]
    with psycopg.connect(importing.database.projector, autocommit=True) as connection:
        ((state, attempts, error),) = connection.execute(
            "SELECT state, attempts, error FROM ops.job_runs WHERE workflow = 'subject.certify'"
        ).fetchall()
        assert (state, attempts, error) == ("waiting", 0, None)
        connection.execute("UPDATE ops.job_runs SET until = now() WHERE workflow = 'subject.certify'")
    assert await worker.work_off() == ["subject.certify"]
    assert (await names(importing)).count("audience.erasure_taken_in") == 1


async def test_an_import_runs_and_is_rolled_back(importing: Importing) -> None:
    worker = Worker(importing.api)
    import_id = await importing.ready(content(*people(700)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    assert await worker.work_off() == ["import.run"]
    assert len(await importing.contacts()) == 700
    assert (await importing.command(import_id, "roll-back-import")).status_code == 200
    assert await worker.work_off() == ["import.roll_back"]
    row = (await importing.get(f"/v1/audience/imports/{import_id}")).json()["data"]
    assert (row["status"], row["removed"]) == ("rolled_back", 700)
    assert await importing.contacts() == {}


async def test_what_was_cancelled_before_it_began_is_rolled_back_all_the_same(importing: Importing) -> None:
    import_id = await importing.ready(content(*people(1)))
    for word in ("cancel-import", "roll-back-import"):
        assert (await importing.command(import_id, word)).status_code == 200
    assert await Worker(importing.api).work_off() == ["import.roll_back"]
    state = await importing.api.parts.imports.existing(importing.tenant.id, import_id)
    assert state.status is ImportStatus.ROLLED_BACK
