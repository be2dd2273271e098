"""Webhook commands that look beyond their stream: at what their maker may read, and at position tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.entitlements import requires
from application.ports.positions import MalformedPosition, Position
from application.unit import handles
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.permissions import Permission
from domain.tenancy.api_key import within
from domain.webhooks.commands import (
    ChangeWebhookEndpoint,
    CreateWebhookEndpoint,
    ReplayWebhook,
    replayed,
)
from domain.webhooks.endpoint import NoEndpoint

if TYPE_CHECKING:
    from application.ports.log import Head
    from application.unit import Unit

_SENT: Final = frozenset({Permission.HISTORY_READ})
"""What an endpoint is sent is the history: nobody has it sent who may not read it."""


class NotAPosition(Refusal):
    """A range is told in positions as bodies and answers hold them. Pass them on exactly as they were given."""

    code = "not-a-position"
    kind = RefusalKind.INVALID


class PositionNotInLog(Refusal):
    """A range is of what the log holds now. Take positions from 1 to its latest, as told since a restore."""

    code = "position-not-in-log"
    kind = RefusalKind.INVALID


@handles(CreateWebhookEndpoint)
async def create_webhook_endpoint(command: CreateWebhookEndpoint, unit: Unit) -> None:
    """Make an endpoint that is sent no more than its maker may read, where the plan includes the API."""
    await requires(unit, "api")
    within(_SENT, unit.principal_permissions)
    await unit.load("webhook_endpoint", command.stamp.target)
    unit.decide(command)


@handles(ChangeWebhookEndpoint)
async def change_webhook_endpoint(command: ChangeWebhookEndpoint, unit: Unit) -> None:
    """Change where it is sent, or what."""
    within(_SENT, unit.principal_permissions)
    await unit.load("webhook_endpoint", command.stamp.target)
    unit.decide(command)


@handles(ReplayWebhook)
async def replay_webhook(command: ReplayWebhook, unit: Unit) -> None:
    """Ask for a range to be sent again."""
    within(_SENT, unit.principal_permissions)
    state = await unit.load("webhook_endpoint", command.stamp.target)
    if isinstance(state, NoEndpoint):
        raise NotFound  # before the range is looked at: nothing is here, whatever its range
    head = await unit.head()
    first = _held(command.from_position, head, "/from_position")
    last = _held(command.to_position, head, "/to_position")
    unit.append("webhook_endpoint", command.stamp.target, replayed(state, first, last))


def _held(token: str, head: Head | None, field: str) -> int:
    """The position that a token names, of an event that the log holds."""
    try:
        position = Position.parse(token)
    except MalformedPosition:
        raise _blaming(NotAPosition, field) from None
    if head is None or position.epoch != head.epoch or not 1 <= position.n <= head.position:
        raise _blaming(PositionNotInLog, field)
    return position.n


def _blaming(refusal: type[Refusal], field: str) -> Refusal:
    return refusal(errors=[{"pointer": field, "code": refusal.code, "detail": refusal.rule()}])
