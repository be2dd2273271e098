"""Commands on the access log's review that look into that log: what a period holds, whose an entry is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.access.refusals import reviewer
from domain.access.review import QuestionRead, SignOffAccess, period, questioned, signed_off

if TYPE_CHECKING:
    from application.unit import Unit


@handles(SignOffAccess)
async def sign_off(command: SignOffAccess, unit: Unit) -> None:
    """Sign off what the log holds from where the last sign-off ended; with what is doubted of it."""
    reviewer(command.stamp)
    state = await unit.load("access_review", unit.tenant_id)
    head = await unit.reads.head(unit.tenant_id)
    after, to = period(command, state, 0 if head is None else head.position)
    tally = await unit.reads.tally(unit.tenant_id, after, to)
    doubted = {
        one.position: entry
        for one in command.findings
        if (entry := await unit.reads.at(unit.tenant_id, one.position)) is not None
    }
    events = signed_off(command, state, 1 if head is None else head.epoch, to, tally, doubted)
    unit.append("access_review", unit.tenant_id, *events)


@handles(QuestionRead)
async def question_read(command: QuestionRead, unit: Unit) -> None:
    """Question an entry that is there."""
    reviewer(command.stamp)
    state = await unit.load("access_review", unit.tenant_id)
    entry = await unit.reads.at(unit.tenant_id, command.position)
    unit.append("access_review", unit.tenant_id, questioned(command, state, entry))
