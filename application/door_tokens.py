"""Tokens of the doors that people come in by: who may say what, from one link, without an account.

A token is base64url of a version byte and two sealed boxes, one in the other. The outer one, under a key of the
platform, holds the tenant: so forged tokens are refused before any log or key of a tenant is looked at. The inner one,
under a key of that tenant, holds the person and what the link is for. Nothing in it can be read or compared: the same
link made twice is two different texts. It never expires, and opens under every key that is still live.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.ports.sealing import SEALING_KEY
from application.pseudonyms import hmac_of
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from application.ports.keys import KeyStore
    from application.ports.sealing import Sealing

_VERSION: Final = 1
_SALT: Final = 12
_ID: Final = 16
_REQUEST: Final = 4
_HEAD: Final = _SALT + 1 + 1 + _ID
_WORKSPACE, _MESSAGE, _ASKED, _VOUCHED = 1, 2, 4, 8
LONGEST: Final = 400
"""Characters of a token, with room to spare."""


class Door(IntEnum):
    """What a token is for. The numbers are in mails that were sent: they never change."""

    OPT_OUT = 1
    """Stopping everything, as a mail program does it by itself (RFC 8058)."""
    PREFERENCES = 2
    """The page on which a person chooses."""
    CONFIRM = 3
    """Double opt-in, second step."""


class LinkUnusable(Refusal):
    """This link opens nothing here: it is not whole, or not for this. Open the one in the message again, whole."""

    code = "link-unusable"
    kind = RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class DoorToken:
    """What a token says. `request`: the version of the first step's event, of a confirmation alone.

    `vouched`: whoever had it made may end an opt-out themselves. Another ends none before its message has gone out.
    """

    door: Door
    tenant_id: UUID
    addressee_id: UUID
    workspace_id: UUID | None = None
    message_id: UUID | None = None
    campaign_type: str | None = None
    request: int | None = None
    vouched: bool = False


class DoorTokens:
    """Makes and reads tokens, under the live pseudonym keys of tenant and platform."""

    def __init__(self, keys: KeyStore, sealing: Sealing) -> None:
        """Take the keys from the key store, at each use: what was rotated away opens nothing any more."""
        self._keys = keys
        self._sealing = sealing

    def text(self, token: DoorToken) -> str:
        """A token as it stands in a link."""
        version, tenant = bytes([_VERSION]), token.tenant_id.bytes
        inner = self._sealing.seal(self._live(token.tenant_id)[0], _packed(token), version + tenant)
        outer = self._sealing.seal(self._live(PLATFORM)[0], tenant + inner, version)
        return _encoded(version + outer)

    def read(self, text: str, door: Door) -> DoorToken:
        """What a token for this door says. Raises `LinkUnusable`, whatever is wrong with it."""
        raw = _decoded(text)
        version, outer = raw[:1], raw[1:]
        if version != bytes([_VERSION]):
            raise LinkUnusable
        opened = self._opened(self._live(PLATFORM), outer, version)
        if opened is None or len(opened) < _ID:
            raise LinkUnusable
        tenant, inner = opened[:_ID], opened[_ID:]
        content = self._opened(self._live(UUID(bytes=tenant)), inner, version + tenant)
        token = None if content is None else _unpacked(UUID(bytes=tenant), content)
        if token is None or token.door is not door:
            raise LinkUnusable
        return token

    def _live(self, tenant_id: UUID) -> list[bytes]:
        """The sealing keys, the current one first."""
        return [_sealing_key(key) for key in self._keys.hmac_keys(tenant_id)]

    def _opened(self, keys: Iterable[bytes], sealed: bytes, bound: bytes) -> bytes | None:
        """What one of the keys opens; all are tried, whichever does."""
        found = [self._sealing.open(key, sealed, bound) for key in keys]
        return next((one for one in found if one is not None), None)


def _sealing_key(key: bytes) -> bytes:
    """A key for this alone, made from a pseudonym key."""
    return (hmac_of(key, "door", "authenticate") + hmac_of(key, "door", "encrypt"))[:SEALING_KEY]


def _packed(token: DoorToken) -> bytes:
    parts, flags = [token.addressee_id.bytes], 0
    if token.workspace_id is not None:
        flags |= _WORKSPACE
        parts.append(token.workspace_id.bytes)
    if token.message_id is not None:
        flags |= _MESSAGE
        parts.append(token.message_id.bytes)
    if token.request is not None:
        flags |= _ASKED
        parts.append(token.request.to_bytes(_REQUEST))
    if token.vouched:
        flags |= _VOUCHED
    parts.append((token.campaign_type or "").encode())
    return secrets.token_bytes(_SALT) + bytes([token.door, flags]) + b"".join(parts)


def _unpacked(tenant_id: UUID, content: bytes) -> DoorToken | None:
    """None where a later version of the product put something in that this one does not know."""
    if len(content) < _HEAD or content[_SALT] not in list(Door):
        return None
    door, flags, at = Door(content[_SALT]), content[_SALT + 1], _HEAD
    found: dict[int, bytes] = {}
    for flag, size in ((_WORKSPACE, _ID), (_MESSAGE, _ID), (_ASKED, _REQUEST)):
        if flags & flag:
            found[flag] = content[at : at + size]
            at += size
    if len(content) < at or flags & ~(_WORKSPACE | _MESSAGE | _ASKED | _VOUCHED):
        return None
    return DoorToken(
        door,
        tenant_id,
        UUID(bytes=content[_HEAD - _ID : _HEAD]),
        workspace_id=UUID(bytes=found[_WORKSPACE]) if _WORKSPACE in found else None,
        message_id=UUID(bytes=found[_MESSAGE]) if _MESSAGE in found else None,
        campaign_type=content[at:].decode() or None,
        request=int.from_bytes(found[_ASKED]) if _ASKED in found else None,
        vouched=bool(flags & _VOUCHED),
    )


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    """The bytes of a token; nothing where it is not in the one form that we write."""
    if len(text) > LONGEST or not text.isascii():
        return b""
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
    return raw if _encoded(raw) == text else b""
