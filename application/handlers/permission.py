"""The permission to send: decided, used, announced to end, and taken back by whoever gave it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from application.at_platform import compare_platform
from application.comparing import compare
from application.entitlements import take_message
from application.unit import handles
from domain.audience.addressee import decide as said
from domain.audience.addressee_events import MessageDispatched
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.authorisation import (
    AuthoriseMessage,
    DispatchMessage,
    authorised,
    counted_in,
    message_of,
)
from domain.audience.authorisation_batch import (
    DISPATCHED,
    AuthorisationIdTaken,
    AuthoriseMessages,
    NoSuchAddressee,
    summary,
)
from domain.audience.consent_commands import RecordOptOut, WithdrawConsent
from domain.audience.lapse import AnnounceLapses, announced
from domain.audience.ledger import SuppressAddressee
from domain.audience.own_word import HeedOptOut
from domain.kernel.errors import NotFound
from domain.tenancy.tenant import Tenant
from domain.tenancy.workspace import known, usable

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.authorisation_batch import Authorisation

_Said: TypeAlias = RecordOptOut | HeedOptOut | WithdrawConsent


@handles(AuthoriseMessage)
async def authorise_message(command: AuthoriseMessage, unit: Unit) -> None:
    """Decide on one message to one person, by the laws of theirs and of the tenant's country."""
    usable(await unit.load("workspace", command.workspace_id))
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    if isinstance(addressee, NoAddressee):
        raise NotFound
    tenant, message = await unit.load("tenant", unit.tenant_id), message_of(command)
    await compare(unit, [addressee.addressee_id], message)
    decided = authorised(
        unit.state("addressee", command.stamp.target),
        command.message_id,
        command.workspace_id,
        message,
        tenant.country if isinstance(tenant, Tenant) else None,
        command.stamp.at,
    )
    unit.append("addressee", command.stamp.target, decided)


@handles(AuthoriseMessages)
async def authorise_messages(command: AuthoriseMessages, unit: Unit) -> None:
    """Decide on messages of one kind to many people; those that went before are counted and left alone."""
    usable(await unit.load("workspace", command.workspace_id))
    tenant = await unit.load("tenant", unit.tenant_id)
    asked: Authorisation = await unit.load("authorisation", command.stamp.target)
    if asked.workspace_id is not None:
        raise AuthorisationIdTaken
    sender = tenant.country if isinstance(tenant, Tenant) else None
    message, verdicts = message_of(command), Counter[str]()
    people = [one.addressee_id for one in command.messages]
    await unit.load_many("addressee", people)
    await compare(unit, people, message)
    for number, one in enumerate(command.messages):
        addressee: AddresseeState = unit.state("addressee", one.addressee_id)
        if isinstance(addressee, NoAddressee):
            raise NoSuchAddressee(pointer=f"/messages/{number}/addressee_id")
        if one.message_id in addressee.dispatched:
            verdicts[DISPATCHED] += 1
            continue
        decided = authorised(
            addressee, one.message_id, command.workspace_id, message, sender, command.stamp.at
        )
        verdicts[decided.verdict] += 1
        unit.append("addressee", one.addressee_id, decided)
    unit.append("authorisation", command.stamp.target, summary(command, verdicts))


@handles(DispatchMessage)
async def dispatch_message(command: DispatchMessage, unit: Unit) -> None:
    """Hand a message over; what came onto the list since its allow, or the platform suppressed, is found first.

    Nothing goes out of a workspace that was archived meanwhile: its client may have left.
    """
    usable(await unit.load("workspace", command.workspace_id))
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    if isinstance(addressee, Addressee) and (allow := addressee.allows.get(command.message_id)) is not None:
        await compare(unit, [addressee.addressee_id], allow.message)
        if not addressee.erased:
            await compare_platform(unit, addressee.addressee_id)
    events = said(command, unit.state("addressee", command.stamp.target))
    if any(isinstance(event, MessageDispatched) for event in events):
        events = counted_in(await take_message(unit), events)
    unit.append("addressee", command.stamp.target, *events)


@handles(SuppressAddressee)
async def suppress_addressee(command: SuppressAddressee, unit: Unit) -> None:
    """Hold back in one workspace what goes to a person, if it is there: elsewhere nothing would be held back."""
    if command.workspace_id is not None:
        known(await unit.load("workspace", command.workspace_id))
    await unit.load("addressee", command.stamp.target)
    unit.decide(command)


@handles(AnnounceLapses)
async def announce_lapses(command: AnnounceLapses, unit: Unit) -> None:
    """Announce permissions that end, one by one; who is not there, or stands otherwise by now, is passed over."""
    tenant = await unit.load("tenant", unit.tenant_id)
    sender = tenant.country if isinstance(tenant, Tenant) else None
    await unit.load_many("addressee", [command.stamp.target, *[one.addressee_id for one in command.lapses]])
    for one in command.lapses:
        addressee: AddresseeState = unit.state("addressee", one.addressee_id)
        if isinstance(addressee, Addressee):
            client = None if one.workspace_id is None else str(one.workspace_id)
            events = announced(addressee, one.lapses_at, sender, command.stamp.at, client)
            unit.append("addressee", one.addressee_id, *events)


@handles(HeedOptOut)
@handles(RecordOptOut)
async def record_opt_out(command: RecordOptOut | HeedOptOut, unit: Unit) -> None:
    """Enter an opt-out with the addressee, and with whoever has their address after an erasure."""
    await _said_by_whoever_has_the_address(command, command, unit)


@handles(WithdrawConsent)
async def withdraw_consent(command: WithdrawConsent, unit: Unit) -> None:
    """Enter a withdrawal; to whoever has the address after an erasure it is the opt-out that it holds, or all of it."""
    stop = RecordOptOut(occurred_at=command.occurred_at, channel=command.channel, reason=command.reason)
    later = command if command.entry is None else stop.stamped(command.stamp)
    await _said_by_whoever_has_the_address(command, later, unit)


async def _said_by_whoever_has_the_address(command: _Said, later: _Said, unit: Unit) -> None:
    """Decide a command with the addressee, and what it is to those who came after them, with those."""
    tenant = await unit.load("tenant", unit.tenant_id)
    sender = tenant.country if isinstance(tenant, Tenant) else None
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    unit.append("addressee", command.stamp.target, *said(command, addressee, sender))
    while isinstance(addressee, Addressee) and addressee.successor_id is not None:
        successor = addressee.successor_id
        addressee = await unit.load("addressee", successor)
        unit.append("addressee", successor, *said(later, addressee, sender))
