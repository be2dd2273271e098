"""The key store as a dictionary: for tests, held to the same contract."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from application.ports.keys import SubjectKey


class MemoryKeyStore:
    """Keys that live as long as the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._keys: dict[SubjectKey, bytes | None] = {}
        self._pseudonym_keys: dict[UUID, list[bytes]] = {}
        self._generation = 0
        self._destroyed: dict[UUID, datetime] = {}

    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """See `KeyStore.obtain`."""
        found = {key: self._keys.setdefault(key, secrets.token_bytes(32)) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    def find(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """See `KeyStore.find`."""
        return {key: value for key in keys if (value := self._keys.get(key)) is not None}

    def destroy(self, keys: Iterable[SubjectKey]) -> int:
        """See `KeyStore.destroy`."""
        destroyed = 0
        for key in keys:
            destroyed += self._keys.get(key) is not None
            self._keys[key] = None
            self._destroyed.setdefault(key[0], datetime.now(UTC))
        self._generation += 1
        return destroyed

    def destroy_tenant(self, tenant_id: UUID) -> int:
        """See `KeyStore.destroy_tenant`."""
        mine = [key for key in self._keys if key[0] == tenant_id]
        destroyed = self.destroy(mine)
        self._pseudonym_keys.pop(tenant_id, None)
        self._destroyed.pop(tenant_id, None)
        return destroyed

    def rotate_due(
        self, destroyed_before: datetime, stopping: Callable[[], bool] = lambda: False
    ) -> list[UUID]:
        """See `KeyStore.rotate_due`. There are no copies."""
        due = [
            tenant for tenant, since in self._destroyed.items() if since < destroyed_before and not stopping()
        ]
        for tenant in due:
            del self._destroyed[tenant]
        return due

    def hmac_keys(self, tenant_id: UUID) -> list[bytes]:
        """See `KeyStore.hmac_keys`."""
        return self._pseudonym_keys.setdefault(tenant_id, [secrets.token_bytes(32)])

    def generation(self) -> int:
        """See `KeyStore.generation`."""
        return self._generation
