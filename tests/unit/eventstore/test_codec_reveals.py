"""What a reader sees of personal values: as far as keys, and what was asked for, allow."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from application.ports.log import Recorded
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import EVENTS, Event
from domain.kernel.personal import ERASED, SEALED, Evidence, KeyKind, Profile

AT = datetime(2026, 11, 24, tzinfo=UTC)
TENANT, SUBJECT = UUID(int=10), UUID(int=11)


@pytest.fixture
def both() -> Iterator[type[Event]]:
    class Both(Event, name="reveal.both", version=1, subject="person"):
        person: UUID
        attributes: Profile[dict[str, str]]
        email: Profile[str]
        proof: Evidence[str]

    yield Both
    del EVENTS.classes["reveal.both"]


@pytest.mark.parametrize(
    ("reveal", "evidence", "destroyed", "shown"),
    [
        (False, False, (), (SEALED, SEALED, SEALED)),
        (True, False, (), ({"s": "1"}, "a@b.example", SEALED)),
        (True, True, (), ({"s": "1"}, "a@b.example", "ticked")),
        (True, True, (KeyKind.PROFILE,), (ERASED, ERASED, "ticked")),
        (True, False, (KeyKind.EVIDENCE,), ({"s": "1"}, "a@b.example", ERASED)),
    ],
)
def test_values_show_as_far_as_keys_and_the_asking_allow(
    both: type[Event], *, reveal: bool, evidence: bool, destroyed: tuple[KeyKind, ...], shown: tuple[Any, ...]
) -> None:
    keys = MemoryKeyStore()
    codec = JsonCodec(keys)
    event = both.model_validate(
        {"person": SUBJECT, "attributes": {"s": "1"}, "email": "a@b.example", "proof": "ticked"}
    )
    cause = Cause(Actor(ActorKind.SYSTEM, UUID(int=1)), UUID(int=2), "Test", UUID(int=3))
    (stored,) = codec.encode(TENANT, [("x:1", event)], cause)
    keys.destroy((TENANT, str(SUBJECT), kind) for kind in destroyed)
    row = Recorded(TENANT, 1, "x:1", 1, stored.name, 1, stored.payload, stored.metadata, AT)
    (payload,) = codec.payloads([row], reveal=reveal, evidence=evidence)
    assert (payload["attributes"], payload["email"], payload["proof"]) == shown
