"""What people gave, and how an address was come by: in a tenant that sends for clients, to which of them is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.audience.consent_commands import RecordConsent, RequestConfirmation
from domain.audience.ledger import DescribeAddressee, RecordRelation
from domain.audience.ledger_refusals import ClientNotNamed
from domain.tenancy.tenant import SendsFor, Tenant
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from application.unit import Unit

_OF_A_CLIENT = frozenset({"could_object", "told"})


@handles(RecordConsent)
@handles(RequestConfirmation)
@handles(RecordRelation)
async def enter(command: RecordConsent | RequestConfirmation | RecordRelation, unit: Unit) -> None:
    """Enter it of the client that is named, or of the tenant where that sends for itself."""
    await unit.load("addressee", command.stamp.target)
    if command.workspace_id is not None:
        usable(await unit.load("workspace", command.workspace_id))
    elif await _sends_for_clients(unit):
        raise ClientNotNamed
    unit.decide(command)


@handles(DescribeAddressee)
async def describe(command: DescribeAddressee, unit: Unit) -> None:
    """Settle it for the tenant; how an address was come by is each client's own, where there are any."""
    await unit.load("addressee", command.stamp.target)
    if command.workspace_id is not None:
        usable(await unit.load("workspace", command.workspace_id))
    elif command.model_fields_set & _OF_A_CLIENT and await _sends_for_clients(unit):
        raise ClientNotNamed
    unit.decide(command)


async def _sends_for_clients(unit: Unit) -> bool:
    tenant = await unit.load("tenant", unit.tenant_id)
    return isinstance(tenant, Tenant) and tenant.sends_for is SendsFor.CLIENTS
