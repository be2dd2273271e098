"""From the file to contacts: each row one outcome; what was said of consent and withdrawal kept; all of it undone."""

from __future__ import annotations

import asyncio
import csv
import io
import random
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from application.importing.running import EVENTS_A_CHUNK, EVENTS_A_ROW, ROWS_A_CHUNK, NoAddresses
from application.importing.service import Interrupted
from application.ports.log import MOST_EVENTS
from domain.audience import contact_import
from domain.audience.addressee_state import Addressee
from domain.audience.contact_import import ImportStatus, Tally, Undone
from domain.audience.intake import RowProblem, error_rows
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SuspendTenant
from tests.support.importing import HEADER, Importing, content, people


async def behind(importing: Importing, email: str) -> Addressee:
    """Who is behind an address, contact or not."""
    parts, tenant_id = importing.api.parts, importing.tenant.id
    key = parts.commands.streams.pseudonyms(tenant_id, "email_claim", email)[0]
    wanted = [(DECIDERS["email_claim"], stream_name("email_claim", key))]
    ((_, claim),) = await parts.commands.streams.load(tenant_id, wanted, fresh=True)
    state = await parts.commands.state(tenant_id, "addressee", claim.addressee_id or claim.former)
    assert isinstance(state, Addressee)
    return state


async def test_each_row_has_one_outcome_and_each_rejected_one_its_reason(importing: Importing) -> None:
    file = content(
        ("Ann@People.example", "Ann", "Germany", "2025-01-31"),
        ("ann@people.example", "Anne", "FR"),
        ("broken", "=cmd()"),
        ("bob@people.example", "Bob", "DE", "03/04/2025"),
        ("cyd@people.example", "Cyd", "Atlantis"),
    )
    import_id = await importing.ready(file)
    preview = await importing.preview(import_id)
    assert preview["outcomes"] == {"imported": 2, "updated": 0, "skipped": 1, "rejected": 2}
    assert preview["first_problems"][0]["row"] == 3
    assert (await importing.preview(import_id, {"date_order": "DMY"}))["outcomes"]["rejected"] == 1
    state = await importing.run(import_id)
    assert (state.status, state.last_row) == (ImportStatus.COMPLETED, 5)
    assert state.tally == Tally(imported=2, skipped=1, rejected=2)
    assert state.problems == {"email-without-at": 1, "date-ambiguous": 1}
    assert set(await importing.contacts()) == {"Ann@People.example", "cyd@people.example"}
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == [*HEADER, "error_row", "error_column", "error_code", "error_remedy"]
    assert [row[:2] + row[5:8] for row in rows[1:]] == [
        ["broken", "'=cmd()", "3", "Email", "email-without-at"],
        ["bob@people.example", "Bob", "4", "Opted in at", "date-ambiguous"],
    ]
    corrected = answer.content.decode("utf-8-sig").replace("03/04/2025", "2025-04-03").encode()
    second = await importing.run(await importing.ready(corrected))
    assert second.tally == Tally(imported=1, rejected=1)


async def test_the_error_file_is_recorded_before_it_is_shown(importing: Importing) -> None:
    import_id = await importing.ready(content(("broken",)))
    await importing.run(import_id)
    assert (await importing.get(f"/v1/audience/imports/{import_id}/errors")).status_code == 200
    with psycopg.connect(importing.database.admin) as connection:
        (payload,) = connection.execute("SELECT payload FROM log.access_events").fetchone() or (b"{}",)
    told = orjson.loads(payload)
    assert (told["kind"], told["query"], told["rows"]) == ("export", "audience.import_errors", 1)


@pytest.mark.parametrize(
    ("duplicates", "second"),
    [("skip", Tally(skipped=3)), ("update", Tally(skipped=3)), ("create", Tally(rejected=3))],
)
async def test_the_same_file_again_changes_nothing(
    importing: Importing, duplicates: str, second: Tally
) -> None:
    file = content(*people(2), ("q@people.example", "Q", "DE", "2025-01-31", "yes"))
    await importing.run(await importing.ready(file))
    before = [row for row in await importing.history() if not row.stream.startswith("import:")]
    import_id = await importing.ready(file)
    preview = await importing.preview(import_id, {"duplicates": duplicates})
    assert preview["known"] == 3
    assert (await importing.run(import_id, {"duplicates": duplicates})).tally == second
    after = [row for row in await importing.history() if not row.stream.startswith("import:")]
    assert [row.position for row in after] == [row.position for row in before]


async def test_an_update_changes_what_the_file_names_and_clears_nothing(importing: Importing) -> None:
    header = ("Email", "First name", "Company")
    await importing.run(await importing.ready(content(("a@people.example", "Ann", "Acme"), header=header)))
    file = content(("A@people.example", "Anna", ""), header=header)
    state = await importing.run(await importing.ready(file), {"duplicates": "update"})
    assert state.tally == Tally(updated=1)
    contact = (await importing.contacts())["a@people.example"]
    assert (contact.first_name, contact.company) == ("Anna", "Acme")


async def test_no_file_overrides_a_withdrawal(importing: Importing) -> None:
    await importing.run(await importing.ready(content(*people(1))))
    contact = (await importing.contacts())["p1@people.example"]
    body = {"channel": "reply", "occurred_at": "2025-06-01T12:00:00Z"}
    path = f"/v1/audience/{contact.addressee_id}/record-opt-out"
    assert (await importing.api.post(path, importing.tenant.key, body)).status_code == 200
    for opted_in in ("2025-05-01", "2026-01-01"):
        file = content(("p1@people.example", "P", "DE", opted_in, "no"))
        await importing.run(await importing.ready(file), {"duplicates": "update"})
    state = await behind(importing, "p1@people.example")
    assert (state.contactable, len(state.consents)) == (False, 3), "what was said is kept, and lifts nothing"
    assert state.opted_out_at == datetime(2025, 6, 1, 12, tzinfo=UTC)


async def test_who_said_stop_has_said_it(importing: Importing) -> None:
    """In a row that is skipped, in a repeat, and in one that is rejected: for an address that nobody had, too."""
    await importing.run(await importing.ready(content(*people(1))))
    file = content(
        ("p1@people.example", "", "", "", "yes"),
        ("new@people.example", "N", "DE"),
        ("new@people.example", "", "", "", "TRUE"),
        ("stop@people.example", "S", "DE", "99/99/2025", "yes"),
    )
    state = await importing.run(await importing.ready(file))
    assert state.tally == Tally(imported=1, skipped=2, rejected=1)
    for email in ("p1@people.example", "new@people.example", "stop@people.example"):
        assert not (await behind(importing, email)).contactable
    assert "stop@people.example" not in await importing.contacts()
    assert b"stop@people" not in b"".join(row.payload for row in await importing.history())
    await importing.run(await importing.ready(content(("Stop@people.example", "S", "DE", "2026-01-01"))))
    assert not (await behind(importing, "stop@people.example")).contactable


async def test_contacts_go_onto_the_list(importing: Importing) -> None:
    await importing.run(await importing.ready(content(*people(2))))
    made = await importing.api.post(
        "/v1/audience/new/create-list",
        importing.tenant.key,
        {"workspace_id": str(importing.tenant.workspace_id), "name": "Fair"},
    )
    list_id = UUID(made.json()["id"])
    file = content(*people(400, 2), ("broken",))
    state = await importing.run(await importing.ready(file), list_id=list_id)
    assert state.tally == Tally(imported=399, skipped=1, rejected=1)
    members = (await importing.api.parts.commands.state(importing.tenant.id, "list", list_id)).members
    contacts = await importing.contacts()
    assert {c.email for c in contacts.values() if c.contact_id in members} == {r[0] for r in people(400, 2)}
    assert len(members) == 400
    again = await importing.ready(file)
    await importing.command(again, "start-import", {"list_id": str(list_id)})
    await importing.api.post(f"/v1/audience/{list_id}/archive-list", importing.tenant.key)
    assert (await importing.work(again)).warnings["list-archived"] == 400


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


async def test_no_chunk_is_counted_whose_rejected_rows_are_not_kept(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails under a chunk while the one before is on its way and those behind it are decided."""
    chunks, rows = 7, people(7 * ROWS_A_CHUNK)
    broken = [row if number % ROWS_A_CHUNK else ("broken",) for number, row in enumerate(rows)]
    import_id = await importing.ready(content(*broken))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    write = importing.api.parts.blobs.write

    def failing(tenant_id: UUID, owner: UUID, name: str, lines: Any) -> None:
        if name.endswith("3"):
            raise OSError("no space left")
        write(tenant_id, owner, name, lines)

    with monkeypatch.context() as patched:
        patched.setattr(importing.api.parts.blobs, "write", failing)
        with pytest.raises(OSError, match="no space left"):
            await importing.work(import_id)
    stopped = await importing.api.parts.imports.existing(importing.tenant.id, import_id)
    assert (stopped.chunks, stopped.tally) == (2, Tally(imported=2 * ROWS_A_CHUNK - 2, rejected=2))
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (
        ImportStatus.COMPLETED,
        Tally(imported=len(rows) - chunks, rejected=chunks),
    )
    errors = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert len(errors.text.splitlines()) == 1 + chunks
    assert len(await importing.contacts()) == len(rows) - chunks


async def test_rejected_rows_beyond_the_limit_are_counted(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit lies within the second of three chunks, and the work is stopped between all of them."""
    kept = ROWS_A_CHUNK + 10
    monkeypatch.setattr(contact_import, "REJECTED_KEPT", kept)
    count = 3 * ROWS_A_CHUNK
    rows = [(f"p{n}@people.example", "", "", "03/04/2025") for n in range(count)]
    import_id = await importing.ready(content(*rows))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    for _ in range(2):
        with pytest.raises(Interrupted):
            await importing.work(import_id, partial(next, iter((False, True))))
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(rejected=count))
    assert state.problems == {"date-ambiguous": count}
    told = (await importing.get(f"/v1/audience/imports/{import_id}/progress")).json()["data"]
    assert (told["rejected"], told["rejected_kept"]) == (count, kept)
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert answer.headers["penguin-truncated"] == "true"
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [line[0] for line in lines[1:]] == [row[0] for row in rows[:kept]]
    assert all(line[-1] for line in lines[1:]), "each that is given back is explained"
    with psycopg.connect(importing.database.admin) as connection:
        (payload,) = connection.execute("SELECT payload FROM log.access_events").fetchone() or (b"{}",)
    assert orjson.loads(payload)["rows"] == kept


async def test_a_file_without_an_address_is_not_read_to_its_end(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{contact_import.READ_IN_VAIN:,}" in NoAddresses.rule()
    monkeypatch.setattr(contact_import, "READ_IN_VAIN", ROWS_A_CHUNK)
    import_id = await importing.ready(content(*[("x",)] * 5 * ROWS_A_CHUNK, *people(1)))
    state = await importing.run(import_id)
    assert (state.status, state.failure) == (ImportStatus.FAILED, NoAddresses.code)
    assert (state.last_row, state.tally) == (ROWS_A_CHUNK, Tally(rejected=ROWS_A_CHUNK))
    told = (await importing.get(f"/v1/audience/imports/{import_id}/progress")).json()["data"]
    assert "mapping" in told["remedy"]
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert len(answer.text.splitlines()) == 1 + ROWS_A_CHUNK
    assert answer.headers["penguin-truncated"] == "false"


async def test_rejected_rows_take_little_room(importing: Importing, tmp_path: Path) -> None:
    """A row of one letter is given back with a sentence: kept as it is read, 70 times its own size and more."""
    file = b"email,first name,company\n" + b"x\n" * 20_000
    import_id = await importing.ready(file)
    state = await importing.run(import_id)
    assert state.tally == Tally(rejected=20_000)
    folder = tmp_path / "blobs" / str(importing.tenant.id)
    kept = sum(path.stat().st_size for path in folder.rglob("errors-*"))
    assert 0 < kept < 4 * len(file)
    given_back = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).content
    assert len(given_back) > 50 * len(file)
    assert given_back.count(b"row-too-few-cells") == 20_000


async def test_a_long_header_is_kept_once(importing: Importing, tmp_path: Path) -> None:
    """And not with each chunk that has a row rejected: there may be as many as rejected rows."""
    header = ("Email", random.Random(3).randbytes(30_000).hex())  # noqa: S311 - the same each time, and dense
    rows = [
        (f"p{n}@people.example", "") if n % ROWS_A_CHUNK else ("broken", "") for n in range(6 * ROWS_A_CHUNK)
    ]
    import_id = await importing.ready(content(*rows, header=header))
    state = await importing.run(import_id, {"columns": {header[1]: "ignore"}})
    assert (state.status, state.tally.rejected) == (ImportStatus.COMPLETED, 6)
    folder = tmp_path / "blobs" / str(importing.tenant.id)
    assert sum(path.stat().st_size for path in folder.rglob("errors-*")) < len(header[1])
    lines = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).text.splitlines()
    assert len(lines) == 1 + 6
    assert lines[0].removeprefix("\ufeff").startswith(f"Email,{header[1]},error_row")


async def test_rejected_rows_that_were_kept_as_they_are_read_are_given_back(
    importing: Importing, tmp_path: Path
) -> None:
    """Each with the header, as an import did that began before they were compressed."""
    count = 3 * ROWS_A_CHUNK
    rows = [("broken", str(n)) if n % 7 == 0 else row for n, row in enumerate(people(count))]
    import_id = await importing.ready(content(*rows))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    path = f"/v1/audience/imports/{import_id}/errors"
    expected = (await importing.get(path)).content
    parts, tenant_id = importing.api.parts, importing.tenant.id
    header, *lines = expected.splitlines(keepends=True)
    first = [line for line in lines if int(line.split(b",")[5]) <= ROWS_A_CHUNK]
    for number, part in ((1, first), (2, lines[len(first) :])):
        parts.blobs.write(tenant_id, import_id, f"errors-{number:08d}", [header, *part])
    (tmp_path / "blobs" / str(tenant_id) / str(import_id) / "errors-00000000").unlink()
    assert first
    assert (await importing.get(path)).content == expected
    await importing.work(import_id)
    whole = (await importing.get(path)).content
    assert whole.startswith(expected)
    assert len(whole.splitlines()) == 1 + len([row for row in rows if row[0] == "broken"])


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


async def test_an_import_that_never_started_is_rolled_back_at_once(importing: Importing) -> None:
    ready = await importing.ready(content(*people(2)))
    assert (await importing.command(ready, "cancel-import")).status_code == 200
    state = await importing.roll_back(ready)
    assert (state.status, state.undone, await importing.contacts()) == (
        ImportStatus.ROLLED_BACK,
        Undone(),
        {},
    )


async def test_columns_named_as_the_parts_of_a_sealed_value_are_columns(importing: Importing) -> None:
    columns = ("~", "s", "c", "h")
    import_id = await importing.ready(content(("a@people.example", "x", "y", "z"), header=columns))
    await importing.api.project()
    shown = (await importing.get(f"/v1/audience/imports/{import_id}")).json()["data"]
    assert shown["columns"].keys() == set(columns)
    viewer = await importing.api.key(importing.tenant, TenantRole.CAMPAIGN_MANAGER)
    for key in (importing.tenant.key, viewer):
        told = (await importing.get("/v1/history?name=audience.import_ready", key)).json()
        assert told["data"][0]["payload"]["columns"].keys() == set(columns)
    state = await importing.run(import_id, {"columns": {"~": "email", "s": "attribute:s"}})
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(imported=1))


@pytest.mark.parametrize(
    ("written", "zone", "day"),
    [
        ("23.11.2025", "Europe/Berlin", "2025-11-23"),
        ("23.11.2025 00:30", "Europe/Berlin", "2025-11-23"),
        ("2025-11-23T23:30:00-05:00", "Europe/Berlin", "2025-11-23"),
        ("2025-11-23 23:30", "America/New_York", "2025-11-23"),
    ],
)
async def test_a_consent_is_of_the_day_that_the_row_says(
    importing: Importing, written: str, zone: str, day: str
) -> None:
    import_id = await importing.ready(content(("a@people.example", "A", "DE", written)))
    await importing.run(import_id, {"timezone": zone})
    consents = [row for row in await importing.history() if row.name == "audience.consent_recorded"]
    assert [orjson.loads(row.payload)["occurred_on"] for row in consents] == [day]


async def test_rejected_rows_that_were_never_counted_are_not_given_back(importing: Importing) -> None:
    parts, tenant_id = importing.api.parts, importing.tenant.id
    import_id = await importing.ready(content(("broken",), *people(2 * ROWS_A_CHUNK)))
    assert (await importing.command(import_id, "start-import")).status_code == 200
    calls = iter((False, True))
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(calls))
    # A worker that was killed between its errors and its append leaves this, and so does one whose rows changed.
    problem = RowProblem(500, 501, None, "address-taken", "m", "r")
    lines = error_rows(HEADER, ",", [(["nobody@people.example"], [problem])])
    parts.blobs.write(tenant_id, import_id, "errors-00000002", lines)

    async def told() -> str:
        return (await importing.get(f"/v1/audience/imports/{import_id}/errors")).text

    assert "broken" in await told()
    assert "nobody" not in await told()
    state = await importing.work(import_id)
    assert state.tally == Tally(imported=2 * ROWS_A_CHUNK, rejected=1)
    assert "broken" in await told()
    assert "nobody" not in await told()


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


async def test_the_error_file_gives_columns_back_under_their_own_names(importing: Importing) -> None:
    import_id = await importing.ready(content(("broken", "@x"), header=("Email", "@handle")))
    mapping = {"columns": {"@handle": "attribute:handle"}}
    await importing.run(import_id, mapping)
    returned = (await importing.get(f"/v1/audience/imports/{import_id}/errors")).content
    again = await importing.ready(returned.replace(b"broken", b"ann@people.example"))
    assert (await importing.run(again, mapping)).tally == Tally(imported=1)
    assert (await importing.contacts())["ann@people.example"].attributes == {"handle": "@x"}


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
