"""The codec for any text: what goes in comes out, as far as keys allow, whatever version it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.mapper import PenguinMapper, Placed
from adapters.eventstore.ring import SubjectErased
from adapters.eventstore.sealing import commits_to, disclose, dumps
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from application.ports.log import NewEvent, Recorded
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import EVENTS, Event, UnknownEvent
from domain.kernel.personal import ERASED, SEALED, Evidence, KeyKind, Profile

TENANT = UUID("0198c0de-0000-7000-8000-000000000001")
CAUSE = Cause(Actor(ActorKind.SYSTEM, TENANT), TENANT, "Test", TENANT)
AT = datetime(2026, 11, 24, tzinfo=UTC)
# Text as the domain takes it: any character that UTF-8 has, but for a lone half of a pair.
TEXT = st.text(st.characters(codec="utf-8"))


class Met(Event, name="codec_test.met", version=3, subject="person"):
    person: UUID
    given: Profile[str]
    nickname: Profile[str | None] = None
    wording: Evidence[str]
    place: str
    times: int = 1


del EVENTS.classes[Met.name]  # known only while these tests run: others look at every event there is


def from_1(old: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had `where` for `place`."""
    return {**{key: value for key, value in old.items() if key != "where"}, "place": old["where"]}


def from_2(old: dict[str, Any]) -> dict[str, Any]:
    """Version 2 had no `times`."""
    return {**old, "times": 1}


@pytest.fixture(autouse=True, scope="module")
def _known_here() -> Iterator[None]:
    EVENTS.classes[Met.name] = Met
    EVENTS.upcasters |= {(Met.name, 1): from_1, (Met.name, 2): from_2}
    yield
    del EVENTS.classes[Met.name], EVENTS.upcasters[Met.name, 1], EVENTS.upcasters[Met.name, 2]


MET = st.builds(
    Met,
    person=st.uuids(),
    given=TEXT,
    nickname=st.none() | TEXT,
    wording=TEXT,
    place=TEXT,
    times=st.integers(0, 9),
)


def stored(new: NewEvent, schema_version: int = 3, payload: bytes | None = None) -> Recorded:
    return Recorded(
        TENANT, 1, new.stream, 1, new.name, schema_version, payload or new.payload, new.metadata, AT
    )


def shows_no_mark(event: Met) -> bool:
    return not {event.given, event.nickname, event.wording} & {ERASED, SEALED}


@given(met=MET.filter(shows_no_mark))
def test_what_goes_in_comes_out(met: Met) -> None:
    codec = JsonCodec(MemoryKeyStore())
    (new,) = codec.encode(TENANT, [("meeting:1", met)], CAUSE)
    assert codec.decode([stored(new)], reveal=True) == [met]
    assert dumps(orjson.loads(new.payload)) == new.payload, "keys in order, no white space"
    assert dumps(orjson.loads(new.metadata)) == new.metadata
    (hidden,) = codec.decode([stored(new)])
    assert isinstance(hidden, Met)
    assert (hidden.given, hidden.wording, hidden.place) == (SEALED, SEALED, met.place)
    assert hidden.nickname == (None if met.nickname is None else SEALED)


@given(met=MET, said=TEXT)
def test_a_commitment_opens_for_its_value_alone(met: Met, said: str) -> None:
    codec = JsonCodec(MemoryKeyStore())
    (one,) = codec.encode(TENANT, [("meeting:1", met)], CAUSE)
    (other,) = codec.encode(TENANT, [("meeting:1", met)], CAUSE)
    sealed, again = (orjson.loads(new.payload)["given"] for new in (one, other))
    assert sealed["h"] != again["h"], "two commitments to one value do not show that it is one"

    key = (TENANT, str(met.person), KeyKind.PROFILE)
    opening, content = disclose(codec.ring.make([key])[key], TENANT, "given", sealed)
    assert commits_to(sealed, opening, content)
    assert content == dumps(met.given)
    assert commits_to(sealed, opening, dumps(said)) == (said == met.given)
    assert not commits_to(again, opening, content)


@given(mets=st.lists(MET.filter(shows_no_mark), min_size=1, max_size=6), data=st.data())
def test_a_stream_of_old_and_new_shapes_reads_as_one(mets: list[Met], data: st.DataObject) -> None:
    codec = JsonCodec(MemoryKeyStore())
    rows, expected = [], []
    for met in mets:
        (new,) = codec.encode(TENANT, [("meeting:1", met)], CAUSE)
        version = data.draw(st.integers(1, 3))
        content: dict[str, Any] = orjson.loads(new.payload)
        if version < 3:
            del content["times"]
        if version < 2:
            content["where"] = content.pop("place")
        rows.append(stored(new, version, dumps(content)))
        expected.append(met if version == 3 else met.model_copy(update={"times": 1}))
    assert codec.decode(rows, reveal=True) == expected
    (newer,) = codec.encode(TENANT, [("meeting:1", mets[0])], CAUSE)
    with pytest.raises(UnknownEvent):
        codec.decode([stored(newer, 4)])


@given(met=MET.filter(shows_no_mark))
def test_erasure_shows_everywhere_at_once(met: Met) -> None:
    keys = MemoryKeyStore()
    writer, reader = JsonCodec(keys), JsonCodec(keys)
    (new,) = writer.encode(TENANT, [("meeting:1", met)], CAUSE)
    assert reader.decode([stored(new)], reveal=True) == [met]
    keys.destroy([(TENANT, str(met.person), KeyKind.PROFILE)])
    for codec in (reader, writer):
        (left,) = codec.decode([stored(new)], reveal=True)
        assert isinstance(left, Met)
        assert (left.given, left.wording) == (ERASED, met.wording), "the evidence has a key of its own"
        assert codec.ring.missing([(TENANT, str(met.person), KeyKind.PROFILE)])
        with pytest.raises(SubjectErased):
            codec.encode(TENANT, [("meeting:1", met)], CAUSE)


@given(met=MET.filter(shows_no_mark), version=st.integers(1, 9))
def test_the_librarys_mapper_gives_back_what_it_took(met: Met, version: int) -> None:
    mapper = PenguinMapper(JsonCodec(MemoryKeyStore()), TENANT, CAUSE, reveal=True)
    placed = Placed("meeting:1", version, met)
    mapped = mapper.to_stored_event(placed)
    assert (mapped.originator_id, mapped.originator_version, mapped.topic) == (
        "meeting:1",
        version,
        "codec_test.met@3",
    )
    assert mapper.to_domain_event(mapped) == placed
