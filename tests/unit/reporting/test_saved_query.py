"""Saved queries, by what happens to them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.kernel.errors import NotFound
from domain.kernel.ids import SavedQueryId
from domain.reporting.saved_query import (
    LONGEST_SQL,
    ChangeQuery,
    DeletedQuery,
    DeleteQuery,
    QueryChanged,
    QueryDeleted,
    QueryRenamed,
    QuerySaved,
    RenameQuery,
    SavedQuery,
    SavedQueryIdTaken,
    SaveQuery,
)
from tests.support.given import ACTOR, given, member, uid

QUERY = SavedQueryId(uid(0x51))
SQL = "SELECT day\nFROM fact_event\t-- all of them"
SAVED = QuerySaved(query_id=QUERY, author_id=ACTOR.id, title="Days", sql=SQL)
DELETED = QueryDeleted(query_id=QUERY)


def test_a_query_is_saved_by_its_author_as_it_was_typed() -> None:
    saving = SaveQuery(title="Days", sql=SQL)
    assert given().when(saving, target=QUERY).then(SAVED) == SavedQuery(QUERY, "Days", SQL)
    by_member = given().when(saving, target=QUERY, actor=member(9))
    by_member.then(SAVED.model_copy(update={"author_id": uid(9)}))


def test_an_id_is_used_once() -> None:
    given(SAVED).when(SaveQuery(title="x", sql="y"), target=QUERY).then(SavedQueryIdTaken)
    given(SAVED, DELETED).when(SaveQuery(title="x", sql="y"), target=QUERY).then(SavedQueryIdTaken)


def test_it_takes_another_title_and_another_text() -> None:
    renamed = QueryRenamed(query_id=QUERY, before="Days", after="All days")
    given(SAVED).when(RenameQuery(title="All days"), target=QUERY).then(renamed)
    given(SAVED).when(RenameQuery(title="Days"), target=QUERY).then()
    changed = QueryChanged(query_id=QUERY, author_id=uid(9), sql="SELECT 1")
    given(SAVED).when(ChangeQuery(sql="SELECT 1"), target=QUERY, actor=member(9)).then(changed)
    given(SAVED).when(ChangeQuery(sql=SQL), target=QUERY).then()


def test_what_is_deleted_is_not_there() -> None:
    assert given(SAVED).when(DeleteQuery(), target=QUERY).then(DELETED) == DeletedQuery()
    for command in (DeleteQuery(), RenameQuery(title="x"), ChangeQuery(sql="x")):
        given(SAVED, DELETED).when(command, target=QUERY).then(NotFound)
        given().when(command, target=QUERY).then(NotFound)


@pytest.mark.parametrize("text", ["", " \n", "SELECT \0", "SELECT \x1b", "x" * (LONGEST_SQL + 1)])
def test_what_is_no_text_is_not_taken(text: str) -> None:
    with pytest.raises(ValidationError):
        SaveQuery(title="x", sql=text)
