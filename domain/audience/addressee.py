"""An addressee's stream: what a person said, what is known of them, and what was decided about writing to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from domain.audience import authorisation, consent, ledger
from domain.audience.addressee_events import ProfileKeyDestroyed
from domain.audience.addressee_state import AddresseeState, NoAddressee, evolve
from domain.audience.authorisation import DispatchMessage
from domain.audience.consent import ConsentCommand
from domain.audience.ledger import LedgerCommand
from domain.audience.own_word import HeedOptOut, heeded
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.kernel.events import Event


class NotErased(Refusal):
    """A key is destroyed after its person was erased, never before. Erase the person first."""

    code = "addressee-not-erased"


class ConfirmKeyDestroyed(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that an erased person's profile key was destroyed."""


AddresseeCommand: TypeAlias = (
    ConsentCommand | LedgerCommand | HeedOptOut | DispatchMessage | ConfirmKeyDestroyed
)


def decide(command: AddresseeCommand, state: AddresseeState) -> tuple[Event, ...]:
    """What a command enters about an addressee who is there."""
    if isinstance(state, NoAddressee):
        raise NotFound
    if isinstance(command, ConsentCommand):
        return consent.decide(command, state)
    if isinstance(command, LedgerCommand):
        return ledger.decide(command, state)
    if isinstance(command, HeedOptOut):
        return heeded(command, state)
    if isinstance(command, DispatchMessage):
        return authorisation.dispatched(command, state)
    if not state.erased:
        raise NotErased
    return () if state.key_destroyed else (ProfileKeyDestroyed(addressee_id=state.addressee_id),)


def messages_of(state: Addressee) -> int:
    """How many messages a state remembers."""
    return len(state.dispatched) + len(state.allows)


ADDRESSEE: Final[Decider[AddresseeState]] = Decider(
    category="addressee",
    initial=NoAddressee(),
    evolve=evolve,
    decide=decide,
    size=lambda state: 0 if isinstance(state, NoAddressee) else messages_of(state),
)
