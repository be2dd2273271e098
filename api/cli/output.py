"""How commands speak: data on standard output, words on standard error, an exit code that says what happened.

On a terminal data is shown in tables and lines for people; with `--json` it is JSON: one document, which for a list out
of a tenant's log has `data`, `next` and `position`; lists about all tenants are one object a line. Nothing ever asks a
question.
"""

from __future__ import annotations

import json
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, Final

import psycopg
import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from adapters.backup.errors import BackupRefused
from adapters.postgres.binaries import NoPostgres
from adapters.postgres.embedded import EmbeddedPostgresFailed
from adapters.postgres.place import NoUser
from adapters.postgres.roles import RolesUnusable
from api.cli.exits import Exit
from api.ops import logs
from api.ops.errors import CannotRun
from application.batch import problems_of
from application.ports.analytics import AnalyticsError
from application.ports.keys import KeysUnavailable
from application.ports.log import KeyReused, LogError, UnknownLog, Unstorable
from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


log = structlog.get_logger(__name__)
_as_json: ContextVar[bool] = ContextVar("as_json", default=False)


def _remember(value: bool) -> bool:  # noqa: FBT001 - typer's signature
    _as_json.set(value)
    return value


Json = Annotated[
    bool,
    typer.Option("--json", help="Write JSON to standard output.", callback=_remember, show_default=False),
]


class NotThere(Exception):
    """What was named is not here; the message says what, and where to look."""


class Refused(Exception):
    """The other side refused; the message is its own, `told` the whole of what it said."""

    def __init__(self, message: str, told: Mapping[str, Any] | None = None) -> None:
        """Take the words, and the problem document if there was one."""
        super().__init__(message)
        self.told = told


def with_remedy(said: str, told: Mapping[str, Any]) -> str:
    """What is wrong, and what to do about it where that is told apart from it."""
    remedy = told.get("remedy")
    return f"{said} {remedy}" if isinstance(remedy, str) and remedy not in said else said


def words(text: str) -> None:
    """Say something to the person at the terminal."""
    sys.stderr.write(f"{text}\n")


def data(value: object, lines: Iterable[str] = ()) -> None:
    """Give a result: JSON where asked for, else the lines."""
    if _as_json.get():
        sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
        return
    for line in lines:
        sys.stdout.write(f"{line}\n")


def rows(values: Iterable[Mapping[str, Any]], columns: Sequence[str], *, headed: bool = False) -> None:
    """Give many results: an object a line as JSON, else a table (aligned on a terminal, tabs off it).

    `headed`: off a terminal too the first line names the columns.
    """
    if _as_json.get():
        for value in values:
            sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
        return
    if not sys.stdout.isatty():
        if headed:
            sys.stdout.write("\t".join(columns) + "\n")
        for value in values:
            sys.stdout.write("\t".join(_cell(value.get(column)) for column in columns) + "\n")
        return
    table = Table(*columns, box=None, pad_edge=False)
    for value in values:
        table.add_row(*(_cell(value.get(column)) for column in columns))
    Console().print(table)


def listed(
    values: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    position: str,
    following: str | None = None,
    as_of: Mapping[str, str | None] | None = None,
    also: Mapping[str, Any] | None = None,
    headed: bool = False,
) -> None:
    """Give a list that was made from a tenant's log: in JSON the shape that lists of the API have, `also` what is told.

    `position` is what it was made from, `following` the cursor that goes on; to people they are words beside the data.
    So is `as_of`, where it is given: when the event at the position was recorded, under the name that it has in JSON.
    """
    if _as_json.get():
        told = {
            "data": list(values),
            "next": following,
            "position": position,
            **(as_of or {}),
            **(also or {}),
        }
        data(told)
        return
    rows(values, columns, headed=headed)
    moments = "".join(f", recorded at {moment}" for moment in (as_of or {}).values() if moment)
    more = f" There is more: --cursor {following}" if following else ""
    words(f"As of position {position}{moments}.{more}")


def _cell(value: object) -> str:
    if isinstance(value, bool | list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return "" if value is None else str(value)


def as_json() -> bool:
    """Whether the command was asked for JSON."""
    return _as_json.get()


_BY_KIND: Final = {RefusalKind.NOT_FOUND: Exit.NOT_FOUND, RefusalKind.LIMIT: Exit.UNAVAILABLE}


def _told(error: Exception) -> tuple[Exit, str, Mapping[str, Any]] | None:
    """Exit code, words and details of an error that is no mistake of ours."""
    match error:
        case Refusal():
            details = {"code": error.code, "detail": error.detail, **error.extra}
            return _BY_KIND.get(error.kind, Exit.REFUSED), with_remedy(error.detail, error.extra), details
        case Refused():
            return Exit.REFUSED, str(error), error.told or {"code": "refused", "detail": str(error)}
        case ValidationError():
            said = "; ".join(f"{one['pointer'] or 'input'}: {one['detail']}" for one in problems_of(error))
            return Exit.USAGE, said, {"code": "invalid", "detail": said}
        case NotThere() | UnknownLog():
            return Exit.NOT_FOUND, str(error), {"code": "not-found", "detail": str(error)}
        case KeyReused():
            return Exit.REFUSED, str(error), {"code": "key-reused", "detail": str(error)}
        case BackupRefused():
            return Exit.REFUSED, str(error), {"code": error.code, "detail": str(error)}
        case Unstorable():
            return Exit.REFUSED, str(error), {"code": "unstorable", "detail": str(error)}
        case psycopg.OperationalError():
            said = (
                "The database cannot be reached. Is it running? `penguinmails serve` starts the embedded one."
            )
            return Exit.UNAVAILABLE, said, {"code": "unavailable", "detail": said}
        case _ if isinstance(error, _UNAVAILABLE):
            return Exit.UNAVAILABLE, str(error), {"code": "unavailable", "detail": str(error)}
        case _:
            return None


_UNAVAILABLE: Final = (
    AnalyticsError,
    CannotRun,
    KeysUnavailable,
    LogError,
    EmbeddedPostgresFailed,
    NoPostgres,
    NoUser,
    RolesUnusable,
    PermissionError,
)


# Of the command line itself: typer shows these, and knows their exit codes.
_PASSED_ON: Final = (typer.Exit, typer.Abort, typer.TyperException)


class Group(TyperGroup):
    """Every command's errors in one place."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it could not do becomes words on standard error and an exit code."""
        if not structlog.is_configured():
            logs.set_up("cli", level="warning")  # unconfigured, it would write to standard output
        try:
            return super().invoke(ctx)
        except _PASSED_ON:
            raise
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        except BrokenPipeError:
            # The reader, `head` say, has what it wanted.
            sys.stdout = None  # nothing is left to be flushed at exit
            raise typer.Exit(Exit.OK) from None
        except Exception as error:
            told = _told(error)
            if told is None:
                # Never its words: those of a library may repeat what a person typed.
                log.exception("failed")
                raise typer.Exit(Exit.MISTAKE) from None
            code, said, details = told
            words(
                json.dumps(details, default=str, ensure_ascii=False) if as_json() else f"penguinmails: {said}"
            )
            raise typer.Exit(code) from None
