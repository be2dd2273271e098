"""Schemas in bundles are those of what is stored: sealed where values are personal."""

import json
from uuid import uuid4

import jsonschema_rs

from adapters.eventstore.codec import JsonCodec
from adapters.evidence.schemas import schema_of
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from domain.audience.contact import ContactCreated
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import EVENTS
from tests.support.history import History, events
from tests.support.stored_names import current_shapes


def test_every_event_that_the_product_writes_has_one() -> None:
    for name, versions in current_shapes().items():
        for version in versions:
            told = json.loads(schema_of(name, int(version)) or b"null")
            assert told["$id"] == f"{name}@{version}"
            for field in EVENTS.classes[name].personal:
                assert {"$ref": "#/$defs/Sealed"} in told["properties"][field]["anyOf"]


def test_others_have_none() -> None:
    assert schema_of("audience.never", 1) is None
    assert schema_of(ContactCreated.name, ContactCreated.schema_version + 1) is None


def test_they_are_those_of_what_is_stored() -> None:
    cause = Cause(Actor(ActorKind.SYSTEM, uuid4()), uuid4(), "Told", uuid4())
    history, codec, seen = History(), JsonCodec(MemoryKeyStore()), set()
    for stream, event in events(history.of_tenant()):
        (stored,) = codec.encode(history.tenant, [(stream, event)], cause)
        validator = jsonschema_rs.validator_for(
            json.loads(schema_of(stored.name, stored.schema_version) or b"")
        )
        faults = [fault.message for fault in validator.iter_errors(json.loads(stored.payload))]
        assert faults == [], stored.name
        seen.add(stored.name)
    assert len(seen) > 100
