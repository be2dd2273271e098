"""Schemas in bundles are those of what is stored: sealed where values are personal."""

import json

from adapters.evidence.schemas import schema_of
from domain.audience.contact import ContactCreated
from domain.kernel.events import EVENTS
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
