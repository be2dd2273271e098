"""Secrets that webhooks are signed with: keys of the key store, under ids that the log tells.

The store keeps them as it keeps all keys: sealed under the tenant's key, apart from the database, for ever gone once
destroyed. So no secret is ever in the log, in a view or in a line of a log file.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from application.ports.keys import KeyStore, SubjectKey

_PREFIX: Final = "whsec_"


def key_of(tenant_id: UUID, secret_id: UUID) -> SubjectKey:
    """What the key store knows a secret by; like an import's files, it is an object that goes whole."""
    return (tenant_id, str(secret_id), KeyKind.PROFILE)


def secret_text(keys: KeyStore, tenant_id: UUID, secret_id: UUID) -> str:
    """The secret as Standard Webhooks writes it, made where there was none: `whsec_` and 32 bytes in base64."""
    key = key_of(tenant_id, secret_id)
    return _written(keys.obtain([key])[key])


def kept_text(keys: KeyStore, tenant_id: UUID, secret_id: UUID) -> str | None:
    """The secret in the same form; None where it is gone."""
    key = key_of(tenant_id, secret_id)
    found = keys.find([key])
    return _written(found[key]) if key in found else None


def signing_keys(keys: KeyStore, tenant_id: UUID, secret_ids: Iterable[UUID]) -> list[bytes]:
    """The keys to sign with, in this order; those that are gone are left out, never made anew."""
    wanted = [key_of(tenant_id, secret_id) for secret_id in secret_ids]
    found = keys.find(wanted)
    return [found[key] for key in wanted if key in found]


def _written(secret: bytes) -> str:
    return _PREFIX + base64.b64encode(secret).decode()
