"""Entries of a list against who asked one client of an agency for mail: for that one what they said before is over."""

from __future__ import annotations

import pytest

from application.comparing import weighing
from domain.audience.addressee_state import NoAddressee
from domain.audience.consent_events import ConsentRecorded, OptedOut
from domain.audience.listed import Listed
from domain.audience.undated import entered_by_name, told_nothing_new
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Message
from domain.law.judging import judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.given import NOW, uid
from tests.unit.audience.test_listed import ID, KINDS, LATER, LISTED_BY, REGISTERED, THEN, after, state_of

CLIENT = WorkspaceId(uid(3))
ASKED = ConsentRecorded(
    addressee_id=ID,
    occurred_on=LATER.date(),
    occurred_at=LATER,
    source="event",
    recorded_by="api",
    wording="Write to me again",
    explicit=True,
    documented=True,
    workspace_id=CLIENT,
)


@pytest.mark.parametrize("asks", [True, False])
def test_a_list_without_dates_stops_who_asked_one_client_for_mail_since(*, asks: bool) -> None:
    """It says that they are stopped, as of when it first says so; entered once, it says nothing new."""
    undated = Listed(KINDS.UNSUBSCRIBE, NOW)
    consent = ASKED.model_copy(update={"explicit": asks})
    stop = OptedOut(addressee_id=ID, occurred_at=THEN, channel="reply")
    state = state_of(REGISTERED, stop, consent)
    again = after(state, *entered_by_name(ID, state, undated, LISTED_BY))
    message = Message(workspace=str(CLIENT), campaign_type="news")
    assert judge(again.person, message, "US", NOW, load_packs()).verdict is Verdict.DENY
    assert entered_by_name(ID, again, undated, LISTED_BY) == ()


def test_an_entry_that_one_client_was_asked_after_does_not_hide_a_later_one() -> None:
    """Known by a hash alone: an unsubscription, their consent to a client, and an objection after that."""
    state = state_of(REGISTERED, ASKED)
    old = Listed(KINDS.UNSUBSCRIBE, THEN, dated=True)
    new = Listed(KINDS.OBJECTION, LATER + (LATER - THEN), dated=True)
    mine, other = (Message(workspace=str(one)) for one in (CLIENT, uid(4)))
    assert weighing(state, (old, new), mine) == new
    assert weighing(state, (old,), mine) is None
    assert weighing(state, (old, new), other) == old


def test_an_undated_entry_from_before_a_consent_to_a_client_is_no_news_however_often_it_comes() -> None:
    undated = Listed(KINDS.UNSUBSCRIBE, THEN)
    state = after(state_of(REGISTERED), *entered_by_name(ID, NoAddressee(), undated, LISTED_BY))
    asked = after(state, ASKED)
    assert told_nothing_new(asked, undated._replace(since=NOW), LISTED_BY), "they asked since it named them"
    assert not told_nothing_new(asked, undated._replace(kind=KINDS.OBJECTION, since=NOW), LISTED_BY)
