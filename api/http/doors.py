"""The doors for people: `/u/{token}` stops, `/p/{token}` is where they choose, `/c/{token}` confirms a consent.

At `/d/{token}` they ask about their data. No cookie, no login, no key: the token is their word. Looking changes
nothing, whoever looks: a GET, a HEAD, a scanner of links. Stopping is never refused for a rate: what bounds it is that
it says nothing new the second time.
What goes wrong is told as a page where the caller takes HTML, and as a problem document elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.routing import Route

from api.http import people
from api.http.kinds import BODY_INVALID
from api.http.languages import language_for
from api.http.numbers import whole
from api.http.problems import Problem, problem_of
from api.http.request import Call, must_be, read_body
from application.door_tokens import Door, DoorToken
from application.doors import ConfirmationOver
from application.ports.keys import KeysUnavailable
from application.ports.log import LogError
from domain.audience.consent_commands import OptOutChannel, OptOutKind
from domain.audience.own_word import HeedOptOut
from domain.kernel.errors import Refusal
from domain.law.facts import Scope
from domain.rights.kinds import RequestKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from api.parts import Composition

ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
"""The one pair of a one-click body (RFC 8058 section 3.2)."""
FORM: Final = "application/x-www-form-urlencoded"
PARTS: Final = "multipart/form-data"
LARGEST: Final = 16_384
"""Bytes of a form. Ours has one field; what mail programs add is theirs."""
LOOKS_A_MINUTE: Final = 6_000
"""Pages shown, for each tenant; as many consents may be confirmed, and as many things asked or stopped less."""
_BUCKET: Final = "doors"
_ASKING: Final = "doors.ask"
_CONFIRMING: Final = "doors.confirm"
_NARROWING: Final = "doors.narrow"
"""Counts of their own: who looks again and again keeps nobody from asking, confirming, or stopping less."""
_FIELDS: Final = 20
_MOST_EVENTS: Final = 2**31


def _for_people(
    handler: Callable[[PeoplesDoors, Request], Awaitable[Response]],
) -> Callable[[PeoplesDoors, Request], Awaitable[Response]]:
    """Tell what goes wrong as a page to whoever takes HTML; the stop button is on it where the link was good."""

    @wraps(handler)
    async def answered(self: PeoplesDoors, request: Request) -> Response:
        try:
            response = await handler(self, request)
        except (Problem, Refusal, LogError, KeysUnavailable) as error:
            problem = problem_of(error)
            if "text/html" not in request.headers.get("accept", ""):
                raise
            request.scope["penguin.problem"] = problem.kind.code
            code = _language(request)
            html = people.problem_page(code, problem.kind.code, self.stops_by(request))
            response = people.answer(html, code, problem.kind.status, problem.all_headers())
        response.headers["request-id"] = request.scope["penguin.request_id"]
        return response

    return answered


class PeoplesDoors:
    """Answers people."""

    def __init__(self, parts: Composition) -> None:
        """Answer with `parts`."""
        self._parts = parts

    def routes(self) -> list[Route]:
        """Three doors, and the pages' style."""
        return [
            Route("/u/{token}", self.look, methods=["GET"]),
            Route("/u/{token}", self.one_click, methods=["POST"]),
            Route("/p/{token}", self.look, methods=["GET"]),
            Route("/p/{token}", self.choose, methods=["POST"]),
            Route("/d/{token}", self.look_at_data, methods=["GET"]),
            Route("/d/{token}", self.ask, methods=["POST"]),
            Route("/c/{token}", self.look_at_confirmation, methods=["GET"]),
            Route("/c/{token}", self.confirm, methods=["POST"]),
            Route(people.STYLE_ADDRESS, self.style, methods=["GET"]),
        ]

    async def style(self, _: Request) -> Response:
        """How the pages look."""
        return people.style()

    @_for_people
    async def look(self, request: Request) -> Response:
        """A person's page: what is in force, and what they may choose. It changes nothing."""
        door = Door.OPT_OUT if request.url.path.startswith("/u/") else Door.PREFERENCES
        request.scope["penguin.command"] = "doors.look"
        token = self._token(request, door)
        await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _BUCKET)
        return await self._choices(request, token)

    @_for_people
    async def one_click(self, request: Request) -> Response:
        """Stop everything, at once, as a mail program asks for it. Again and again it is the same 200."""
        request.scope["penguin.command"] = "doors.one-click"
        token = self._token(request, Door.OPT_OUT)
        form = await _form(request)
        if form.get(ONE_CLICK[0], "").strip().lower() != ONE_CLICK[1].lower():
            raise _unclear(ONE_CLICK[0], f"Send {ONE_CLICK[0]}={ONE_CLICK[1]} to stop everything.")
        await self._heed(request, token, HeedOptOut(channel=OptOutChannel.ONE_CLICK))
        code = _language(request)
        return people.answer(people.done_page(code), code)

    @_for_people
    async def choose(self, request: Request) -> Response:
        """Enter what a person chose on their page, and show what is in force now."""
        request.scope["penguin.command"] = "doors.choose"
        token = self._token(request, Door.PREFERENCES)
        choice = (await _form(request)).get("choice")
        if (scope := _narrower(choice, token)) is None:
            await self._heed(request, token, _chosen(choice, token))
        elif (entry := seen(request)) is not None:
            await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _NARROWING)
            await self._parts.doors.narrow(
                token,
                scope,
                entry,
                ip=request.client.host if request.client else None,
                user_agent=request.headers.get("user-agent"),
                request_id=request.scope["penguin.request_id"],
            )
        return await self._choices(request, token, choice)

    @_for_people
    async def look_at_data(self, request: Request) -> Response:
        """What a person may ask about their data. It changes nothing."""
        request.scope["penguin.command"] = "doors.look"
        token = self._token(request, Door.PREFERENCES)
        await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _BUCKET)
        return await self._data(request, token, done=False)

    @_for_people
    async def ask(self, request: Request) -> Response:
        """Take in what a person asks about their data."""
        request.scope["penguin.command"] = "doors.ask"
        token = self._token(request, Door.PREFERENCES)
        await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _ASKING)
        choice = (await _form(request)).get("choice")
        if choice not in people.REQUESTS:
            raise _unclear("choice", f"Send one of {', '.join(people.REQUESTS)}.")
        await self._parts.doors.ask(token, RequestKind(choice), request.scope["penguin.request_id"])
        return await self._data(request, token, done=True)

    async def _data(self, request: Request, token: DoorToken, *, done: bool) -> Response:
        now, code = await self._parts.doors.asked_for(token), _language(request)
        to = f"d/{request.path_params['token']}"
        return people.answer(people.data_page(code, now, to, done=done), code)

    @_for_people
    async def look_at_confirmation(self, request: Request) -> Response:
        """What is to be confirmed. It changes nothing."""
        request.scope["penguin.command"] = "doors.look"
        token = self._token(request, Door.CONFIRM)
        await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _BUCKET)
        now = await self._parts.doors.in_force(token)
        if not now.waits:
            raise ConfirmationOver
        code = _language(request)
        to = f"c/{request.path_params['token']}"
        wording = await self._parts.doors.wording(token)
        return people.answer(people.confirmation_page(code, now, to, wording), code)

    @_for_people
    async def confirm(self, request: Request) -> Response:
        """Double opt-in, second step: from where and by which program it came is kept as evidence.

        A link that was used counts as a look, however often it is sent again.
        """
        request.scope["penguin.command"] = "doors.confirm"
        token = self._token(request, Door.CONFIRM)
        waits = (await self._parts.doors.in_force(token)).waits
        await self._parts.rates.take(token.tenant_id, LOOKS_A_MINUTE, _CONFIRMING if waits else _BUCKET)
        await _form(request)
        await self._parts.doors.confirm(
            token,
            ip=request.client.host if request.client else None,
            user_agent=request.headers.get("user-agent"),
            request_id=request.scope["penguin.request_id"],
        )
        code = _language(request)
        now = await self._parts.doors.in_force(token)
        return people.answer(people.confirmed_page(code, now), code)

    def stops_by(self, request: Request) -> str | None:
        """Where a form goes that stops everything, for whoever came by a good link that may; else None."""
        token: DoorToken | None = request.scope.get("penguin.door")
        if token is None or token.door is Door.CONFIRM:
            return None
        return self._chooses_by(request, token)

    def _token(self, request: Request, door: Door) -> DoorToken:
        """What the token in the address says; from here on the log line tells the tenant."""
        token = self._parts.door_tokens.read(request.path_params["token"], door)
        request.scope["penguin.tenant"] = token.tenant_id
        request.scope["penguin.door"] = token
        return token

    def _chooses_by(self, request: Request, token: DoorToken) -> str:
        """Where the form of choices goes: who came to stop alone gets a token for choosing made of theirs."""
        if token.door is Door.PREFERENCES:
            return f"p/{request.path_params['token']}"
        return f"p/{self._parts.door_tokens.text(replace(token, door=Door.PREFERENCES))}"

    async def _choices(self, request: Request, token: DoorToken, chosen: str | None = None) -> Response:
        now, code = await self._parts.doors.in_force(token), _language(request)
        html = people.choices_page(code, now, self._chooses_by(request, token), chosen)
        return people.answer(html, code)

    async def _heed(self, request: Request, token: DoorToken, command: HeedOptOut) -> None:
        await self._parts.doors.heed(token, command, request.scope["penguin.request_id"])


def _chosen(choice: str | None, token: DoorToken) -> HeedOptOut:
    """What a button says. Narrower than everything only where the token names what it is of."""
    page = OptOutChannel.PAGE
    match choice:
        case people.EVERYTHING:
            return HeedOptOut(channel=page)
        case people.OBJECTION:
            return HeedOptOut(channel=page, kind=OptOutKind.OBJECTION)
        case people.OF_WORKSPACE if token.workspace_id is not None:
            return HeedOptOut(channel=page, scope=Scope.WORKSPACE, within=str(token.workspace_id))
        case people.OF_CAMPAIGN_TYPE if token.campaign_type is not None:
            return HeedOptOut(channel=page, scope=Scope.CAMPAIGN_TYPE, within=token.campaign_type)
        case _:
            raise _unclear(
                "choice", f"Send one of {', '.join(people.CHOICES)}; what the page has no button for is none."
            )


def _narrower(choice: str | None, token: DoorToken) -> Literal[Scope.WORKSPACE, Scope.CAMPAIGN_TYPE] | None:
    """What a button that stops less leaves stopped, where the token names what it is of."""
    if choice == people.LESS_WORKSPACE and token.workspace_id is not None:
        return Scope.WORKSPACE
    if choice == people.LESS_CAMPAIGN_TYPE and token.campaign_type is not None:
        return Scope.CAMPAIGN_TYPE
    return None


def seen(request: Request) -> int | None:
    """Which stop the page had seen that its button makes narrower: it is of no other, and so of none said since."""
    number = whole(request.query_params.get(people.SEEN, ""))
    return number if number is not None and 0 < number < _MOST_EVENTS else None


def _language(request: Request) -> str:
    """A parameter that is none of ours is let pass: mail programs and trackers put their own onto links."""
    asked = request.query_params.get("lang")
    return language_for(asked, request.headers.get("accept-language", ""))


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, in either of its forms; without a media type it is taken for the simple one."""
    call = Call(request.scope)
    if call.content_type:
        must_be(call, FORM.encode(), PARTS.encode())
    body = await read_body(call, request.receive, LARGEST)
    request.scope["penguin.deadline"].go_on()
    if call.media_type() != PARTS.encode():
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise _unclear("", "The form cannot be read. Encode it in UTF-8 with percent signs.") from None
        return dict(pairs)

    async def whole() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(Headers(scope=request.scope), whole(), max_files=0, max_fields=_FIELDS)  # type: ignore[arg-type]  # any iterator will do
    try:
        fields = await parser.parse()
    except (MultiPartException, ValueError, KeyError):
        raise _unclear("", "The form cannot be read. Send it whole, with the boundary it names.") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _unclear(field: str, detail: str) -> Problem:
    error = {"pointer": f"/{field}" if field else "", "code": "invalid", "detail": detail}
    return Problem(BODY_INVALID, errors=[error])
