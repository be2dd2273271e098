"""How an import runs and ends: stopped and gone on with, beside other work, rolled back, its files destroyed."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from api.composition import now
from application.importing.running import EVENTS_A_CHUNK, EVENTS_A_ROW, ROWS_A_CHUNK
from application.importing.service import Interrupted
from application.ports.log import MOST_EVENTS
from domain.audience.contact_import import ImportStatus, Tally, Undone
from domain.tenancy.tenant import SuspendTenant
from tests.support.billing import SUBSCRIPTION, item, terms, told
from tests.support.importing import Importing, behind, content, people


async def test_it_goes_on_where_it_was_stopped(importing: Importing) -> None:
    import_id = await importing.ready(content(*people(1000), ("broken",)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    stops = 0
    while True:
        try:
            state = await importing.work(import_id, partial(next, iter((False, True))))
        except Interrupted:
            stops += 1
            continue
        break
    chunks = -(-1001 // ROWS_A_CHUNK)
    assert (stops, state.status, state.chunks) == (chunks - 1, ImportStatus.COMPLETED, chunks)
    assert state.tally == Tally(imported=1000, rejected=1)
    assert len(await importing.contacts()) == 1000


async def test_two_workers_on_one_import_do_it_once(importing: Importing) -> None:
    import_id = await importing.ready(content(*people(1500)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    await asyncio.gather(*(importing.work(import_id) for _ in range(3)), return_exceptions=True)
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(imported=1500))
    assert len(await importing.contacts()) == 1500


async def test_contacts_that_are_made_meanwhile_are_met(importing: Importing) -> None:
    """Somebody enters the addresses of the file one by one while it is imported: nobody is there twice."""
    import_id = await importing.ready(content(*people(1200)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    entered = []

    async def enter() -> None:
        for number in range(1200, 0, -40):
            body = {"workspace_id": str(importing.tenant.workspace_id), "email": f"P{number}@people.example"}
            answer = await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
            assert answer.status_code in {201, 409}, answer.text
            entered.append(answer.status_code)

    await asyncio.gather(importing.work(import_id), enter())
    state = await importing.api.parts.imports.existing(importing.tenant.id, import_id)
    assert state.tally == Tally(imported=1200 - entered.count(201), skipped=entered.count(201))
    assert entered.count(201) > 0
    assert len({email.lower() for email in await importing.contacts()}) == 1200


@pytest.mark.parametrize("word", ["cancel-import", "suspend"])
async def test_it_stops_where_it_may_not_go_on(importing: Importing, word: str) -> None:
    import_id = await importing.ready(content(*people(1000)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    if word == "suspend":
        suspended = SuspendTenant.model_validate({"reason": "unpaid"})
        await importing.api.act(importing.tenant.id, suspended, importing.tenant.id)
    else:
        assert (await importing.command(import_id, word)).status_code == 200
    state = await importing.work(import_id)
    ended = {
        "suspend": (ImportStatus.FAILED, "tenant-not-active"),
        "cancel-import": (ImportStatus.CANCELLED, None),
    }
    assert (state.status, state.failure) == ended[word]
    assert len(await importing.contacts()) == state.tally.imported == 2 * ROWS_A_CHUNK


async def test_it_waits_while_nobody_pays_and_goes_on_when_it_is_resumed(importing: Importing) -> None:
    api, tenant = importing.api, importing.tenant

    async def paying(status: str, number: int) -> None:
        when = now() - timedelta(seconds=100 - number)
        subscription = told(terms(item("business"), status=status), as_=f"evt_{number}", at=when)
        await api.act(tenant.id, subscription, SUBSCRIPTION)

    await paying("active", 1)
    import_id = await importing.ready(content(*people(1000)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    await paying("unpaid", 2)
    state = await importing.work(import_id)
    assert (state.status, state.failure) == (ImportStatus.PAUSED, "access-ended")
    assert state.tally.imported == 2 * ROWS_A_CHUNK
    assert await importing.work(import_id) == state, "nothing goes on by itself"
    assert (await importing.command(import_id, "resume-import")).status_code == 402
    await api.project()
    shown = (await importing.get(f"/v1/audience/imports/{import_id}")).json()["data"]
    assert (shown["status"], shown["problem"]) == ("paused", "access-ended")
    await paying("active", 3)
    assert (await importing.command(import_id, "resume-import")).status_code == 200
    assert (await importing.command(import_id, "resume-import")).json()[
        "type"
    ] == "/problems/import-not-paused"
    state = await importing.work(import_id)
    assert (state.status, state.tally.imported) == (ImportStatus.COMPLETED, 1000)


async def test_an_import_that_never_started_is_rolled_back_at_once(importing: Importing) -> None:
    ready = await importing.ready(content(*people(2)))
    assert (await importing.command(ready, "cancel-import")).status_code == 200
    state = await importing.roll_back(ready)
    assert (state.status, state.undone, await importing.contacts()) == (
        ImportStatus.ROLLED_BACK,
        Undone(),
        {},
    )


async def test_no_row_makes_more_events_than_a_chunk_has_room_for(importing: Importing) -> None:
    said_stop = ("back@people.example", "B", "DE", "2025-01-31", "yes")
    await importing.run(await importing.ready(content(said_stop)))
    (contact,) = (await importing.contacts()).values()
    erased = await importing.api.post(
        f"/v1/audience/{contact.contact_id}/erase-contact", importing.tenant.key
    )
    assert erased.status_code == 200, erased.text
    body = {"workspace_id": str(importing.tenant.workspace_id), "name": "All"}
    made = await importing.api.post("/v1/audience/new/create-list", importing.tenant.key, body)
    before = len(await importing.history())
    await importing.run(await importing.ready(content(said_stop)), list_id=UUID(made.json()["id"]))
    names = [row.name for row in (await importing.history())[before:]]
    chunk = names[names.index("audience.import_started") + 1 : names.index("audience.import_completed")]
    assert len(chunk) == EVENTS_A_ROW + EVENTS_A_CHUNK, chunk
    assert ROWS_A_CHUNK * EVENTS_A_ROW + EVENTS_A_CHUNK <= MOST_EVENTS


async def test_a_roll_back_keeps_what_came_later(importing: Importing) -> None:
    header = ("Email", "First name", "Unsubscribed")
    await importing.run(await importing.ready(content(("old@people.example", "Old"), header=header)))
    rows = [(f"p{n}@people.example", f"P{n}", "yes" if n == 3 else "") for n in range(1, 700)]
    file = content(("old@people.example", "New"), *rows, header=header)
    import_id = await importing.ready(file)
    await importing.run(import_id, {"duplicates": "update"})
    made = await importing.contacts()
    for number, word, body in (
        (1, "update-contact", {"title": "CEO"}),
        (2, "erase-contact", {}),
        (4, "remove-contact", {}),
    ):
        path = f"/v1/audience/{made[f'p{number}@people.example'].contact_id}/{word}"
        assert (await importing.api.post(path, importing.tenant.key, body)).status_code == 200
    state = await importing.roll_back(import_id)
    assert (state.status, state.undone.kept) == (ImportStatus.ROLLED_BACK, 3)
    assert (state.undone.restored, state.undone.removed) == (1, 696)
    left = await importing.contacts()
    assert {email: contact.first_name for email, contact in left.items()} == {
        "old@people.example": "Old",
        "p1@people.example": "P1",
    }
    assert not (await behind(importing, "p3@people.example")).contactable
    again = await importing.run(await importing.ready(file))
    assert (again.tally.imported, again.tally.skipped) == (698, 2)


async def test_a_roll_back_takes_back_where_the_file_said_that_people_are(importing: Importing) -> None:
    header = ("Email", "Country", "Opt-in date")
    await importing.run(await importing.ready(content(("old@people.example", "DE", ""), header=header)))
    rows = [(f"{name}@people.example", "US", "2025-01-31") for name in ("old", "new")]
    import_id = await importing.ready(content(*rows, header=header))
    await importing.run(import_id, {"duplicates": "update"})
    known = {name: await behind(importing, f"{name}@people.example") for name in ("old", "new")}
    assert [one.person.country for one in known.values()] == ["US", "US"]
    await importing.roll_back(import_id)
    left = [await behind(importing, f"{name}@people.example") for name in ("old", "new")]
    assert [one.person.country for one in left] == ["DE", None]
    assert [len(one.consents) for one in left] == [1, 1], "what a person said does not end with the file"


async def test_what_a_file_says_of_moments_is_entered_as_of_then(importing: Importing) -> None:
    """An old stop is history where a documented consent came after it; of today, it would have ended that."""
    header, back = ("Email", "Opt-in date", "Unsubscribed"), "back@people.example"
    await importing.run(await importing.ready(content((back,), header=header)))
    anna = (await importing.contacts())[back].addressee_id
    asked = {
        "occurred_at": "2025-06-01T10:00:00Z",
        "source": "event",
        "explicit": True,
        "wording": "Write to me again",
    }
    done = await importing.api.post(f"/v1/audience/{anna}/record-consent", importing.tenant.key, asked)
    assert done.status_code == 200, done.text
    rows = [
        (back, "", "2024-03-01"),
        ("gone@people.example", "2024-01-31 23:30 +0100", "2024-03-01T12:00:00Z"),
        ("day@people.example", "2024-01-31", "yes"),
        ("gone@people.example", "2024-01-31 23:30 +0100", "2024-02-01"),
    ]
    before = len(await importing.history())
    await importing.run(await importing.ready(content(*rows, header=header)), {"duplicates": "update"})
    names = [row.name for row in (await importing.history())[before:]]
    assert (names.count("audience.opt_out_told_late"), names.count("audience.opted_out")) == (1, 2)
    assert (await behind(importing, back)).contactable
    gone, day = [await behind(importing, f"{name}@people.example") for name in ("gone", "day")]
    assert gone.opted_out_at == datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert day.opted_out_at is not None
    assert day.opted_out_at > datetime(2026, 1, 1, tzinfo=UTC), "said, and not when: from now on"
    (moment,), (civil,) = gone.consents, day.consents
    assert (moment.at, moment.on) == (datetime(2024, 1, 31, 22, 30, tzinfo=UTC), date(2024, 1, 31))
    assert (civil.at, civil.on) == (None, date(2024, 1, 31))
    length = len(await importing.history())
    await importing.run(await importing.ready(content(*rows, header=header)), {"duplicates": "update"})
    again = {row.name for row in (await importing.history())[length:]}
    assert not any(name.partition(".")[2].startswith(("opt", "consent")) for name in again), again


async def test_a_row_that_enters_anything_counts_as_updated_where_that_was_asked_for(
    importing: Importing,
) -> None:
    header = ("Email", "Opt-in date", "Unsubscribed")
    names = ("consents", "stops", "neither", "told")
    known = [(f"{name}@people.example", "2024-01-01" if name == "told" else "", "") for name in names]
    await importing.run(await importing.ready(content(*known, header=header)))
    said = {
        "consents": ("2025-01-31", ""),
        "stops": ("", "yes"),
        "told": ("2024-01-01", ""),
        "neither": ("", ""),
    }
    file = content(*[(f"{name}@people.example", *said[name]) for name in names], header=header)
    state = await importing.run(await importing.ready(file), {"duplicates": "update"})
    assert state.tally == Tally(updated=2, skipped=2)
    again = await importing.run(await importing.ready(file), {"duplicates": "update"})
    assert again.tally == Tally(skipped=4), "all that was entered before"


async def test_files_are_gone_after_seven_days(importing: Importing) -> None:
    key = str(uuid4())
    file = content(*people(1), ("broken",))
    import_id = UUID((await importing.upload(file, idempotency_key=key)).json()["id"])
    await importing.run(import_id)
    importing.api.parts.blobs.destroy(importing.tenant.id, import_id)
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/import-files-gone")
    again = await importing.upload(file, idempotency_key=key)
    assert (again.status_code, again.json()["file"]) == (201, None)
