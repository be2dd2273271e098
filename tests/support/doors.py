"""A person at the doors: the links that their sender was told, and what stands in the log of what they said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

from httpx import Response

from api.composition import now
from application.ports.log import Recorded
from tests.support.api import Api, TestTenant

PUBLIC = "https://mail.example.com/pm"
EMAIL, FIRST_NAME = "ada.quince@people.example", "Adamantia"
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"content-type": "application/x-www-form-urlencoded"}
BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@dataclass(slots=True)
class Clock:
    """The clock of this API: the moment, and how far it was put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return now() + self.ahead


@dataclass
class Links:
    """Paths of the doors for one message to one person."""

    stop: str
    page: str
    confirmation: str | None


@dataclass
class Person:
    """Somebody in a tenant."""

    api: Api
    tenant: TestTenant
    id: UUID

    async def links(self, *, message_id: UUID | None = None, **about: Any) -> Links:
        told = await self.asked(message_id or uuid4(), **about)
        assert told.status_code == 200, told.text
        data = told.json()["data"]
        assert data["list_unsubscribe_post"] == "List-Unsubscribe=One-Click"
        header = re.fullmatch(f"<{PUBLIC}(/u/[A-Za-z0-9_-]+)>", data["list_unsubscribe"])
        page = re.fullmatch(f"{PUBLIC}(/p/[A-Za-z0-9_-]+)", data["page"])
        assert header is not None
        assert page is not None
        confirmation = data["confirmation"]
        return Links(header[1], page[1], confirmation and confirmation.removeprefix(PUBLIC))

    async def asked(self, message_id: UUID, key: str | None = None, **about: Any) -> Response:
        given = {"workspace_id": str(self.tenant.workspace_id), "message_id": str(message_id), **about}
        path = f"/v1/audience/addressees/{self.id}/links"
        return await self.api.send("GET", path, key or self.tenant.key, params=given)

    async def stream(self) -> list[Recorded]:
        """Everything that is in the log about them."""
        (events,) = await self.api.parts.log.read_streams(self.tenant.id, [(f"addressee:{self.id}", 0)])
        return events

    async def opt_outs(self) -> list[dict[str, Any]]:
        """What they said: channel, kind, scope and what it is of."""
        decoded = self.api.parts.codec.decode(await self.stream())
        told = [one.model_dump(mode="json") for one in decoded if one.name == "audience.opted_out"]
        return [{name: one[name] for name in ("channel", "kind", "scope", "within")} for one in told]


async def met(api: Api, tenant: TestTenant, email: str = EMAIL) -> Person:
    """A person whom a tenant knows."""
    body = {"workspace_id": str(tenant.workspace_id), "email": email, "first_name": FIRST_NAME}
    made = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert made.status_code == 201, made.text
    stream = next(
        one["stream"] for one in made.json()["events"] if one["name"] == "audience.addressee_registered"
    )
    return Person(api, tenant, UUID(stream.partition(":")[2]))


@dataclass
class Button:
    """A button: what it sends, what it says, and the id of what is said about it."""

    name: str | None
    value: str | None
    about: str | None
    label: str = ""


@dataclass
class Page(HTMLParser):
    """A page, as a program that reads it aloud would walk through it."""

    source: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], "tags are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute of <{tag}> is given twice"
        self.tags.append((tag, given))
        if tag not in ("meta", "link"):
            self._open.append(tag)
        if tag == "button":
            self.buttons.append(Button(given.get("name"), given.get("value"), given.get("aria-describedby")))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.text += data
        if "button" in self._open:
            self.buttons[-1].label += data
        if self._open and re.fullmatch("h[1-6]", self._open[-1]):
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.tags if name == tag]

    @property
    def language(self) -> str | None:
        return self.all("html")[0].get("lang")

    @property
    def action(self) -> str:
        """Where its one form goes, from the doors' folder on."""
        (form,) = self.all("form")
        assert form["method"] == "post"
        to = form["action"] or ""
        assert to.startswith("../")
        return to.removeprefix("..")

    @property
    def choices(self) -> list[str | None]:
        return [one.value for one in self.buttons]


SENDER = "Brand & <Söhne>"
OBJECTED = {"channel": "page", "kind": "objection", "scope": "tenant", "within": None}
BROWSER_NAME = "Mozilla/5.0 (X11; Linux x86_64)"


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


async def confirming(person: Person, **about: Any) -> tuple[Page, str]:
    """The page that asks whether somebody who left their address meant it, and its path."""
    body = {"source": "website_form", **about}
    asked = await person.api.post(f"/v1/audience/{person.id}/request-confirmation", person.tenant.key, body)
    assert asked.status_code == 200, asked.text
    path = (await person.links(request=asked.json()["version"])).confirmation
    assert path is not None
    return await shown(person.api, path), path
