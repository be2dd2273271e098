"""Secrets that an answer shows: API keys, invitations' tokens, what webhooks are signed with.

An answer that was lost on its way is asked for again under the same idempotency key. Where nobody could get in without
the secret, or receivers already rely on it, the key store keeps it, and it is shown again for a day to whoever sent the
command: a new tenant's first key, and what webhooks are signed with. Any other is revoked, and another made.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.credentials import first_api_key, new_api_key, new_secret
from application.webhooks.secrets import kept_text, secret_text
from domain.kernel.ids import new_id
from domain.platform.registration import RegisterTenant, first_key_id
from domain.tenancy.secret import KeptSecretCommand
from domain.webhooks.endpoint import WebhookEndpointCreated, WebhookSecretRotated

if TYPE_CHECKING:
    from uuid import UUID

    from application.commanding import Clock
    from application.credentials import ApiKeyText, SecretHasher
    from application.orders import Outcome
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.log import TenantLog
    from domain.tenancy.secret import SecretCommand

SHOWN_AGAIN_FOR: Final = timedelta(hours=24)


class ShownSecrets:
    """Makes the secrets of commands, and finds those that are kept. Never on the event loop: the key store may wait."""

    def __init__(
        self, keys: KeyStore, hasher: SecretHasher, log: TenantLog, codec: EventCodec, clock: Clock
    ) -> None:
        """Keep what is kept in `keys`."""
        self._keys = keys
        self._hasher = hasher
        self._log = log
        self._codec = codec
        self._clock = clock

    async def made(self, command: SecretCommand, tenant_id: UUID, target: UUID) -> str:
        """A secret for a command on `target`, which is told what to store of it.

        What is kept is durable before the command's event is: once that is told, nothing can fail. What is refused, or
        was answered before, leaves a key that nothing names.
        """
        if isinstance(command, KeptSecretCommand):
            secret_id = new_id(self._clock())
            command.keeping(secret_id)
            return await asyncio.to_thread(secret_text, self._keys, tenant_id, secret_id)
        return await asyncio.to_thread(self._carried, command, tenant_id, target)

    def _carried(self, command: SecretCommand, tenant_id: UUID, target: UUID) -> str:
        made = self._new(command, tenant_id, target)
        command.carrying(self._hasher.hmac(made.tenant_id, made.text))
        return made.text

    def _new(self, command: SecretCommand, tenant_id: UUID, target: UUID) -> ApiKeyText:
        if not isinstance(command, RegisterTenant):
            return new_secret(command, tenant_id, target)
        try:
            return first_api_key(self._keys.obtain, target)
        except KeyError:  # it was forgotten: there is such a tenant, and the command will say so
            return new_api_key(target, first_key_id(target))

    async def again(self, command: SecretCommand, actor: UUID, outcome: Outcome) -> str | None:
        """The secret of an answer that is given again to the actor whose it was.

        None where it was somebody else's, where none was kept, or its day is over.
        """
        appended = outcome.appended
        if appended is None or self._clock() - appended.recorded_at > SHOWN_AGAIN_FOR:
            return None
        tenant_id, first = appended.tenant_id, appended.first_position
        rows = await self._log.read_log(tenant_id, after=first - 1, limit=1, up_to=appended.last_position)
        for row, metadata in zip(rows, self._codec.metadata(rows), strict=True):
            if metadata["actor"]["id"] != str(actor):
                return None
            if isinstance(command, RegisterTenant):
                return await asyncio.to_thread(self._first_key, outcome.target)
            (event,) = self._codec.decode([row])
            if isinstance(event, WebhookEndpointCreated | WebhookSecretRotated):
                return await asyncio.to_thread(kept_text, self._keys, tenant_id, event.secret_id)
        return None

    def _first_key(self, tenant_id: UUID) -> str | None:
        try:
            return first_api_key(self._keys.find, tenant_id).text
        except KeyError:
            return None
