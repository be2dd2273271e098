"""A webhook endpoint: an address that a tenant's events are sent to, with the secrets they are signed with.

The log never holds a secret, only its id; the secret itself stands in the key store. After a rotation the old secret
signs beside the new one until its overlap ends. What became of single deliveries is no event: it would be one more for
each event there is. That an endpoint was paused, resumed, or asked to be told again, is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never

from domain.kernel.events import Event
from domain.kernel.ids import WebhookEndpointId, WebhookSecretId


class PauseReason(StrEnum):
    """Why nothing is sent."""

    ASKED = "asked"
    FAILING = "failing"


class WebhookEndpointCreated(Event, name="webhooks.endpoint_created", version=1):
    """An endpoint came to be; it is sent what happens from now on. `events`: names, `context.*`, or `*`."""

    endpoint_id: WebhookEndpointId
    url: str
    events: list[str]
    description: str | None
    secret_id: WebhookSecretId


class WebhookEndpointChanged(Event, name="webhooks.endpoint_changed", version=1):
    """An endpoint is from now on as told here."""

    endpoint_id: WebhookEndpointId
    url: str
    events: list[str]
    description: str | None


class WebhookSecretRotated(Event, name="webhooks.secret_rotated", version=1):
    """An endpoint has a new secret."""

    endpoint_id: WebhookEndpointId
    secret_id: WebhookSecretId


class WebhookSecretRetired(Event, name="webhooks.secret_retired", version=1):
    """A secret signs until `retires_at` and no longer."""

    endpoint_id: WebhookEndpointId
    secret_id: WebhookSecretId
    retires_at: datetime


class WebhookSecretDestroyed(Event, name="webhooks.secret_destroyed", version=1):
    """A retired secret is gone from the key store."""

    endpoint_id: WebhookEndpointId
    secret_id: WebhookSecretId


class WebhookEndpointPaused(Event, name="webhooks.endpoint_paused", version=1):
    """Nothing is sent until the endpoint is resumed. `failures`: how many in a row, where those were the reason."""

    endpoint_id: WebhookEndpointId
    reason: str
    failures: int | None


class WebhookEndpointResumed(Event, name="webhooks.endpoint_resumed", version=1):
    """Sending goes on where it stopped."""

    endpoint_id: WebhookEndpointId


class WebhookEndpointRemoved(Event, name="webhooks.endpoint_removed", version=1):
    """Nothing is sent any more, for good."""

    endpoint_id: WebhookEndpointId


class WebhookReplayAsked(Event, name="webhooks.replay_asked", version=1):
    """The events from position `first` to position `last` are to be sent once more."""

    endpoint_id: WebhookEndpointId
    first: int
    last: int


WebhookEvent: TypeAlias = (
    WebhookEndpointCreated
    | WebhookEndpointChanged
    | WebhookSecretRotated
    | WebhookSecretRetired
    | WebhookSecretDestroyed
    | WebhookEndpointPaused
    | WebhookEndpointResumed
    | WebhookEndpointRemoved
    | WebhookReplayAsked
)


@dataclass(frozen=True, slots=True)
class NoEndpoint:
    """No endpoint has this id."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is still kept. `retires_at` None: the current one."""

    secret_id: WebhookSecretId
    retires_at: datetime | None = None

    def signs_at(self, moment: datetime) -> bool:
        """Whether it signs what is sent at this moment."""
        return self.retires_at is None or moment < self.retires_at


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it stands. `paused`: why nothing is sent; None: it is."""

    endpoint_id: WebhookEndpointId
    url: str
    events: tuple[str, ...]
    description: str | None
    secrets: tuple[Secret, ...]
    paused: PauseReason | None = None
    removed: bool = False

    def signing(self, moment: datetime) -> tuple[Secret, ...]:
        """The secrets that sign at this moment, the oldest first."""
        return tuple(secret for secret in self.secrets if secret.signs_at(moment))


EndpointState: TypeAlias = NoEndpoint | Endpoint


def evolve(state: EndpointState, event: WebhookEvent) -> EndpointState:
    """The endpoint after `event`."""
    if isinstance(event, WebhookEndpointCreated):
        first = (Secret(event.secret_id),)
        return Endpoint(event.endpoint_id, event.url, tuple(event.events), event.description, first)
    if isinstance(state, NoEndpoint):
        return state
    match event:
        case WebhookEndpointChanged():
            return replace(state, url=event.url, events=tuple(event.events), description=event.description)
        case WebhookSecretRotated():
            return replace(state, secrets=(*state.secrets, Secret(event.secret_id)))
        case WebhookSecretRetired():
            retired = Secret(event.secret_id, event.retires_at)
            kept = (retired if secret.secret_id == event.secret_id else secret for secret in state.secrets)
            return replace(state, secrets=tuple(kept))
        case WebhookSecretDestroyed():
            left = (secret for secret in state.secrets if secret.secret_id != event.secret_id)
            return replace(state, secrets=tuple(left))
        case WebhookEndpointPaused():
            return replace(state, paused=PauseReason(event.reason))
        case WebhookEndpointResumed():
            return replace(state, paused=None)
        case WebhookEndpointRemoved():
            return replace(state, removed=True)
        case WebhookReplayAsked():
            return state  # a replay is an errand beside the endpoint: what it may do next is the same
        case _:
            assert_never(event)
