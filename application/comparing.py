"""Addresses that are on the tenant's list by a hash alone: compared as somebody comes in, and at each decision.

Where the list has no hashes, which the tenant's own stream tells, nothing is done. Else the reservations of the
address's hashes are loaded, all in one round trip, and so the append expects them where they were: a hash that comes
onto the list meanwhile is met, however close the two are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.audience.addressee_state import Addressee
from domain.audience.email import match_form
from domain.audience.hashed import ADDRESS_HASH
from domain.audience.listed import Listed, entered, is_history, tells_nothing_new
from domain.law.clients import towards
from domain.law.facts import Suppression
from domain.law.judging import holding_back
from domain.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.hashed import AddressHash
    from domain.kernel.ids import AddresseeId
    from domain.law.facts import Message


async def compare(unit: Unit, people: Sequence[AddresseeId], message: Message) -> None:
    """Enter with each of these addressees what the list has against this message, where they do not tell it yet.

    One entry for each is enough to hold the message back. An erased person's own stream holds it back already.
    """
    algorithms = algorithms_of(await unit.load("tenant", unit.tenant_id))
    if not algorithms:
        return
    states: dict[AddresseeId, Addressee] = {}
    for who in people:
        state = unit.state("addressee", who)
        if isinstance(state, Addressee) and not state.erased:
            states[who] = state
    keys = await unit.hash_keys(list(states), algorithms)
    await unit.load_many(ADDRESS_HASH.category, [key for some in keys.values() for key in some])
    for who, state in states.items():
        listed = weighing(state, listed_under(unit, keys[who]), message)
        if listed is not None:
            unit.append("addressee", who, *entered(who, state, listed))


def weighing(state: Addressee, listed: Iterable[Listed], message: Message) -> Listed | None:
    """The first entry that holds a message back and that an addressee's own stream does not tell.

    One after which they asked the client whose message it is for mail does not hold it back.
    """
    for one in listed:
        if not is_history(state, one) and not tells_nothing_new(state, one):
            suppression = Suppression(one.kind, one.scope, one.since, 0, one.within)
            # Where nobody says of which type the message is, what somebody stopped of one type is asked for.
            of_any = replace(message, campaign_type=message.campaign_type or suppression.within)
            held = replace(state.person, suppressions=(suppression,))
            (seen,) = towards(held, message.workspace).person.suppressions
            if seen.ended_at is None and holding_back([suppression], of_any, one.since):
                return one
    return None


async def compare_newcomer(unit: Unit, addressee_id: AddresseeId, email: str) -> None:
    """Enter with somebody who comes in all that the list has against their address."""
    algorithms = algorithms_of(await unit.load("tenant", unit.tenant_id))
    if algorithms:
        keys = unit.keys_by_hash(email, match_form(email), algorithms)
        await unit.load_many(ADDRESS_HASH.category, keys)
        enter_listed(unit, addressee_id, keys)


async def keys_listed(unit: Unit, email: str) -> tuple[str, ...]:
    """The reservations of an address's hashes, which are loaded; none where nothing stands under any."""
    algorithms = algorithms_of(await unit.load("tenant", unit.tenant_id))
    if not algorithms:
        return ()
    keys = unit.keys_by_hash(email, match_form(email), algorithms)
    await unit.load_many(ADDRESS_HASH.category, keys)
    return keys if listed_under(unit, keys) else ()


def enter_listed(unit: Unit, addressee_id: AddresseeId, keys: Iterable[str]) -> None:
    """Enter what stands under these reservations, which are loaded."""
    for one in listed_under(unit, keys):
        state: AddresseeState = unit.state("addressee", addressee_id)
        unit.append("addressee", addressee_id, *entered(addressee_id, state, one))


def listed_under(unit: Unit, keys: Iterable[str]) -> list[Listed]:
    """What stands under reservations that are loaded."""
    found: list[Listed] = []
    for key in keys:
        state: AddressHash = unit.state(ADDRESS_HASH.category, key)
        found += state.listed
    return found


def algorithms_of(tenant: object) -> tuple[str, ...]:
    """By which algorithms a tenant's list has hashes."""
    return tenant.hashed_by if isinstance(tenant, Tenant) else ()
