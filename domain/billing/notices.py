"""Letters that a tenant's owners and those who read its bills are owed, one for each thing that billing tells.

Which events are told of is said here, once: the list of jobs, the view and the letters follow from it. People stand in
events by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.billing.account_state import Access
from domain.kernel.commands import Command, Decider
from domain.kernel.events import Event
from domain.kernel.ids import MemberId, NoticeId, TenantId, derived_id
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoticeKind(StrEnum):
    """What a letter is about."""

    USAGE_REACHED = "usage_reached"
    CEILING_REACHED = "ceiling_reached"
    TRIAL_ENDING = "trial_ending"
    PAYMENT_FAILED = "payment_failed"
    ACCESS_SUSPENDED = "access_suspended"
    ACCESS_CANCELLED = "access_cancelled"
    PAYMENT_RECOVERED = "payment_recovered"


class NoticeOutcome(StrEnum):
    """What became of a letter: `sent` to all, `partly` to some, or `not_sent` to anybody."""

    SENT = "sent"
    PARTLY = "partly"
    NOT_SENT = "not_sent"


class NotSentReason(StrEnum):
    """Why nobody was sent a letter."""

    TURNED_OFF = "turned_off"
    NO_LONGER_SO = "no_longer_so"
    TOO_LATE = "too_late"
    NOBODY = "nobody_may_have_it"
    CLOSED = "tenant_closed"
    NO_MAIL = "mail_not_set_up"
    MAIL = "mail_not_taken_over"
    ERROR = "error"


NoticeLanguage: TypeAlias = Literal["en", "de", "fr"]
TRIED_FOR: Final[dict[NoticeKind, timedelta]] = {
    NoticeKind.USAGE_REACHED: timedelta(days=1),
    NoticeKind.CEILING_REACHED: timedelta(days=1),
    NoticeKind.TRIAL_ENDING: timedelta(days=1),
    NoticeKind.PAYMENT_FAILED: timedelta(days=7),
    NoticeKind.ACCESS_SUSPENDED: timedelta(days=7),
    NoticeKind.ACCESS_CANCELLED: timedelta(days=7),
    NoticeKind.PAYMENT_RECOVERED: timedelta(days=7),
}
"""How long after what it tells of a letter is still worth sending."""
KEPT_AFTER_END: Final = timedelta(days=90)
"""How long the data of a tenant is kept whose subscription ended. Source: retention of the product's documentation."""
ABOUT_USAGE: Final = frozenset({NoticeKind.USAGE_REACHED, NoticeKind.CEILING_REACHED})
"""What a tenant may turn off."""
_ENDED: Final[dict[str, NoticeKind]] = {
    Access.SUSPENDED: NoticeKind.ACCESS_SUSPENDED,
    Access.CANCELLED: NoticeKind.ACCESS_CANCELLED,
}
_ALWAYS: Final[dict[str, NoticeKind]] = {
    "billing.usage_alerted": NoticeKind.USAGE_REACHED,
    "billing.ceiling_reached": NoticeKind.CEILING_REACHED,
    "billing.trial_reminded": NoticeKind.TRIAL_ENDING,
    "billing.dunning_began": NoticeKind.PAYMENT_FAILED,
    "billing.dunning_retried": NoticeKind.PAYMENT_FAILED,
}
TOLD: Final = (*_ALWAYS, "billing.access_changed", "billing.dunning_ended")
"""The stored names of events that letters may be owed for."""


def kind_of(name: str, payload: Mapping[str, Any]) -> NoticeKind | None:
    """Which letter an event is told by; None: by none."""
    if name == "billing.access_changed":
        return _ENDED.get(payload["after"])
    if name == "billing.dunning_ended":
        return NoticeKind.PAYMENT_RECOVERED if payload["outcome"] == "paid" else None
    return _ALWAYS.get(name)


def notice_of(tenant_id: UUID, position: int) -> NoticeId:
    """The id of the letter that is owed for an event: the same whoever asks."""
    return NoticeId(derived_id(tenant_id, position, "billing.notice"))


class WithheldNotice(BaseModel):
    """A member who was sent nothing, and why: `refused`, by the mail server, or `mail_not_taken_over` in time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member_id: MemberId
    reason: str


class NoticeMailed(Event, name="billing.notice_mailed", version=1):
    """The mail server took a letter over for a member."""

    notice_id: NoticeId
    member_id: MemberId


class NoticeSettled(Event, name="billing.notice_settled", version=1):
    """A letter is owed no more. `mailed` counts members; `reason`: why nobody was sent it; `trouble`: the server's."""

    notice_id: NoticeId
    outcome: str
    reason: str | None
    trouble: str | None
    mailed: int
    withheld: tuple[WithheldNotice, ...]


class NoticePreferencesSet(Event, name="billing.notice_preferences_set", version=1):
    """In which language letters are written (None: by the tenant's country), and whether usage is told by them."""

    tenant_id: TenantId
    usage: bool
    language: str | None


NoticeEvent: TypeAlias = NoticeMailed | NoticeSettled


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter as far as it went."""

    mailed: frozenset[MemberId] = frozenset()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class NoticePreferences:
    """What a tenant said of its letters."""

    usage: bool = True
    language: str | None = None


def evolve(state: Notice, event: NoticeEvent) -> Notice:
    """The letter after `event`."""
    match event:
        case NoticeMailed():
            return replace(state, mailed=state.mailed | {event.member_id})
        case NoticeSettled():
            return replace(state, settled=True)
        case _:
            assert_never(event)


class EnterNoticeMailed(
    Command, context="billing", stream="billing_notice", permission=Permission.INTERNAL, internal=True
):
    """Say that the mail server took a letter over for a member."""

    member_id: MemberId


class SettleNotice(
    Command, context="billing", stream="billing_notice", permission=Permission.INTERNAL, internal=True
):
    """Say that a letter is owed no more; without a reason it went to whom it was mailed."""

    reason: NotSentReason | None = None
    trouble: str | None = None
    withheld: tuple[WithheldNotice, ...] = ()


class SetNoticePreferences(
    Command, context="billing", stream="notice_preferences", permission=Permission.BILLING_MANAGE
):
    """Say in which language billing writes, and whether it writes of usage; what is not paid is told in any case.

    `language` null: German or French where that is the tenant's country's, else English.
    """

    usage: bool
    language: NoticeLanguage | None = None


def decide(command: EnterNoticeMailed | SettleNotice, state: Notice) -> tuple[Event, ...]:
    """What is new about a letter that is still owed."""
    notice_id = NoticeId(command.stamp.target)
    if state.settled:
        return ()
    match command:
        case EnterNoticeMailed():
            if command.member_id in state.mailed:
                return ()
            return (NoticeMailed(notice_id=notice_id, member_id=command.member_id),)
        case SettleNotice():
            sent = NoticeOutcome.PARTLY if command.withheld or command.reason else NoticeOutcome.SENT
            return (
                NoticeSettled(
                    notice_id=notice_id,
                    outcome=sent if state.mailed else NoticeOutcome.NOT_SENT,
                    reason=command.reason,
                    trouble=command.trouble,
                    mailed=len(state.mailed),
                    withheld=command.withheld,
                ),
            )
        case _:
            assert_never(command)


def _preferred(_: NoticePreferences, event: NoticePreferencesSet) -> NoticePreferences:
    return NoticePreferences(event.usage, event.language)


def _preferring(command: SetNoticePreferences, state: NoticePreferences) -> tuple[Event, ...]:
    if state == NoticePreferences(command.usage, command.language):
        return ()
    tenant_id = TenantId(command.stamp.target)
    return (NoticePreferencesSet(tenant_id=tenant_id, usage=command.usage, language=command.language),)


BILLING_NOTICE: Final[Decider[Notice]] = Decider(
    category="billing_notice", initial=Notice(), evolve=evolve, decide=decide
)
NOTICE_PREFERENCES: Final[Decider[NoticePreferences]] = Decider(
    category="notice_preferences", initial=NoticePreferences(), evolve=_preferred, decide=_preferring
)
