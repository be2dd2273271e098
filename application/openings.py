"""Single values out of a log, each with the opening of its commitment: what shows others that the log holds it.

Whoever asks says why. Of an erased person nothing opens any more, and that is told beside what does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from application.ports.codec import Sealed, Unopened
from domain.audit.origins import LogId, LogKind
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import EVENTS
from domain.kernel.permissions import Permission
from domain.kernel.personal import KeyKind
from domain.kernel.text import LongText

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from application.ports.codec import EventCodec
    from application.ports.ledger import Ledger

MOST_EVENTS: Final = 200
MOST_FIELDS: Final = 40
_PARTS: Final = {"~", "s", "c", "h"}
_OF_ACTOR: Final = ("ip", "reason")
_PLAIN: Final = "plain"
_EMPTY: Final = "empty"


class NothingSealed(Refusal):
    """A disclosure names events that are there, and fields that they have. Look at the event for its fields."""

    code = "nothing-sealed"
    kind = RefusalKind.INVALID
    field = "/events"


class OfEvent(BaseModel):
    """Fields of one event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: LogKind = Field(default=LogKind.EVENTS, description="`events`: what happened. `access`: who read.")
    position: int = Field(ge=1, description="The event's, in its log.")
    fields: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default=[], max_length=MOST_FIELDS, description="Fields of what the event says."
    )
    metadata: list[Literal["ip", "reason"]] = Field(
        default=[], max_length=2, description="Of whoever made it: whence they came, and what they wrote."
    )

    @model_validator(mode="after")
    def _names_something(self) -> OfEvent:
        if not self.fields and not self.metadata:
            raise ValueError("name at least one field")
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """Part and field of each value."""
        yield from (("payload", name) for name in dict.fromkeys(self.fields))
        yield from (("metadata", name) for name in dict.fromkeys(self.metadata))


class DisclosureAsked(BaseModel):
    """Which values are to be shown, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: LongText = Field(description="Why they are shown, and to whom: it is kept with the access log.")
    events: list[OfEvent] = Field(min_length=1, max_length=MOST_EVENTS)

    def told(self) -> list[dict[str, Any]]:
        """The question without its reason."""
        dumped: list[dict[str, Any]] = self.model_dump(mode="json")["events"]
        return dumped


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an event, sealed or not. `sealed` None: `why` tells why nothing opens."""

    log: LogKind
    position: int
    part: str
    field: str
    sealed: Sealed | None
    why: str = ""

    @property
    def permission(self) -> Permission | None:
        """What it takes to see it, beside the permission for personal values: what actors wrote takes no more."""
        if self.sealed is None or self.sealed.kind is not KeyKind.EVIDENCE:
            return None
        return None if (self.part, self.field) == ("metadata", "reason") else Permission.EVIDENCE_READ


@dataclass(frozen=True, slots=True)
class Opened:
    """A value that opened: its JSON, and what opens the commitment to it."""

    value: Value
    opening: bytes
    content: bytes


class Openings:
    """Opens values of one tenant at a time."""

    def __init__(self, ledger: Ledger, codec: EventCodec) -> None:
        """Read events from `ledger`, as they are proven."""
        self._ledger = ledger
        self._codec = codec

    async def find(self, tenant_id: UUID, asked: DisclosureAsked) -> list[Value]:
        """The values as they stand in the log; no key is touched. Raises `NothingSealed`."""
        found: dict[tuple[LogKind, int, str, str], Value] = {}
        for number, one in enumerate(asked.events):
            envelopes = await self._ledger.envelopes(LogId(tenant_id, one.log), one.position, one.position)
            if not envelopes:
                raise NothingSealed("There is no such event.", pointer=f"/events/{number}/position")
            event = json.loads(envelopes[0])
            for part, field in one.named():
                if part == "payload" and field not in event[part]:
                    raise NothingSealed(
                        f"The event {event['name']} at this position has no such field.",
                        pointer=f"/events/{number}/fields",
                    )
                found[one.log, one.position, part, field] = _value(one, event, part, field)
        return list(found.values())

    def open(self, tenant_id: UUID, values: Sequence[Value]) -> tuple[list[Opened], list[tuple[Value, str]]]:
        """Those that open, and of the others why they do not. It asks the key store, and may block."""
        sealed = [one.sealed for one in values if one.sealed is not None]
        results = iter(self._codec.openings(tenant_id, sealed))
        opened: list[Opened] = []
        withheld: list[tuple[Value, str]] = []
        for value in values:
            result = value.why if value.sealed is None else next(results)
            if isinstance(result, str):
                withheld.append((value, str(result)))
            else:
                opened.append(Opened(value, *result))
        return opened, withheld


def _value(asked: OfEvent, event: dict[str, Any], part: str, field: str) -> Value:
    content = event[part].get(field)  # metadata of early events lack some
    personal = (
        EVENTS.sealed_fields(event["name"], event["schema_version"]) if part == "payload" else _OF_ACTOR
    )
    place = (asked.log, asked.position, part, field)
    if content is None:
        return Value(*place, None, _EMPTY)
    looks = isinstance(content, dict) and content.keys() == _PARTS
    if not looks or (personal is not None and field not in personal):
        return Value(*place, None, _PLAIN)
    try:
        sealed = Sealed(field, str(content["s"]), KeyKind(content["~"]), content["c"], content["h"])
    except ValueError:
        return Value(*place, None, Unopened.DAMAGED)
    return Value(*place, sealed)
