"""Many commands at once: each line by itself, told again without a second effect, rehearsed without any."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from application.batch import Batches, BodyInvalid, LineAnswer
from application.orders import Order
from tests.support.office import Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.kernel.commands import Command


async def lines(*texts: str) -> AsyncIterator[bytes]:
    for text in texts:
        yield text.encode()


async def answers(office: Office, *texts: str, dry_run: bool = False) -> list[LineAnswer]:
    def template(command: Command, target: UUID | None, body: bytes, line_id: str) -> Order:
        return Order(office.principal, command, target, body, line_id)

    batch = Batches(office.commands)
    return [answer async for answer in batch.run(template, lines(*texts), dry_run=dry_run)]


def line(line_id: str, command: str, target: UUID | str, body: str) -> str:
    return f'{{"id": "{line_id}", "command": "{command}", "target": "{target}", "body": {body}}}'


async def test_lines_of_one_stream_apply_in_order_and_failures_stay_alone(office: Office) -> None:
    target = uuid4()
    create = f'{{"workspace_id": "{office.workspace}", "name": "0"}}'
    texts = [line("create", "audience/create-list", target, create)]
    texts += [line(f"r{n}", "audience/rename-list", target, f'{{"name": "{n}"}}') for n in range(1, 30)]
    texts.insert(5, "not json")
    texts.insert(9, line("bad", "audience/rename-list", target, '{"nam": 1}'))
    got = await answers(office, *texts)
    assert [answer.number for answer in got] == list(range(1, 33))
    assert [answer.number for answer in got if answer.error] == [6, 10]
    state = await office.commands.state(office.principal.tenant_id, "list", target)
    assert state.name == "29"


async def test_a_batch_sent_again_appends_nothing(office: Office) -> None:
    texts = [
        line(
            f"c{n}",
            "audience/create-contact",
            "new",
            f'{{"workspace_id": "{office.workspace}", "email": "p{n}@example.org"}}',
        )
        for n in range(20)
    ]
    first = await answers(office, *texts)
    before = await office.position()
    again = await answers(office, *texts)
    assert await office.position() == before
    assert [a.outcome and a.outcome.target for a in again] == [a.outcome and a.outcome.target for a in first]
    assert all(answer.outcome is not None and answer.outcome.replayed for answer in again)


async def test_a_dry_batch_folds_earlier_lines_in_and_appends_nothing(office: Office) -> None:
    before = await office.position()
    target = uuid4()
    create = f'{{"workspace_id": "{office.workspace}", "name": "0"}}'
    got = await answers(
        office,
        line("create", "audience/create-list", target, create),
        line("again", "audience/create-list", target, create),
        line("rename", "audience/rename-list", target, '{"name": "1"}'),
        dry_run=True,
    )
    assert [answer.error is None for answer in got] == [True, False, True]
    assert await office.position() == before


async def test_what_may_be_chosen_is_told_as_it_is_sent(office: Office) -> None:
    (answer,) = await answers(office, line("try", "billing/start-trial", uuid4(), '{"plan": "gold"}'))
    assert isinstance(answer.error, BodyInvalid)
    assert "Input should be 'starter', 'professional' or 'business'" in str(answer.error.extra)
