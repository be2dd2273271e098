"""The fake over HTTP (ASGI): keys, request ids, idempotency, pages, and the ways to be nasty that tests want."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route as Served

from adapters.stripe.fake.checkout import complete, open_session
from adapters.stripe.fake.clocks import tick
from adapters.stripe.fake.control import control
from adapters.stripe.fake.forms import Params, read_form
from adapters.stripe.fake.hooks import Courier
from adapters.stripe.fake.lists import page, shown
from adapters.stripe.fake.pages import checkout_page, front_page, portal_page
from adapters.stripe.fake.portal import act
from adapters.stripe.fake.problems import DECLINED, NOT_FOUND, UNAUTHORIZED, Problem
from adapters.stripe.fake.routes import ROUTES
from adapters.stripe.fake.world import API_VERSION, World

if TYPE_CHECKING:
    import httpx
    from starlette.requests import Request

    from adapters.stripe.fake.routes import Route


_LONGEST_KEY: Final = 255
_KEPT: Final = 86_400
_SEE_OTHER: Final = 303
_LIVE: Final = ("sk_live_", "rk_live_")


class Fake:
    """A Stripe as an ASGI application."""

    def __init__(
        self, world: World, *, key: str | None = None, client: httpx.AsyncClient | None = None
    ) -> None:
        """`key`: the secret key that it takes; without one any of test mode. `client`: reaches webhook endpoints."""
        if key is not None and key.startswith(_LIVE):
            raise ValueError("a key of live mode has no business here: give the fake a key of test mode")
        self.world = world
        self.courier = Courier(world, client)
        self._key = key
        self.app = Starlette(
            routes=[
                Served("/", self._front, methods=["GET"]),
                Served("/c/pay/{ref}", self._pay, methods=["GET", "POST"]),
                Served("/p/session/{ref}", self._portal, methods=["GET", "POST"]),
                Served("/_control/{what}", self._control, methods=["POST"]),
                Served("/{rest:path}", self._api, methods=["GET", "POST", "DELETE"]),
            ]
        )

    # The API

    async def _api(self, request: Request) -> Response:
        body = (await request.body()).decode()
        ref = f"req_{secrets.token_hex(7)}"
        headers = {"Request-Id": ref, "Stripe-Version": request.headers.get("stripe-version", API_VERSION)}
        before = self.world.count
        try:
            self._known(request)
            failure = self._failure(request, "before")
            if failure is not None:
                return failure
            answer = self._answered(request, body, ref, headers)
        except Problem as problem:
            return JSONResponse(problem.body(), problem.status, headers)
        finally:
            self.world.request = (None, None)
            if request.method != "GET" or self.world.count > before:
                self.world.save()
        return self._failure(request, "after") or answer

    def _known(self, request: Request) -> None:
        """Raises `Problem` for whoever has no key of ours."""
        given = _key_in(request.headers.get("authorization", ""))
        known = given == self._key if self._key else given.startswith(("sk_test_", "rk_test_"))
        if not known:
            about = "Invalid API Key provided" if given else "You did not provide an API key."
            raise Problem(about, status=UNAUTHORIZED)

    def _failure(self, request: Request, moment: str) -> Response | None:
        """An ordered failure, if one is due: `before` nothing is done, `after` it is done and not told."""
        for one in self.world.failures:
            if one["when"] != moment or not request.url.path.startswith(one["path"]):
                continue
            one["times"] -= 1
            if one["times"] < 1:
                self.world.failures.remove(one)
            kind = "rate_limit_error" if one["status"] == 429 else "api_error"  # noqa: PLR2004 - HTTP's own number
            problem = Problem("Ordered to fail.", status=one["status"], kind=kind, code=one.get("code"))
            return JSONResponse(problem.body(), problem.status, one["headers"])
        return None

    def _answered(self, request: Request, body: str, ref: str, headers: dict[str, str]) -> Response:
        """Do it, or give again what was answered to the same key."""
        world, method, path = self.world, request.method, request.url.path
        key = request.headers.get("idempotency-key") if method != "GET" else None
        if key is not None and len(key) > _LONGEST_KEY:
            raise Problem("Idempotency keys have at most 255 characters.", code="parameter_invalid_string")
        asked = hashlib.sha256(f"{method} {path} {body} {request.url.query}".encode()).hexdigest()
        kept = world.answers.get(key or "")
        if kept is not None and kept["at"] > world.wall() - _KEPT:
            if kept["asked"] != asked:
                raise Problem(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            replayed = {**headers, "Idempotent-Replayed": "true", "Original-Request": kept["request"]}
            return JSONResponse(kept["body"], kept["status"], replayed)
        world.request = (ref, key)
        tick(world)
        try:
            content, status = self._done(method, path, body, request), 200
        except Problem as problem:
            if problem.status != DECLINED:
                raise
            content, status = problem.body(), problem.status
        tick(world)
        if key is not None:
            world.answers[key] = {
                "asked": asked,
                "body": content,
                "status": status,
                "at": world.wall(),
                "request": ref,
            }
        return JSONResponse(content, status, headers)

    def _done(self, method: str, path: str, body: str, request: Request) -> Any:
        route, found = _route_of(method, path)
        params = Params(read_form(body if method == "POST" else request.url.query))
        params.only(route.takes)
        more = (_origin(request),) if route.addressed else ()
        made = route.handler(self.world, params, *found, *more)
        if route.found:
            return page(self.world, params, made, path, newest_first=route.newest_first)
        return shown(self.world, made, params.texts("expand"))

    # The pages

    async def _front(self, request: Request) -> Response:
        del request
        return HTMLResponse(front_page(self.world))

    async def _pay(self, request: Request) -> Response:
        world, ref = self.world, request.path_params["ref"]
        tick(world)
        try:
            session = open_session(world, ref)
        except Problem as problem:
            return HTMLResponse(f"<p>{problem.message}</p>", NOT_FOUND)
        if request.method == "GET":
            return HTMLResponse(checkout_page(world, session))
        form = await request.form()
        card = form.get("card")
        try:
            to = complete(world, ref, str(card) if card else None)
        except Problem as problem:
            return HTMLResponse(checkout_page(world, session, problem.message), problem.status)
        tick(world)
        world.save()
        return RedirectResponse(to, _SEE_OTHER)

    async def _portal(self, request: Request) -> Response:
        world, ref = self.world, request.path_params["ref"]
        tick(world)
        try:
            session = world.get("billing_portal.session", ref)
        except Problem as problem:
            return HTMLResponse("<p>There is no such page.</p>", problem.status)
        if request.method == "GET":
            return HTMLResponse(portal_page(world, session))
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            act(world, session, form)
        except Problem as problem:
            return HTMLResponse(portal_page(world, session, problem.message), problem.status)
        finally:
            tick(world)
            world.save()
        return RedirectResponse(request.url.path, _SEE_OTHER)

    async def _control(self, request: Request) -> Response:
        text = await request.body()
        try:
            told = await control(self, request.path_params["what"], json.loads(text or b"{}"))
        except Problem as problem:
            return JSONResponse(problem.body(), problem.status)
        self.world.save()
        return JSONResponse(told)


def _key_in(authorization: str) -> str:
    """The key of a request: as a bearer's, or as the user of basic authentication, as `curl -u` sends it."""
    scheme, _, told = authorization.partition(" ")
    if scheme.lower() != "basic":
        return told if scheme.lower() == "bearer" else authorization
    try:
        return b64decode(told, validate=True).decode().partition(":")[0]
    except ValueError:
        return told


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _route_of(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    for route in ROUTES:
        match = route.pattern.match(path) if route.method == method else None
        if match is not None:
            return route, match.groups()
    raise Problem(
        f"Unrecognized request URL ({method}: {path}). The fake may not have it: see docs/billing-stripe.md.",
        status=NOT_FOUND,
    )
