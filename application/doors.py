"""The doors that people come in by: what holds for them now, what they say, what they confirm.

A person has no account: a token is their word (`door_tokens`). What they say goes down the one command path, as the
system's own doing, also where their tenant is suspended or has no rate left.
"""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from application.commanding import SubjectIsErased
from application.door_tokens import Door, DoorToken, LinkUnusable
from application.orders import Order
from application.ports.log import OutcomeUnknown
from application.principals import Principal
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_state import Addressee
from domain.audience.consent import confirmation, lifted_by
from domain.audience.consent_events import ConfirmationRequested
from domain.audience.consent_refusals import AddresseeIsErased, ConfirmedTooLate, NotAsked
from domain.audience.own_word import (
    HeedConfirmation,
    NarrowOptOut,
    in_force,
    is_stopped,
    narrowable,
    words_for,
)
from domain.kernel import limits
from domain.kernel.commands import DECIDERS, Actor, ActorKind, stream_name
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import derived_id
from domain.kernel.permissions import Permission
from domain.kernel.personal import ERASED, SEALED
from domain.law.clients import clients_of
from domain.law.facts import Scope, SuppressionKind
from domain.rights.commands import ReceiveRequest
from domain.rights.kinds import RequestChannel, RequestKind
from domain.rights.refusals import RequestIdTaken
from domain.rights.state import Open, SubjectRequest
from domain.tenancy.tenant import SendsFor, Tenant
from domain.tenancy.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import date, datetime
    from uuid import UUID

    from application.commanding import Commands
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.own_word import HeedOptOut
    from domain.kernel.commands import Command

_CHANNEL: Final = "door"
_ATTEMPTS: Final = 5
_BETWEEN: Final = 0.05


class ConfirmationOver(Refusal):
    """Nothing waits to be confirmed here any more: it was confirmed, and that holds, or it waited for thirty days.

    Then ask for it anew.
    """

    code = "confirmation-over"


class InForce(NamedTuple):
    """What a person's page shows. `workspace` and `campaign_type`: what the token names, where it is there.

    `elsewhere`: narrower opt-outs hold that the token names nothing of. `waits`: its confirmation can be given.
    `narrows`: all is stopped, and they alone may stop less; it is the entry of what they said last. `goes_on`: all is
    stopped, and its confirmation would not end that; of a client's first step: all that is theirs. `client`: the tenant
    sends for clients, each a workspace. `asked`: all is stopped, but they asked this client for mail later; `others`:
    or other clients, which is shown to nobody but them.
    """

    sender: str
    workspace: str | None
    campaign_type: str | None
    everything: bool
    objected: bool
    of_workspace: bool
    of_campaign_type: bool
    elsewhere: bool
    waits: bool
    narrows: int | None = None
    goes_on: bool = False
    client: bool = False
    asked: bool = False
    others: bool = False


class AskedFor(NamedTuple):
    """What a person's page about their data shows. `open`: what they asked for, and by when they are answered.

    `unsold_since`: since then their data are neither sold nor shared, as they asked.
    """

    sender: str
    open: Mapping[RequestKind, date]
    unsold_since: date | None


class Doors:
    """Hears people."""

    def __init__(self, commands: Commands) -> None:
        """Enter what they say by `commands`."""
        self._commands = commands

    async def in_force(self, token: DoorToken) -> InForce:
        """What holds for the person now, read from the log. Raises `LinkUnusable` for one who is not there."""
        tenant = await self._commands.state(token.tenant_id, "tenant", token.tenant_id)
        addressee = await self._addressee(token.tenant_id, token.addressee_id)
        if not isinstance(tenant, Tenant) or addressee is None:
            raise LinkUnusable
        workspace = None
        if token.workspace_id is not None:
            workspace = await self._commands.state(token.tenant_id, "workspace", token.workspace_id)
        within = None if token.workspace_id is None else str(token.workspace_id)
        held = words_for(addressee, within)
        here = {(one.scope, one.within) for one in held if one.scope is not Scope.TENANT}
        named = {(Scope.WORKSPACE, within), (Scope.CAMPAIGN_TYPE, token.campaign_type)} & here
        narrow = {
            (one.scope, one.within)
            for one in addressee.own_words()
            if one.scope is Scope.CAMPAIGN_TYPE
            or (one.scope is Scope.WORKSPACE and _stopped(addressee, one.within, {Scope.WORKSPACE}))
        }
        everything = in_force(addressee, Scope.TENANT)
        asking = {one for one in clients_of(addressee.person) if not is_stopped(addressee, one)}
        # Less than all cannot be what comes from whom they asked: of that nothing is stopped.
        asked_here = everything and not _stopped(addressee, within, {Scope.TENANT})
        theirs = _came_to_them(token, addressee)
        word = narrowable(addressee) if theirs and not asked_here else None
        # Who has their address after an erasure was asked something else, which may have the same number.
        request = token.request if addressee.addressee_id == token.addressee_id else None
        asked = None if request is None else addressee.at_link(request)
        waits = asked is not None and not asked.is_over(self._commands.clock()) and not addressee.erased
        if request is not None and asked is not None and asked.workspace is not None:
            confirmed = self._confirmed(addressee, request, asked.at) if waits else addressee
            goes_on = is_stopped(confirmed, asked.workspace)
        else:
            goes_on = everything and not (request is not None and lifted_by(addressee, request))
        return InForce(
            sender=tenant.name,
            workspace=workspace.name if isinstance(workspace, Workspace) else None,
            campaign_type=token.campaign_type,
            everything=everything,
            objected=any(one.kind is SuppressionKind.OBJECTION for one in held),
            of_workspace=(Scope.WORKSPACE, within) in named,
            of_campaign_type=(Scope.CAMPAIGN_TYPE, token.campaign_type) in named,
            elsewhere=bool(narrow - named),
            waits=waits,
            narrows=None if word is None else word.entry,
            goes_on=goes_on,
            client=tenant.sends_for is SendsFor.CLIENTS,
            asked=asked_here,
            others=theirs and everything and bool(asking - {within}),
        )

    def _confirmed(self, addressee: Addressee, request: int, asked_at: datetime) -> AddresseeState:
        """Who they would be if they confirmed this first step now: nothing is entered."""
        at = max(self._commands.clock(), asked_at)
        return ADDRESSEE.evolve(addressee, confirmation(addressee, request, at, None, None, at_door=True))

    async def heed(self, token: DoorToken, command: HeedOptOut | NarrowOptOut, request_id: str) -> None:
        """Enter what a person said; it holds when this returns. What says nothing new writes nothing at all.

        Where a COMMIT was broken off, it is tried again: to say it twice does no harm, and to lose it does.
        """
        order = self._order(token, command, Permission.INTERNAL, request_id)

        async def enter() -> None:
            if (await self._commands.rehearse(order)).rehearsed:
                await self._commands.execute(order)

        try:
            await _surely(enter)
        except NotFound:
            raise LinkUnusable from None

    async def narrow(
        self,
        token: DoorToken,
        scope: Literal[Scope.WORKSPACE, Scope.CAMPAIGN_TYPE],
        entry: int,
        *,
        ip: str | None,
        user_agent: str | None,
        request_id: str,
    ) -> None:
        """Stop less than all mail, with the evidence that they want it so: only what the token names.

        Nothing where what they said last of all mail is not `entry`, or nobody may narrow it.
        """
        within = token.campaign_type if scope is Scope.CAMPAIGN_TYPE else token.workspace_id
        if within is None:
            raise LinkUnusable
        if (await self.in_force(token)).narrows != entry:
            return
        seen = {"ip": _address(ip), "user_agent": _readable(user_agent)}
        await self.heed(token, NarrowOptOut(entry=entry, scope=scope, within=str(within), **seen), request_id)

    async def confirm(
        self, token: DoorToken, *, ip: str | None, user_agent: str | None, request_id: str
    ) -> None:
        """Double opt-in, second step, with its evidence. Raises `ConfirmationOver` where nothing waits for it."""
        if token.door is not Door.CONFIRM or token.request is None:
            raise LinkUnusable
        command = HeedConfirmation(request=token.request, ip=_address(ip), user_agent=_readable(user_agent))
        try:
            await self._commands.execute(self._order(token, command, Permission.INTERNAL, request_id))
        except (NotAsked, ConfirmedTooLate, AddresseeIsErased, SubjectIsErased):
            raise ConfirmationOver from None
        except NotFound:
            raise LinkUnusable from None

    async def wording(self, token: DoorToken) -> str | None:
        """The words that a confirmation agrees to, as the sender kept them; None where none were, or none are left.

        They are proof, and opened for nothing else: whoever has the link is to know what they confirm, and sees the
        sender's words, not who left the address, from where, nor how.
        """
        if token.request is None:
            return None
        stream = stream_name("addressee", token.addressee_id)
        asked = await self._commands.streams.with_proof(token.tenant_id, stream, token.request)
        if not isinstance(asked, ConfirmationRequested) or asked.wording in (None, ERASED, SEALED):
            return None
        return asked.wording

    async def asked_for(self, token: DoorToken) -> AskedFor:
        """What the person asked about their data and has no answer to yet. Raises `LinkUnusable`."""
        tenant = await self._commands.state(token.tenant_id, "tenant", token.tenant_id)
        addressee = await self._addressee(token.tenant_id, token.addressee_id)
        if not isinstance(tenant, Tenant) or addressee is None or addressee.erased:
            raise LinkUnusable
        decider = DECIDERS["subject_request"]
        wanted = [(decider, stream_name(decider.category, one)) for one in addressee.requests]
        requests = await self._commands.streams.load(token.tenant_id, wanted, fresh=True) if wanted else []
        found = {
            request.kind: request.due
            for _, request in requests
            if isinstance(request, SubjectRequest) and isinstance(request.phase, Open)
        }
        unsold = addressee.sale_opted_out_at
        return AskedFor(tenant.name, found, None if unsold is None else unsold.date())

    async def ask(self, token: DoorToken, kind: RequestKind, request_id: str) -> None:
        """Take in what a person asks about their data; nothing where the same waits for its answer already.

        Who asks is checked by whoever answers: a message, and so its links, may have been passed on.
        """
        if kind in (await self.asked_for(token)).open:
            return
        addressee = await self._addressee(token.tenant_id, token.addressee_id)
        if addressee is None:
            raise LinkUnusable
        command = ReceiveRequest(kind=kind, channel=RequestChannel.PAGE, addressee_id=addressee.addressee_id)
        order = self._order(token, command, Permission.REQUESTS_HANDLE, request_id)
        # Two at once are one: how many they asked for before makes the id, and an id is used once.
        target = derived_id(addressee.addressee_id, kind, len(addressee.requests))
        order = order._replace(target=target)
        with contextlib.suppress(RequestIdTaken):
            await _surely(lambda: self._commands.execute(order))

    async def _addressee(self, tenant_id: UUID, addressee_id: UUID) -> Addressee | None:
        """Who the token names, or who has their address after an erasure."""
        wanted: UUID | None = addressee_id
        found: Addressee | None = None
        while wanted is not None:
            state = await self._commands.state(tenant_id, "addressee", wanted)
            if not isinstance(state, Addressee):
                return found
            found, wanted = state, state.successor_id
        return found

    @staticmethod
    def _order(token: DoorToken, command: Command, needs: Permission, request_id: str) -> Order:
        """The history tells by `correlation` which message they answered.

        The caller's address goes into no metadata: there it would be the tenant's, and outlive the person.
        """
        actor = Actor(ActorKind.SYSTEM, token.tenant_id)
        principal = Principal(token.tenant_id, actor, frozenset({needs}), None, 0)
        return Order(
            principal,
            command,
            token.addressee_id,
            b"",
            request_id=request_id,
            channel=_CHANNEL,
            correlation=token.message_id,
        )


async def _surely(enter: Callable[[], Awaitable[object]]) -> None:
    """Enter what may be entered twice, again where nobody knows whether it was.

    Others who write to the same stream are waited for on the way (`Contention`), as long as a request may wait.
    """
    for _ in range(_ATTEMPTS):
        try:
            await enter()
        except OutcomeUnknown:
            await asyncio.sleep(_BETWEEN)
        else:
            return
    await enter()


def _stopped(state: AddresseeState, workspace: str | None, scopes: set[Scope]) -> bool:
    """Whether a workspace's mail is stopped by words of these scopes."""
    return isinstance(state, Addressee) and any(
        one.scope in scopes and one.within in (None, workspace) for one in words_for(state, workspace)
    )


def _came_to_them(token: DoorToken, addressee: Addressee) -> bool:
    """Whether the link is the recipient's: not of who had their address before, and not made by a sender in between."""
    return addressee.addressee_id == token.addressee_id and (
        token.vouched or token.message_id in addressee.dispatched
    )


def _address(text: str | None) -> str | None:
    """An IP address; None where a proxy says something else, which is no reason to refuse a person."""
    try:
        return None if text is None else str(ip_address(text))
    except ValueError:
        return None


def _readable(text: str | None) -> str | None:
    """A browser's name of itself, as far as it is text."""
    shown = "".join(one for one in text or "" if one.isascii() and one.isprintable())
    shown = shown[: limits.LINE].strip()
    return None if shown in ("", ERASED, SEALED) else shown
