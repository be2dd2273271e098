"""Permission for many messages at once: a campaign asks for two hundred in one command; each is decided by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.audience.addressee_events import PermissionDecided
from domain.audience.authorisation import AboutMessage
from domain.kernel.commands import Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, AuthorisationId, MessageId, WorkspaceId
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

MOST_MESSAGES: Final = 200
"""What one command decides at most: ten milliseconds of work, in which nobody else gets a turn."""
DISPATCHED: Final = "dispatched"
"""What is counted of messages that had gone before: nothing is decided of them again."""


class MessagesAuthorised(Event, name="audience.messages_authorised", version=1):
    """Permission for messages was asked for together; `counts` by verdict. Each decision is with its addressee."""

    authorisation_id: AuthorisationId
    workspace_id: WorkspaceId
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What came of asking; nothing was asked yet where there is no workspace."""

    workspace_id: WorkspaceId | None = None
    counts: tuple[tuple[str, int], ...] = ()


class OneMessage(BaseModel):
    """A message, and to whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addressee_id: AddresseeId
    message_id: MessageId


class NoSuchAddressee(Refusal):
    """An addressee that the body names is not there. Check the id; people of other tenants are not shown."""

    code = "no-such-addressee"
    kind = RefusalKind.NOT_FOUND
    field = "/messages"


class AuthorisationIdTaken(Refusal):
    """The id of an asking is used once. Ask under a new one, or send the command to `new`."""

    code = "authorisation-id-taken"


class AuthoriseMessages(
    AboutMessage, context="audience", stream="authorisation", permission=Permission.SENDING_AUTHORISE
):
    """Decide on up to 200 messages of one kind to as many people, and record each decision with its addressee."""

    tells: ClassVar[bool] = True

    messages: Annotated[tuple[OneMessage, ...], Field(min_length=1, max_length=MOST_MESSAGES)]

    def people(self) -> tuple[UUID, ...]:
        """All to whom the messages go."""
        return tuple(dict.fromkeys(one.addressee_id for one in self.messages))

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({one.message_id for one in self.messages}) < len(self.messages):
            raise ValueError("a message id stands twice; each message has an id of its own")
        return self

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """The counts by verdict, and for each decision its verdict and the reason that weighed most."""
        counts = next((one.counts for one in events if isinstance(one, MessagesAuthorised)), {})
        decided = [_briefly(one) for one in events if isinstance(one, PermissionDecided)]
        return {"counts": counts, "decisions": decided}


def _briefly(event: PermissionDecided) -> dict[str, Any]:
    first = event.reasons[0] if event.reasons else None
    return {
        "message_id": event.message_id,
        "addressee_id": event.addressee_id,
        "verdict": event.verdict,
        "expires_at": event.expires_at,
        "law": None if first is None else first.law,
        "rule": None if first is None else first.rule,
        "missing": () if first is None else first.missing,
    }


def summary(command: AuthoriseMessages, verdicts: Counter[str]) -> MessagesAuthorised:
    """What came of a command, counted."""
    return MessagesAuthorised(
        authorisation_id=AuthorisationId(command.stamp.target),
        workspace_id=command.workspace_id,
        counts=dict(verdicts),
    )


AuthorisationEvent: TypeAlias = MessagesAuthorised


def evolve(state: Authorisation, event: AuthorisationEvent) -> Authorisation:
    """What came of asking, after `event`."""
    return replace(state, workspace_id=event.workspace_id, counts=tuple(sorted(event.counts.items())))


AUTHORISATION: Final[Decider[Authorisation]] = Decider(
    category="authorisation", initial=Authorisation(), evolve=evolve
)
