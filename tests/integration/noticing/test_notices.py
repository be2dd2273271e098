"""Letters about usage, trials, payments and access: to whom they go, how often, and what becomes of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from adapters.postgres.policies import policies_for_view
from adapters.smtp.server import SmtpServer
from adapters.smtp.settings import smtp_settings
from api.composition import now
from api.ops.health import Health
from application.importing.service import Interrupted
from application.ports.delivering import Letter
from domain.kernel.permissions import TenantRole
from domain.tenancy.plans import Plan
from projections.jobs.due import JOBS
from projections.operational.billing_notices.handler import BILLING_NOTICES
from projections.operational.billing_notices.waiting import Waiting, figures, waiting
from projections.operational.members.handler import MEMBERS
from projections.runtime import builds
from tests.support.api import serving
from tests.support.billing import INVOICE, SUBSCRIPTION, invoiced, item, terms, told
from tests.support.database import Database
from tests.support.mailbox import Mailbox
from tests.support.noticed import Noticed
from tests.support.working import MovedClock

DAY = timedelta(days=1)


async def test_a_letter_goes_to_owners_and_to_whoever_reads_the_bills_and_no_address_is_kept(
    noticed: Noticed, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await noticed.member(TenantRole.FINANCE_LEADER, "finance@acme.example")
    admin = await noticed.member(TenantRole.ADMIN, "admin@acme.example")
    box.refused["admin@acme.example"] = "550 5.1.1 no admin@acme.example here"
    await noticed.member(TenantRole.VIEWER, "viewer@acme.example")
    assert await noticed.work_off() == ["billing.notify"]
    assert [to for to, _ in box.received] == ["owner@acme.example", "finance@acme.example"]
    letter = box.received[0][1]
    assert letter["subject"] == "Acme: 80 % of the users of your plan are used"
    assert letter["auto-submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().replace("\r\n", "\n").splitlines() == [
        "Used: 4 of 5 users, that is 80 %.",
        "This gives you more:",
        "- plan Business, 15 users: USD 399.00 a month",
        "",
        "Your portal: https://portal.example",
        "You are sent this because you may see the bills of Acme.",
        "Whoever manages billing may turn letters about usage off.",
    ]
    assert letter.get_content().count("://") == 1
    (row,) = await noticed.notices(kind="usage_reached", status="partly")
    assert (row["meter"], row["threshold"], row["mailed"], row["reason"]) == ("users", 80, 2, None)
    assert row["withheld"] == [{"member_id": admin, "reason": "refused"}]
    path = f"/v1/billing/notices/{row['notice_id']}"
    assert (await noticed.api.send("GET", path, noticed.tenant.key)).json()["data"] == row
    history = await noticed.api.send("GET", "/v1/history?limit=100", noticed.tenant.key)
    entered = [one for one in history.json()["data"] if one["name"].startswith("billing.notice")]
    assert [one["name"] for one in entered].count("billing.notice_mailed") == 2
    assert "@" not in json.dumps([one["payload"] for one in entered])
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("mail.")]
    assert not [one for one in ours if "@acme" in one]


async def test_a_foreign_alert_never_reaches_anothers_people(noticed: Noticed, box: Mailbox) -> None:
    other = await noticed.api.tenant("Other", plan=Plan.PROFESSIONAL)
    await noticed.member(TenantRole.FINANCE_LEADER, "finance@acme.example")
    await noticed.member(TenantRole.FINANCE_LEADER, "finance@other.example", other)
    await noticed.fill(other)
    assert await noticed.work_off() == ["billing.notify"]
    assert [to for to, _ in box.received] == ["owner@other.example", "finance@other.example"]
    assert await noticed.notices() == []
    (foreign,) = await noticed.notices(other)
    path = f"/v1/billing/notices/{foreign['notice_id']}"
    assert (await noticed.api.send("GET", path, noticed.tenant.key)).status_code == 404
    box.received.clear()
    await noticed.fill()
    assert await noticed.work_off() == ["billing.notify"]
    assert [to for to, _ in box.received] == ["owner@acme.example", "finance@acme.example"]
    assert len(await noticed.notices()) == len(await noticed.notices(other)) == 1


async def test_a_worker_that_dies_between_sending_and_entering_repeats_one_letter_under_one_id(
    noticed: Noticed, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await noticed.member(TenantRole.FINANCE_LEADER, "finance@acme.example")
    await noticed.fill()
    send = SmtpServer.send

    async def dying(server: SmtpServer, letter: Letter) -> None:
        await send(server, letter)
        if letter.to == "finance@acme.example":
            raise Interrupted

    monkeypatch.setattr(SmtpServer, "send", dying)
    with pytest.raises(Interrupted):
        await noticed.work_off()
    monkeypatch.setattr(SmtpServer, "send", send)
    assert await noticed.work_off() == ["billing.notify"]
    assert len(box.to("owner@acme.example")) == 1
    twice = box.to("finance@acme.example")
    assert len(twice) == 2
    ids = {letter["message-id"] for _, letter in box.received}
    assert len(ids) == 2, "each member's letter has one id, whenever it is sent"
    (row,) = await noticed.notices()
    assert (row["status"], row["mailed"]) == ("sent", 2)


async def test_a_rebuild_sends_nothing_again(noticed: Noticed, box: Mailbox) -> None:
    await noticed.fill()
    assert await noticed.work_off() == ["billing.notify"]
    before = await noticed.notices()
    dsn = noticed.api.database.projector
    with psycopg.connect(dsn, autocommit=True) as connection:
        for projection in (JOBS, BILLING_NOTICES, MEMBERS):
            builds.rebuild(connection, projection, policies_for_view)
        connection.execute("DELETE FROM ops.job_runs")  # as after a restore of the logs alone
    assert await noticed.work_off() == []
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert builds.live_schema(connection, "jobs") == (2, f"views_jobs_v{JOBS.version}_2")
    assert len(box.received) == 1
    assert await noticed.notices() == before


async def test_a_server_that_takes_nothing_is_asked_again_for_a_day_and_then_given_up(
    noticed: Noticed, box: Mailbox, clock: MovedClock
) -> None:
    box.sender = "421 closing down"
    await noticed.fill()
    assert await noticed.work_off() == []
    (row,) = await noticed.notices()
    assert (row["status"], row["trouble"]) == ("owed", "not_now")
    until = datetime.fromisoformat(row["next_try_at"]) - now()
    assert timedelta(seconds=30) < until < timedelta(minutes=2)
    clock.behind = -DAY + timedelta(minutes=10)
    await noticed.look_again()
    assert await noticed.work_off() == []
    clock.behind = -DAY - timedelta(minutes=10)
    await noticed.look_again()
    assert await noticed.work_off() == ["billing.notify"]
    (row,) = await noticed.notices()
    told = {name: row[name] for name in ("status", "reason", "trouble", "mailed", "next_try_at")}
    assert told == {
        "status": "not_sent",
        "reason": "mail_not_taken_over",
        "trouble": "not_now",
        "mailed": 0,
        "next_try_at": None,
    }
    assert [one["reason"] for one in row["withheld"]] == ["mail_not_taken_over"]
    box.sender = None
    await noticed.look_again()
    assert await noticed.work_off() == []
    assert box.received == []


async def test_one_address_that_is_put_off_keeps_no_other_back_and_is_tried_alone(
    noticed: Noticed, box: Mailbox
) -> None:
    await noticed.member(TenantRole.FINANCE_LEADER, "finance@acme.example")
    box.refused["owner@acme.example"] = "450 mailbox busy"
    await noticed.fill()
    assert await noticed.work_off() == []
    assert [to for to, _ in box.received] == ["finance@acme.example"]
    box.refused.clear()
    await noticed.look_again()
    assert await noticed.work_off() == ["billing.notify"]
    assert [to for to, _ in box.received] == ["finance@acme.example", "owner@acme.example"]


async def test_letters_that_wait_are_counted_and_their_trouble_is_shown_to_their_tenant_alone(
    noticed: Noticed, box: Mailbox
) -> None:
    dsn = noticed.api.database.projector
    around: Any = SimpleNamespace(
        settings=SimpleNamespace(smtp=smtp_settings(box.url, "b@sender.example"), dsn=lambda *_: dsn),
        database=SimpleNamespace(admin=None),
    )
    health = Health(around, noticed.api.parts)
    assert figures(dsn) == {}, "no list of jobs was built yet"
    assert await noticed.work_off() == []
    assert figures(dsn) == {"letters_waiting": 0.0, "letters_oldest_s": 0.0}
    assert await health._mail() == (True, "not encrypted, on this machine")
    other = await noticed.api.tenant("Other", plan=Plan.PROFESSIONAL)
    await noticed.fill(other)
    box.refused["owner@other.example"] = "550 5.7.1 relaying denied"
    assert await noticed.work_off() == []
    assert [one["trouble"] for one in await noticed.notices(other)] == ["denied"]
    assert figures(dsn)["letters_waiting"] == 1.0
    ok, state = await health._mail()
    assert ok, "who is denied is one, as far as is known"
    assert state.startswith("not encrypted, on this machine; letters that wait for it: 1, the oldest for ")
    await noticed.fill()
    box.sender = "550 not from you"
    assert await noticed.work_off() == []
    (ours,) = await noticed.notices()
    assert (ours["status"], ours["trouble"]) == ("owed", "sender")
    assert figures(dsn)["letters_waiting"] == 2.0
    assert 0 < figures(dsn)["letters_oldest_s"] < 600
    ok, state = await health._mail()
    assert not ok
    assert state.startswith(
        "took nothing when last asked (sender); letters that wait for it: 2, the oldest for "
    )
    box.sender = None
    third = await noticed.api.tenant("Third", plan=Plan.PROFESSIONAL)
    await noticed.fill(third)
    assert await noticed.work_off() == ["billing.notify"]
    ok, state = await health._mail()
    assert ok, "it took another letter since"
    assert "; letters that wait for it: 2, " in state
    box.received.clear()
    box.refused.clear()
    await noticed.look_again()
    assert await noticed.work_off() == ["billing.notify"] * 2
    assert {to for to, _ in box.received} == {"owner@acme.example", "owner@other.example"}
    (ours,) = await noticed.notices()
    assert (ours["status"], ours["trouble"], ours["next_try_at"]) == ("sent", None, None)
    assert figures(dsn) == {"letters_waiting": 0.0, "letters_oldest_s": 0.0}
    assert await health._mail() == (True, "not encrypted, on this machine")


async def test_what_is_found_long_after_it_happened_is_told_to_nobody(
    noticed: Noticed, box: Mailbox, clock: MovedClock
) -> None:
    await noticed.fill()
    clock.behind = -2 * DAY
    assert await noticed.work_off() == ["billing.notify"]
    assert box.received == []
    assert [(one["status"], one["reason"]) for one in await noticed.notices()] == [("not_sent", "too_late")]


async def test_usage_can_be_turned_off_and_what_is_not_paid_cannot(noticed: Noticed, box: Mailbox) -> None:
    api, tenant = noticed.api, noticed.tenant
    await noticed.post("set-notice-preferences", usage=False, language="de")
    await noticed.fill()
    assert await noticed.work_off() == ["billing.notify"]
    assert box.received == []
    assert [one["reason"] for one in await noticed.notices()] == ["turned_off"]
    await api.project()
    (account,) = (await api.send("GET", "/v1/billing/account", tenant.key)).json()["data"]
    assert (account["usage_notices"], account["notice_language"]) == (False, "de")
    start = now() - timedelta(hours=1)
    await api.act(tenant.id, told(terms(item("professional")), at=start), SUBSCRIPTION)
    owed: dict[str, Any] = {"number": "PM-7", "subscription_id": SUBSCRIPTION}
    failed: dict[str, Any] = {"failed_attempt": 1, "failed_at": start + timedelta(minutes=1)}
    await api.act(tenant.id, invoiced(14_900, at=start, **owed, **failed), INVOICE)
    assert await noticed.work_off() == ["billing.notify"]
    paid: dict[str, Any] = {"paid_at": now(), "amount_paid": 14_900}
    await api.act(tenant.id, invoiced(14_900, at=start, **owed, **paid), INVOICE)
    assert await noticed.work_off() == ["billing.notify"]
    subjects = [letter["subject"] for letter in box.to("owner@acme.example")]
    assert subjects == [
        "Acme: Eine Zahlung ist fehlgeschlagen",
        "Acme: Ihre Zahlung ist eingegangen",
    ]
    first = box.received[0][1].get_content()
    assert "Die Rechnung PM-7 über USD 149,00 konnte nicht eingezogen werden. Versuch 1" in first
    assert "gesperrt: Alles" in first
    assert f"{start + 7 * DAY + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC gesperrt" in first
    kinds = [one["kind"] for one in await noticed.notices(status="sent")]
    assert kinds == ["payment_recovered", "payment_failed"]
    wrong = await api.post(
        f"/v1/billing/{tenant.id}/set-notice-preferences", tenant.key, {"usage": True, "language": "es"}
    )
    assert wrong.status_code == 422, wrong.text
    assert wrong.json()["errors"][0]["pointer"] == "/language"


async def test_without_a_mail_server_letters_wait_for_one_and_are_given_up_in_time(
    database: Database, tmp_path: Path, clock: MovedClock
) -> None:
    async with serving(database, tmp_path, clock) as api:
        noticed = Noticed(api, await api.tenant(plan=Plan.PROFESSIONAL), clock)
        await noticed.fill()
        assert await noticed.work_off() == []
        (row,) = await noticed.notices()
        assert (row["status"], row["trouble"]) == ("owed", "mail_not_set_up")
        assert waiting(database.projector) == Waiting(0, 0.0, None), "there is no server to look at"
        clock.behind = -DAY - timedelta(minutes=10)
        await noticed.look_again()
        assert await noticed.work_off() == ["billing.notify"]
        (row,) = await noticed.notices()
        assert (row["status"], row["reason"]) == ("not_sent", "mail_not_set_up")
