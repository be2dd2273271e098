"""The page on which a person asks about their data: taken in once, and shown until it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.doors import FORM, PUBLIC, Page, Person, met, press, pressed, shown


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[Api]:
    """The API, reachable by the world."""
    async with serving(database, tmp_path, public_url=PUBLIC) as made:
        yield made


@pytest.fixture
async def ada(api: Api) -> Person:
    return await met(api, await api.tenant(country="DE"))


async def requests(ada: Person) -> list[dict[str, object]]:
    await ada.api.project()
    answer = await ada.api.send("GET", "/v1/rights/requests", ada.tenant.key)
    rows: list[dict[str, object]] = answer.json()["data"]
    return rows


async def data_page(ada: Person) -> tuple[str, Page]:
    """The page, by the link that the person's page of choices shows."""
    choices = await shown(ada.api, (await ada.links()).page)
    (link,) = (one["href"] for one in choices.all("a") if "hreflang" not in one)
    assert link is not None
    path = link.removeprefix("..")
    return path, await shown(ada.api, path)


async def test_a_copy_and_an_erasure_are_asked_for_once(ada: Person) -> None:
    path, page = await data_page(ada)
    assert page.choices == ["access", "erasure", "sale_opt_out"]
    assert await requests(ada) == [], "looking changes nothing"
    after = await pressed(ada.api, page, "access")
    assert "Your request was received." in after.text
    assert after.choices == ["erasure", "sale_opt_out"]
    await pressed(ada.api, page, "access")
    (row,) = await requests(ada)
    assert (row["kind"], row["channel"], row["identity"]) == ("access", "page", "unchecked")
    assert row["addressee_id"] == str(ada.id)
    again = await shown(ada.api, path)
    assert f"You get an answer by {row['due']}." in again.text
    last = await pressed(ada.api, again, "erasure")
    assert last.choices == ["sale_opt_out"]
    assert {one["kind"] for one in await requests(ada)} == {"access", "erasure"}


async def test_an_opt_out_of_sale_holds_at_once_and_the_page_confirms_it(ada: Person) -> None:
    """11 CCR 7026: since 2026 the person is shown that it holds."""
    path, page = await data_page(ada)
    after = await pressed(ada.api, page, "sale_opt_out")
    assert "neither sold nor shared since" in after.text
    assert after.choices == ["access", "erasure"]
    assert [row["kind"] for row in await requests(ada)] == ["sale_opt_out"]
    assert "neither sold nor shared since" in (await shown(ada.api, path)).text


async def test_what_was_answered_may_be_asked_again(ada: Person) -> None:
    path, page = await data_page(ada)
    await pressed(ada.api, page, "access")
    (row,) = await requests(ada)
    closed = await ada.api.post(f"/v1/rights/{row['request_id']}/withdraw-request", ada.tenant.key)
    assert closed.status_code == 200
    after = await pressed(ada.api, await shown(ada.api, path), "access")
    assert after.choices == ["erasure", "sale_opt_out"]
    assert len(await requests(ada)) == 2


async def test_what_the_page_does_not_offer_is_not_taken_in(ada: Person) -> None:
    _, page = await data_page(ada)
    for body in (b"choice=objection", b"choice=", b"", b"kind=access"):
        answer = await ada.api.send("POST", page.action, None, body, FORM)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/choice"
    assert await requests(ada) == []


async def test_an_erased_person_has_no_page_about_their_data(ada: Person) -> None:
    path, page = await data_page(ada)
    assert (await ada.api.post(f"/v1/audience/{ada.id}/erase-addressee", ada.tenant.key)).status_code == 200
    assert (await press(ada.api, page, "access")).status_code == 404
    assert (await ada.api.send("GET", path)).status_code == 404


@pytest.mark.parametrize("door", ["stop", "confirmation"])
async def test_tokens_of_other_doors_open_nothing_here(ada: Person, door: str) -> None:
    asked = await ada.api.post(
        f"/v1/audience/{ada.id}/request-confirmation", ada.tenant.key, {"source": "website_form"}
    )
    links = await ada.links(request=asked.json()["version"])
    path = links.stop if door == "stop" else links.confirmation
    assert path is not None
    token = path.rpartition("/")[2]
    assert (await ada.api.send("GET", f"/d/{token}")).status_code == 404
    assert (await ada.api.send("POST", f"/d/{token}", None, b"choice=erasure", FORM)).status_code == 404
