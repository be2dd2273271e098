"""The pages for people whom an agency writes to for clients: for whom, and what a confirmation ends for that client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.permissions import TenantRole
from domain.tenancy.tenant import SendsFor
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api
from tests.support.doors import PUBLIC, Page, Person, met, press, pressed, shown, verdict

WORDING = "News of our roasts, monthly."


@dataclass
class Client:
    """A client of an agency's, and somebody whom the agency knows."""

    person: Person
    id: UUID

    async def links(self, **about: Any) -> Any:
        return await self.person.links(workspace_id=str(self.id), **about)

    async def asks(self, **about: Any) -> tuple[Page, str]:
        """The page that asks whether somebody who left their address with this client meant it."""
        body = {"source": "website_form", "wording": WORDING, "workspace_id": str(self.id), **about}
        api, tenant = self.person.api, self.person.tenant
        asked = await api.post(f"/v1/audience/{self.person.id}/request-confirmation", tenant.key, body)
        assert asked.status_code == 200, asked.text
        path = (await self.links(request=asked.json()["version"])).confirmation
        return await shown(api, path), path

    async def page(self, **about: Any) -> Page:
        """Where they choose, by a message of this client's."""
        return await shown(self.person.api, (await self.links(**about)).page)

    async def stopped(self) -> bool:
        return any(one.startswith("suppressed-") for one in await verdict(self.person, str(self.id)))


@pytest.fixture
async def clients(api: Api) -> tuple[Client, Client]:
    """Two of one agency's."""
    tenant = await api.tenant("Agency", country="GB", sends_for=SendsFor.CLIENTS)
    ada = await met(api, tenant)
    made = [
        (await api.act(tenant.id, CreateWorkspace(name=name, country="GB"), uuid4())).target
        for name in ("Café & Co", "Bikes")
    ]
    first, second = (Client(ada, one) for one in made)
    return first, second


class TestConfirmation:
    async def test_it_says_for_whom_and_counts_for_them_alone(self, clients: tuple[Client, Client]) -> None:
        cafe, _ = clients
        page, _ = await cafe.asks()
        assert page.headings == [(1, "Do you want e-mail from Café & Co?")]
        assert "left your address with Café & Co, whose e-mail is sent by Agency," in page.text
        assert f"in the words of Café & Co:{WORDING}" in page.text
        assert "no more advertising" not in page.text
        after = await pressed(cafe.person.api, page)
        assert after.headings == [(1, "Thank you")]
        assert "You have agreed that Café & Co writes to you" in after.text
        assert "That holds for nobody else whose e-mail Agency sends." in after.text
        decoded = cafe.person.api.parts.codec.decode(await cafe.person.stream())
        (confirmed,) = [one for one in decoded if one.name == "audience.consent_confirmed"]
        assert confirmed.model_dump()["workspace_id"] == cafe.id

    async def test_it_ends_for_that_client_what_was_said_before_it(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        await pressed(api, await bikes.page(), "everything")
        page, _ = await cafe.asks()
        assert "If you confirm this, Café & Co may write to you again. All else stays stopped." in page.text
        assert "That goes on, also when you confirm this." not in page.text
        assert (await cafe.stopped(), await bikes.stopped()) == (True, True)
        after = await pressed(api, page)
        assert after.headings == [(1, "Thank you")]
        assert "All other advertising from Agency stays stopped, as you said." in after.text
        assert (await cafe.stopped(), await bikes.stopped()) == (False, True)

    async def test_what_was_said_later_or_agreed_to_in_no_words_ends_nothing(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        page, path = await cafe.asks()
        unworded, _ = await cafe.asks(wording=None)
        await pressed(api, await bikes.page(), "everything")
        for one in (page, unworded):
            asked = await shown(api, path) if one is page else await shown(api, f"{one.action}")
            assert "That goes on, also when you confirm this." in asked.text
            after = await pressed(api, one)
            assert after.headings == [(1, "Your confirmation was recorded")]
            assert "you want no more advertising from Agency, and that goes on" in after.text
        assert await cafe.stopped()

    async def test_a_stop_that_is_told_late_ends_for_the_client_too(
        self, clients: tuple[Client, Client]
    ) -> None:
        """Which of the two was entered first decides nothing."""
        cafe, bikes = clients
        api, ada = cafe.person.api, cafe.person
        _, path = await cafe.asks()
        said = {"channel": "reply", "occurred_at": (api.parts.clock() - timedelta(days=9)).isoformat()}
        told = await api.post(f"/v1/audience/{ada.id}/record-opt-out", ada.tenant.key, said)
        assert told.status_code == 200, told.text
        page = await shown(api, path)
        assert "If you confirm this, Café & Co may write to you again." in page.text
        await pressed(api, page)
        assert (await cafe.stopped(), await bikes.stopped()) == (False, True)

    async def test_a_stop_of_that_client_alone_that_was_said_later_is_told(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, _ = clients
        api = cafe.person.api
        page, path = await cafe.asks()
        await pressed(api, await cafe.page(), "workspace")
        assert "no more advertising from Café & Co. That goes on" in (await shown(api, path)).text
        after = await pressed(api, page)
        assert after.headings == [(1, "Your confirmation was recorded")]
        assert "you want no more advertising from Café & Co, and that goes on" in after.text

    async def test_the_page_of_choices_says_who_may_write_and_offers_what_stops_something(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        await pressed(api, await bikes.page(), "everything")
        assert "Stop less: only what comes from Café & Co" in (await cafe.page()).text
        cafe_asked, _ = await cafe.asks()
        await pressed(api, cafe_asked)
        mine, others = await cafe.page(), await bikes.page()
        assert "you asked Café & Co for e-mail: its advertising may come to you." in mine.text
        assert "you asked others" not in mine.text
        assert "Stop less" not in mine.text, "nothing of theirs is stopped"
        assert "you asked others whose e-mail Agency sends to write to you" in others.text
        assert "Stop less: only what comes from Bikes" in others.text

    async def test_a_stop_of_one_client_that_they_asked_since_is_no_more_told(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        await pressed(api, await cafe.page(), "workspace")
        assert "You have also stopped some other e-mail of Agency." in (await bikes.page()).text
        asked, _ = await cafe.asks()
        await pressed(api, asked)
        for client in (cafe, bikes):
            page = await client.page()
            assert "You have stopped nothing so far." in page.text
            assert "stopped some other" not in page.text

    async def test_its_link_is_made_for_that_client_alone(self, clients: tuple[Client, Client]) -> None:
        cafe, bikes = clients
        api, ada = cafe.person.api, cafe.person
        body = {"source": "website_form", "wording": WORDING, "workspace_id": str(cafe.id)}
        asked = await api.post(f"/v1/audience/{ada.id}/request-confirmation", ada.tenant.key, body)
        number = str(asked.json()["version"])
        refused = await ada.asked(uuid4(), workspace_id=str(bikes.id), request=number)
        assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "request")
        contact = {"workspace_id": str(cafe.id), "email": "ada.quince@people.example"}
        assert (await api.post("/v1/audience/new/create-contact", ada.tenant.key, contact)).status_code == 201
        key = await api.key(ada.tenant, TenantRole.CAMPAIGN_MANAGER, workspaces=[cafe.id])
        await pressed(api, await bikes.page(), "everything")
        asked = await api.post(f"/v1/audience/{ada.id}/request-confirmation", key, body)
        told = await ada.asked(uuid4(), key, workspace_id=str(cafe.id), request=asked.json()["version"])
        assert told.status_code == 200, "it ends the stop for no other"
        await pressed(api, await shown(api, told.json()["data"]["confirmation"].removeprefix(PUBLIC)))
        assert (await cafe.stopped(), await bikes.stopped()) == (False, True)


class TestChoices:
    async def test_the_page_says_for_whom_they_were_written_to(self, clients: tuple[Client, Client]) -> None:
        cafe, _ = clients
        page = await cafe.page()
        assert "You were written to for Café & Co. Agency sends its e-mail." in page.text
        assert page.choices == ["everything", "workspace", "objection"]

    async def test_a_client_whom_they_asked_again_can_be_stopped_again(
        self, clients: tuple[Client, Client]
    ) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        await pressed(api, await bikes.page(), "everything")
        await pressed(api, (await cafe.asks())[0])
        page = await cafe.page(campaign_type="news")
        assert "You get no more advertising from Agency by e-mail." in page.text
        assert "But since then you asked Café & Co for e-mail" in page.text
        assert page.choices[:2] == ["everything", "workspace"]
        assert "Stop what comes from Café & Co, too" in page.text
        other = await bikes.page()
        assert "But since then you asked Bikes" not in other.text
        assert other.choices[0] == "everything", "those whom they asked since may write"
        after = await pressed(api, page, "workspace")
        assert after.headings[1] == (2, "Done")
        assert "You get no more advertising of Café & Co by e-mail." in after.text
        assert "But since then" not in after.text
        assert (await cafe.stopped(), await bikes.stopped()) == (True, True)

    async def test_everything_said_again_holds_for_them_too(self, clients: tuple[Client, Client]) -> None:
        cafe, bikes = clients
        api = cafe.person.api
        await pressed(api, await cafe.page(), "objection")
        await pressed(api, (await cafe.asks())[0])
        assert not await cafe.stopped()
        page = await cafe.page()
        assert page.choices[:3] == ["everything", "workspace", "objection"]
        after = await pressed(api, page, "objection")
        assert "You have objected" in after.text
        assert "But since then" not in after.text
        assert (await cafe.stopped(), await bikes.stopped()) == (True, True)

    async def test_who_sends_for_itself_names_nobody_else(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links()).page)
        assert "You were written to for" not in page.text
        asked = await press(ada.api, page, "everything")
        assert "But since then" not in asked.text
