"""Webhook commands that look beyond their stream: at what their maker may read, and at position tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.ports.positions import MalformedPosition, Position
from application.unit import handles
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import Permission
from domain.tenancy.api_key import within
from domain.webhooks.commands import (
    ChangeWebhookEndpoint,
    CreateWebhookEndpoint,
    ReplayWebhook,
    replayed,
)

if TYPE_CHECKING:
    from application.unit import Unit

_SENT: Final = frozenset({Permission.HISTORY_READ})
"""What an endpoint is sent is the history: nobody has it sent who may not read it."""


class NotAPosition(Refusal):
    """A range is told in positions as bodies and answers hold them. Pass them on exactly as they were given."""

    code = "not-a-position"
    kind = RefusalKind.INVALID
    field = "/from_position"


@handles(CreateWebhookEndpoint)
async def create_webhook_endpoint(command: CreateWebhookEndpoint, unit: Unit) -> None:
    """Make an endpoint that is sent no more than its maker may read."""
    within(_SENT, unit.principal_permissions)
    await unit.load("webhook_endpoint", command.stamp.target)
    unit.decide(command)


@handles(ChangeWebhookEndpoint)
async def change_webhook_endpoint(command: ChangeWebhookEndpoint, unit: Unit) -> None:
    """Change where it is sent, or what."""
    await unit.load("webhook_endpoint", command.stamp.target)
    unit.decide(command)
    within(_SENT, unit.principal_permissions)


@handles(ReplayWebhook)
async def replay_webhook(command: ReplayWebhook, unit: Unit) -> None:
    """Ask for a range to be sent again."""
    state = await unit.load("webhook_endpoint", command.stamp.target)
    try:
        first, last = Position.parse(command.from_position), Position.parse(command.to_position)
    except MalformedPosition:
        raise NotAPosition from None
    unit.append("webhook_endpoint", command.stamp.target, replayed(state, first.n, last.n))
    within(_SENT, unit.principal_permissions)
