"""Who is on a list by a hash alone asks what is held of them: it is told with the address that they give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.importing import Importing
from tests.support.suppressions import hashed, listing, take_in

ANN = "ann@people.example"
HEADER = ("Hash", "Reason", "Date")


async def tell(importing: Importing, path: str, **body: Any) -> dict[str, Any]:
    answer = await importing.api.post(f"/v1/{path}", importing.tenant.key, body)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def listed(importing: Importing) -> None:
    rows = [(hashed(ANN), "complaint", "2025-03-01T00:00:00Z"), (hashed(ANN, "md5"), "hard bounce")]
    await take_in(importing, listing(*rows, header=HEADER))


async def ask(importing: Importing, kind: str = "access") -> dict[str, Any]:
    return await tell(importing, "rights/new/receive-request", kind=kind, channel="email", email=ANN)


async def disclosed(importing: Importing, request: str) -> dict[str, Any]:
    await tell(importing, f"rights/{request}/check-identity", method="mailbox", verified=True)
    await importing.api.project()
    answer = await importing.get(f"/v1/rights/requests/{request}/disclosure")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def kinds(document: dict[str, Any]) -> list[str]:
    return sorted(one["kind"] for one in document["standing"]["suppressions"])


@pytest.mark.parametrize("kind", ["access", "erasure"])
async def test_who_is_known_by_a_hash_alone_is_not_told_that_nothing_is_held(
    importing: Importing, kind: str
) -> None:
    await listed(importing)
    request = await ask(importing, kind)
    assert request["result"]["addressee_id"] is not None
    early = await importing.api.post(f"/v1/rights/{request['id']}/complete-request", importing.tenant.key)
    assert early.json()["type"].rpartition("/")[2] == "request-not-done"
    if kind == "access":
        document = await disclosed(importing, request["id"])
        assert document["about"]["email"] == ANN
        assert kinds(document) == ["complaint", "hard_bounce"]
        assert "audience.address_hash_listed" in {one["what"] for one in document["history"]}


async def test_a_hash_that_came_onto_a_list_since_they_asked_is_found_before_they_are_answered(
    importing: Importing,
) -> None:
    request = await ask(importing)
    assert request["result"]["addressee_id"] is None
    await listed(importing)
    refused = await importing.api.post(f"/v1/rights/{request['id']}/complete-request", importing.tenant.key)
    problem = refused.json()
    assert (problem["type"].rpartition("/")[2], problem["addressee_id"]) == ("subject-known-now", None)
    await tell(importing, f"rights/{request['id']}/name-subject", email=ANN)
    assert kinds(await disclosed(importing, request["id"])) == ["complaint", "hard_bounce"]


async def test_of_somebody_known_a_list_tells_what_no_decision_entered_yet(importing: Importing) -> None:
    workspace = str(importing.tenant.workspace_id)
    await tell(importing, "audience/new/create-contact", workspace_id=workspace, email=ANN, country="US")
    await listed(importing)
    document = await disclosed(importing, (await ask(importing))["id"])
    assert kinds(document) == ["complaint", "hard_bounce"]
    told = [one for one in document["standing"]["suppressions"] if one["kind"] == "complaint"]
    assert [(one["scope"], one["since"][:10]) for one in told] == [("tenant", "2025-03-01")]


async def test_whose_hash_is_on_no_list_is_told_that_nothing_is_held(importing: Importing) -> None:
    await take_in(importing, listing((hashed("bob@people.example"), "complaint"), header=HEADER))
    request = await ask(importing)
    assert request["result"]["addressee_id"] is None
    assert (await tell(importing, f"rights/{request['id']}/complete-request"))["events"]
