"""Ids: random, and in the order of their making (UUIDv7, RFC 9562 section 5.7)."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final, NewType
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from datetime import datetime

TenantId = NewType("TenantId", UUID)
WorkspaceId = NewType("WorkspaceId", UUID)
MemberId = NewType("MemberId", UUID)
StaffId = NewType("StaffId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
GrantId = NewType("GrantId", UUID)
ContactId = NewType("ContactId", UUID)
AddresseeId = NewType("AddresseeId", UUID)
ListId = NewType("ListId", UUID)
ImportId = NewType("ImportId", UUID)
MessageId = NewType("MessageId", UUID)
CampaignId = NewType("CampaignId", UUID)
AuthorisationId = NewType("AuthorisationId", UUID)
SubjectRequestId = NewType("SubjectRequestId", UUID)
ChangeId = NewType("ChangeId", UUID)
GatewayEventId = NewType("GatewayEventId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
InvoiceId = NewType("InvoiceId", UUID)
PaymentId = NewType("PaymentId", UUID)
BlockId = NewType("BlockId", UUID)
NoticeId = NewType("NoticeId", UUID)
ActivityId = NewType("ActivityId", UUID)
SavedQueryId = NewType("SavedQueryId", UUID)
ScheduleId = NewType("ScheduleId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
PostingId = NewType("PostingId", UUID)
WebhookEndpointId = NewType("WebhookEndpointId", UUID)
WebhookSecretId = NewType("WebhookSecretId", UUID)
CostId = NewType("CostId", UUID)
TargetId = NewType("TargetId", UUID)
ExchangeRateId = NewType("ExchangeRateId", UUID)
CommandId = NewType("CommandId", UUID)

PLATFORM: Final = TenantId(UUID("00000000-0000-7000-8000-000000000001"))
"""The platform's own log: staff, plans, reservations across tenants. It is a tenant like the others."""

_RANDOM_BITS: Final = (1 << 74) - 1
_BYTES: Final = 10
_AT_ONCE: Final = 256
_DRAWN: Final[deque[int]] = deque()
os.register_at_fork(after_in_child=_DRAWN.clear)
_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0x2 << 62


def new_id(at: datetime, randomness: int | None = None) -> UUID:
    """A UUIDv7 for the moment `at`; `randomness` (74 bits) comes from the system unless given."""
    bits = _drawn() if randomness is None else randomness
    milliseconds = int(at.timestamp() * 1000)
    high, low = bits >> 62, bits & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | _VERSION_7 | (high << 64) | _VARIANT | low)


def _drawn() -> int:
    """74 random bits. The system is asked for many at once: asking takes longer than all the rest of an id."""
    while True:
        try:
            return _DRAWN.pop()
        except IndexError:
            raw = os.urandom(_BYTES * _AT_ONCE)
            _DRAWN.extend(
                int.from_bytes(raw[start : start + _BYTES]) & _RANDOM_BITS
                for start in range(0, len(raw), _BYTES)
            )


def derived_id(parent: UUID, *parts: object) -> UUID:
    """The same id for the same parent and parts, always: for what must not be made twice."""
    return uuid5(parent, "/".join(str(part) for part in parts))
