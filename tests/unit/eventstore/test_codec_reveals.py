"""What a reader sees of personal values: as far as keys, and what was asked for, allow."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
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


@pytest.fixture
def once() -> Iterator[type[Event]]:
    class Once(Event, name="reveal.once", version=2, once_personal=frozenset({"note"})):
        note: str | None
        own: dict[str, str]

    yield Once
    del EVENTS.classes["reveal.once"]


def _of_actor(keys: MemoryKeyStore, reason: str, payload: Event) -> Recorded:
    cause = Cause(
        Actor(ActorKind.SYSTEM, SUBJECT), UUID(int=2), "Test", UUID(int=3), ip="192.0.2.1", reason=reason
    )
    (stored,) = JsonCodec(keys).encode(TENANT, [("x:1", payload)], cause)
    return Recorded(TENANT, 1, "x:1", 1, stored.name, 2, stored.payload, stored.metadata, AT)


@pytest.mark.parametrize(
    ("reveal", "evidence", "destroyed", "shown"),
    [
        (False, False, (), (SEALED, SEALED)),
        (True, False, (), (SEALED, "Ada asked")),
        (False, True, (), ("192.0.2.1", SEALED)),
        (True, True, (), ("192.0.2.1", "Ada asked")),
        (True, True, (KeyKind.EVIDENCE,), (ERASED, ERASED)),
    ],
)
def test_what_an_actor_wrote_and_whence_are_sealed_for_them(
    once: type[Event], *, reveal: bool, evidence: bool, destroyed: tuple[KeyKind, ...], shown: tuple[str, str]
) -> None:
    keys = MemoryKeyStore()
    row = _of_actor(keys, "Ada asked", once.model_validate({"note": None, "own": {}}))
    assert b"Ada asked" not in row.metadata
    keys.destroy((TENANT, str(SUBJECT), kind) for kind in destroyed)
    (told,) = JsonCodec(keys).metadata([row], reveal=reveal, evidence=evidence)
    assert (told["ip"], told["reason"]) == shown


def test_a_callers_own_object_is_never_taken_for_a_sealed_value(once: type[Event]) -> None:
    own = {"~": "ignore", "s": "email", "c": "x", "h": "y"}
    row = _of_actor(MemoryKeyStore(), "x", once.model_validate({"note": None, "own": own}))
    for reveal in (False, True):
        (payload,) = JsonCodec(MemoryKeyStore()).payloads([row], reveal=reveal, evidence=reveal)
        assert payload["own"] == own


@pytest.mark.parametrize(("version", "shown"), [(1, (SEALED, True)), (3, (SEALED, False))])
def test_a_field_that_was_personal_once_or_may_be_in_a_newer_version_stays_sealed(
    once: type[Event], version: int, shown: tuple[str, bool]
) -> None:
    mark = {"~": "profile", "s": str(SUBJECT), "c": "", "h": ""}
    row = _of_actor(MemoryKeyStore(), "x", once.model_validate({"note": None, "own": mark}))
    sealed = orjson.dumps({"note": mark, "own": mark})
    (payload,) = JsonCodec(MemoryKeyStore()).payloads([row._replace(payload=sealed, schema_version=version)])
    assert (payload["note"], payload["own"] == mark) == shown


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
