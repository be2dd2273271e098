"""The pages for people: what may be chosen, what is in force, a consent confirmed, in their language.

Nobody looks at them here, for there is no browser: their HTML is walked through as a program that reads aloud does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response

from api.http import doors
from api.http.languages import languages
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.doors import BROWSER, EMAIL, FIRST_NAME, FORM, PUBLIC, Page, Person, met

SENDER = "Brand & <Söhne>"
OBJECTED = {"channel": "page", "kind": "objection", "scope": "tenant", "within": None}
BROWSER_NAME = "Mozilla/5.0 (X11; Linux x86_64)"


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[Api]:
    """The API, reachable by the world."""
    async with serving(database, tmp_path, public_url=PUBLIC) as made:
        yield made


@pytest.fixture
async def ada(api: Api) -> Person:
    tenant = await api.tenant()
    renamed = await api.post(f"/v1/tenancy/{tenant.id}/rename-tenant", tenant.key, {"name": SENDER})
    assert renamed.status_code == 200, renamed.text
    return await met(api, tenant)


async def shown(api: Api, path: str, **headers: str) -> Page:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await api.send("GET", path, headers=BROWSER | named)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert answer.headers["content-language"] == page.language
    return page


async def press(api: Api, page: Page, value: str | None = None) -> Response:
    """Press a button of a page; without a value the one that Enter presses."""
    chosen = next(one for one in page.buttons if value in (None, one.value))
    body = b"" if chosen.name is None else f"{chosen.name}={chosen.value}".encode()
    return await api.send("POST", page.action, None, body, FORM | BROWSER | {"user-agent": BROWSER_NAME})


async def pressed(api: Api, page: Page, value: str | None = None) -> Page:
    answer = await press(api, page, value)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def verdict(ada: Person, workspace: str | None = None, **about: Any) -> set[str]:
    """The rules that a message to them meets."""
    message = {
        "message_id": str(uuid4()),
        "workspace_id": workspace or str(ada.tenant.workspace_id),
        **about,
    }
    answer = await ada.api.post(f"/v1/audience/{ada.id}/authorise-message", ada.tenant.key, message)
    assert answer.status_code == 200, answer.text
    return {one["rule"] for one in answer.json()["result"]["reasons"]}


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


class TestConfirmation:
    async def asked(self, ada: Person, **about: str) -> tuple[Page, str]:
        body = {"source": "website_form", **about}
        asked = await ada.api.post(f"/v1/audience/{ada.id}/request-confirmation", ada.tenant.key, body)
        assert asked.status_code == 200, asked.text
        path = (await ada.links(request=asked.json()["version"])).confirmation
        assert path is not None
        return await shown(ada.api, path), path

    async def test_it_is_confirmed_with_its_evidence_and_once(self, ada: Person) -> None:
        page, path = await self.asked(ada, wording="News, monthly.")
        assert page.headings == [(1, f"Do you want e-mail from {SENDER}?")]
        assert [one.label for one in page.buttons] == ["Yes, write to me"]
        after = await pressed(ada.api, page)
        assert f"You have agreed that {SENDER} writes to you by e-mail." in after.text
        stream = await ada.stream()
        confirmed = ada.api.parts.codec.decode(stream[-1:], reveal=True)[0]
        assert confirmed.name == "audience.consent_confirmed"
        told = confirmed.model_dump()
        assert (told["ip"], told["user_agent"]) == ("127.0.0.1", BROWSER_NAME)
        for answer in (await press(ada.api, page), await ada.api.send("GET", path, headers=BROWSER)):
            assert answer.status_code == 409
            assert "There is nothing to confirm here any more" in answer.text
            assert Page(answer.text).buttons == []
        problem = await ada.api.send("POST", path, None, b"", FORM)
        assert problem.json()["type"] == "/problems/confirmation-over"
        assert await ada.stream() == stream

    async def test_a_documented_one_lifts_what_they_stopped_before(self, ada: Person) -> None:
        await pressed(ada.api, await shown(ada.api, (await ada.links()).stop))
        page, _ = await self.asked(ada, wording="News, monthly.")
        await pressed(ada.api, page)
        assert "suppressed-unsubscribe" not in await verdict(ada)
        assert "everything" in (await shown(ada.api, (await ada.links()).page)).choices

    async def test_after_a_later_stop_it_says_that_this_goes_on(self, ada: Person) -> None:
        page, path = await self.asked(ada, wording="News, monthly.")
        assert "no more advertising" not in page.text
        await pressed(ada.api, await shown(ada.api, (await ada.links()).stop))
        assert "That goes on, also when you confirm this." in (await shown(ada.api, path)).text
        after = await pressed(ada.api, page)
        assert after.headings == [(1, "Your confirmation was recorded")]
        assert f"you want no more advertising from {SENDER}, and that goes on" in after.text
        assert "suppressed-unsubscribe" in await verdict(ada)

    async def test_after_some_was_stopped_later_it_says_so_too(self, ada: Person) -> None:
        page, _ = await self.asked(ada, wording="News, monthly.")
        await pressed(ada.api, await shown(ada.api, (await ada.links()).page), "workspace")
        after = await pressed(ada.api, page)
        assert after.headings == [(1, "Thank you")]
        assert f"You have also stopped some other e-mail of {SENDER}." in after.text

    @pytest.mark.parametrize("name", ["x" * 5_000, "\x7f\t", "[erased]", "Ünï/1"])
    async def test_no_name_of_a_browser_stands_in_the_way(self, ada: Person, name: str) -> None:
        page, _ = await self.asked(ada)
        headers = {**FORM, "user-agent": name}
        answer = await ada.api.http.request("POST", page.action, headers=_raw(headers), content=b"")
        assert answer.status_code == 200, answer.text

    async def test_who_sends_a_good_link_again_and_again_keeps_nobody_from_confirming(
        self, api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doors, "LOOKS_A_MINUTE", 2)
        bea = await met(api, ada.tenant, "bea@example.org")
        (hers, path), (theirs, _) = await self.asked(ada), await self.asked(bea)
        await pressed(api, hers)
        again = [(await press(api, hers)).status_code for _ in range(3)]
        assert set(again) <= {409, 429}, again
        looks = [(await api.send("GET", path)).status_code for _ in range(6)]
        assert 429 in looks
        await pressed(api, theirs)

    async def test_confirming_has_a_limit_of_its_own(
        self, api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page, path = await self.asked(ada)
        monkeypatch.setattr(doors, "LOOKS_A_MINUTE", 0)
        assert (await api.send("GET", path)).status_code == 200, "of the looks that were taken before"
        assert (await press(api, page)).status_code == 429

    async def test_an_erased_person_confirms_nothing(self, api: Api, ada: Person) -> None:
        page, path = await self.asked(ada)
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        assert (await api.send("GET", path)).status_code == 409
        assert (await press(api, page)).status_code == 409


class TestLanguages:
    @pytest.mark.parametrize(
        ("asked", "accepted", "language"),
        [
            ("", "", "en"),
            ("", "de", "de"),
            ("", "fr-CA, fr;q=0.9, en;q=0.8", "fr"),
            ("", "it, de-AT;q=0.5, fr;q=0.7", "fr"),
            ("", "it-IT, nl", "en"),
            ("", "de;q=0, fr;q=0.1", "fr"),
            ("", "*;q=, ;;, de;q=x, fr;q=1e9", "en"),
            ("de", "fr", "de"),
            ("xx", "fr", "fr"),
            ("../../etc/passwd", "fr", "fr"),
        ],
    )
    async def test_it_is_the_one_asked_for_or_the_browsers(
        self, ada: Person, asked: str, accepted: str, language: str
    ) -> None:
        path = (await ada.links()).page
        page = await shown(ada.api, f"{path}?lang={asked}" if asked else path, accept_language=accepted)
        assert page.language == language
        title = {"en": "E-mail from ", "de": "E-Mails von ", "fr": "E-mails de "}[language]
        assert page.headings[0] == (1, title + SENDER)
        # What they choose is answered in the same one.
        assert (await pressed(ada.api, page)).language == language
        offered = {link["hreflang"] for link in page.all("a") if "hreflang" in link}
        assert offered == set(languages()) - {language}

    async def test_what_goes_wrong_is_told_in_it_too(self, ada: Person) -> None:
        answer = await ada.api.send("GET", "/u/x", headers=BROWSER | {"accept-language": "de"})
        page = Page(answer.text)
        assert (answer.status_code, page.language) == (404, "de")
        assert page.headings == [(1, "Dieser Link öffnet nichts")]


class TestReadAloud:
    @pytest.mark.parametrize("language", ["en", "de", "fr"])
    async def test_every_page_can_be_found_ones_way_in(self, ada: Person, language: str) -> None:
        confirmation = TestConfirmation()
        links = await ada.links(campaign_type="news")
        page = await shown(ada.api, f"{links.stop}?lang={language}")
        asking, _ = await confirmation.asked(ada)
        pages = [page, await pressed(ada.api, page, "campaign_type"), asking]
        pages += [
            await pressed(ada.api, asking),
            Page((await ada.api.send("GET", "/u/x", headers=BROWSER)).text),
        ]
        assert len(pages) == 5
        for one in pages:
            levels = [level for level, _ in one.headings]
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert set(levels) <= {1, 2}
            assert all(text.strip() for _, text in one.headings)
            assert one.language in languages()
            ids = [given["id"] for _, given in one.tags if "id" in given]
            assert len(ids) == len(set(ids))
            for _, given in one.tags:
                for name in ("aria-labelledby", "aria-describedby"):
                    assert given.get(name) is None or given[name] in ids
                assert not [name for name in given if name.startswith("on") or name == "style"]
            assert all(button.label.strip() for button in one.buttons)
            tags = {name for name, _ in one.tags}
            assert tags >= {"main", "nav", "title"}
            assert not tags & {"script", "style", "img", "iframe", "object", "input"}
            assert [given["content"] for given in one.all("meta") if given.get("name") == "viewport"] == [
                "width=device-width, initial-scale=1"
            ]
            for link in one.all("link"):
                assert link["href"] == "../people/style.css"

    async def test_their_style_is_there_and_asks_for_nothing_else(self, api: Api) -> None:
        answer = await api.send("GET", "/people/style.css")
        assert answer.headers["content-type"].startswith("text/css")
        assert "prefers-color-scheme: dark" in answer.text
        assert ":focus-visible" in answer.text
        assert "url(" not in answer.text
        assert "@import" not in answer.text


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
