"""Letters of deliveries: to whom they go, and how often."""

from __future__ import annotations

import json

import pytest

from adapters.smtp.server import SmtpServer
from application.importing.service import Interrupted
from application.ports.delivering import Letter
from domain.kernel.permissions import TenantRole
from tests.support.mailbox import Mailbox
from tests.support.offices import Office


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
    box.refused["bounces@acme.example"] = "550 no such person"
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
