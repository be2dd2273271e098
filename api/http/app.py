"""The HTTP door: what is answered where, and how an error becomes a problem document.

For the middlewares around it: `scope["penguin.request_id"]` is there from the outermost one on, and after the answer
`penguin.status`, `penguin.tenant` (UUID) and `penguin.command` (`context.slug`), as far as the request got.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.http import pages
from api.http.access_reviews import ReviewDesk
from api.http.audience import Audiences
from api.http.batches import Batch
from api.http.billing import BillingDesk
from api.http.catalogue import CatalogueDesk
from api.http.certificates import CertificateDesk
from api.http.citations import Citations
from api.http.commands import CommandRoute
from api.http.deadlines import Deadlines, TookTooLong
from api.http.definition_previews import DefinitionPreviews
from api.http.denied import DENIALS, denied
from api.http.differences import Differences
from api.http.directions import Directions
from api.http.disclosures import Disclosures
from api.http.doors import PeoplesDoors
from api.http.evidence import EvidenceDesk
from api.http.history import History
from api.http.invitations import Invitations
from api.http.kinds import INTERNAL, LOG_UNAVAILABLE, METHOD_NOT_ALLOWED, NOT_FOUND, OUTCOME_UNKNOWN
from api.http.knowing import KnownThen
from api.http.law import Law
from api.http.ledger import LedgerDesk
from api.http.links import LinksDesk
from api.http.noted import NotedDesk
from api.http.openings import OpeningDesk
from api.http.packs import PacksDesk
from api.http.platform_differences import PlatformDifferences
from api.http.platform_directions import PlatformDirections
from api.http.platform_reports import PlatformReports
from api.http.problems import Problem, problem_of
from api.http.receipts import Receipts
from api.http.replies import ALWAYS, PROBLEM, dumps, raw, send_json
from api.http.reports import Reports
from api.http.request import ClientGone, request_id_of
from api.http.sql import SqlDesk
from api.http.standing import Standing
from api.http.suppressions import SuppressionsDesk
from api.http.tracing_back import TracingBack
from api.http.turns import Turns
from api.http.undoing import Undo
from api.http.uploads import Uploads
from api.http.view_differences import ViewDifferences
from api.http.views import Views, is_view
from application.ports.analytics import AnalyticsError
from application.ports.log import LogError
from application.ports.payments import PaymentsError
from application.ports.positions import MalformedPosition
from application.principals import MissingPermission
from domain.kernel.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware import Middleware
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.parts import Composition
    from application.denials import Denials

_ALLOCATIONS: Final = 20_000
_QUESTIONS: Final = ("GET", "HEAD")
_NOBODY: Final = 499
"""What is noted of a request whose caller went away; nothing is sent with it."""
_NO_ANSWER: Final = (
    "The command had no answer in time; it may still be carried out. Send it again with the same `Idempotency-Key`, or "
    "look up its receipt; without a key, look whether it happened before you send it again."
)
log: Final = structlog.get_logger(__name__)


class Door(FastAPI):
    """The app. Commands are answered before FastAPI's own layers, which would cost more than they do for them."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Through the middlewares of operations to a command, or to everything else."""
        await self.front(scope, receive, send)

    async def behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but commands: FastAPI's own way."""
        await super().__call__(scope, receive, send)


class Front:
    """Gives each request its id, finds commands, and answers what nobody foresaw without telling what it was."""

    def __init__(self, commands: CommandRoute, behind: ASGIApp, standing: Standing, denials: Denials) -> None:
        """What is no command goes to `behind`. Problems say where the log stands, by `standing`.

        Where a permission is missing `denials` are told.
        """
        self._commands = commands
        self._behind = behind
        self._standing = standing
        self._denials = denials
        self._deadlines = Deadlines()
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        if "penguin.request_id" not in scope:
            scope["penguin.request_id"] = request_id_of(scope)
        scope["penguin.standing"], scope[DENIALS] = self._standing, self._denials
        command, deadline = self._commands.finds(scope), self._deadlines.begin()
        scope["penguin.deadline"] = deadline
        if not command and scope["method"] not in _QUESTIONS:
            deadline.wait()  # what takes a stream in, as long as it comes
        begun = False
        try:
            with deadline:
                if command:
                    if self._turns.full():
                        await self._turns.mine()
                    begun = True
                    # It sends once, at its end: what fails before has sent nothing.
                    await self._commands.handle(scope, receive, send)
                else:
                    await self._behind(scope, receive, _watched(scope, send))
        except ClientGone:
            scope["penguin.status"] = _NOBODY
        except Exception as error:
            problem = _late(begun=begun) if isinstance(error, TookTooLong) else problem_of(error)
            if problem.kind is INTERNAL:
                log.exception("unforeseen error", request=scope["penguin.request_id"])
            if "penguin.status" not in scope:
                await answer_problem(problem, scope, send)
            elif "penguin.problem" not in scope:
                raise ConnectionAbortedError("the answer broke off") from None


def _late(*, begun: bool) -> Problem:
    """What to say when a database or a key store does not answer, and does not fail either."""
    return Problem(OUTCOME_UNKNOWN if begun else LOG_UNAVAILABLE, _NO_ANSWER if begun else None)


def _watched(scope: Scope, send: Send) -> Send:
    """`send`, which notes in the scope how the answer begins."""

    async def watched(message: Message) -> None:
        if "penguin.status" not in scope:
            scope["penguin.status"] = message["status"]
            scope["penguin.deadline"].wait()  # an answer that has begun may take its time
        await send(message)

    return watched


def settle() -> None:
    """Once everything is loaded: what stays as long as the process is no business of the garbage collector's.

    Else it walks through all of it, hundreds of thousands of objects, in the middle of requests: 100 ms each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)


async def answer_problem(problem: Problem, scope: Scope, send: Send) -> None:
    """Send a problem document."""
    request_id = scope.get("penguin.request_id")
    headers = [*ALWAYS, *raw(problem.all_headers())]
    if request_id is not None:
        headers.append((b"request-id", request_id.encode("ascii")))
    standing: Standing | None = scope.get("penguin.standing")
    position = None if standing is None else await standing.position_of(problem, scope)
    if position is not None:
        headers.append((b"penguin-position", position.encode("ascii")))
    if problem.kind.code == MissingPermission.code:
        denied(scope, problem.extra)
    scope["penguin.problem"] = problem.kind.code
    scope["penguin.status"] = problem.kind.status
    await send_json(scope, send, problem.kind.status, dumps(problem.document(request_id)), headers, PROBLEM)


class _ProblemAnswer:
    """A response, as Starlette's exception handlers return one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await answer_problem(self._problem, scope, send)


class _NobodyToAnswer:
    """The same for a caller who went away: it is noted, and nothing is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        scope["penguin.status"] = _NOBODY


def _on_gone(request: Request, error: Exception) -> Response:
    del request, error
    answer: Any = _NobodyToAnswer()
    return answer  # type: ignore[no-any-return]  # an ASGI app is all that Starlette needs of it


def _on_error(request: Request, error: Exception) -> Response:
    del request
    answer: Any = _ProblemAnswer(problem_of(error))
    return answer  # type: ignore[no-any-return]  # an ASGI app is all that Starlette needs of it


def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("the handler of HTTP errors was given another")
    if error.status_code == NOT_FOUND.status or _names_no_view(request):
        return _on_error(request, Problem(NOT_FOUND))
    if error.status_code == METHOD_NOT_ALLOWED.status:
        return _on_error(request, Problem(METHOD_NOT_ALLOWED, headers=dict(error.headers or {})))
    return _on_error(request, Problem(INTERNAL))


def _names_no_view(request: Request) -> bool:
    """Whether an address looks like a view's and there is none: a command, say, that is misspelt."""
    named = request.path_params
    return "view" in named and not is_view(named["context"], named["view"])


def create_app(
    composition: Composition, routes: Sequence[BaseRoute] = (), middlewares: Sequence[Middleware] = ()
) -> Door:
    """The app over a started composition. `routes` and `middlewares` (outermost first) are those of operations."""
    known = (Problem, Refusal, LogError, AnalyticsError, PaymentsError, MalformedPosition)
    errors: dict[Any, Any] = {**dict.fromkeys((*known, Exception), _on_error), HTTPException: _on_http_error}
    errors[ClientGone] = _on_gone
    app = Door(
        title="PenguinMails",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors,
    )
    commands = CommandRoute(composition)
    doors = (
        Receipts,
        Batch,
        History,
        TracingBack,
        Undo,
        KnownThen,
        ViewDifferences,
        ReviewDesk,
        Differences,
        Citations,
        DefinitionPreviews,
        Reports,
        Directions,
        PlatformReports,
        PlatformDirections,
        PlatformDifferences,
        SqlDesk,
        PacksDesk,
        Uploads,
        Invitations,
        Audiences,
        Disclosures,
        Law,
        EvidenceDesk,
        OpeningDesk,
        LedgerDesk,
        SuppressionsDesk,
        PeoplesDoors,
        LinksDesk,
        BillingDesk,
        CertificateDesk,
        CatalogueDesk,
        NotedDesk,
        Views,
    )
    own = [route for door in doors for route in door(composition).routes()]
    app.router.routes[:] = [*routes, *pages.routes(), *own]
    app.front = Front(commands, app.behind, Standing(composition.log), composition.denials)
    for cls, args, kwargs in reversed(middlewares):
        app.front = cls(app.front, *args, **kwargs)
    return app
