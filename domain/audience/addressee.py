"""An addressee's stream: what a person said, what is known of them, and what was decided about writing to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from domain.audience import authorisation, consent, erasure, ledger, own_word
from domain.audience.addressee_after import evolve
from domain.audience.addressee_state import AddresseeState, NoAddressee
from domain.audience.authorisation import DispatchMessage
from domain.audience.consent_commands import ConsentCommand, RequestConfirmation
from domain.audience.erasure import ErasureCommand
from domain.audience.ledger import LedgerCommand
from domain.audience.own_word import OwnWord
from domain.kernel.commands import Decider
from domain.kernel.errors import NotFound

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.kernel.events import Event


AddresseeCommand: TypeAlias = ConsentCommand | LedgerCommand | OwnWord | DispatchMessage | ErasureCommand


def decide(
    command: AddresseeCommand, state: AddresseeState, sender_country: str | None = None
) -> tuple[Event, ...]:
    """What a command enters about an addressee who is there. `sender_country`: its law sets a term to an opt-out too.

    While processing is restricted, data are stored and used only with the person's consent (GDPR Art. 18(2)). So what
    they say themselves is entered: a consent, its confirmation, its withdrawal, an opt-out. To be asked for a
    confirmation is a message to them, and is not begun.
    """
    if isinstance(state, NoAddressee):
        raise NotFound
    if isinstance(command, RequestConfirmation):
        ledger.unrestricted(state)
    if isinstance(command, ConsentCommand):
        return consent.decide(command, state, sender_country)
    if isinstance(command, LedgerCommand):
        return ledger.decide(command, state)
    if isinstance(command, OwnWord):
        return own_word.decide(command, state, sender_country)
    if isinstance(command, DispatchMessage):
        return authorisation.dispatched(command, state)
    return erasure.decide(command, state)


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
