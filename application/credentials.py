"""API keys as text: `pm_live_` and 56 bytes in base64url: the tenant, the key's id, 24 random bytes.

The tenant is in the key, so that row level security knows it before anything is looked up. Only the HMAC-SHA-256 of
the whole text is stored; with 192 random bits behind it a slow hash would protect nothing more.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.pseudonyms import SECRET, is_one_of, pseudonym
from domain.kernel.personal import KeyKind
from domain.platform.registration import first_key_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from application.ports.keys import KeyStore, SubjectKey
    from domain.tenancy.secret import SecretCommand

PREFIX: Final = "pm_live_"
INVITATION_PREFIX: Final = "pm_invite_"
_RANDOM: Final = 24
_LENGTH: Final = 16 + 16 + _RANDOM


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """What an API key says by itself, before anybody believes it."""

    tenant_id: UUID
    key_id: UUID
    text: str


def new_api_key(tenant_id: UUID, key_id: UUID) -> ApiKeyText:
    """A key with a fresh secret."""
    return _new(PREFIX, tenant_id, key_id)


def new_invitation(tenant_id: UUID, member_id: UUID) -> ApiKeyText:
    """An invitation's token with a fresh secret; `key_id` is the member's."""
    return _new(INVITATION_PREFIX, tenant_id, member_id)


def new_secret(command: SecretCommand, tenant_id: UUID, target: UUID) -> ApiKeyText:
    """What the answer to a command on `target` shows once: a key, or an invitation's token."""
    make = new_api_key if command.stream == "api_key" else new_invitation
    return make(tenant_id, target)


def first_key_kept(tenant_id: UUID) -> SubjectKey:
    """What the key store knows the random part of a tenant's first key by, for a day."""
    return (tenant_id, str(first_key_id(tenant_id)), KeyKind.PROFILE)


def first_api_key(
    keys: Callable[[list[SubjectKey]], Mapping[SubjectKey, bytes]], tenant_id: UUID
) -> ApiKeyText:
    """The first key of a new tenant; `keys` obtains its random part, or finds it. Raises `KeyError`: it is gone."""
    kept = first_key_kept(tenant_id)
    return _text(PREFIX, tenant_id, first_key_id(tenant_id), keys([kept])[kept][:_RANDOM])


def parse_api_key(text: str) -> ApiKeyText | None:
    """Take a key apart; None where it is none of ours."""
    return _parse(PREFIX, text)


def parse_invitation(text: str) -> ApiKeyText | None:
    """Take an invitation's token apart; None where it is none of ours."""
    return _parse(INVITATION_PREFIX, text)


def _new(prefix: str, tenant_id: UUID, key_id: UUID) -> ApiKeyText:
    return _text(prefix, tenant_id, key_id, secrets.token_bytes(_RANDOM))


def _text(prefix: str, tenant_id: UUID, key_id: UUID, random: bytes) -> ApiKeyText:
    raw = tenant_id.bytes + key_id.bytes + random
    return ApiKeyText(tenant_id, key_id, prefix + base64.urlsafe_b64encode(raw).decode().rstrip("="))


def _parse(prefix: str, text: str) -> ApiKeyText | None:
    if not text.startswith(prefix):
        return None
    body = text[len(prefix) :]
    try:
        raw = base64.b64decode(body.encode("ascii") + b"=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(raw) != _LENGTH:
        return None
    return ApiKeyText(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), text)


class SecretHasher:
    """HMACs of secrets that were shown once, under the tenant's live pseudonym keys."""

    def __init__(self, keys: KeyStore) -> None:
        """Take the keys from the key store."""
        self._keys = keys

    def hmac(self, tenant_id: UUID, secret: str) -> str:
        """The HMAC that is stored; hex."""
        return pseudonym(self._keys.hmac_keys(tenant_id)[0], SECRET, secret)

    def matches(self, tenant_id: UUID, secret: str, stored: str) -> bool:
        """Whether a secret is the one that was shown, under any live key; in constant time per key."""
        shown = [pseudonym(key, SECRET, secret) for key in self._keys.hmac_keys(tenant_id)]
        return is_one_of(shown, stored)
