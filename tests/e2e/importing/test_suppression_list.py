"""A suppression list on its way in: each row one outcome; the same again enters nothing; nobody on it is written to."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.importing.service import Interrupted
from domain.audience.contact_import import ImportStatus, Tally
from domain.kernel.permissions import TenantRole
from tests.support.importing import Importing, content, people
from tests.support.suppressions import HEADER, behind, hashed, listing, ready, standing, take_in, upload

ANN, BOB = "ann@people.example", "bob@people.example"
SOON = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
"""A day that has not come anywhere."""


async def contact(importing: Importing, email: str) -> UUID:
    """A contact is created; the addressee behind it."""
    body = {"workspace_id": str(importing.tenant.workspace_id), "email": email, "country": "US"}
    answer = await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
    assert answer.status_code in (200, 201), answer.text
    state = await behind(importing, email.lower())
    assert state is not None
    return state.addressee_id


async def authorise(importing: Importing, addressee: UUID, **fields: Any) -> dict[str, Any]:
    """The decision on a message."""
    body = {"workspace_id": str(importing.tenant.workspace_id), "message_id": str(uuid4()), **fields}
    answer = await importing.api.post(
        f"/v1/audience/{addressee}/authorise-message", importing.tenant.key, body
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["result"]
    return told


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


async def test_addresses_are_found_or_registered_and_what_the_list_says_is_entered(
    importing: Importing,
) -> None:
    await contact(importing, ANN)
    file = listing(
        (ANN, "Unsubscribed", "2025-03-01"),
        ("New@People.example", "spam complaint", "2025-03-02T10:00:00+01:00"),
        (BOB, "HardBounce"),
        ("cyd@people.example", "", "", "offers"),
        ("dan@people.example", "Manual suppression"),
    )
    import_id = await ready(importing, file)
    preview = await importing.preview(import_id)
    assert preview["outcomes"] == {"imported": 5, "updated": 0, "skipped": 0, "rejected": 0}
    state = await importing.run(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(imported=5))
    assert standing(await behind(importing, ANN)) == [("unsubscribe", "tenant", None)]
    assert standing(await behind(importing, "new@people.example")) == [("complaint", "tenant", None)]
    assert standing(await behind(importing, BOB)) == [("hard_bounce", "tenant", None)]
    assert standing(await behind(importing, "cyd@people.example")) == [
        ("unsubscribe", "campaign_type", "offers")
    ]
    assert standing(await behind(importing, "dan@people.example")) == [("manual", "tenant", None)]
    told = await behind(importing, ANN)
    assert told is not None
    assert told.opted_out_at is not None
    assert told.opted_out_at.isoformat() == "2025-03-02T11:59:59.999999+00:00"
    row = (await importing.get(f"/v1/audience/imports/{import_id}/progress")).json()["data"]
    assert row["kind"] == "suppressions"


async def test_the_same_list_again_enters_nothing(importing: Importing) -> None:
    file = listing(
        (ANN, "unsubscribe", "2025-03-01"),
        (BOB, "bounce"),
        (hashed("x@y.example"), "spam"),
        (ANN, "", "", "x"),
    )
    first = await take_in(importing, file)
    assert first.tally == Tally(imported=4)
    before = [row for row in await importing.history() if not row.stream.startswith("import:")]
    import_id = await ready(importing, file)
    preview = await importing.preview(import_id)
    assert preview["outcomes"] == {"imported": 0, "updated": 0, "skipped": 4, "rejected": 0}
    assert (await importing.run(import_id)).tally == Tally(skipped=4)
    after = [row for row in await importing.history() if not row.stream.startswith("import:")]
    assert [row.position for row in after] == [row.position for row in before]


async def test_a_contact_that_comes_after_its_address_was_listed_is_suppressed(importing: Importing) -> None:
    await take_in(importing, listing((ANN, "manual"), (hashed(BOB, "md5"), "unsubscribe")))
    for email in (ANN, BOB.upper()):
        who = await contact(importing, email)
        assert (await authorise(importing, who))["verdict"] == "deny"
    assert standing(await behind(importing, BOB)) == [("unsubscribe", "tenant", None)]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
async def test_a_hash_that_comes_after_the_person_holds_at_the_next_decision(
    importing: Importing, algorithm: str
) -> None:
    who, other = await contact(importing, ANN), await contact(importing, BOB)
    assert (await authorise(importing, who))["verdict"] == "allow"
    header = ("Hash", "Type")
    file = listing((hashed(ANN, algorithm).upper(), "complaint"), header=header)
    assert (await take_in(importing, file)).tally == Tally(imported=1)
    told = await authorise(importing, who)
    assert (told["verdict"], told["reasons"][0]["rule"]) == ("deny", "suppressed-complaint")
    assert standing(await behind(importing, ANN)) == [("complaint", "tenant", None)], "entered, once"
    assert (await authorise(importing, other))["verdict"] == "allow"
    assert (await authorise(importing, who))["verdict"] == "deny"
    state = await behind(importing, ANN)
    assert len(state.suppressions if state else ()) == 1


async def test_a_hash_that_comes_between_the_allow_and_the_hand_over_stops_it(importing: Importing) -> None:
    who, message = await contact(importing, ANN), str(uuid4())
    assert (await authorise(importing, who, message_id=message))["verdict"] == "allow"
    await take_in(importing, listing((hashed(ANN), "unsubscribe")))
    body = {"message_id": message, "workspace_id": str(importing.tenant.workspace_id)}
    answer = await importing.api.post(f"/v1/audience/{who}/dispatch-message", importing.tenant.key, body)
    assert answer.json()["result"]["dispatched"] is False


async def test_many_at_once_are_compared_each(importing: Importing) -> None:
    ids = [await contact(importing, f"p{n}@people.example") for n in range(4)]
    await take_in(importing, listing((hashed("p1@people.example"),), (hashed("p2@people.example", "sha1"),)))
    body = {
        "workspace_id": str(importing.tenant.workspace_id),
        "messages": [{"addressee_id": str(who), "message_id": str(uuid4())} for who in ids],
    }
    answer = await importing.api.post("/v1/audience/new/authorise-messages", importing.tenant.key, body)
    assert answer.json()["result"]["counts"] == {"allow": 2, "deny": 2}


async def test_a_hash_of_one_kind_of_campaign_holds_back_that_alone(importing: Importing) -> None:
    who = await contact(importing, ANN)
    await take_in(importing, listing((hashed(ANN), "", "", "offers")))
    assert (await authorise(importing, who, campaign_type="news"))["verdict"] == "allow"
    assert (await authorise(importing, who, campaign_type="offers"))["verdict"] == "deny"


async def test_the_audience_preview_knows_what_a_decision_would_find(importing: Importing) -> None:
    await contact(importing, ANN)
    await contact(importing, BOB)
    await take_in(importing, listing((hashed(ANN),)))
    await importing.api.project()
    path = f"/v1/audience/preview?workspace_id={importing.tenant.workspace_id}"
    answer = await importing.get(path)
    last = answer.text.strip().splitlines()[-1]
    assert '"allow":1' in last.replace(" ", "")
    assert '"deny":1' in last.replace(" ", "")


async def test_contacts_of_an_import_are_compared_as_they_come_in(importing: Importing) -> None:
    await take_in(importing, listing((hashed("p2@people.example", "sha1"), "bounce")))
    await importing.run(await importing.ready(content(*people(3))))
    assert standing(await behind(importing, "p2@people.example")) == [("hard_bounce", "tenant", None)]
    assert standing(await behind(importing, "p1@people.example")) == []


async def test_after_an_erasure_what_was_listed_still_holds_for_the_address(importing: Importing) -> None:
    await take_in(importing, listing((hashed(ANN), "manual"), (BOB, "manual")))
    for email in (ANN, BOB):
        await contact(importing, email)
        one = (await importing.contacts())[email]
        gone = await importing.api.post(f"/v1/audience/{one.contact_id}/erase-contact", importing.tenant.key)
        assert gone.status_code == 200, gone.text
        again = await contact(importing, email)
        assert again != one.addressee_id
        assert (await authorise(importing, again))["verdict"] == "deny"


async def test_who_was_erased_is_not_entered_anew_by_a_list(importing: Importing) -> None:
    await contact(importing, ANN)
    one = (await importing.contacts())[ANN]
    await importing.api.post(f"/v1/audience/{one.contact_id}/erase-contact", importing.tenant.key)
    await take_in(importing, listing((ANN, "complaint", "2025-01-01")))
    names = [row.name for row in await importing.history()]
    assert names.count("audience.addressee_registered") == 1
    assert (await authorise(importing, await contact(importing, ANN)))["verdict"] == "deny"


async def test_somebody_who_was_only_ever_on_a_list_can_be_erased_and_stays_suppressed(
    importing: Importing,
) -> None:
    await take_in(importing, listing((ANN, "bounce", "2025-01-01", "offers"), (ANN, "complaint")))
    listed = await behind(importing, ANN)
    assert listed is not None
    path = f"/v1/audience/{listed.addressee_id}/erase-addressee"
    assert (await importing.api.post(path, importing.tenant.key)).status_code == 200
    again = await contact(importing, ANN)
    assert again != listed.addressee_id
    assert sorted(standing(await behind(importing, ANN))) == [
        ("complaint", "tenant", None),
        ("hard_bounce", "campaign_type", "offers"),
    ]
    # The list names who has the address since for the first time.
    for tally in (Tally(imported=1), Tally(skipped=1)):
        assert (await take_in(importing, listing((ANN, "complaint")))).tally == tally


async def test_each_rejected_row_says_what_to_do(importing: Importing) -> None:
    header = ("Address", "Algorithm", *HEADER[1:], "SHA256")
    bad = [
        (hashed(ANN), "sha512", "", "", "", ""),
        (hashed(ANN)[:-1], "", "", "", "", ""),
        (hashed(ANN, "md5"), "sha1", "", "", "", ""),
        ("no address", "", "", "", "", ""),
        ("", "", "unsubscribe", "", "", ""),
        (ANN, "", "bored", "", "", ""),
        (ANN, "", "", SOON, "", ""),
        (ANN, "", "", "", "Ö", ""),
        (ANN, "", "", "", "", hashed(BOB)),
        ("ann@", "", "", "", "", ""),
    ]
    eve = "eve@people.example"
    good = [(eve, "", "", "", "", hashed(eve)), ("", "", "", "", "", hashed(BOB))]
    state = await take_in(importing, listing(*bad, *good, header=header))
    assert state.tally == Tally(imported=2, rejected=10)
    assert set(state.problems) == {
        "hash-algorithm-unknown",
        "hash-wrong-length",
        "hash-of-another-algorithm",
        "hash-invalid",
        "address-or-hash-missing",
        "reason-unknown",
        "date-in-future",
        "campaign-type-invalid",
        "hash-of-another-address",
        "email-domain-invalid",
    }
    answer = await importing.get(f"/v1/audience/imports/{state.import_id}/errors")
    rows = {row[-2]: row for row in rows_of(answer.content)[1:]}
    assert rows["reason-unknown"][-4:-2] == ["6", "Reason"]
    assert "unsubscribe, objection, complaint, hard bounce" in rows["reason-unknown"][-1]
    assert "32 for md5" in rows["hash-wrong-length"][-1]
    corrected = answer.content.decode("utf-8-sig").replace("bored", "complaint").encode()
    again = await take_in(importing, corrected)
    assert again.tally == Tally(imported=1, rejected=9)


async def test_who_stands_on_a_list_is_stopped_whatever_is_wrong_with_why_and_when(
    importing: Importing,
) -> None:
    who = await contact(importing, BOB)
    file = listing(
        (ANN, "bored", "2025-03-01"),
        (hashed(BOB), "complaint", SOON),
        ("cyd@people.example", "manual", "", "Ö"),
        ("dan@", "bored"),
    )
    import_id = await ready(importing, file)
    assert (await importing.preview(import_id))["outcomes"]["rejected"] == 4
    state = await importing.run(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(rejected=4))
    assert standing(await behind(importing, ANN)) == [("unsubscribe", "tenant", None)]
    assert standing(await behind(importing, "cyd@people.example")) == [("manual", "tenant", None)]
    told = await authorise(importing, who)
    assert (told["verdict"], told["reasons"][0]["rule"]) == ("deny", "suppressed-complaint")
    errors = rows_of((await importing.get(f"/v1/audience/imports/{import_id}/errors")).content)
    assert len(errors) == 1 + 4, "they are given back to be corrected all the same"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "import-file-empty"),
        (b"email,reason\r\n", "import-file-without-rows"),
        (f"{'a' * 64}\r\n{'b' * 64}\r\n".encode(), "import-header-missing"),
        (b"PK\x03\x04\x00\x00", "import-file-not-text"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_whole(importing: Importing, file: bytes, code: str) -> None:
    answer = await upload(importing, file)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}"), answer.text


async def test_a_list_without_addresses_cannot_be_started(importing: Importing) -> None:
    import_id = await ready(importing, listing(("Ann", "x"), header=("Name", "Colour")))
    answer = await importing.command(import_id, "start-import")
    assert answer.json()["type"] == "/problems/import-mapping-address-missing"
    mapping = {"mapping": {"columns": {"Name": "first_name"}}}
    answer = await importing.command(import_id, "start-import", mapping)
    assert answer.json()["type"] == "/problems/import-mapping-unknown-target"


async def test_a_list_brings_no_contacts_and_is_not_taken_back(importing: Importing) -> None:
    made = await importing.api.post(
        "/v1/audience/new/create-list",
        importing.tenant.key,
        {"workspace_id": str(importing.tenant.workspace_id), "name": "All"},
    )
    import_id = await ready(importing, listing((ANN,)))
    answer = await importing.command(import_id, "start-import", {"list_id": made.json()["id"]})
    assert answer.json()["type"] == "/problems/import-without-contacts"
    await importing.run(import_id)
    answer = await importing.command(import_id, "roll-back-import")
    assert answer.json()["type"] == "/problems/suppressions-stay"
    assert not await importing.contacts()


async def test_another_tenants_import_is_not_there(importing: Importing) -> None:
    import_id = await ready(importing, listing((ANN,)))
    other = await importing.api.tenant("Other")
    for path in ("progress", "errors"):
        answer = await importing.get(f"/v1/audience/imports/{import_id}/{path}", other.key)
        assert answer.status_code == 404
    answer = await importing.api.post(f"/v1/audience/{import_id}/start-import", other.key)
    assert answer.status_code == 404
    viewer = await importing.api.key(importing.tenant, TenantRole.VIEWER)
    assert (await importing.api.post(f"/v1/audience/{import_id}/start-import", viewer)).status_code == 403


async def test_a_kind_of_file_that_there_is_not_is_named(importing: Importing) -> None:
    answer = await importing.http.post(
        "/v1/audience/imports",
        params={"workspace_id": str(importing.tenant.workspace_id), "kind": "orders"},
        headers={"content-type": "text/csv", "authorization": f"Bearer {importing.tenant.key}"},
        content=listing((ANN,)),
    )
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "kind")


async def test_an_import_that_is_stopped_halfway_goes_on_and_doubles_nothing(importing: Importing) -> None:
    addresses = [f"q{n}@people.example" for n in range(900)]
    file = listing(*((hashed(one) if n % 2 else one, "unsubscribe") for n, one in enumerate(addresses)))
    import_id = await ready(importing, file)
    assert (await importing.command(import_id, "start-import")).status_code == 200
    turns = iter([False, False, True])
    with pytest.raises(Interrupted):
        await importing.work(import_id, lambda: next(turns))
    halfway = await importing.api.parts.imports.existing(importing.tenant.id, import_id)
    assert 0 < halfway.last_row < 900
    state = await importing.work(import_id)
    assert (state.status, state.tally) == (ImportStatus.COMPLETED, Tally(imported=900))
    names = [row.name for row in await importing.history()]
    assert names.count("audience.opted_out") == 450
    assert names.count("audience.address_hash_listed") == 450
    assert names.count("tenancy.hashed_addresses_kept") == 1
