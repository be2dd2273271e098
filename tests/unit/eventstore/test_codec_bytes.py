"""What an event becomes in the log: the bytes of pydantic's own JSON, sorted, with sealed values in their place."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import application.handlers
import domain.platform.registration
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.sealing import dumps, seal_with
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from application.ports.log import Recorded
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import EVENTS, Event
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Callable

LOADED = (application.handlers, domain.platform.registration)
TENANT = UUID("0198c0de-0000-7000-8000-000000000001")
CAUSE = Cause(Actor(ActorKind.SYSTEM, TENANT), TENANT, "test.do", TENANT)
WHEN = (
    datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC),
    datetime(2026, 11, 24, 1, 2, 3, 450_000, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, tzinfo=timezone(timedelta(hours=5, minutes=30))),
)


def example(kind: Any, turn: int) -> Any:
    """A value of a type; `turn` chooses which."""
    origin, inner = get_origin(kind), get_args(kind)
    simple: dict[Any, Any] = {
        UUID: uuid4(),
        str: ("", 'Zo\u00eb \u2028 "1"', "x")[turn],
        int: turn,
        bool: bool(turn),
    }
    simple |= {date: WHEN[turn].date(), datetime: WHEN[turn], Any: ("a", None, {"b": ["c", 1]})[turn]}
    if kind in simple:
        return simple[kind]
    if hasattr(kind, "__supertype__"):
        return example(kind.__supertype__, turn)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return filled(kind, turn)
    if is_dataclass(kind):
        hints, make = get_type_hints(kind), cast("Callable[..., Any]", kind)
        return make(**{field.name: example(hints[field.name], turn) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[turn]
    if origin is tuple:
        return tuple(example(inner[0], n) for n in range(turn))
    if origin is list:
        return [example(inner[0], n) for n in range(turn)]
    if origin is dict:
        keys = [f"key {n}" if inner[0] is str else example(inner[0], n) for n in range(turn)]
        return {key: example(inner[1], n) for n, key in enumerate(keys)}
    if origin is Union or type(kind).__name__ == "UnionType":
        return None if turn == 0 and type(None) in inner else example(inner[0], turn)
    raise TypeError(f"no example of {kind}")


def filled(model: type[BaseModel], turn: int) -> Any:
    """A model with every field given."""
    return model(**{name: example(field.annotation, turn) for name, field in model.model_fields.items()})


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(EVENTS.classes))
def test_every_event_is_stored_as_its_json(name: str, turn: int) -> None:
    if name.startswith("test."):
        pytest.skip("another test's own event")
    event: Event = filled(EVENTS.classes[name], turn)
    codec = JsonCodec(MemoryKeyStore())
    (stored,) = codec.encode(TENANT, [("s:1", event)], CAUSE)
    assert dumps(orjson.loads(stored.payload)) == stored.payload, "sorted, compact"
    recorded = Recorded(
        TENANT, 1, "s:1", 1, stored.name, stored.schema_version, stored.payload, stored.metadata, WHEN[0]
    )
    (shown,) = codec.payloads([recorded], reveal=True, evidence=True)
    assert dumps(shown) == dumps(event.model_dump(mode="json"))
    if event.personal and turn:
        assert any(type(value) is dict and "~" in value for value in orjson.loads(stored.payload).values())


@given(st.binary(min_size=32, max_size=32), st.text(max_size=200))
def test_a_commitment_is_an_hmac(opening: bytes, value: str) -> None:
    sealed = seal_with(
        AESGCM(bytes(32)),
        TENANT,
        "subject",
        KeyKind.PROFILE,
        "email",
        value.encode("utf-8", "replace").decode(),
        opening=opening,
        nonce=bytes(12),
    )
    content = dumps(value.encode("utf-8", "replace").decode())
    expected = hmac.digest(opening, content, "sha256")
    assert sealed["h"] == b64encode(expected).decode()
