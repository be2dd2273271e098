"""The pages for people: a consent confirmed, once, and what the page says of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from api.http import doors
from application.door_tokens import Door, DoorToken
from tests.support.api import Api
from tests.support.doors import (
    BROWSER,
    BROWSER_NAME,
    EMAIL,
    FIRST_NAME,
    FORM,
    SENDER,
    Clock,
    Page,
    Person,
    confirming,
    met,
    press,
    pressed,
    shown,
    verdict,
)


class TestConfirmation:
    async def test_it_is_confirmed_with_its_evidence_and_once(self, ada: Person) -> None:
        page, path = await confirming(ada, wording="News, monthly.")
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

    async def test_it_shows_the_words_that_are_agreed_to_and_nothing_else_of_the_proof(
        self, ada: Person
    ) -> None:
        wording = "I want <b>news</b> & offers of “Brand”,\nonce a month. </blockquote><script>x</script>"
        proof = {"wording": wording, "ip": "203.0.113.217", "evidence": {"principal": "Somebody Else"}}
        page, path = await confirming(ada, **proof)
        assert wording in page.text
        assert len(page.all("blockquote")) == 1
        assert not page.all("b")
        assert not page.all("script")
        assert f"in the words of {SENDER}:" in page.text
        for other in ("203.0.113.217", "Somebody Else", "website_form", EMAIL, FIRST_NAME):
            assert other not in page.source
        assert wording in (await shown(ada.api, f"{path}?lang=de")).text
        assert wording not in (await pressed(ada.api, page)).text

    async def test_where_no_words_were_kept_it_shows_none(self, ada: Person) -> None:
        page, _ = await confirming(ada)
        assert not page.all("blockquote")
        assert "in the words of" not in page.text

    async def test_a_documented_one_lifts_what_they_stopped_before(self, ada: Person) -> None:
        await pressed(ada.api, await shown(ada.api, (await ada.links()).stop))
        page, _ = await confirming(ada, wording="News, monthly.")
        await pressed(ada.api, page)
        assert "suppressed-unsubscribe" not in await verdict(ada)
        assert "everything" in (await shown(ada.api, (await ada.links()).page)).choices

    async def test_after_the_sender_told_it_their_own_word_is_taken_and_ends_what_they_stopped(
        self, api: Api, ada: Person
    ) -> None:
        await pressed(api, await shown(api, (await ada.links()).stop))
        page, path = await confirming(ada, wording="News, monthly.")
        request = len(await ada.stream())
        told = await api.post(f"/v1/audience/{ada.id}/confirm-consent", ada.tenant.key, {"request": request})
        assert told.status_code == 200, told.text
        assert "suppressed-unsubscribe" in await verdict(ada)
        assert (await shown(api, path)).headings == page.headings
        after = await pressed(api, page)
        assert f"You have agreed that {SENDER} writes to you by e-mail." in after.text
        assert "suppressed-unsubscribe" not in await verdict(ada)
        assert (await press(api, page)).status_code == 409, "once"

    async def test_after_a_later_stop_it_says_that_this_goes_on(self, ada: Person) -> None:
        page, path = await confirming(ada, wording="News, monthly.")
        assert "no more advertising" not in page.text
        await pressed(ada.api, await shown(ada.api, (await ada.links()).stop))
        assert "That goes on, also when you confirm this." in (await shown(ada.api, path)).text
        after = await pressed(ada.api, page)
        assert after.headings == [(1, "Your confirmation was recorded")]
        assert f"you want no more advertising from {SENDER}, and that goes on" in after.text
        assert "suppressed-unsubscribe" in await verdict(ada)

    async def test_after_some_was_stopped_later_it_says_so_too(self, ada: Person) -> None:
        page, _ = await confirming(ada, wording="News, monthly.")
        await pressed(ada.api, await shown(ada.api, (await ada.links()).page), "workspace")
        after = await pressed(ada.api, page)
        assert after.headings == [(1, "Thank you")]
        assert f"You have also stopped some other e-mail of {SENDER}." in after.text

    @pytest.mark.parametrize("name", ["x" * 5_000, "\x7f\t", "[erased]", "Ünï/1"])
    async def test_no_name_of_a_browser_stands_in_the_way(self, ada: Person, name: str) -> None:
        page, _ = await confirming(ada)
        headers = {**FORM, "user-agent": name}
        answer = await ada.api.http.request("POST", page.action, headers=_raw(headers), content=b"")
        assert answer.status_code == 200, answer.text

    async def test_who_sends_a_good_link_again_and_again_keeps_nobody_from_confirming(
        self, api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doors, "LOOKS_A_MINUTE", 2)
        bea = await met(api, ada.tenant, "bea@example.org")
        (hers, path), (theirs, _) = await confirming(ada), await confirming(bea)
        await pressed(api, hers)
        again = [(await press(api, hers)).status_code for _ in range(3)]
        assert set(again) <= {409, 429}, again
        looks = [(await api.send("GET", path)).status_code for _ in range(6)]
        assert 429 in looks
        await pressed(api, theirs)

    async def test_confirming_has_a_limit_of_its_own(
        self, api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page, path = await confirming(ada)
        monkeypatch.setattr(doors, "LOOKS_A_MINUTE", 0)
        assert (await api.send("GET", path)).status_code == 200, "of the looks that were taken before"
        assert (await press(api, page)).status_code == 429

    async def test_a_question_of_thirty_days_ago_is_asked_anew(
        self, api: Api, ada: Person, clock: Clock
    ) -> None:
        left = api.parts.clock() - timedelta(days=30) + timedelta(hours=2)
        page, path = await confirming(ada, wording="News, monthly.", occurred_at=left.isoformat())
        body = {"source": "website_form", "occurred_at": (left - timedelta(hours=1)).isoformat()}
        asking = f"/v1/audience/{ada.id}/request-confirmation"
        number = (await api.post(asking, ada.tenant.key, body)).json()["version"]
        clock.ahead = timedelta(hours=1)
        over = await api.post(asking, ada.tenant.key, body)
        assert (over.status_code, over.json()["type"]) == (422, "/problems/first-step-over")
        assert over.json()["errors"][0]["pointer"] == "/occurred_at"
        refused = await ada.asked(uuid4(), request=str(number))
        assert (refused.status_code, "thirty days" in refused.text) == (422, True)
        door = DoorToken(Door.CONFIRM, ada.tenant.id, ada.id, request=number)
        late = f"/c/{api.parts.door_tokens.text(door)}"
        before = await ada.stream()
        for method in ("GET", "POST"):
            answer = await api.send(method, late, None, b"", FORM | BROWSER)
            assert answer.status_code == 409
            assert "leave your address once more; you will then get a new link" in answer.text
        confirm = {"request": number}
        told = await api.post(f"/v1/audience/{ada.id}/confirm-consent", ada.tenant.key, confirm)
        assert (told.status_code, told.json()["type"]) == (409, "/problems/confirmed-too-late")
        assert await ada.stream() == before
        await pressed(api, page)
        assert (await api.send("GET", path)).status_code == 409

    async def test_an_erased_person_confirms_nothing(self, api: Api, ada: Person) -> None:
        page, path = await confirming(ada)
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        assert (await api.send("GET", path)).status_code == 409
        assert (await press(api, page)).status_code == 409

    async def test_a_link_of_before_an_erasure_offers_nothing_that_was_asked_later(
        self, api: Api, ada: Person
    ) -> None:
        """Whoever has the address now was asked too, and the two questions have the same number."""

        async def asked(person: Person) -> int:
            path = f"/v1/audience/{person.id}/request-confirmation"
            return int((await api.post(path, ada.tenant.key, {"source": "website_form"})).json()["version"])

        await asked(ada)
        number = await asked(ada)
        path = (await ada.links(request=number)).confirmation
        await api.project()
        (contact,) = (await api.send("GET", "/v1/audience/contacts", ada.tenant.key)).json()["data"]
        await api.post(f"/v1/audience/{contact['contact_id']}/erase-contact", ada.tenant.key)
        back = await met(api, ada.tenant)
        assert await asked(back) == number, "after who they are, and that they were erased before"
        assert path is not None
        assert (await api.send("GET", path)).status_code == 409


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
