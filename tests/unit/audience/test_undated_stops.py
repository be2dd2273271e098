"""Stops without a day: each counts from when its list, or its client's file, first named the person, and once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.comparing import weighing
from domain.audience.consent import Consented, consented, opted_out
from domain.audience.consent_commands import OptOutChannel
from domain.audience.consent_events import ListedUndated
from domain.audience.intake.vocabularies import Source
from domain.audience.listed import Listed, entered
from domain.audience.undated import entered_by_name, unsubscribed
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Message, Scope
from domain.law.judging import judge
from domain.law.packs import load_packs
from tests.support.given import uid
from tests.unit.audience.test_listed import ID, KINDS, REGISTERED, after, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.audience.addressee_state import Addressee

A, B, C = (WorkspaceId(uid(number)) for number in (3, 4, 5))
PACKS = load_packs()


def day(month: int, number: int = 1) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


END = day(10)


def asked(
    state: Addressee, at: datetime, client: WorkspaceId | None, entered_at: datetime = END
) -> Addressee:
    """They asked for mail at that moment, provably."""
    consent = Consented(
        occurred_on=at.date(),
        occurred_at=at,
        source=Source.EVENT,
        recorded_by="api",
        wording="Do write to me",
        explicit=True,
        workspace_id=client,
    )
    return after(state, *consented(ID, state, consent, entered_at))


def stopped(state: Addressee, at: datetime) -> Addressee:
    """They said stop, and somebody knows when."""
    return after(state, *opted_out(ID, state, at, OptOutChannel.REPLY))


def filed(state: Addressee, at: datetime, client: WorkspaceId | None) -> Addressee:
    """A file for the client, or for the tenant, calls them unsubscribed."""
    return after(state, *unsubscribed(ID, state, at, client or A, of_client=client is not None))


def verdict(state: Addressee, client: WorkspaceId | None, at: datetime = END) -> str:
    message = Message(workspace=None if client is None else str(client), campaign_type="news")
    return judge(state.person, message, "US", at, PACKS).verdict.value


def test_a_file_that_comes_every_week_stops_nobody_anew_who_asked_since_it_named_them() -> None:
    state = filed(state_of(REGISTERED), day(1), B)
    assert (verdict(state, A, day(1, 2)), verdict(state, B, day(1, 2))) == ("deny", "deny")
    for month in (2, 3, 4):
        state = asked(state, day(month), A)
        version = state.version
        state = filed(state, day(month, 8), B)
        assert state.version == version
        assert (verdict(state, A), verdict(state, B)) == ("allow", "deny")
    state = filed(asked(state, day(5), B), day(5, 8), B)
    assert (verdict(state, A), verdict(state, B)) == ("allow", "allow")


def test_a_file_of_one_client_is_nothing_against_what_another_was_given_after_a_stop() -> None:
    """Stopped in January, asked A in February; B's file names them for the first time in March."""
    state = filed(asked(stopped(state_of(REGISTERED), day(1)), day(2), A), day(3), B)
    assert (verdict(state, A), verdict(state, B)) == ("allow", "deny")
    assert [(one.scope, one.within) for one in state.own_words()][1:] == [(Scope.WORKSPACE, str(B))]
    assert verdict(asked(state, day(2), B), B) == "deny", "what the file tells may be later than that"
    assert verdict(asked(state, day(4), B), B) == "allow"
    assert verdict(filed(state, day(5), A), A) == "deny", "A's own file is against what A was given"


def test_a_first_stop_in_a_file_of_one_client_is_of_the_whole_tenant() -> None:
    state = filed(asked(state_of(REGISTERED), day(2), A), day(3), B)
    assert (verdict(state, A), verdict(state, B)) == ("deny", "deny")


def test_each_client_s_file_names_somebody_for_the_first_time_once() -> None:
    """They asked B after A's file, and before B's: that may tell a stop of since then."""
    state = filed(asked(filed(state_of(REGISTERED), day(1), A), day(2), B), day(3), B)
    assert verdict(state, B) == "deny"
    named = [
        one for one in unsubscribed(ID, state, day(4), C, of_client=True) if isinstance(one, ListedUndated)
    ]
    assert [one.workspace_id for one in named] == [C]


@pytest.mark.parametrize("by_name", [True, False])
def test_of_a_stop_an_undated_one_and_a_consent_of_between_the_order_of_entry_decides_nothing(
    *, by_name: bool
) -> None:
    """Stopped in January, agreed in February; in May a list or a file of the tenant calls them unsubscribed."""

    def undated(state: Addressee) -> Addressee:
        if by_name:
            return after(state, *entered_by_name(ID, state, Listed(KINDS.UNSUBSCRIBE, day(5)), A))
        return filed(state, day(5), None)

    def stop(state: Addressee) -> Addressee:
        return stopped(state, day(1))

    def between(state: Addressee) -> Addressee:
        return asked(state, day(2), None)

    for order in permutations((stop, between, undated)):
        state = state_of(REGISTERED)
        for tell in order:
            state = tell(state)
        assert verdict(state, None) == "deny", order
        assert verdict(undated(asked(state, day(6), None)), None) == "allow", order


def test_a_list_by_name_and_one_by_hash_come_to_the_same() -> None:
    """What stands under a hash stands since it came; it is entered at the next decision, once."""
    undated, message = Listed(KINDS.UNSUBSCRIBE, day(5)), Message(workspace=str(A))
    for months, expected in (((1, 2), "deny"), ((1, 6), "allow")):
        said, agreed = months
        state = asked(stopped(state_of(REGISTERED), day(said)), day(agreed), A)
        found = weighing(state, (undated,), message)
        by_hash = state if found is None else after(state, *entered(ID, state, found))
        assert weighing(by_hash, (undated,), message) is None
        assert verdict(by_hash, A) == expected
        assert verdict(after(state, *entered_by_name(ID, state, undated, A)), A) == expected


def test_lists_of_several_words_are_told_apart() -> None:
    state = state_of(REGISTERED)
    some = [
        Listed(KINDS.UNSUBSCRIBE, day(1)),
        Listed(KINDS.OBJECTION, day(1)),
        Listed(KINDS.UNSUBSCRIBE, day(1), campaign_type="offers"),
        Listed(KINDS.UNSUBSCRIBE, day(1), workspace=str(B)),
    ]
    for one in some:
        events = entered_by_name(ID, state, one, A)
        assert [event.name for event in events] == ["audience.opted_out", "audience.listed_undated"]
        state = after(state, *events)
        assert entered_by_name(ID, state, one._replace(since=day(2)), A) == ()


class Told(NamedTuple):
    """On which day of some months something happened, and how many days later each of two clerks enters it."""

    at: int
    what: str
    late: tuple[int, int]


def _lived(life: Sequence[Told], clerk: int, client: WorkspaceId | None) -> Addressee:
    state = state_of(REGISTERED)
    for one in sorted(life, key=lambda one: (one.at + one.late[clerk], one.at)):
        moment = datetime.fromtimestamp(day(1).timestamp() + one.at * 86_400, UTC)
        match one.what:
            case "stop":
                state = stopped(state, moment)
            case "asks":
                state = asked(state, moment, client)
            case "asks another":
                state = asked(state, moment, A) if client is not None else state
            case _:
                state = filed(state, moment, client)
    return state


words = st.builds(
    Told,
    st.integers(0, 120),
    st.sampled_from(["stop", "asks", "asks another"]),
    st.tuples(st.integers(0, 120), st.integers(0, 120)),
)
files = st.builds(Told, st.integers(0, 120), st.just("file"), st.just((0, 0)))


@given(
    st.lists(words | files, min_size=2, max_size=7, unique_by=lambda one: one.at), st.sampled_from([None, B])
)
def test_however_late_stops_and_consents_are_entered_beside_files_is_nothing_to_who_sends(
    life: list[Told], client: WorkspaceId | None
) -> None:
    """A file is heard as it comes. It counts from when it first named them, whatever was entered by then."""
    one, other = (_lived(life, clerk, client) for clerk in (0, 1))
    assert verdict(one, client) == verdict(other, client)
    said = [told.at for told in life if told.what == "stop"]
    said += [min(told.at for told in life if told.what == "file")] if "file" in {t.what for t in life} else []
    agreed = [told.at for told in life if told.what == "asks"]
    stands = bool(said) and max(said) >= max(agreed, default=-1)
    assert verdict(one, client) == ("deny" if stands else "allow")
