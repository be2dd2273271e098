"""What is asked to be entered of what a person said, and by which ways they say it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.consent_events import ConsentEvidence
from domain.audience.going_on import told_of
from domain.audience.intake.vocabularies import Source
from domain.kernel.commands import Command
from domain.kernel.ids import WorkspaceId
from domain.kernel.moments import Day, Moment
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.places import CountryCode
from domain.kernel.text import IpText, LineText, LongText, ShortText

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.kernel.events import Event


Entry = Annotated[int, Field(ge=1, le=2**31)]
"""The version of an event in the addressee's stream, as the answer to its command told it."""


class OptOutChannel(StrEnum):
    """How somebody said stop."""

    ONE_CLICK = "one_click"
    PAGE = "page"
    REPLY = "reply"
    COMPLAINT = "complaint"
    REQUEST = "request"
    IMPORT = "import"
    API = "api"


class OptOutKind(StrEnum):
    """What somebody said: stop, or that they object to the use of their data for advertising, or they complained."""

    UNSUBSCRIBE = "unsubscribe"
    OBJECTION = "objection"
    COMPLAINT = "complaint"


class EvidenceGiven(BaseModel):
    """What proves a consent, as it is entered; see `ConsentEvidence`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ShortText | None = None
    jurisdiction: CountryCode | None = None
    collected_at: Moment | None = None
    method: ShortText | None = None
    receipt_id: ShortText | None = None
    language: ShortText | None = None
    principal: ShortText | None = None
    controllers: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    policy_url: LineText | None = None
    purposes: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    sensitive_categories: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    user_agent: LongText | None = None
    form_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    def kept(self) -> ConsentEvidence:
        """As it is stored."""
        return ConsentEvidence.model_validate(self.model_dump())


class AboutPerson(Command):
    """Is about one person, whose stream it names: single workspaces may ask it of those whom a contact refers to."""

    def people(self) -> tuple[UUID, ...]:
        """That one."""
        return (self.stamp.target,)


class RecordConsent(AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE):
    """Enter a consent, of `occurred_at` or, where the day alone is known, of `occurred_on`.

    `explicit`: after an opt-out the person asked, in `wording`, to be written to again. The answer tells under `result`
    whether that lifted their opt-outs, and which of them go on and why. `workspace_id`: of the client to whom it was
    given, and it counts for that client alone; left out: to the tenant itself.
    """

    tells: ClassVar[bool] = True

    occurred_on: Day | None = None
    occurred_at: Moment | None = None
    source: Source
    source_text: Evidence[LineText | None] = None
    ip: Evidence[IpText | None] = None
    wording: Evidence[LongText | None] = None
    explicit: bool = False
    evidence: Evidence[EvidenceGiven | None] = None
    workspace_id: WorkspaceId | None = None

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """What became of the person's opt-outs."""
        return told_of(events)


class RequestConfirmation(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Double opt-in, first step: the address was left on a form, and its owner is asked whether they meant it.

    It waits for thirty days from `occurred_at` on, and is not entered once they are over.
    `workspace_id`: of the client whose form it was; left out: the tenant's own.
    """

    occurred_at: Moment | None = None
    source: Source
    ip: Evidence[IpText | None] = None
    wording: Evidence[LongText | None] = None
    evidence: Evidence[EvidenceGiven | None] = None
    workspace_id: WorkspaceId | None = None


class ConfirmConsent(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Double opt-in, second step, as the sender tells it. `request`: the version of the first step's event.

    It was given within thirty days of the first step, whenever it is entered; `occurred_at` says when. It lifts no
    opt-out: that does the person who presses the link of the confirmation, after this was entered too.
    """

    request: Entry
    occurred_at: Moment | None = None
    ip: Evidence[IpText | None] = None
    user_agent: Evidence[LongText | None] = None


class WithdrawConsent(
    AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE
):
    """Enter that a person took their consent back: the one named by `entry`, or all. They are written to no more."""

    entry: Entry | None = None
    occurred_at: Moment | None = None
    channel: OptOutChannel
    reason: Evidence[LongText | None] = None


class RecordOptOut(AboutPerson, context="audience", stream="addressee", permission=Permission.CONSENT_WRITE):
    """Enter that a person does not want to be written to, from `occurred_at` on (now, if left out)."""

    occurred_at: Moment | None = None
    channel: OptOutChannel
    kind: OptOutKind | None = None
    reason: Evidence[LongText | None] = None


ConsentCommand: TypeAlias = (
    RecordConsent | RequestConfirmation | ConfirmConsent | WithdrawConsent | RecordOptOut
)
