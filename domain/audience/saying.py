"""What workspaces say of where somebody is and whose the address is: it holds while they say it, and no longer.

A contact that leaves takes along what its workspace said, and so does an import that is rolled back. What is left
counts: where the others agree, that; where nobody says anything, nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.audience.addressee_events import AddresseeDescribed, DescriptionTakenBack
from domain.audience.addressee_state import Addressee, AddresseeState, Said

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from domain.kernel.ids import AddresseeId, WorkspaceId

_NOTHING = Said(None, None)


def said_of(
    state: AddresseeState,
    addressee_id: AddresseeId,
    workspace_id: WorkspaceId,
    country: str | None,
    subscriber_type: str | None,
) -> tuple[AddresseeDescribed, ...]:
    """The event that enters what a workspace says of an addressee now; none where it says nothing new."""
    if country is None and subscriber_type is None:
        return ()
    before = state.said.get(workspace_id) if isinstance(state, Addressee) else None
    known = before or Said(None, None)
    if (country or known.country, subscriber_type or known.subscriber_type) == known:
        return ()
    described = AddresseeDescribed(
        addressee_id=addressee_id,
        workspace_id=workspace_id,
        country=country,
        subscriber_type=subscriber_type,
    )
    return (described,)


def says_now(
    state: AddresseeState, workspace_id: WorkspaceId, country: str | None, subscriber_type: str | None
) -> tuple[AddresseeDescribed | DescriptionTakenBack, ...]:
    """The event after which a workspace says this of an addressee, and nothing else; none where it does already."""
    if not isinstance(state, Addressee) or state.erased:
        return ()
    now, before = Said(country, subscriber_type), state.said.get(workspace_id, _NOTHING)
    if not _is_less(now, before):
        return said_of(state, state.addressee_id, workspace_id, country, subscriber_type)
    return (_taken_back(state, workspace_id, now),)


def forgotten(state: Addressee, fields: Collection[str]) -> Iterable[DescriptionTakenBack]:
    """The events after which nobody says anything of these fields any more, the tenant as a whole included."""
    for workspace_id, before in state.said.items():
        now = before._replace(**dict.fromkeys(fields))
        if now != before:
            yield _taken_back(state, workspace_id, now)


def _is_less(now: Said, before: Said) -> bool:
    return any(value is None and known is not None for value, known in zip(now, before, strict=True))


def _taken_back(state: Addressee, workspace_id: WorkspaceId | None, now: Said) -> DescriptionTakenBack:
    return DescriptionTakenBack(addressee_id=state.addressee_id, workspace_id=workspace_id, **now._asdict())
