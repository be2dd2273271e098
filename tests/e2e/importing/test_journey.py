"""From the file to contacts: each row one outcome; what was said of consent and withdrawal kept."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from domain.audience.contact_import import ImportStatus, Tally
from domain.kernel.permissions import TenantRole
from tests.support.importing import HEADER, Importing, behind, content, people


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


async def test_a_consent_is_entered_once_however_often_a_file_says_it_and_anew_once_it_was_retracted(
    importing: Importing,
) -> None:
    rows = [("a@people.example", "A", "DE", day) for day in ("2025-05-01", "2025-04-01")]
    for row in (*rows, *rows):
        await importing.run(await importing.ready(content(row)), {"duplicates": "update"})
    person = await behind(importing, "a@people.example")
    assert [one.on.isoformat() for one in person.consents] == ["2025-05-01", "2025-04-01"]
    path = f"/v1/audience/{person.addressee_id}/retract-entry"
    body = {"entry": person.consents[0].position, "reason": "the wrong file"}
    assert (await importing.api.post(path, importing.tenant.key, body)).status_code == 200
    await importing.run(await importing.ready(content(rows[0])), {"duplicates": "update"})
    person = await behind(importing, "a@people.example")
    assert [one.on.isoformat() for one in person.consents] == ["2025-04-01", "2025-05-01"]


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
        ("2025-11-23T23:30:00-05:00", "Europe/Berlin", "2025-11-24T04:30:00Z"),
        ("2025-11-23 23:30", "America/New_York", "2025-11-23"),
    ],
)
async def test_a_consent_is_of_the_day_or_the_moment_that_the_row_says(
    importing: Importing, written: str, zone: str, day: str
) -> None:
    import_id = await importing.ready(content(("a@people.example", "A", "DE", written)))
    await importing.run(import_id, {"timezone": zone})
    consents = [row for row in await importing.history() if row.name == "audience.consent_recorded"]
    (told,) = (orjson.loads(row.payload) for row in consents)
    assert told["occurred_on"] == day.partition("T")[0], "of a moment that of it in UTC"
    moment = told["occurred_at"] and datetime.fromisoformat(told["occurred_at"])
    assert moment == (datetime.fromisoformat(day) if "T" in day else None)
