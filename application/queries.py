"""Queries: what may be looked at. Each declares its route, permission, parameters and rows once.

The doors, the leak tests and the docs are made from the registry. A query runs on a connection that sees one tenant's
rows and answers with a page: the rows, the position of the view they were read from, and the access epoch of the log,
all of one moment.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from application.ports.positions import Position
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.personal import personal_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.principals import Principal
    from domain.kernel.permissions import Permission
    from domain.law.words import Kind

MOST_ROWS: Final = 100
USUAL_ROWS: Final = 50
R = TypeVar("R", bound=BaseModel)
_CURSOR_PARTS: Final = 2


class CursorMismatch(Refusal):
    """A cursor continues the query it came from. Pass it back unchanged with the same filters, or leave it out."""

    code = "cursor-mismatch"
    kind = RefusalKind.INVALID
    field = "/cursor"


class PersonalFilter(Refusal):
    """Looking for personal values takes the permission to read them: else a guess could be checked. Leave it out."""

    code = "personal-filter"
    kind = RefusalKind.FORBIDDEN


class ViewNotReady(Refusal):
    """The view is being built, or has not reached the position asked for in time. Try again shortly."""

    code = "view-not-ready"
    kind = RefusalKind.LIMIT


class ViewStopped(Refusal):
    """The view of this tenant stopped at an event it cannot take in; the operators were told. Reading it goes on."""

    code = "view-stopped"
    kind = RefusalKind.LIMIT


class BeingRebuilt(Refusal):
    """What a view was is made anew from the log, and that takes longer than one answer may. Ask again: it goes on."""

    code = "being-rebuilt"
    kind = RefusalKind.LIMIT


class TooMuchToCompare(Refusal):
    """More than 5,000 rows, or more than can be read again at once, lie between. Filter, or name nearer moments."""

    code = "too-much-to-compare"
    kind = RefusalKind.INVALID


class Params(BaseModel):
    """Base of a query's parameters: filters, or the id of the one thing asked for.

    `personal` names those that look for personal values: who may not see such values may not look for them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    personal: ClassVar[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedByLaw:
    """Marks a filter by a word that the rule packs know: of one that none of them names nothing is found."""

    kind: Kind


class Row(BaseModel):
    """Base of what a query shows. Personal fields are marked by their type, as in events."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the caller may see: `personal` values in the clear or sealed; `workspaces` None: all of the tenant's.

    `held`: the permissions that they hold anywhere, where rows themselves say which they take; None: all.
    """

    tenant_id: UUID
    personal: bool = True
    workspaces: frozenset[UUID] | None = None
    held: frozenset[Permission] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of one moment. `cursor` continues after them; None: there are no more.

    `auth_epoch` lets the door check that access did not change since the caller was authenticated. `places`: what tells
    each row from the others, at this moment and at any.
    """

    rows: list[R]
    cursor: str | None
    position: Position
    auth_epoch: int
    places: Sequence[tuple[Any, ...]] = ()


Run = Callable[..., Awaitable[Page[Any]]]


@dataclass(frozen=True, slots=True)
class Query:
    """One query: `GET /v1/{context}/{path}`, or `/v1/{context}` without `path`; it has `{id}` where `single`.

    `personal`: its rows hold personal values; they are shown with `reveals_with`, sealed without it (None: everybody
    who may run the query sees them). `projections`: the views it reads, whose positions `min_position` waits for.
    """

    name: str
    context: str
    path: str
    permission: Permission
    params: type[Params]
    row: type[Row]
    projections: tuple[str, ...]
    run: Run
    single: bool
    reveals_with: Permission | None = None

    @property
    def route(self) -> str:
        """Where it is asked."""
        return f"/v1/{self.context}/{self.path}".rstrip("/")

    @property
    def personal(self) -> bool:
        """Whether rows hold personal values."""
        return bool(personal_fields(self.row))

    def scope(self, principal: Principal) -> Scope:
        """What this caller sees of it. Raises `MissingPermission`."""
        principal.require(self.permission)
        workspaces = principal.confined_to(self.permission)
        personal = principal.sees_personal
        if personal and self.reveals_with is not None:
            shown = principal.confined_to(self.reveals_with)
            personal = shown is None or (workspaces is not None and workspaces <= shown)
        held = principal.everything_held
        return Scope(principal.tenant_id, personal=personal, workspaces=workspaces, held=held)


QUERIES: Final[dict[str, Query]] = {}
"""By name."""


def query(
    *,
    context: str,
    path: str,
    permission: Permission,
    params: type[Params],
    row: type[Row],
    projections: tuple[str, ...],
    reveals_with: Permission | None = None,
) -> Callable[[Run], Run]:
    """Register `run(connection, scope, params, cursor=None, limit=50) -> Page`, under its own name."""

    def register(run: Run) -> Run:
        name = f"{context}.{getattr(run, '__name__', path)}"
        known = QUERIES.get(name)
        if known is not None and getattr(known.run, "__qualname__", None) != getattr(run, "__qualname__", ""):
            raise TypeError(f"two queries named {name}")
        QUERIES[name] = Query(
            name, context, path, permission, params, row, projections, run, "{id}" in path, reveals_with
        )
        return run

    return register


class ById(Params):
    """The one thing with this id."""

    id: UUID


MOST_POSITION: Final = 2**63 - 1


def next_cursor(name: str, params: Params, scope: Scope, keyset: list[int]) -> str:
    """An opaque mark of the place after `keyset`, for this query with these filters and this scope alone."""
    content = [_filters_hash(name, params, scope), keyset]
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def read_cursor(name: str, params: Params, scope: Scope, cursor: str, width: int) -> list[int]:
    """The keyset of a cursor, `width` positions. Raises `CursorMismatch`."""
    try:
        content = orjson.loads(base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_"))
    except ValueError as error:
        raise CursorMismatch from error
    if (
        not isinstance(content, list)
        or len(content) != _CURSOR_PARTS
        or content[0] != _filters_hash(name, params, scope)
        or not isinstance(content[1], list)
        or len(content[1]) != width
        or not all(type(value) is int and 0 <= value <= MOST_POSITION for value in content[1])
    ):
        raise CursorMismatch
    return content[1]


def _filters_hash(name: str, params: Params, scope: Scope) -> str:
    workspaces = None if scope.workspaces is None else sorted(map(str, scope.workspaces))
    content = [name, params.model_dump(mode="json"), str(scope.tenant_id), scope.personal, workspaces]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
