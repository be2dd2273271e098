"""What may be asked from single workspaces: of what is theirs, and of the people whom contacts there refer to.

People are the tenant's. Whether somebody is to be seen from a workspace is told by the reservation of their address,
which names the contacts that hold it: the log itself, read for this command, and expected by its append where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from application.principals import workspaces_of
from domain.audience.addressee import decide
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import OptOutLifted
from domain.audience.email import match_form
from domain.kernel.errors import NotFound, Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from application.unit import Unit
    from domain.audience.email_claim import EmailClaim
    from domain.kernel.commands import Command
    from domain.kernel.events import Event


class NeedsWholeTenant(Refusal):
    """What this does holds for every workspace, and the credential holds its permission in some alone.

    A suppression may name its workspace. For the rest ask somebody who holds the permission in the whole tenant.
    """

    code = "needs-whole-tenant"
    kind = RefusalKind.FORBIDDEN


async def enter(confined: frozenset[UUID], command: Command, unit: Unit) -> None:
    """Refuse, before any rule is looked at, what is not to be seen, or not to be done, from these workspaces.

    What a rule says of another workspace is told to nobody from here: all of that is not found, and an entry of
    another client's is answered as one that never was.
    """
    people = command.people()
    state = await unit.load(type(command).stream, unit.stamp.target)
    _within(confined, [command, state], of_people=bool(people))
    await met(confined, people, unit)
    if command.holds_everywhere():
        raise NeedsWholeTenant
    if isinstance(state, Addressee):
        _of_these(confined, command, state)


def leave(confined: frozenset[UUID], command: Command, events: Sequence[Event], state: Any) -> None:
    """Refuse what came out of it, where that is about more than these workspaces."""
    _within(confined, [*events, state], of_people=bool(command.people()))
    if any(isinstance(event, OptOutLifted) for event in events):
        # The person's word against an earlier one: that one was said to every workspace.
        raise NeedsWholeTenant


async def met(confined: frozenset[UUID], people: Sequence[UUID], unit: Unit) -> None:
    """Each of these people, if any, has a contact in one of the workspaces. Raises `NotFound`."""
    if not people:
        return
    addresses = await unit.addresses(people)
    forms = [None if (address := addresses[who]) is None else match_form(address) for who in people]
    if None in forms:
        raise NotFound  # erased, or never here: no contact has their address
    keys = await unit.find_many("email_claim", [form for form in forms if form is not None])
    for who, key in zip(people, keys, strict=True):
        claim: EmailClaim = unit.state("email_claim", key)
        if claim.addressee_id != who or not confined & claim.contacts.keys():
            raise NotFound


def _of_these(confined: frozenset[UUID], command: Command, state: Addressee) -> None:
    """What was given to another client alone is answered from here as a number that never was."""
    for name in ("entry", "request"):
        number = getattr(command, name, None)
        client = None if number is None else state.client_of(number)
        if client is not None and UUID(client) not in confined:
            never = command.model_copy(update={name: state.version + 1})
            decide(cast("Any", never.stamped(command.stamp)), state)
            raise NotFound


def _within(confined: frozenset[UUID], things: Iterable[object], *, of_people: bool = False) -> None:
    """What is about the whole tenant, or about a workspace that is not to be seen from here, is not found from here.

    What is `of_people` need not name a workspace.
    """
    touched = workspaces_of(things)
    if not touched <= confined or not (touched or of_people):
        raise NotFound
