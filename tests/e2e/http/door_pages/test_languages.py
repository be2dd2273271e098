"""The pages for people in their language, and as a program reads them aloud."""

from __future__ import annotations

import pytest

from api.http.languages import languages
from tests.support.api import Api
from tests.support.doors import (
    BROWSER,
    SENDER,
    Page,
    Person,
    confirming,
    pressed,
    shown,
)


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
        links = await ada.links(campaign_type="news")
        page = await shown(ada.api, f"{links.stop}?lang={language}")
        asking, _ = await confirming(ada)
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
