"""Letters of deliveries: to whom they go, and how often."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from adapters.smtp.server import SmtpServer
from application.delivering.needs import needs_of
from application.importing.service import Interrupted
from application.offered import OFFERED
from application.packs.definition import read_definitions
from application.ports.delivering import Letter, MailDeferred, MailNotSetUp
from domain.kernel.permissions import Permission, TenantRole
from domain.reporting.delivery import delivery_of
from domain.reporting.schedule_events import DeliveryPrepared, ItemRefused
from tests.support.mailbox import Mailbox
from tests.support.offices import DAILY, Office


async def test_a_letter_that_was_handed_over_is_not_sent_again_and_one_that_may_have_been_is(
    office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await office.member(TenantRole.FINANCE_LEADER, "first@acme.example")
    second = await office.member(TenantRole.ADMIN, "second@acme.example")
    await office.schedule(recipients=[first, second], folder=None)
    send = SmtpServer.send

    async def dying(server: SmtpServer, letter: Letter) -> None:
        await send(server, letter)
        if letter.to == "second@acme.example":
            raise Interrupted

    monkeypatch.setattr(SmtpServer, "send", dying)
    with pytest.raises(Interrupted):
        await office.work_off()
    monkeypatch.setattr(SmtpServer, "send", send)
    await office.do(f"/v1/tenancy/{first}/remove-member")
    assert await office.work_off() == ["report.deliver"]
    assert len(box.to("first@acme.example")) == 1
    twice = box.to("second@acme.example")
    assert len(twice) == 2
    assert len({letter["message-id"] for letter in twice}) == 1, "known as one by its id"
    assert twice[0]["auto-submitted"] == "auto-generated"
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"], delivery["folder"]) == ("delivered", 2, None)
    assert delivery["withheld"] == [], "who was sent it before they were removed has it"


async def test_who_is_gone_or_may_not_read_it_any_more_is_sent_nothing(office: Office, box: Mailbox) -> None:
    people = {}
    for name in ("stays", "leaves", "loses", "bounces"):
        people[name] = await office.member(TenantRole.FINANCE_LEADER, f"{name}@acme.example")
    item = {"report": "costs_by_category", "period": "last_30_days"}
    await office.schedule(recipients=list(people.values()), folder=None, items=[item])
    await office.do(f"/v1/tenancy/{people['leaves']}/remove-member")
    await office.do(f"/v1/tenancy/{people['loses']}/change-member-role", role="viewer")
    box.refused["bounces@acme.example"] = "550 5.1.1 no such person"
    assert await office.work_off() == ["report.deliver"]
    assert [to for to, _ in box.received] == ["stays@acme.example"]
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"]) == ("partly", 1)
    withheld = {one["member_id"]: one["reason"] for one in delivery["withheld"]}
    assert withheld == {
        people["leaves"]: "removed",
        people["loses"]: "permission",
        people["bounces"]: "refused",
    }
    log = [one["payload"] for one in await office.history() if one["name"].startswith("reporting.")]
    assert "@" not in json.dumps(log), "nobody's address is in an event"


async def test_files_that_are_too_large_for_mail_go_to_the_folder_alone(
    office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.delivering.running.MOST_MAILED", 1)
    member = await office.member(TenantRole.ADMIN, "admin@acme.example")
    both = await office.schedule(recipients=[member])
    alone = await office.schedule(recipients=[member], folder=None)
    await office.work_off()
    told = {one["schedule_id"]: one for one in await office.deliveries()}
    assert (told[both]["status"], told[both]["mailed"]) == ("partly", 0)
    assert told[both]["withheld"] == [{"member_id": member, "reason": "too_large"}]
    assert (told[alone]["status"], told[alone]["reason"]) == ("failed", "too_large")
    assert (len(office.files()), box.received) == (2, [])


async def test_each_address_has_its_own_fate_and_holds_up_no_other(office: Office, box: Mailbox) -> None:
    people = {}
    for name in ("later", "never", "first"):
        people[name] = await office.member(TenantRole.FINANCE_LEADER, f"{name}@acme.example")
    schedule = await office.schedule(recipients=list(people.values()))
    box.refused["later@acme.example"] = "451 greylisted"
    box.refused["never@acme.example"] = "550 5.1.1 no such person"
    with pytest.raises(MailDeferred):
        await office.delivered(schedule)
    assert [to for to, _ in box.received] == ["first@acme.example"], "who is behind a deferred address has it"
    (waits,) = await office.deliveries()
    assert (waits["status"], waits["mailed"]) == ("under_way", 1)
    names = [one["name"] for one in await office.history()]
    assert names.count("reporting.letter_refused") == 1
    # Whoever was refused is not tried again, whatever the server would say now.
    del box.refused["never@acme.example"]
    with pytest.raises(MailDeferred):
        await office.delivered(schedule)
    assert [to for to, _ in box.received] == ["first@acme.example"]
    assert await office.work_off() == ["report.deliver"], "the last attempt settles it"
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"], delivery["folder"]) == ("partly", 1, "finance/daily")
    assert {one["member_id"]: one["reason"] for one in delivery["withheld"]} == {
        people["later"]: "deferred",
        people["never"]: "refused",
    }


async def test_an_address_that_was_deferred_is_sent_it_once_it_is_taken(office: Office, box: Mailbox) -> None:
    later = await office.member(TenantRole.ADMIN, "later@acme.example")
    first = await office.member(TenantRole.ADMIN, "first@acme.example")
    schedule = await office.schedule(recipients=[later, first], folder=None)
    box.refused["later@acme.example"] = "451 greylisted"
    with pytest.raises(MailDeferred):
        await office.delivered(schedule)
    del box.refused["later@acme.example"]
    await office.delivered(schedule)
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"], delivery["withheld"]) == ("delivered", 2, [])
    assert [to for to, _ in box.received] == ["first@acme.example", "later@acme.example"]


async def test_a_relay_that_denies_is_asked_again_and_told_as_refused_in_the_end(
    office: Office, box: Mailbox
) -> None:
    mended = await office.member(TenantRole.ADMIN, "mended@acme.example")
    denied = await office.member(TenantRole.ADMIN, "denied@acme.example")
    schedule = await office.schedule(recipients=[mended, denied], folder=None)
    for name in ("mended", "denied"):
        box.refused[f"{name}@acme.example"] = "550 5.7.1 relaying denied"
    with pytest.raises(MailDeferred):
        await office.delivered(schedule)
    del box.refused["mended@acme.example"]
    assert await office.work_off() == ["report.deliver"], "the last attempt settles it"
    assert [to for to, _ in box.received] == ["mended@acme.example"]
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"]) == ("partly", 1)
    assert delivery["withheld"] == [{"member_id": denied, "reason": "refused"}]
    assert "reporting.letter_refused" not in [one["name"] for one in await office.history()]


async def test_files_that_are_in_their_folder_are_delivered_though_no_mail_goes(
    office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await office.member(TenantRole.ADMIN, "admin@acme.example")
    await office.schedule(recipients=[member])
    box.down = True
    assert await office.work_off() == ["report.deliver"]
    box.down = False

    async def none(_: SmtpServer, __: Letter) -> None:
        raise MailNotSetUp

    monkeypatch.setattr(SmtpServer, "send", none)
    both, alone = (
        await office.schedule(recipients=[member], title="Both"),
        await office.schedule(recipients=[member], folder=None),
    )
    assert await office.work_off() == ["report.deliver"] * 2
    told = {one["schedule_id"]: one for one in await office.deliveries()}
    (before,) = [one for key, one in told.items() if key not in (both, alone)]
    assert (before["status"], before["folder"]) == ("partly", "finance/daily")
    assert before["withheld"] == [{"member_id": member, "reason": "deferred"}]
    assert (told[both]["status"], told[both]["folder"]) == ("partly", "finance/daily")
    assert told[both]["withheld"] == [{"member_id": member, "reason": "mail_not_set_up"}]
    assert (told[alone]["status"], told[alone]["reason"]) == ("failed", "mail_not_set_up")
    assert told[alone]["withheld"] == told[both]["withheld"]
    assert box.received == []


async def test_letters_go_though_the_folder_cannot_be_written_to(office: Office, box: Mailbox) -> None:
    member = await office.member(TenantRole.ADMIN, "admin@acme.example")
    await office.schedule(recipients=[member], folder="in/the/way")
    place = office.folder / "deliveries" / str(office.tenant.id) / "in"
    place.parent.mkdir(parents=True)
    place.write_text("no folder")
    assert await office.work_off() == ["report.deliver"]
    assert [to for to, _ in box.received] == ["admin@acme.example"]
    (delivery,) = await office.deliveries()
    assert (delivery["status"], delivery["mailed"], delivery["folder"]) == ("partly", 1, None)
    assert (delivery["folder_failed"], delivery["withheld"]) == ("folder_not_writable", [])


async def test_a_pack_that_is_gone_since_keeps_no_other_item_back(
    office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await office.member(TenantRole.FINANCE_LEADER, "chief@acme.example")
    pack = {"pack": "compliance", "period": "yesterday", "name": "gone"}
    both = await office.schedule(recipients=[member], items=[pack, *DAILY["items"]])
    await office.schedule(recipients=[member], items=[pack], folder="alone")
    definitions = {name: one for name, one in read_definitions().items() if name != "compliance"}
    monkeypatch.setattr("application.packs.definition.read_definitions", lambda: definitions)
    assert await office.work_off() == ["report.deliver"] * 2
    told = {one["schedule_id"] == both: one for one in await office.deliveries()}
    (refused,) = told[True]["refused"]
    assert (told[True]["status"], told[True]["mailed"]) == ("partly", 1)
    assert (refused["name"], refused["code"]) == ("gone", "board-pack-unknown")
    assert [file["of"] for file in told[True]["files"]] == ["activity", "activity"]
    assert (told[False]["status"], told[False]["reason"]) == ("failed", "pack_refused")
    assert told[False]["refused"] == [refused], "also where nothing else was to be delivered"
    assert len(box.received) == 1


async def test_what_was_prepared_before_its_definition_went_is_for_who_may_read_everything(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = {"pack": "finance", "period": "yesterday", "name": "gone"}
    schedule = await office.schedule(items=[pack, *DAILY["items"]])
    state = await office.api.parts.commands.state(office.tenant.id, "schedule", UUID(schedule))
    told = DeliveryPrepared(
        schedule_id=state.schedule_id,
        delivery_id=delivery_of(state.schedule_id, state.due),
        day=state.due.day,
        due_at=state.due.at,
        position="1.1",
        as_of=None,
        files=[],
        refused=[],
    )
    before = needs_of(state.terms, told)
    definitions = {name: one for name, one in read_definitions().items() if name != "finance"}
    monkeypatch.setattr("application.packs.definition.read_definitions", lambda: definitions)
    everything = {Permission(one.info.permission) for one in OFFERED.values()}
    assert before <= needs_of(state.terms, told)
    assert everything <= needs_of(state.terms, told)
    not_made = ItemRefused(name="gone", code="board-pack-unknown", detail="Gone.")
    assert needs_of(state.terms, told.model_copy(update={"refused": [not_made]})) == {Permission.REPORTS_READ}
    assert needs_of(state.terms) == {Permission.REPORTS_READ}
