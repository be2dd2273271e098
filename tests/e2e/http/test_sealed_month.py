"""A month is locked and its packs are sealed; then ten thousand events come, and much of them late.

The packs come from the archive as they were, each of their figures comes out again as of their position, and whatever
any report says otherwise today is the sum of events that are named.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
import pytest

from api.composition import now
from application.ports.analytics import AnalyticsBehind, AnalyticsUnavailable, ReportInfo
from application.ports.positions import Position
from domain.kernel.ids import SubscriptionId
from tests.support.api import Api, TestTenant, analytics_of, serving
from tests.support.billing import INVOICE, PAYMENT, SUBSCRIPTION, invoiced, item, received, terms, told
from tests.support.database import Database
from tests.support.explained import Cells, applied, cells_of, difference
from tests.support.given import uid
from tests.support.importing import CSV, content
from tests.support.required import required
from tests.support.working import MovedClock, Worker

LATER = 10_000
"""Events that come after the packs were sealed, at the least."""
PEOPLE = 2_600
OTHER, OTHER_INVOICE, OTHER_PAYMENT = SubscriptionId(uid(0x511)), uid(0x521), uid(0x531)
HEADER = ("Email", "Country", "Opted in at", "Unsubscribed", "Unsubscribed at")


@dataclass
class Office:
    """A tenant, and the month before this one: most of what happens is told as of its middle."""

    api: Api
    tenant: TestTenant
    clock: MovedClock
    first: date
    last: date

    @property
    def month(self) -> str:
        return f"{self.first:%Y-%m}"

    def moment(self, day: int, hour: int = 9) -> datetime:
        midnight = datetime(self.first.year, self.first.month, 1, tzinfo=UTC)
        return midnight + timedelta(days=day - 1, hours=hour)

    async def tell(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/{path}", self.tenant.key, body)
        assert answer.status_code in (200, 201), answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def get(self, path: str) -> Any:
        answer = await self.api.send("GET", path, self.tenant.key)
        assert answer.status_code == 200, answer.text
        return answer

    async def cost(self, amount: int, category: str = "server", **more: Any) -> str:
        """A cost of the month."""
        days = {"incurred_on": str(self.first), "covers_from": str(self.first), "covers_to": str(self.last)}
        paid = {"category": category, "amount": amount, "currency": "USD", "provider": "Hostwinds"}
        done = await self.tell("costs/new/enter-cost", **days, **paid, **{"basis": "list_price", **more})
        return str(done["id"])

    async def person(self, country: str) -> str:
        """A contact; the id of who is behind it."""
        made = {"workspace_id": str(self.tenant.workspace_id), "email": f"{uuid4().hex}@example.org"}
        done = await self.tell("audience/new/create-contact", **made, country=country)
        streams = (event["stream"] for event in done["events"])
        return str(next(name.partition(":")[2] for name in streams if name.startswith("addressee:")))

    async def message(self, who: str) -> None:
        """A message to somebody: decided on, and handed over where that is allowed."""
        body = {"message_id": str(uuid4()), "workspace_id": str(self.tenant.workspace_id)}
        decided = await self.tell(f"audience/{who}/authorise-message", **body)
        if decided["result"]["verdict"] == "allow":
            await self.tell(f"audience/{who}/dispatch-message", **body)

    async def position(self) -> Position:
        return Position.parse(await self.api.parts.position_of(self.tenant.id))

    async def seen(self) -> Position:
        """Wait until analytics have read the whole log; its position."""
        head = await self.position()
        deadline = time.monotonic() + 180  # a busy machine reads ten thousand events slowly
        while True:
            try:
                await self.api.parts.analytics.report("activity", self.tenant.id, min_position=head)
            except (AnalyticsBehind, AnalyticsUnavailable):
                assert time.monotonic() < deadline, "analytics did not come up to the log"
                await asyncio.sleep(0.1)
            else:
                return head


async def lived(office: Office) -> list[str]:
    """A month with something of everything that the packs tell of; two of its costs."""
    api, tenant = office.api, office.tenant
    begun = office.moment(1)
    await api.act(tenant.id, told(terms(item("starter")), at=begun), SUBSCRIPTION)
    await api.act(tenant.id, invoiced(at=begun, paid_at=begun, amount_paid=4_900), INVOICE)
    await api.act(tenant.id, received(invoice=INVOICE, received_at=begun), PAYMENT)
    await office.tell(f"finance/{tenant.id}/adopt-targets", template="strategic-planning-framework")
    await office.tell("finance/new/set-target", metric="gross_margin", value="60", unit="percent")
    shares = [{"holder_id": str(tenant.workspace_id), "weight": 1}]
    ruled = {"pool": "shared", "by": "weights", "from_month": office.month, "shares": shares}
    await office.tell(f"costs/{tenant.id}/rule-allocation", **ruled)
    costs = [await office.cost(3_100), await office.cost(900, "domain", pool="shared")]
    billed = {"amount": 120, "currency": "USD", "reference": "HW-1"}
    await office.tell(f"costs/{await office.cost(100, 'mailbox')}/confirm-cost", **billed)
    await office.cost(2_000, "marketing", acquires="agencies")
    people = [await office.person(country) for country in ("DE", "GB", "US", "FR")]
    consent = {"occurred_on": str(office.first), "source": "event", "wording": "Yes, please."}
    await office.tell(f"audience/{people[0]}/record-consent", **consent)
    for who in people:
        await office.message(who)
    said = office.moment(2).isoformat()
    await office.tell(f"audience/{people[3]}/record-opt-out", channel="reply", occurred_at=said)
    await api.project()
    asked = {"kind": "access", "channel": "email", "email": "someone@example.org"}
    await office.tell("rights/new/receive-request", **asked)
    return costs


def recorded_then(office: Office) -> None:
    """The database's clock stood in that month, too."""
    with psycopg.connect(office.api.database.admin) as connection:
        for table in ("events", "heads"):
            moved = f"UPDATE log.{table} SET recorded_at = recorded_at - %s"  # noqa: S608 - our own tables
            connection.execute(moved, (office.clock.behind,))


async def went_on(office: Office, costs: list[str]) -> None:
    """What comes after the seal: late, taken back, reopened and closed again; and an import of many people."""
    api, tenant, books = office.api, office.tenant, f"finance/{office.tenant.id}"
    await office.tell(f"costs/{costs[0]}/reverse-cost", reason="wrong_amount")
    billed = {"amount": 1_000, "currency": "USD", "reference": "HW-2"}
    await office.tell(f"costs/{costs[1]}/confirm-cost", **billed)
    await office.cost(3_300)
    await office.cost(450, "domain", pool="shared")
    grown = told(terms(item("business")), as_="evt_2", at=office.moment(20), rank=2)
    await api.act(tenant.id, grown, SUBSCRIPTION)
    other: dict[str, Any] = {"as_": "evt_3", "at": office.moment(10), "reference": "sub_2"}
    await api.act(tenant.id, told(terms(item("starter")), **other), OTHER)
    line: dict[str, Any] = {"reference": "in_2", "at": office.moment(10)}
    await api.act(tenant.id, invoiced(**line, paid_at=office.moment(11), amount_paid=4_900), OTHER_INVOICE)
    money: dict[str, Any] = {"reference": "ch_2", "received_at": office.moment(11)}
    await api.act(tenant.id, received(invoice=OTHER_INVOICE, **money), OTHER_PAYMENT)
    why = {"reason": "missing_documents", "explanation": "An invoice of the month came late."}
    await office.tell(f"{books}/reopen-period", period=office.month, **why)
    await office.cost(700, "ip")
    await office.tell(f"{books}/lock-period", period=office.month)
    await office.tell("finance/new/set-target", metric="revenue", value="100", unit="USD")
    invited = {"email": "new@example.org", "full_name": "Some One", "role": "viewer"}
    await office.tell("tenancy/new/invite-member", **invited)
    who = await office.person("DE")
    await office.message(who)
    consent = {"occurred_on": str(office.last), "source": "event", "wording": "Yes, please."}
    await office.tell(f"audience/{who}/record-consent", **consent)
    await office.message(who)
    await imported(office)


async def imported(office: Office) -> None:
    """People from a file, through the worker; some had opted out within the month."""
    start = uuid4().hex
    rows = [
        (
            f"{start}{number}@example.org",
            ("DE", "FR", "US")[number % 3],
            str(office.first),
            *(("yes", str(office.first + timedelta(days=3))) if number % 40 == 0 else ()),
        )
        for number in range(PEOPLE)
    ]
    upload = await office.api.send(
        "POST",
        f"/v1/audience/imports?workspace_id={office.tenant.workspace_id}",
        office.tenant.key,
        content(*rows, header=HEADER),
        CSV,
    )
    assert upload.status_code == 201, upload.text
    await office.tell(f"audience/{upload.json()['id']}/start-import", mapping={})
    await Worker(office.api).work_off()


async def sealed(office: Office, name: str) -> dict[str, Any]:
    """A pack of the month, with what its files are."""
    asked = {"definition": name, "from": str(office.first), "to": str(office.last)}
    made = await office.tell("packs", **asked)
    seal: dict[str, Any] = made["data"]
    pdf, figures = [(await office.get(seal[file])).content for file in ("pdf", "figures_file")]
    assert hashlib.sha256(pdf).hexdigest() == seal["pdf_sha256"]
    assert hashlib.sha256(figures).hexdigest() == seal["figures_sha256"]
    return {"id": made["id"], "seal": seal, "pdf": pdf, "figures": figures}


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    """Set in the month before this one."""
    last = now().date().replace(day=1) - timedelta(days=1)
    clock = MovedClock()
    async with serving(database, tmp_path, clock=clock) as api:
        first = last.replace(day=1)
        office = Office(api, await api.tenant(country="GB"), clock, first, last)
        clock.behind = now() - office.moment(15, 12)
        yield office


async def test_a_sealed_month_after_ten_thousand_events(office: Office) -> None:
    api, tenant = office.api, office.tenant
    costs = await lived(office)
    recorded_then(office)
    office.clock.behind = timedelta(0)
    await office.tell(f"finance/{tenant.id}/lock-period", period=office.month)
    with analytics_of(api):
        await office.seen()
        packs = [await sealed(office, name) for name in ("finance", "compliance")]
        before = await office.position()
        await went_on(office, costs)
        assert (await office.position()).n - before.n >= LATER
        await office.seen()
        for pack in packs:
            await stands(office, pack)
            await is_explained(office, pack)
        still = set()
        for name, info in api.parts.analytics.reports().items():
            given = {"currency": "USD"} if required(name) else {}
            seen = await figures_of(office, info, {**given, "at_position": str(before.n)})
            if not await moved_by_events(office, info, seen, before.token(), given):
                still.add(name)
        assert still <= {"lapses"}, "so much came that hardly a report says what it said"


async def stands(office: Office, pack: dict[str, Any]) -> None:
    """The same bytes; every figure as of its position is what it was; and what it is now is another."""
    seal = pack["seal"]
    for name, file in (("pdf", "pdf"), ("figures", "figures_file")):
        answer = await office.get(seal[file])
        assert answer.content == pack[name]
        assert answer.headers["penguin-sha256"] == hashlib.sha256(pack[name]).hexdigest()
    found = (await office.get(f"/v1/packs/{pack['id']}?check=true")).json()["data"]
    checked, drift = found["checked"], found["drift"]
    assert (checked["differ"], checked["not_compared"]) == (0, {})
    assert checked["compared"] == seal["figures"] > 0
    assert drift["not_compared"] == {}
    assert drift["differ"] > 0
    assert drift["moved"]


async def is_explained(office: Office, pack: dict[str, Any]) -> None:
    """What was sealed, with the events on it that came since, is what reports say now: figure by figure."""
    for section in json.loads(pack["figures"])["sections"]:
        info = office.api.parts.analytics.reports()[section["report"]]
        for part in filter(None, (section["now"], section["before"])):
            sealed_then = cells_of(info, part["rows"])
            await moved_by_events(office, info, sealed_then, part["position"], part["parameters"])


async def moved_by_events(
    office: Office, info: ReportInfo, seen: Cells, seen_at: str, given: dict[str, str]
) -> int:
    """How many rows of a report differ from what was seen: all of it is the sum of events."""
    differing = await difference(office.api, office.tenant, info, seen_at, given)
    assert applied(info, seen, differing) == await figures_of(office, info, given), info.name
    return len(differing)


async def figures_of(office: Office, info: ReportInfo, given: dict[str, str]) -> Cells:
    told = (await office.get(f"/v1/reports/{info.name}?{urlencode(given)}")).json()
    return cells_of(info, [[row[name] for name in told["columns"]] for row in told["data"]])
