"""A saved query: SQL that an analyst keeps under a title, for whoever of the tenant may ask SQL.

The text is whatever somebody typed, a person's address in a condition included. It is sealed under a key of its own:
the query is the tenant's and stays when its author goes, and what one text holds can be destroyed without the others.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.ids import SavedQueryId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import ShortText, legible

LONGEST_SQL: Final = 20_000
_LAYOUT: Final = "\n\r\t"


def _is_text(value: str) -> str:
    """SQL as it was typed: nothing in it is changed, since that might change what it asks."""
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in _LAYOUT for one in value):
        raise ValueError("control characters are not taken; remove them")
    if not legible(value):
        raise ValueError("nothing of it can be seen; write a SELECT")
    return value


SqlText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SQL), AfterValidator(_is_text)]
"""SQL of an analyst."""


class QuerySaved(Event, name="reporting.query_saved", version=1, subject="query_id"):
    """A query was saved. `author_id`: the member, or the key that acts for nobody."""

    query_id: SavedQueryId
    author_id: UUID
    title: str
    sql: Profile[str]


class QueryRenamed(Event, name="reporting.query_renamed", version=1):
    """A saved query took another title."""

    query_id: SavedQueryId
    before: str
    after: str


class QueryChanged(Event, name="reporting.query_changed", version=1, subject="query_id"):
    """A saved query asks something else from now on. `author_id`: who wrote it."""

    query_id: SavedQueryId
    author_id: UUID
    sql: Profile[str]


class QueryDeleted(Event, name="reporting.query_deleted", version=1):
    """A saved query is gone."""

    query_id: SavedQueryId


SavedQueryEvent: TypeAlias = QuerySaved | QueryRenamed | QueryChanged | QueryDeleted


@dataclass(frozen=True, slots=True)
class NoQuery:
    """No saved query has this id."""


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A saved query as it stands."""

    query_id: SavedQueryId
    title: str
    sql: str


@dataclass(frozen=True, slots=True)
class DeletedQuery:
    """There was one once."""


SavedQueryState: TypeAlias = NoQuery | SavedQuery | DeletedQuery


def evolve(state: SavedQueryState, event: SavedQueryEvent) -> SavedQueryState:
    """The saved query after `event`."""
    if isinstance(event, QuerySaved):
        return SavedQuery(event.query_id, event.title, event.sql)
    if not isinstance(state, SavedQuery):
        return state
    match event:
        case QueryRenamed():
            return replace(state, title=event.after)
        case QueryChanged():
            return replace(state, sql=event.sql)
        case QueryDeleted():
            return DeletedQuery()
        case _:
            assert_never(event)


class SavedQueryIdTaken(Refusal):
    """A saved query's id is used once, also after the query was deleted. Take a new id."""

    code = "saved-query-id-taken"


class SaveQuery(Command, context="reporting", stream="saved_query", permission=Permission.REPORTS_SQL):
    """Keep SQL under a title. It is not looked at before it is asked."""

    title: ShortText
    sql: Profile[SqlText]


class RenameQuery(Command, context="reporting", stream="saved_query", permission=Permission.REPORTS_SQL):
    """Give a saved query another title."""

    title: ShortText


class ChangeQuery(Command, context="reporting", stream="saved_query", permission=Permission.REPORTS_SQL):
    """Let a saved query ask something else."""

    sql: Profile[SqlText]


class DeleteQuery(Command, context="reporting", stream="saved_query", permission=Permission.REPORTS_SQL):
    """Delete a saved query. Its history stays in the log."""


SavedQueryCommand: TypeAlias = SaveQuery | RenameQuery | ChangeQuery | DeleteQuery


def decide(command: SavedQueryCommand, state: SavedQueryState) -> tuple[Event, ...]:
    """What a command does to the saved query."""
    if isinstance(command, SaveQuery):
        return _saved(command, state)
    if not isinstance(state, SavedQuery):
        raise NotFound
    query_id = state.query_id
    match command:
        case RenameQuery():
            if command.title == state.title:
                return ()
            return (QueryRenamed(query_id=query_id, before=state.title, after=command.title),)
        case ChangeQuery():
            if command.sql == state.sql:
                return ()
            return (QueryChanged(query_id=query_id, author_id=_author(command), sql=command.sql),)
        case DeleteQuery():
            return (QueryDeleted(query_id=query_id),)
        case _:
            assert_never(command)


def _saved(command: SaveQuery, state: SavedQueryState) -> tuple[Event, ...]:
    if not isinstance(state, NoQuery):
        raise SavedQueryIdTaken
    query_id = SavedQueryId(command.stamp.target)
    saved = QuerySaved(query_id=query_id, author_id=_author(command), title=command.title, sql=command.sql)
    return (saved,)


def _author(command: Command) -> UUID:
    actor = command.stamp.actor
    return actor.member or actor.id


SAVED_QUERY: Final[Decider[SavedQueryState]] = Decider(
    category="saved_query", initial=NoQuery(), evolve=evolve, decide=decide, reveals=True
)
