"""The pages for people: what may be chosen, and what is in force.

Nobody looks at them here, for there is no browser: their HTML is walked through as a program that reads aloud does.
"""

from __future__ import annotations

from tests.support.doors import (
    EMAIL,
    FIRST_NAME,
    FORM,
    OBJECTED,
    SENDER,
    Person,
    press,
    pressed,
    shown,
    verdict,
)


class TestChoices:
    async def test_the_default_button_stops_everything(self, ada: Person) -> None:
        links = await ada.links(campaign_type="news")
        for path in (links.stop, links.page):
            page = await shown(ada.api, path)
            assert page.choices == ["everything", "workspace", "campaign_type", "objection"]
        after = await pressed(ada.api, await shown(ada.api, links.stop))
        assert after.choices == ["objection", "only_workspace", "only_campaign_type"]
        assert f"You get no more advertising from {SENDER} by e-mail." in after.text
        (said,) = await ada.opt_outs()
        assert (said["channel"], said["scope"]) == ("page", "tenant")
        assert "suppressed-unsubscribe" in await verdict(ada)
        assert (await shown(ada.api, links.page)).choices == after.choices

    async def test_the_person_narrows_it_to_a_workspace(self, ada: Person) -> None:
        made = await ada.api.post("/v1/tenancy/new/create-workspace", ada.tenant.key, {"name": "Second"})
        second = made.json()["id"]
        page = await shown(ada.api, (await ada.links(workspace_id=second)).page)
        (label,) = (one.label for one in page.buttons if one.value == "workspace")
        assert label == "Stop only what comes from Second"
        after = await pressed(ada.api, page, "workspace")
        assert after.choices == ["everything", "objection"]
        assert "You get no more advertising of Second by e-mail." in after.text
        assert "suppressed-unsubscribe" in await verdict(ada, second)
        assert "suppressed-unsubscribe" not in await verdict(ada)
        elsewhere = await shown(ada.api, (await ada.links()).page)
        assert "Second" not in elsewhere.text, "a link tells of no workspace but its own"
        assert f"You have also stopped some other e-mail of {SENDER}." in elsewhere.text

    async def test_the_person_narrows_it_to_a_kind_of_campaign(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links(campaign_type="news")).stop)
        after = await pressed(ada.api, page, "campaign_type")
        assert "You get no more e-mail of the kind “news”." in after.text
        assert "suppressed-unsubscribe" in await verdict(ada, campaign_type="news")
        assert "suppressed-unsubscribe" not in await verdict(ada, campaign_type="offers")
        again = await pressed(ada.api, page, "campaign_type")
        assert again.choices == after.choices
        assert len(await ada.opt_outs()) == 1

    async def test_nothing_is_narrowed_to_what_the_token_does_not_name(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links()).page)
        assert page.choices == ["everything", "workspace", "objection"]
        for body in (b"choice=campaign_type", b"choice=", b"choice=all", b"", b"within=news"):
            answer = await ada.api.send("POST", page.action, None, body, FORM)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/choice"
        assert await ada.opt_outs() == []

    async def test_an_objection_stops_everything_and_is_kept_as_one(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links()).stop)
        after = await pressed(ada.api, page, "objection")
        assert after.choices == []
        assert after.all("form") == []
        assert "You have objected to the use of your data for advertising." in after.text
        assert await ada.opt_outs() == [OBJECTED]
        assert "suppressed-objection" in await verdict(ada)
        await pressed(ada.api, page, "objection")
        assert await ada.opt_outs() == [OBJECTED]

    async def test_somebody_who_stopped_may_still_object(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links()).stop)
        after = await pressed(ada.api, await pressed(ada.api, page), "objection")
        assert after.choices == []
        assert [one["kind"] for one in await ada.opt_outs()] == ["unsubscribe", "objection"]

    async def test_no_page_tells_an_address_or_a_name_of_theirs(self, ada: Person) -> None:
        page = await shown(ada.api, (await ada.links(campaign_type="news")).page)
        for source in (page.source, (await press(ada.api, page)).text):
            for secret in (EMAIL, EMAIL.partition("@")[0], FIRST_NAME, str(ada.id), str(ada.tenant.id)):
                assert secret not in source
            assert "<Söhne>" not in source
            assert "&lt;Söhne&gt;" in source
