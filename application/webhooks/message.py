"""A message of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0), made of one event.

An event keeps its message's id for an endpoint, whenever and however often it is sent. The id is made of the event's
position and moment: after a restore that lost its tail, another event at the same position has another id.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from application.ports.positions import Position
from application.replay import PSEUDONYMOUS
from application.showing import without_pseudonyms
from domain.kernel.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from application.ports.log import Recorded


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `webhook-id` and the exact bytes of the body."""

    id: str
    body: bytes


def message_of(endpoint_id: UUID, epoch: int, row: Recorded, sealed: dict[str, Any]) -> Message:
    """The message of a stored event. `sealed`: its payload with personal values as `[sealed]`."""
    recorded_at = row.recorded_at.astimezone(UTC)  # the database tells it in whatever zone its session is in
    body = {
        "type": row.name,
        "timestamp": recorded_at,
        "data": {
            "tenant": row.tenant_id,
            "position": Position(epoch, row.position).token(),
            "stream": row.category if row.category in PSEUDONYMOUS else row.stream,
            "version": row.version,
            "schema_version": row.schema_version,
            "event": without_pseudonyms(sealed),
        },
    }
    told = derived_id(endpoint_id, row.position, recorded_at.isoformat())
    return Message(f"msg_{told.hex}", orjson.dumps(body, option=orjson.OPT_UTC_Z))


def headers_of(message: Message, keys: Sequence[bytes], at: datetime, *, replay: bool) -> dict[str, str]:
    """The headers of one attempt at the moment `at`, signed with every key."""
    moment = str(int(at.timestamp()))
    signed = b".".join((message.id.encode(), moment.encode(), message.body))
    signatures = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return {
        "content-type": "application/json",
        "user-agent": "PenguinMails-Webhooks/1",
        "webhook-id": message.id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        **({"webhook-replay": "true"} if replay else {}),
    }
