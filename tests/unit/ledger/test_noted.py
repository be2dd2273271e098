"""What is noted of a log's checkpoint: once an hour, never in itself, and what contradicts is told once."""

from __future__ import annotations

from datetime import timedelta

from domain.audit.origins import LogKind
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM
from domain.ledger.noted import (
    NOTED,
    CheckpointContradicted,
    CheckpointNoted,
    Head,
    LogTold,
    contradicts,
    noted,
)
from tests.support.given import uid
from tests.support.noted import HOUR, told

TENANT = uid(7)
LATER = HOUR + timedelta(hours=1)


def after(*looks: tuple[LogTold, int]) -> list[tuple[Event, ...]]:
    """What each look, so many hours after the first, says of a log."""
    state, said = NOTED.initial, []
    for one, hours in looks:
        events = noted(one, HOUR + timedelta(hours=hours), state)
        said.append(events)
        state = NOTED.fold(list(events), state)
    return said


def test_what_grew_is_noted_once_an_hour_and_what_did_not_is_not() -> None:
    first, again, same, grown = after(
        (told(TENANT, 5), 0), (told(TENANT, 6, 2), 0), (told(TENANT, 5), 1), (told(TENANT, 6, 2), 1)
    )
    assert [type(event) for event in first] == [CheckpointNoted]
    assert again == same == ()
    (event,) = grown
    assert isinstance(event, CheckpointNoted)
    assert (event.size, event.noted_for, event.tenant_id) == (6, LATER, TENANT)


def test_another_root_or_less_is_told_once_and_not_noted() -> None:
    first, less, less_again, other, on = after(
        (told(TENANT, 5), 0),
        (told(TENANT, 4), 0),
        (told(TENANT, 4), 1),
        (told(TENANT, 5, 9), 2),
        (told(TENANT, 7, 3), 3),
    )
    assert len(first) == 1
    (event,) = less
    assert isinstance(event, CheckpointContradicted)
    assert (event.size, event.noted_size, event.noted_root) == (4, 5, told(TENANT, 5).root)
    assert less_again == ()
    assert [type(event) for event in other] == [CheckpointContradicted]
    assert [type(event) for event in on] == [CheckpointNoted]


def test_an_epoch_that_a_restore_opened_contradicts_nothing_and_the_one_before_does() -> None:
    assert not contradicts(None, Head(1, 1, "a"))
    assert not contradicts(Head(1, 9, "a"), Head(2, 3, "b"))
    assert contradicts(Head(2, 3, "b"), Head(1, 9, "a"))
    assert not contradicts(Head(2, 3, "b"), Head(2, 3, "b"))


def test_the_platforms_own_log_is_not_noted_in_itself_but_who_reads_there_is() -> None:
    assert noted(told(PLATFORM, 5), HOUR, NOTED.initial) == ()
    assert len(noted(told(PLATFORM, 5, log=LogKind.ACCESS), HOUR, NOTED.initial)) == 1
