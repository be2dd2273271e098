"""What leaves the log in an answer, whichever door it is asked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.kernel.commands import COMMANDS
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.ports.codec import EventCodec
    from application.ports.log import Recorded
    from application.principals import Principal


def is_pseudonym(name: str) -> bool:
    """Whether a field holds an HMAC of a secret or an address: personal data, which stays in the log."""
    return name.endswith("_hmac")


def without_pseudonyms(content: Mapping[str, Any]) -> dict[str, Any]:
    """A payload or a state as it may be shown."""
    return {name: value for name, value in content.items() if not is_pseudonym(name)}


def may_see_receipt(principal: Principal, events: Sequence[Recorded], codec: EventCodec) -> bool:
    """Those who may read the history see what became of every key; others of what they did themselves."""
    if Permission.HISTORY_READ in principal.permissions:
        return True
    own = str(principal.actor.id)
    return all(metadata["actor"]["id"] == own for metadata in codec.metadata(events))


def events_shown(principal: Principal, command: str, events: Sequence[Recorded]) -> list[Recorded]:
    """Those of a receipt's events that its command's answer named: see `Order.shows`."""
    if Permission.HISTORY_READ in principal.permissions:
        return list(events)
    context, _, slug = command.partition(".")
    kind = COMMANDS.by_route.get((context, slug))
    if kind is None or principal.confined_to(kind.permission) is None:
        return list(events)
    return [event for event in events if event.category == kind.stream]
