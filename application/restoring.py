"""After a restore: keys that the log says are destroyed are destroyed again, in case an old copy of them came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from application.credentials import first_key_kept
from application.disposing import KEYS
from application.webhooks.secrets import key_of
from domain.kernel.personal import KeyKind
from domain.retention.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from application.ports.keys import KeyStore, SubjectKey

_AT_ONCE: Final = 1_000

KEYS_GONE: Final[dict[str, Callable[[UUID, dict[str, Any]], SubjectKey]]] = {
    "audience.profile_key_destroyed": lambda tenant, told: (tenant, told["addressee_id"], KeyKind.PROFILE),
    "rights.details_destroyed": lambda tenant, told: (tenant, told["request_id"], KeyKind.PROFILE),
    "audience.evidence_key_destroyed": lambda tenant, told: (tenant, told["addressee_id"], KeyKind.EVIDENCE),
    "audience.import_files_destroyed": lambda tenant, told: (tenant, told["import_id"], KeyKind.PROFILE),
    "retention.object_destroyed": lambda tenant, told: (tenant, told["object_id"], KEYS[Kind(told["kind"])]),
    "webhooks.secret_destroyed": lambda tenant, told: key_of(tenant, UUID(told["secret_id"])),
    "platform.suppression_forgotten": lambda tenant, told: (tenant, told["suppression_id"], KeyKind.PROFILE),
    "platform.first_key_forgotten": lambda _, told: first_key_kept(UUID(told["tenant_id"])),
}
"""The events that say that a key was destroyed, and which one."""


def destroy_again(events: Iterable[tuple[UUID, str, bytes]], keys: KeyStore) -> int:
    """Destroy the keys that these events, by tenant, name and payload, say are gone; how many were there again.

    Raises `KeysUnavailable`; then it is done anew from the beginning, which does no harm.
    """
    found, batch = 0, []
    for tenant_id, name, payload in events:
        batch.append(KEYS_GONE[name](tenant_id, orjson.loads(payload)))
        if len(batch) == _AT_ONCE:
            found += _again(batch, keys)
            batch.clear()
    return found + _again(batch, keys)


def _again(batch: list[SubjectKey], keys: KeyStore) -> int:
    there = keys.find(batch)
    return keys.destroy(list(there)) if there else 0
