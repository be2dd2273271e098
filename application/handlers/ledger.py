"""Commands on the audit ledger that touch more than one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.kernel.errors import Refusal, RefusalKind
from domain.ledger.noted import NOTED, NoteCheckpoints, noted, noted_id
from domain.ledger.posting import ChangePosting, PostCheckpoints
from domain.ledger.posting_events import PostingChanged, PostingStarted
from domain.tenancy.member import Member

if TYPE_CHECKING:
    from application.unit import Unit


@handles(NoteCheckpoints)
async def note_checkpoints(command: NoteCheckpoints, unit: Unit) -> None:
    """Note each log in its own stream."""
    keys = [noted_id(told.tenant_id, told.log) for told in command.logs]
    await unit.load_many(NOTED.category, keys)
    for told, key in zip(command.logs, keys, strict=True):
        unit.append(NOTED.category, key, *noted(told, command.noted_for, unit.state(NOTED.category, key)))


class NoSuchPostingRecipient(Refusal):
    """Checkpoints are mailed to members of the tenant who have joined. Name them as `GET /v1/tenancy/members` does."""

    code = "posting-recipient-unknown"
    kind = RefusalKind.INVALID


@handles(PostCheckpoints)
@handles(ChangePosting)
async def enter_posting(command: PostCheckpoints | ChangePosting, unit: Unit) -> None:
    """Enter a posting, to members who are there."""
    await unit.load("posting", command.stamp.target)
    for event in unit.decide(command):
        if isinstance(event, PostingStarted | PostingChanged):
            members = await unit.load_many("member", event.terms.recipients)
            for at, member in enumerate(members):
                if not isinstance(member, Member):
                    code, detail = NoSuchPostingRecipient.code, NoSuchPostingRecipient.rule()
                    wrong = {"pointer": f"/recipients/{at}", "code": code, "detail": detail}
                    raise NoSuchPostingRecipient(errors=[wrong])
