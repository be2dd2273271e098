"""A person's own word, as they say it at a door of ours: stop, stop this alone, stop less again, or that they object.

It is always taken: whoever they are now, and whatever was entered about them meanwhile. Only the person narrows an
opt-out to one workspace's mail or to one kind of campaign; whoever else enters one enters it for the whole tenant.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from pydantic import model_validator

from domain.audience.addressee_state import Addressee, AddresseeState
from domain.audience.consent import confirmation, lifted_by
from domain.audience.consent_commands import Entry, OptOutChannel, OptOutKind
from domain.audience.consent_events import ConsentConfirmed, OptedOut, OptOutLifted, OptOutNarrowed, Unsaid
from domain.audience.opt_out_term import term_of
from domain.kernel.commands import Command
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.text import IpText, LineText, LongText
from domain.law.clients import towards
from domain.law.facts import OPT_OUTS, Scope, Suppression, SuppressionKind

if TYPE_CHECKING:
    from datetime import datetime

    from domain.audience.addressee_state import Word
    from domain.kernel.events import Event

SAID_AGAIN_AFTER: Final = timedelta(minutes=1)
"""The same word within a minute is the same word: a mail program that asks twice, a second click.

Later it is new, and is entered: a consent that somebody dates between the two does not lift it then.
"""
_NEVER_NARROWED: Final = frozenset(
    {SuppressionKind.OBJECTION, SuppressionKind.COMPLAINT, SuppressionKind.ERASURE}
)


class HeedOptOut(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter what a person said by their link. `within`: the workspace, or the kind of campaign, of a narrower scope."""

    channel: OptOutChannel
    kind: OptOutKind = OptOutKind.UNSUBSCRIBE
    scope: Scope = Scope.TENANT
    within: str | None = None

    @model_validator(mode="after")
    def _names_what_it_is_of(self) -> HeedOptOut:
        if (self.scope in (Scope.WORKSPACE, Scope.CAMPAIGN_TYPE)) != (self.within is not None):
            raise ValueError("a narrower scope names what it is of, and no other does")
        if self.scope is Scope.PLATFORM:
            raise ValueError("a person speaks to a tenant, not to the platform")
        return self


class NarrowOptOut(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Stop less than all mail: only what a workspace sends, or a kind of campaign (`within`).

    `entry`: of what they said last of all mail, as they saw it. Said once more since, that holds.
    """

    entry: Entry
    scope: Literal[Scope.WORKSPACE, Scope.CAMPAIGN_TYPE]
    within: LineText
    ip: Evidence[IpText | None] = None
    user_agent: Evidence[LongText | None] = None


class HeedConfirmation(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Double opt-in, second step, by the person themselves. `request`: the version of the first step's event."""

    request: Entry
    ip: Evidence[IpText | None] = None
    user_agent: Evidence[LongText | None] = None


OwnWord: TypeAlias = HeedOptOut | NarrowOptOut | HeedConfirmation


def decide(command: OwnWord, state: Addressee, sender_country: str | None = None) -> tuple[Event, ...]:
    """What is entered of what somebody says at a door."""
    match command:
        case HeedOptOut():
            return heeded(command, state, sender_country)
        case NarrowOptOut():
            return narrowed(command, state)
        case HeedConfirmation():
            return confirmed(command, state)
        case _:
            assert_never(command)


def confirmed(command: HeedConfirmation, state: Addressee) -> tuple[ConsentConfirmed | OptOutLifted, ...]:
    """The confirmation; it lifts an opt-out that was surely earlier, if the wording is kept that was agreed to."""
    asked = state.at_link(command.request)
    # Whatever the clock of whoever asked showed: they pressed the link afterwards.
    at = command.stamp.at if asked is None else max(command.stamp.at, asked.at)
    given = confirmation(state, command.request, at, command.ip, command.user_agent, at_door=True)
    if given.workspace_id is not None or not lifted_by(state, command.request):
        return (given,)
    day = at.astimezone(UTC).date()
    return (given, OptOutLifted(addressee_id=state.addressee_id, consented_on=day, consented_at=at))


def narrowable(state: Addressee) -> Word | None:
    """What the person said last of all mail, if they alone may make it narrower; else None.

    Nobody narrows an objection or a complaint, what follows from an erasure, or what the platform holds back.
    """
    held = [one for one in state.suppressions if one.ended_at is None]
    if any(one.kind in _NEVER_NARROWED or one.scope is Scope.PLATFORM for one in held):
        return None
    for one in held:
        whole = one.kind is SuppressionKind.UNSUBSCRIBE and one.scope is Scope.TENANT
        if whole and one.position not in state.of_erasure:
            return state.last_said(one)
    return None


def narrowed(command: NarrowOptOut, state: Addressee) -> tuple[OptedOut | OptOutNarrowed, ...]:
    """What is left, and the end of what was said of all mail; nothing where that is not what holds now."""
    word = narrowable(state)
    if word is None or word.entry != command.entry:
        return ()
    # Whatever the clock of whoever entered that showed: this was said after it.
    at = max([command.stamp.at, word.at, *state.asked_for()])
    left = OptedOut(
        addressee_id=state.addressee_id,
        scope=command.scope,
        occurred_at=at,
        channel=Unsaid.NARROWED,
        within=command.within,
    )
    gone = state.proof.expired  # nothing is left to seal it with
    narrower = OptOutNarrowed(
        addressee_id=state.addressee_id,
        entry=word.entry,
        scope=command.scope,
        within=command.within,
        occurred_at=at,
        ip=None if gone else command.ip,
        user_agent=None if gone else command.user_agent,
    )
    return (left, narrower)


def heeded(command: HeedOptOut, state: Addressee, sender_country: str | None = None) -> tuple[OptedOut, ...]:
    """The opt-out; nothing where the same was said within a minute, and nothing was asked or given since.

    A narrower one is entered also where all mail was just stopped: that may end while this one goes on.
    """
    at = command.stamp.at
    # Whatever the clock of whoever entered a later consent showed: this was said after it.
    narrowed_at = [] if state.narrowed_at is None else [state.narrowed_at]
    occurred_at = max([at, *narrowed_at, *state.asked_for()])
    kind = SuppressionKind(command.kind)
    if command.scope is not Scope.TENANT:
        place = (command.scope, command.within)
        same = [one for one in state.own_words() if (one.scope, one.within) == place]
        if _lately(state, same, occurred_at):
            return ()
    elif _said_lately(state, occurred_at):
        everything = [one for one in state.own_words() if one.scope is Scope.TENANT]
        if _lately(state, [one for one in everything if one.kind is kind], occurred_at):
            return ()
    term = term_of(state.person.country, sender_country, kind, occurred_at)
    event = OptedOut(
        addressee_id=state.addressee_id,
        scope=command.scope,
        occurred_at=occurred_at,
        channel=command.channel,
        kind=command.kind,
        within=command.within,
        due_law=term.due_law,
        due_before=term.due_before,
    )
    return (event,)


def in_force(state: Addressee, scope: Scope, within: str | None = None) -> bool:
    """Whether an opt-out of exactly this scope holds."""
    if scope is Scope.TENANT:
        return state.opted_out_at is not None
    return any((one.scope, one.within) == (scope, within) for one in state.own_words())


def words_for(state: Addressee, workspace: str | None) -> list[Suppression]:
    """What of their words holds for a workspace's messages: not what ended for that client alone."""
    return [
        one
        for one in towards(state.person, workspace).person.suppressions
        if one.kind in OPT_OUTS and one.scope is not Scope.PLATFORM and one.ended_at is None
    ]


def is_stopped(state: AddresseeState, workspace: str | None) -> bool:
    """Whether a workspace's mail, or, None, the tenant's, is stopped by what they said of all or of that one."""
    return isinstance(state, Addressee) and any(
        one.scope in (Scope.TENANT, Scope.WORKSPACE) and one.within in (None, workspace)
        for one in words_for(state, workspace)
    )


def _lately(state: Addressee, same: list[Suppression], at: datetime) -> bool:
    """Whether one of these was said within a minute before `at`, and no consent was asked for or given since."""
    since = max([*state.asked, *(one.position for one in state.consents)], default=0)
    words = [state.last_said(one) for one in same]
    return any(word.entry > since and at - word.at < SAID_AGAIN_AFTER for word in words)


def _said_lately(state: Addressee, at: datetime) -> bool:
    """Whether they stopped all mail within a minute before `at`, and that holds."""
    return state.opted_out_at is not None and at - state.opted_out_at < SAID_AGAIN_AFTER
