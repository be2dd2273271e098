"""How much of the log a question of the past reads: each person's stream once, whatever was decided on them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from adapters.eventstore.memory import MemoryLog
from application import rejudging as rejudging_module
from application.ports.log import Recorded
from application.rejudging import Question
from domain.audience.addressee_events import (
    EntryRetracted,
)
from domain.kernel.ids import MessageId, new_id
from tests.support.past import AS_IT_WAS, Past, bought, with_canada


class Counting(MemoryLog):
    """Counts the events that are read from streams."""

    read = 0

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        found = await super().read_streams(tenant_id, streams, up_to_position=up_to_position, limit=limit)
        self.read += sum(map(len, found))
        return found


async def of_years() -> Past:
    """Somebody who was decided on 300 times, and somebody else now and then; what both bought is a mistake, of one."""
    past = Past()
    past.log = Counting(lambda: past.now)
    often, seldom = await past.somebody("CA", bought(1)), await past.somebody("CA", bought(1))
    allow = await past.decided(often)
    await past.happened(
        often, *[allow.model_copy(update={"message_id": MessageId(new_id(past.now))}) for _ in range(149)]
    )
    await past.decided(seldom)
    for number in range(150):
        await past.decided(often)
        if number % 40 == 0:
            await past.decided(seldom)
    await past.happened(often, EntryRetracted(addressee_id=often, entry=2, reason="Somebody else."))
    return past


@pytest.mark.parametrize(("question", "read"), [(AS_IT_WAS, 302 + 7), (Question(hindsight=True), 303 + 7)])
async def test_each_persons_stream_is_read_once(
    question: Question, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 300 decisions on one person, in many rounds: to the last of them, or to its end for what is known now."""
    past = await of_years()
    stricter = None if question.hindsight else with_canada("years = 2", "months = 6")
    log, answers = past.log, []
    assert isinstance(log, Counting)
    for together, streams in ((1_000, 9), (10, 9), (10, 1), (7, 2)):
        monkeypatch.setattr(rejudging_module, "_TOGETHER", together)
        monkeypatch.setattr(rejudging_module, "_STREAMS_KEPT", streams)
        log.read = 0
        answers.append(await past.asked(question, stricter))
        assert log.read == read if streams > 1 else log.read > read
    assert all(one == answers[0] for one in answers)
    flips, tally = answers[0]
    assert (tally.judged, tally.flipped) == (305, 300 if question.hindsight else 305)
    assert [one.position for one in flips] == sorted(one.position for one in flips)
