"""The pages for people: who stopped all mail stops less again, alone and by their own act.

Nobody looks at them here, for there is no browser: their HTML is walked through as a program that reads aloud does.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from domain.kernel.permissions import TenantRole
from tests.support.api import Api
from tests.support.doors import (
    BROWSER,
    BROWSER_NAME,
    FORM,
    PUBLIC,
    SENDER,
    Person,
    met,
    press,
    pressed,
    shown,
    verdict,
)


class TestStoppingLess:
    """All was stopped, and the person wants less than that to be stopped."""

    @staticmethod
    async def of_second(ada: Person) -> tuple[str, str, str]:
        """A second workspace, and the paths of a message from it."""
        made = await ada.api.post("/v1/tenancy/new/create-workspace", ada.tenant.key, {"name": "Second"})
        links = await ada.links(workspace_id=made.json()["id"], campaign_type="news")
        return made.json()["id"], links.stop, links.page

    async def test_of_one_workspace_once_and_with_its_evidence(self, ada: Person) -> None:
        second, stop, path = await self.of_second(ada)
        await pressed(ada.api, await shown(ada.api, stop))
        before = await ada.stream()
        page = await shown(ada.api, path)
        assert await ada.stream() == before, "looking changes nothing"
        assert page.choices[0] == "objection", "Enter never stops less"
        about = "What comes from Second stays stopped. Other advertising from Brand & <Söhne> may come to you again."
        assert about in page.text
        after = await pressed(ada.api, page, "only_workspace")
        assert after.choices == ["everything", "campaign_type", "objection"]
        assert "Done" in [text for _, text in after.headings]
        assert "You get no more advertising of Second by e-mail." in after.text
        assert f"Other advertising from {SENDER} may come to you." in after.text
        assert "suppressed-unsubscribe" in await verdict(ada, second)
        assert "suppressed-unsubscribe" not in await verdict(ada)
        stream = [one for one in await ada.stream() if one.name == "audience.opt_out_narrowed"]
        (told,) = (one.model_dump() for one in ada.api.parts.codec.decode(stream, reveal=True))
        assert (told["ip"], told["user_agent"]) == ("127.0.0.1", BROWSER_NAME)
        assert (told["scope"], told["within"]) == ("workspace", second)
        length = len(await ada.stream())
        assert "Done" in (await pressed(ada.api, page, "only_workspace")).text
        assert len(await ada.stream()) == length, "sent twice it is once"

    async def test_of_one_kind_of_campaign_and_a_later_stop_is_one_again(self, ada: Person) -> None:
        _, stop, path = await self.of_second(ada)
        first = await pressed(ada.api, await shown(ada.api, stop))
        await pressed(ada.api, first, "only_campaign_type")
        assert "suppressed-unsubscribe" in await verdict(ada, campaign_type="news")
        assert "suppressed-unsubscribe" not in await verdict(ada, campaign_type="offers")
        await pressed(ada.api, await shown(ada.api, path), "everything")
        length = len(await ada.stream())
        old = await pressed(ada.api, first, "only_campaign_type")
        assert "All advertising stays stopped" in old.text, "what the button was of is not what holds now"
        assert len(await ada.stream()) == length
        assert "suppressed-unsubscribe" in await verdict(ada)
        assert (await pressed(ada.api, old, "only_campaign_type")).choices[0] == "everything"

    async def test_a_button_that_stops_some_of_it_does_not_say_that_it_counts(self, ada: Person) -> None:
        _, stop, path = await self.of_second(ada)
        old = await shown(ada.api, path)
        await pressed(ada.api, await shown(ada.api, stop))
        for choice in ("workspace", "campaign_type"):
            after = await pressed(ada.api, old, choice)
            assert "Done" not in [text for _, text in after.headings]
            assert "All advertising stays stopped" in [text for _, text in after.headings]
        assert [one["scope"] for one in await ada.opt_outs()] == ["tenant", "workspace", "campaign_type"]

    async def test_nothing_is_done_where_nothing_is_stopped_or_no_page_was_seen(self, ada: Person) -> None:
        _, _, path = await self.of_second(ada)
        for seen in ("", "?seen=1", "?seen=x", f"?seen={'9' * 400}"):
            body = b"choice=only_workspace"
            answer = await ada.api.send("POST", path + seen, None, body, FORM | BROWSER)
            assert answer.status_code == 200, answer.text
            assert "Nothing was changed" in answer.text
        assert await ada.opt_outs() == []
        refused = await ada.api.send(
            "POST", (await ada.links()).page, None, b"choice=only_campaign_type", FORM
        )
        assert refused.status_code == 422, "the token names none"

    @pytest.mark.parametrize("how", ["objection", "complaint"])
    async def test_an_objection_and_a_complaint_are_not_made_less(self, ada: Person, how: str) -> None:
        _, stop, path = await self.of_second(ada)
        page = await pressed(ada.api, await shown(ada.api, stop))
        body = {"channel": "reply", "kind": how}
        await ada.api.post(f"/v1/audience/{ada.id}/record-opt-out", ada.tenant.key, body)
        assert not {"only_workspace", "only_campaign_type"} & {*(await shown(ada.api, path)).choices}
        assert "All advertising stays stopped" in (await pressed(ada.api, page, "only_workspace")).text
        assert f"suppressed-{how}" in await verdict(ada)

    @pytest.mark.parametrize("gone_out", [False, True])
    async def test_by_a_link_of_who_may_only_send_it_is_done_once_its_message_has_gone_out(
        self, api: Api, *, gone_out: bool
    ) -> None:
        tenant = await api.tenant(country="US")
        ada = await met(api, tenant)
        described = {"country": "US", "subscriber_type": "individual"}
        await api.post(f"/v1/audience/{ada.id}/describe-addressee", tenant.key, described)
        key = await api.key(tenant, TenantRole.MEMBER, workspaces=[tenant.workspace_id])
        message = str(uuid4())
        path = (await ada.asked(UUID(message), key)).json()["data"]["page"].removeprefix(PUBLIC)
        body = {"message_id": message, "workspace_id": str(tenant.workspace_id)}
        allowed = await api.post(f"/v1/audience/{ada.id}/authorise-message", key, body)
        assert allowed.json()["result"]["verdict"] == "allow", allowed.text
        if gone_out:
            sent = await api.post(f"/v1/audience/{ada.id}/dispatch-message", key, body)
            assert "audience.message_dispatched" in [one["name"] for one in sent.json()["events"]]
        stop = await pressed(api, await shown(api, path))
        assert ("only_workspace" in stop.choices) is gone_out
        said = (await ada.stream())[-1].version
        made = await api.send("POST", f"{path}?seen={said}", None, b"choice=only_workspace", FORM | BROWSER)
        assert ("All advertising stays stopped" in made.text) is not gone_out
        assert len(await ada.opt_outs()) == 1 + gone_out

    async def test_who_has_the_address_after_an_erasure_makes_nothing_less(
        self, api: Api, ada: Person
    ) -> None:
        _, stop, path = await self.of_second(ada)
        page = await pressed(ada.api, await shown(ada.api, stop))
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        again = await met(api, ada.tenant)
        for one in (path, (await again.links()).page):
            assert "only_workspace" not in (await shown(api, one)).choices
        await press(api, page, "only_workspace")
        assert [one["channel"] for one in await again.opt_outs()] == ["erasure"]
