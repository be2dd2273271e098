"""What is settled about a person for the whole tenant, and how one client came by their address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.audience.addressee_events import AddresseeDescribed, DescriptionTakenBack
from domain.audience.addressee_state import Said
from domain.audience.consent_refusals import AddresseeIsErased
from domain.audience.ledger_refusals import OfAllClients
from domain.law.facts import Collected

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.audience.ledger import DescribeAddressee
    from domain.kernel.events import Event
    from domain.kernel.ids import WorkspaceId


def settled(command: DescribeAddressee, state: Addressee) -> tuple[Event, ...]:
    """What is said of an addressee for the whole tenant, and what is said no more; nothing where it stands already."""
    if state.erased:
        raise AddresseeIsErased
    if command.workspace_id is not None:
        return _collected(command, state, command.workspace_id)
    before = state.said.get(None, Said(None, None))
    cleared = [
        one for one in Said._fields if one in command.model_fields_set and getattr(command, one) is None
    ]
    left = before._replace(**dict.fromkeys(cleared))
    taken_back: tuple[Event, ...] = ()
    if left != before:
        taken_back = (
            DescriptionTakenBack(addressee_id=state.addressee_id, workspace_id=None, **left._asdict()),
        )
    asked = (
        (command.country, before.country),
        (command.subscriber_type, before.subscriber_type),
        (command.generic_address, state.generic_address),
        (command.could_object, state.could_object),
        (command.told, state.told),
    )
    if all(value is None or value == known for value, known in asked):
        return taken_back
    described = AddresseeDescribed(
        addressee_id=state.addressee_id,
        country=command.country,
        subscriber_type=command.subscriber_type,
        generic_address=command.generic_address,
        could_object=command.could_object,
        told=command.told,
    )
    return (*taken_back, described)


def _collected(
    command: DescribeAddressee, state: Addressee, workspace_id: WorkspaceId
) -> tuple[AddresseeDescribed, ...]:
    """How one client came by the address; nothing where that is told already."""
    if command.model_fields_set - {"workspace_id", "could_object", "told"}:
        raise OfAllClients
    client = str(workspace_id)
    before = next((one for one in state.collected if one.workspace == client), Collected(client, None, None))
    asked = ((command.could_object, before.could_object), (command.told, before.told))
    if all(value is None or value == known for value, known in asked):
        return ()
    described = AddresseeDescribed(
        addressee_id=state.addressee_id,
        workspace_id=workspace_id,
        could_object=command.could_object,
        told=command.told,
    )
    return (described,)
