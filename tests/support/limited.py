"""Tenants whose plans have limits, and messages that go out of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from application.ports.codec import Cause
from application.ports.log import Append
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.authorisation import AuthoriseMessage, DispatchMessage
from domain.billing.catalogue import Meter
from domain.billing.subscription import AgreeSubscription
from domain.billing.usage import Usage, counter_id, month_of
from domain.kernel.commands import DECIDERS, Actor, ActorKind
from domain.kernel.ids import AddresseeId, MessageId
from domain.tenancy.plans import Plan
from tests.support.billing import SUBSCRIPTION

if TYPE_CHECKING:
    from application.commanding import Commands
    from application.ports.log import TenantLog
    from domain.kernel.events import Event
    from tests.support.office import Office


def agreed(now: datetime, **limits: int) -> AgreeSubscription:
    """An agreement with these limits and none besides."""
    return AgreeSubscription(
        plan=Plan.ENTERPRISE,
        currency="USD",
        unit_amount=90_000,
        limits={Meter(meter): most for meter, most in limits.items()},
        since=now - timedelta(days=1),
    )


async def limit(office: Office, **limits: int) -> None:
    """Let the office have these limits from now on."""
    office.principal = replace(office.principal, auth_epoch=None)
    await office.do(agreed(office.commands.clock(), **limits), SUBSCRIPTION)


async def somebody(office: Office) -> UUID:
    """A person of the United States, who may be written to."""
    who = uuid4()
    event = AddresseeRegistered(
        addressee_id=AddresseeId(who),
        email=f"{who}@people.example",
        workspace_id=office.workspace,
        country="US",
    )
    await happen(office.commands, office.principal.tenant_id, f"addressee:{who}", event)
    return who


async def happen(commands: Commands, tenant_id: UUID, stream: str, *events: Event) -> None:
    """Enter events as they are, without a command."""
    command = uuid4()
    cause = Cause(Actor(ActorKind.SYSTEM, tenant_id), command, "tests.happen", command)
    codec = commands._codec
    pairs = [(stream, event) for event in events]
    needed = codec.keys_of(tenant_id, (event for _, event in pairs), cause)
    await commands.make_keys(needed)
    await commands.log.append(Append(tenant_id, tuple(codec.encode(tenant_id, pairs, cause))))


async def write(office: Office, who: UUID) -> MessageId:
    """Write to somebody: a message that is authorised and handed over. Raises what refuses either."""
    message = MessageId(uuid4())
    await office.do(AuthoriseMessage(message_id=message, workspace_id=office.workspace), who)
    await office.do(DispatchMessage(message_id=message, workspace_id=office.workspace), who)
    return message


async def used(log: TenantLog, commands: Commands, tenant_id: UUID, meter: Meter, at: datetime) -> Usage:
    """A counter as its log has it; of messages, that of the month of `at`."""
    key = counter_id(tenant_id, meter, month_of(at) if meter is Meter.EMAILS else None)
    (recorded,) = await log.read_streams(tenant_id, [(f"usage:{key}", 0)])
    state: Usage = DECIDERS["usage"].fold(commands._codec.decode(recorded))
    return state


async def dispatched(log: TenantLog, tenant_id: UUID) -> int:
    """How many messages went."""
    return await log.count_events(
        tenant_id, "audience.message_dispatched", "occurred_at", "", after=0, up_to=10**9
    )
