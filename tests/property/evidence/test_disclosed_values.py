"""A disclosed value is proven as it is and as nothing else: a changed value, opening, field or place is refused."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.eventstore.sealing import disclose, dumps, seal
from adapters.evidence.disclosures import Disclosed, disclosure
from adapters.evidence.verdict import Outcome
from adapters.evidence.verifying import verify_bundle
from domain.kernel.personal import KeyKind
from tests.support.evidence import KEY, OTHER, TENANT, Log, envelope, opened, written

CIPHER = AESGCM(bytes(range(32)))
PLACES = [(position, field) for position in (2, 3, 5) for field in ("first_name", "last_name", "note")]


def _log() -> tuple[bytes, dict[tuple[int, str], Disclosed]]:
    """A bundle of a log with sealed values, and what discloses each; some of them are the same."""
    lines = [json.loads(envelope(n)) for n in range(1, 8)]
    values: dict[tuple[int, str], Disclosed] = {}
    for position, field in PLACES:
        content = {"note": "the same", "first_name": f"Zoë {position}", "last_name": ["a", {"b": 1}]}[field]
        sealed = seal(CIPHER, TENANT, str(OTHER), KeyKind.EVIDENCE, field, content)
        lines[position - 1]["payload"][field] = sealed
        values[position, field] = Disclosed(
            "events", position, "payload", field, *disclose(CIPHER, TENANT, field, sealed)
        )
    return written(Log([dumps(line) for line in lines]).part(range(1, 8))), values


BUNDLE, VALUES = _log()


def outcome(*values: dict[str, Any] | Disclosed) -> Outcome:
    made = json.loads(b"".join(disclosure(TENANT, [one for one in values if isinstance(one, Disclosed)])))
    made["values"] += [one for one in values if isinstance(one, dict)]
    return verify_bundle(opened(BUNDLE), (), [KEY], json.dumps(made).encode()).outcome


def told(value: Disclosed) -> dict[str, Any]:
    values: list[dict[str, Any]] = json.loads(b"".join(disclosure(TENANT, [value])))["values"]
    return values[0]


@settings(max_examples=150)
@given(st.data())
def test_whatever_is_changed_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(PLACES))
    value = VALUES[place]
    which = data.draw(st.sampled_from(["content", "opening", "place", "part"]))
    if which == "place":
        position, field = data.draw(st.sampled_from([one for one in PLACES if one != place]))
        changed = value._replace(position=position, field=field)
    elif which == "part":
        changed = value._replace(part="metadata")
    else:
        found: bytes = getattr(value, which)
        at = data.draw(st.integers(0, len(found) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "add"]))
        made = {
            "flip": found[:at] + bytes([found[at] ^ 1 << data.draw(st.integers(0, 7))]) + found[at + 1 :],
            "cut": found[:at],
            "add": found[:at] + b"0" + found[at:],
        }[how]
        assume(made != found)
        if which == "content":
            try:
                made.decode()
            except UnicodeDecodeError:
                assume(condition=False)
        changed = value._replace(content=made) if which == "content" else value._replace(opening=made)
    assert outcome(*VALUES.values()) is Outcome.HOLDS
    assert outcome(changed) is Outcome.DOES_NOT_HOLD
    assert outcome(*VALUES.values(), changed) is Outcome.DOES_NOT_HOLD


@settings(max_examples=50)
@given(st.sampled_from(PLACES), st.integers(-3, 20))
def test_a_value_is_of_its_position_alone(place: tuple[int, str], position: int) -> None:
    assume(position != place[0])
    moved = told(VALUES[place]) | {"position": position}
    expected = Outcome.DOES_NOT_HOLD if 1 <= position <= 7 else Outcome.CANNOT_BE_JUDGED
    assert outcome(moved) is expected


def test_an_opening_with_zeros_added_is_another() -> None:
    """HMAC fills a shorter key up with zeros, so it would open the same commitment."""
    value = VALUES[PLACES[0]]
    assert outcome(value._replace(opening=value.opening + b"\x00")) is Outcome.DOES_NOT_HOLD
