"""What may be asked of a webhook endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import WebhookEndpointId, WebhookSecretId
from domain.kernel.permissions import Permission
from domain.kernel.text import LineText
from domain.tenancy.secret import KeptSecretCommand
from domain.webhooks.address import ANY, EventFilters, WebhookUrl
from domain.webhooks.endpoint import (
    Endpoint,
    EndpointState,
    NoEndpoint,
    PauseReason,
    WebhookEndpointChanged,
    WebhookEndpointCreated,
    WebhookEndpointPaused,
    WebhookEndpointRemoved,
    WebhookEndpointResumed,
    WebhookReplayAsked,
    WebhookSecretDestroyed,
    WebhookSecretRetired,
    WebhookSecretRotated,
    evolve,
)

OVERLAP: Final = timedelta(hours=24)
"""How long an old secret signs beside the new one."""


class EndpointIdTaken(Refusal):
    """An endpoint's id is used once. Take a new id."""

    code = "webhook-endpoint-id-taken"


class EndpointIsRemoved(Refusal):
    """A removed endpoint never changes again. Create a new one."""

    code = "webhook-endpoint-removed"


class NoSuchEvents(Refusal):
    """A filter names events that there are. See `unknown`, and the names in docs/webhooks.md."""

    code = "no-such-events"
    kind = RefusalKind.INVALID
    field = "/events"


class RotationUnderWay(Refusal):
    """While two secrets sign, a third is not made. Wait until the overlap of 24 hours ends, or rotate `at_once`."""

    code = "secret-rotation-under-way"


class SecretStillSigns(Refusal):
    """A secret is destroyed when it has retired, and not before. Wait until then."""

    code = "webhook-secret-still-signs"


class RangeBackwards(Refusal):
    """A range begins at 1 at the earliest and ends no sooner than it begins. Exchange the two positions."""

    code = "range-backwards"
    kind = RefusalKind.INVALID
    field = "/to_position"


_MANAGE: Final = Permission.WEBHOOKS_MANAGE


class CreateWebhookEndpoint(
    KeptSecretCommand, context="webhooks", stream="webhook_endpoint", permission=_MANAGE
):
    """Have events sent to an address from now on; the answer shows the secret they are signed with, once."""

    url: WebhookUrl
    events: EventFilters = Field(default_factory=lambda: [ANY])
    description: LineText | None = None


class ChangeWebhookEndpoint(Command, context="webhooks", stream="webhook_endpoint", permission=_MANAGE):
    """Change an endpoint; what is left out stays. What was not sent yet is sent as the endpoint is then."""

    url: WebhookUrl | None = None
    events: EventFilters | None = None
    description: LineText | None = Field(default=None, description="Left out: it stays. Null: it is cleared.")


class RotateWebhookSecret(
    KeptSecretCommand, context="webhooks", stream="webhook_endpoint", permission=_MANAGE
):
    """Make a new secret, shown once. The old one signs beside it for 24 hours, or stops `at_once`, as after a leak."""

    at_once: bool = False


class PauseWebhookEndpoint(Command, context="webhooks", stream="webhook_endpoint", permission=_MANAGE):
    """Send nothing for now."""


class ResumeWebhookEndpoint(Command, context="webhooks", stream="webhook_endpoint", permission=_MANAGE):
    """Go on where sending stopped. What was given up before that is sent by `replay-webhook` alone."""


class RemoveWebhookEndpoint(Command, context="webhooks", stream="webhook_endpoint", permission=_MANAGE):
    """Send nothing any more, for good, and destroy the secrets."""


class ReplayWebhook(Command, context="webhooks", stream="webhook_endpoint", permission=_MANAGE):
    """Send the events of a range once more, under the same ids. Both ends are positions as the bodies tell them."""

    from_position: Annotated[str, Field(max_length=100)]
    to_position: Annotated[str, Field(max_length=100)]


class PauseFailingWebhook(
    Command, context="webhooks", stream="webhook_endpoint", permission=Permission.INTERNAL, internal=True
):
    """Send nothing for now, since it failed so often in a row."""

    failures: int


class ConfirmWebhookSecretDestroyed(
    Command, context="webhooks", stream="webhook_endpoint", permission=Permission.INTERNAL, internal=True
):
    """Say that a retired secret is gone from the key store."""

    secret_id: WebhookSecretId


EndpointCommand: TypeAlias = (
    CreateWebhookEndpoint
    | ChangeWebhookEndpoint
    | RotateWebhookSecret
    | PauseWebhookEndpoint
    | ResumeWebhookEndpoint
    | RemoveWebhookEndpoint
    | PauseFailingWebhook
    | ConfirmWebhookSecretDestroyed
)


def known(filters: list[str]) -> list[str]:
    """Filters, each once, that name events there are."""
    contexts = {name.partition(".")[0] for name in EVENTS.classes}
    unknown = [
        one
        for one in filters
        if one != ANY and one not in EVENTS.classes and one.removesuffix(".*") not in contexts
    ]
    if unknown:
        raise NoSuchEvents(unknown=unknown)
    return list(dict.fromkeys(filters))


def replayed(state: Endpoint, first: int, last: int) -> WebhookReplayAsked:
    """The event that asks for a replay of a range, both ends included."""
    if state.removed:
        raise EndpointIsRemoved
    if not 1 <= first <= last:
        raise RangeBackwards
    return WebhookReplayAsked(endpoint_id=state.endpoint_id, first=first, last=last)


def _created(command: CreateWebhookEndpoint, state: EndpointState) -> WebhookEndpointCreated:
    if isinstance(state, Endpoint):
        raise EndpointIdTaken
    return WebhookEndpointCreated(
        endpoint_id=WebhookEndpointId(command.stamp.target),
        url=command.url,
        events=known(command.events),
        description=command.description,
        secret_id=WebhookSecretId(command.secret_id),
    )


def _changed(command: ChangeWebhookEndpoint, state: Endpoint) -> tuple[Event, ...]:
    events = list(state.events) if command.events is None else known(command.events)
    told = "description" in command.model_fields_set
    change = WebhookEndpointChanged(
        endpoint_id=state.endpoint_id,
        url=command.url or state.url,
        events=events,
        description=command.description if told else state.description,
    )
    return () if evolve(state, change) == state else (change,)


def _rotated(command: RotateWebhookSecret, state: Endpoint) -> tuple[Event, ...]:
    at, signing = command.stamp.at, state.signing(command.stamp.at)
    if len(signing) > 1 and not command.at_once:
        raise RotationUnderWay
    until = at if command.at_once else at + OVERLAP
    fresh = WebhookSecretId(command.secret_id)
    return (
        WebhookSecretRotated(endpoint_id=state.endpoint_id, secret_id=fresh),
        *(
            WebhookSecretRetired(endpoint_id=state.endpoint_id, secret_id=old.secret_id, retires_at=until)
            for old in signing
        ),
    )


def _removed(command: RemoveWebhookEndpoint, state: Endpoint) -> tuple[Event, ...]:
    at, endpoint_id = command.stamp.at, state.endpoint_id
    return (
        WebhookEndpointRemoved(endpoint_id=endpoint_id),
        *(
            WebhookSecretRetired(endpoint_id=endpoint_id, secret_id=old.secret_id, retires_at=at)
            for old in state.signing(at)
        ),
    )


def _destroyed(command: ConfirmWebhookSecretDestroyed, state: Endpoint) -> tuple[Event, ...]:
    if all(secret.secret_id != command.secret_id for secret in state.secrets):
        return ()
    if any(secret.secret_id == command.secret_id for secret in state.signing(command.stamp.at)):
        raise SecretStillSigns
    return (WebhookSecretDestroyed(endpoint_id=state.endpoint_id, secret_id=command.secret_id),)


def _paused(state: Endpoint, reason: PauseReason, failures: int | None) -> tuple[Event, ...]:
    if state.paused is not None:
        return ()
    return (WebhookEndpointPaused(endpoint_id=state.endpoint_id, reason=reason, failures=failures),)


def decide(command: EndpointCommand, state: EndpointState) -> tuple[Event, ...]:
    """What a command does to an endpoint."""
    if isinstance(command, CreateWebhookEndpoint):
        return (_created(command, state),)
    if isinstance(state, NoEndpoint):
        raise NotFound
    if isinstance(command, ConfirmWebhookSecretDestroyed):
        return _destroyed(command, state)
    if state.removed:
        if isinstance(command, RemoveWebhookEndpoint | PauseFailingWebhook):
            return ()
        raise EndpointIsRemoved
    match command:
        case ChangeWebhookEndpoint():
            return _changed(command, state)
        case RotateWebhookSecret():
            return _rotated(command, state)
        case PauseWebhookEndpoint():
            return _paused(state, PauseReason.ASKED, None)
        case PauseFailingWebhook():
            return _paused(state, PauseReason.FAILING, command.failures)
        case ResumeWebhookEndpoint():
            return () if state.paused is None else (WebhookEndpointResumed(endpoint_id=state.endpoint_id),)
        case RemoveWebhookEndpoint():
            return _removed(command, state)
        case _:
            assert_never(command)


WEBHOOK_ENDPOINT: Final[Decider[EndpointState]] = Decider(
    category="webhook_endpoint", initial=NoEndpoint(), evolve=evolve, decide=decide
)
