"""What schedules make due is delivered once: through the real list, runner and workflows, a real folder and server."""

from __future__ import annotations

import hashlib
import json
import signal
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.folders.local import LocalFolders
from application.contention import TooMuchContention
from application.delivering.making import Making
from application.importing.service import Interrupted
from application.ports.log import KeyReused
from application.ports.positions import Position
from application.workflow import Workflow
from domain.finance.calendar import first_day, last_day, month_of, moved
from domain.kernel.commands import Command
from domain.kernel.permissions import TenantRole
from domain.reporting.delivery import MOST_CAUGHT_UP, FinishDelivery, delivery_of
from tests.support.api import analytics_of
from tests.support.mailbox import Mailbox
from tests.support.offices import DAILY, Office, killed_at, look_again, sha256


async def test_a_report_arrives_in_its_folder_once_and_says_what_it_is_made_of(office: Office) -> None:
    schedule = await office.schedule()
    assert await office.work_off() == ["report.deliver"]
    (delivery,) = await office.deliveries()
    file, beside = delivery["files"]
    assert (delivery["schedule_id"], delivery["status"], delivery["folder"]) == (
        schedule,
        "delivered",
        "finance/daily",
    )
    day = file["period_from"]
    assert file["name"] == f"activity_{day}_{day}.csv"
    found = office.files()
    place = f"{office.tenant.id}/finance/daily"
    assert set(found) == {f"{place}/{file['name']}", f"{place}/{file['name']}-metadata.json"}
    content = found[f"{place}/{file['name']}"]
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["size"])
    told = json.loads(found[f"{place}/{beside['name']}"])
    facts, certificate = told["penguinmails:facts"], told["penguinmails:completeness"]
    assert certificate["rows"] == len(content.splitlines()) - 1
    assert json.loads(facts["completeness"]) == certificate
    assert [one["filter"] for one in certificate["hidden"]] == ["from", "to"]
    assert facts["position"] == file["position"] == delivery["log_position"]
    assert facts["definition_version"] == file["definition"]
    assert f"to={day}" in facts["parameters"]
    assert await office.work_off() == [], "its next due time is tomorrow"
    assert office.files() == found


async def test_a_report_of_months_is_asked_for_months_that_are_over(office: Office) -> None:
    item = {"report": "costs_by_workspace", "format": "csv"}
    body = {**DAILY, "items": [{**item, "period": "month_to_date"}]}
    refused = await office.api.post("/v1/reporting/new/create-schedule", office.tenant.key, body)
    (problem,) = refused.json()["errors"]
    assert (problem["pointer"], problem["detail"]) == (
        "/items/0/period",
        "This report is of whole months. Name one of last_month, last_quarter, last_year.",
    )
    await office.schedule(items=[{**item, "period": "last_quarter"}])
    assert await office.work_off() == ["report.deliver"]
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["reason"]) == ("delivered", None)
    told = delivery["files"][0]
    (beside,) = [json.loads(one) for name, one in office.files().items() if name.endswith(".json")]
    parameters = beside["penguinmails:facts"]["parameters"]
    assert f"from={told['period_from'][:7]}" in parameters
    assert f"to={told['period_to'][:7]}" in parameters


async def test_costs_to_come_are_marked_in_what_is_delivered(office: Office) -> None:
    today = office.clock().date()
    cost = {"category": "server", "amount": 36_500, "currency": "USD", "provider": "H", "basis": "list_price"}
    days = {
        "incurred_on": str(today),
        "covers_from": str(today),
        "covers_to": str(today + timedelta(days=364)),
    }
    made = await office.api.post("/v1/costs/new/enter-cost", office.tenant.key, {**cost, **days})
    assert made.status_code == 201, made.text
    await office.schedule(items=[{"report": "costs_by_category", "format": "csv"}])
    assert await office.work_off() == ["report.deliver"]
    (beside,) = (json.loads(text) for name, text in office.files().items() if name.endswith(".json"))
    ahead = office.clock().date() + timedelta(days=1)
    told = beside["penguinmails:facts"]["days_to_come"]
    assert told == f"from {ahead} on: what stands on these days is not actual"


async def test_decimals_have_the_sign_that_spreadsheets_there_read(office: Office) -> None:
    cost = {"category": "server", "amount": 400, "currency": "USD", "provider": "H", "basis": "list_price"}
    day = str((office.clock() - timedelta(days=2)).date())
    days = dict.fromkeys(("incurred_on", "covers_from", "covers_to"), day)
    made = await office.api.post("/v1/costs/new/enter-cost", office.tenant.key, {**cost, **days})
    assert made.status_code == 201, made.text
    item = {"report": "scorecard", "format": "csv", "decimal": "comma", "period": "last_30_days"}
    await office.schedule(items=[item])
    assert await office.work_off() == ["report.deliver"]
    (name,) = (name for name in office.files() if name.endswith(".csv"))
    header, *rows = office.files()[name].decode().splitlines()
    of_costs = next(
        dict(zip(header.split(";"), row.split(";"), strict=True)) for row in rows if "cost;" in row
    )
    assert of_costs["actual"] == "4,0"
    (beside,) = (json.loads(text) for name, text in office.files().items() if name.endswith(".json"))
    assert beside["dialect"] == {"delimiter": ";"}
    told = {one["name"]: one.get("datatype") for one in beside["tableSchema"]["columns"]}
    assert told["actual"] == {"base": "decimal", "format": {"decimalChar": ","}}
    assert told["numerator"] is None


async def test_due_times_that_passed_are_made_up_for_each_once_and_the_older_ones_are_skipped(
    office: Office,
) -> None:
    await office.schedule(days_ago=MOST_CAUGHT_UP + 3)
    ran = await office.work_off()
    told = await office.deliveries()
    delivered = [one for one in told if one["status"] == "delivered"]
    (skipped,) = [one for one in told if one["status"] == "skipped"]
    assert len(delivered) == MOST_CAUGHT_UP
    assert len(ran) == len(told)
    assert len({one["day"] for one in delivered}) == MOST_CAUGHT_UP
    assert skipped["skipped"] in (2, 3, 4), "by the hour at which this runs"
    assert all(one["day"] > skipped["day"] for one in delivered)
    names = sorted(name for name in office.files() if name.endswith(".csv"))
    assert len(names) == MOST_CAUGHT_UP
    assert [one["day"] for one in reversed(delivered)] == sorted(one["day"] for one in delivered)


@pytest.mark.parametrize("there", [False, True], ids=["before it is written", "after it was written"])
async def test_what_was_prepared_arrives_as_it_was_whatever_is_killed_meanwhile(
    office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    member = await office.member(TenantRole.FINANCE_LEADER, "chief@acme.example")
    await office.schedule(recipients=[member])
    write = LocalFolders.write

    def dying(folders: LocalFolders, *given: Any) -> None:
        if there:
            write(folders, *given)
        raise Interrupted

    monkeypatch.setattr(LocalFolders, "write", dying)
    with pytest.raises(Interrupted):
        await office.work_off()
    (under_way,) = await office.deliveries()
    assert (under_way["status"], box.received) == ("under_way", [])
    assert under_way["folder"] == "finance/daily", "where its files go"
    monkeypatch.setattr(LocalFolders, "write", write)
    await office.schedule(days_ago=0, title="An event more")
    assert await office.work_off() == ["report.deliver"]
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"]) == ("delivered", 1)
    assert delivery["files"] == under_way["files"], "the same position, the same bytes"
    told = {one["name"]: one["sha256"] for one in delivery["files"]}
    found = {name.rpartition("/")[2]: sha256(content) for name, content in office.files().items()}
    assert found == told
    (letter,) = box.to("chief@acme.example")
    assert {one.get_filename(): sha256(one.get_content()) for one in letter.iter_attachments()} == told


async def test_a_worker_that_is_killed_at_every_step_delivers_each_file_once(
    office: Office, box: Mailbox
) -> None:
    people = {
        await office.member(TenantRole.FINANCE_LEADER, "chief@acme.example"): "chief@acme.example",
        await office.member(TenantRole.ADMIN, "admin@acme.example"): "admin@acme.example",
    }
    schedule = await office.schedule(recipients=list(people))
    with analytics_of(office.api):
        for point in ("kept", "kept", "written", "written", "sent"):
            assert await killed_at(office, box, schedule, point) == -signal.SIGKILL, point
        assert await killed_at(office, box, schedule, "none") == 0
        files, letters = office.files(), len(box.received)
        assert await killed_at(office, box, schedule, "none") == 1, "its next due time is tomorrow: NotYet"
    assert (office.files(), len(box.received)) == (files, letters)
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"]) == ("delivered", 2)
    told = {one["name"]: one["sha256"] for one in delivery["files"]}
    assert {name.rpartition("/")[2]: sha256(content) for name, content in files.items()} == told
    for address, sent in (("chief@acme.example", 2), ("admin@acme.example", 1)):
        received = box.to(address)
        assert len(received) == sent, "who was sent it when the worker died has it twice"
        assert len({letter["message-id"] for letter in received}) == 1
        for letter in received:
            attached = {one.get_filename(): sha256(one.get_content()) for one in letter.iter_attachments()}
            assert attached == told
    names = [one["name"] for one in await office.history()]
    assert names.count("reporting.delivery_prepared") == names.count("reporting.delivery_made") == 1
    assert names.count("reporting.delivery_mailed") == 2


async def test_a_worker_that_was_overtaken_changes_nothing_of_what_another_prepared(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await office.schedule()
    deliveries, made = office.api.parts.deliveries, Making.made

    async def overtaken(making: Making, workflow: Workflow, *given: Any) -> Any:
        monkeypatch.setattr(Making, "made", made)
        own = await made(making, workflow, *given)
        await office.schedule(days_ago=0, title="An event more")
        with pytest.raises(Interrupted):
            await deliveries.run(workflow, UUID(schedule), lambda: True, last=False)
        return own

    monkeypatch.setattr(Making, "made", overtaken)
    with pytest.raises(KeyReused):
        await office.delivered(schedule)
    await office.delivered(schedule)
    (delivery,) = await office.deliveries()
    assert delivery["status"] == "delivered"
    told = {one["name"]: one["sha256"] for one in delivery["files"]}
    assert {name.rpartition("/")[2]: sha256(content) for name, content in office.files().items()} == told


async def test_all_reports_of_a_delivery_are_of_one_position_whatever_is_recorded_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = {"report": "activity", "period": "yesterday", "format": "csv"}
    items = [item, {**item, "name": "again"}]
    schedule, report = await office.schedule(items=items), Making._report

    async def slow(making: Making, *given: Any) -> Any:
        made = await report(making, *given)
        await office.schedule(days_ago=0, title="An event more")
        head = await office.api.parts.position_of(office.tenant.id)
        await office.api.parts.analytics.report(
            "activity", office.tenant.id, min_position=Position.parse(head)
        )
        return made

    monkeypatch.setattr(Making, "_report", slow)
    await office.delivered(schedule)
    (delivery,) = await office.deliveries()
    assert {file["position"] for file in delivery["files"]} == {delivery["log_position"]}
    assert {file["as_of"] for file in delivery["files"]} == {delivery["as_of"]}
    for name, content in office.files().items():
        if name.endswith(".json"):
            assert json.loads(content)["penguinmails:facts"]["position"] == delivery["log_position"]


async def test_a_pack_that_somebody_sealed_is_not_delivered_in_the_place_of_another(office: Office) -> None:
    schedule = await office.schedule(items=[{"pack": "compliance", "period": "yesterday", "name": "pack"}])
    state = await office.api.parts.commands.state(office.tenant.id, "schedule", UUID(schedule))
    key = f"delivery/{delivery_of(UUID(schedule), state.due)}/pack"
    with analytics_of(office.api):
        body = {"definition": "finance", "from": "2026-01-01", "to": "2026-01-31"}
        sealed = await office.api.post("/v1/packs", office.tenant.key, body, idempotency_key=key)
        assert sealed.status_code == 201, sealed.text
    assert await office.work_off() == ["report.deliver"]
    (delivery,) = await office.deliveries()
    assert [file["of"] for file in delivery["files"]] == ["compliance", "compliance"]


async def test_what_others_write_meanwhile_fails_no_due_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule, execute = await office.schedule(), Workflow.execute

    async def busy(workflow: Workflow, command: Command, *given: Any, **named: Any) -> Any:
        if isinstance(command, FinishDelivery):
            raise TooMuchContention
        return await execute(workflow, command, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Workflow, "execute", busy)
        with pytest.raises(TooMuchContention):
            await office.delivered(schedule)
    assert [one["status"] for one in await office.deliveries()] == ["under_way"]
    await office.delivered(schedule)
    assert [one["status"] for one in await office.deliveries()] == ["delivered"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"folder": None}, "mail_not_taken_over"),
        ({"folder": None, "refused": True}, "mail_not_taken_over"),
        ({"folder": "in/the/way"}, "folder_not_writable"),
        ({"folder": None, "gone": True}, "nobody_may_have_it"),
    ],
)
async def test_what_cannot_be_delivered_is_told_and_the_next_due_time_is_tried(
    office: Office, box: Mailbox, fields: dict[str, Any], reason: str
) -> None:
    member = await office.member(TenantRole.ADMIN, "admin@acme.example")
    gone, refused = fields.get("gone", False), fields.get("refused", False)
    schedule = await office.schedule(recipients=[member], folder=fields["folder"])
    box.down = not refused
    box.refused["admin@acme.example"] = "550 5.1.1 no such person"
    place = office.folder / "deliveries" / str(office.tenant.id) / "in"
    place.parent.mkdir(parents=True)
    place.write_text("no folder")
    if gone:
        await office.do(f"/v1/tenancy/{member}/remove-member")
    assert await office.work_off() == ["report.deliver"]
    (delivery,) = await office.deliveries(status="failed")
    assert (delivery["reason"], delivery["mailed"]) == (reason, 0)
    (told,) = [one for one in await office.history() if one["name"] == "reporting.delivery_failed"]
    assert "@" not in json.dumps(told["payload"])
    answer = await office.api.send("GET", f"/v1/reports/schedules/{schedule}", office.tenant.key)
    row = answer.json()["data"]
    assert (row["status"], row["next_at"] > delivery["due_at"]) == ("active", True)
    assert not any(office.api.parts.blobs.names(office.tenant.id, UUID(delivery["delivery_id"])))


async def test_a_pack_that_is_refused_keeps_no_other_item_back(office: Office, box: Mailbox) -> None:
    member = await office.member(TenantRole.FINANCE_LEADER, "chief@acme.example")
    day = str((office.clock() - timedelta(days=2)).date())
    for currency in ("USD", "JPY"):
        cost = {
            "category": "server",
            "amount": 310,
            "currency": currency,
            "provider": "H",
            "basis": "list_price",
        }
        days = dict.fromkeys(("incurred_on", "covers_from", "covers_to"), day)
        made = await office.api.post("/v1/costs/new/enter-cost", office.tenant.key, {**cost, **days})
        assert made.status_code == 201, made.text
    mixed = {"pack": "finance", "period": "last_7_days", "name": "mixed"}
    items = [mixed, {**mixed, "name": "yen", "parameters": {"currency": "JPY"}}, *DAILY["items"]]
    await office.schedule(items=items, recipients=[member])
    await office.schedule(items=[mixed], folder="alone")
    await office.work_off()
    told = {one["folder"]: one for one in await office.deliveries()}
    assert (told[None]["status"], told[None]["reason"], told[None]["files"]) == (
        "failed",
        "pack_refused",
        None,
    )
    delivery = told[DAILY["folder"]]
    assert (delivery["status"], delivery["mailed"], delivery["withheld"]) == ("partly", 1, [])
    assert [file["of"] for file in delivery["files"]] == ["finance", "finance", "activity", "activity"]
    assert {name.rpartition("/")[2].partition("_")[0] for name in office.files()} == {"yen", "activity"}
    (refused,) = delivery["refused"]
    assert (refused["name"], refused["code"]) == ("mixed", "board-pack-mixes-currencies")
    assert "amounts in JPY and USD" in refused["detail"]
    assert "`currency`" in refused["detail"]
    ((_, letter),) = box.received
    body = letter.get_body(("plain",))
    assert body is not None
    assert "mixed: not made (board-pack-mixes-currencies)" in body.get_content()
    entered = {one["name"]: one["payload"] for one in await office.history()}
    assert entered["reporting.delivery_made"]["refused"] == [refused]
    assert entered["reporting.pack_sealed"]["currency"] == "JPY"
    listed = await office.api.send("GET", "/v1/packs", office.tenant.key)
    assert [one["currency"] for one in listed.json()["data"]] == ["JPY"]


async def test_a_month_is_delivered_as_soon_as_it_is_closed(office: Office) -> None:
    member = await office.member(TenantRole.FINANCE_LEADER, "chief@acme.example")
    item = {"pack": "compliance", "period": "last_month"}
    await office.schedule(32, items=[item], frequency="on_close", recipients=[member])
    assert await office.work_off() == []
    assert await office.deliveries() == []
    schedule = (await office.api.send("GET", "/v1/reports/schedules", office.tenant.key)).json()["data"][0]
    month = moved(month_of(date.fromisoformat(schedule["next_at"][:10])), -1)
    await office.do(f"/v1/finance/{office.tenant.id}/lock-period", period=month)
    await look_again(office)
    assert "report.deliver" in await office.work_off()
    delivery = (await office.deliveries(status="delivered"))[-1]
    file, beside = delivery["files"]
    assert beside["name"] == f"{file['name']}-metadata.json"
    (certified,) = (json.loads(text) for name, text in office.files().items() if name.endswith(".json"))
    assert certified["penguinmails:completeness"]["rows"] == file["rows"]
    assert file["name"] == f"compliance_{first_day(month)}_{last_day(month)}.pdf"
    (pack,) = (await office.api.send("GET", "/v1/packs", office.tenant.key)).json()["data"]
    assert (pack["pdf_sha256"], pack["log_position"]) == (file["sha256"], file["position"])


async def test_paused_and_removed_schedules_deliver_nothing_and_resumed_ones_only_what_is_due_then(
    office: Office,
) -> None:
    kept, gone = await office.schedule(3), await office.schedule(3)
    office.clock.behind = timedelta(days=3)
    await office.do(f"/v1/reporting/{kept}/pause-schedule")
    await office.do(f"/v1/reporting/{gone}/remove-schedule")
    office.clock.behind = timedelta(0)
    assert await office.work_off() == []
    await office.do(f"/v1/reporting/{kept}/resume-schedule")
    assert await office.work_off() == [], "what was due in the pause is not made up for"
    rows = (await office.api.send("GET", "/v1/reports/schedules", office.tenant.key)).json()["data"]
    assert {row["schedule_id"]: row["status"] for row in rows} == {kept: "active", gone: "removed"}
    assert office.files() == {}
