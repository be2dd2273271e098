"""A bundle with any of its bytes altered, or cut anywhere, is judged in words, and is not believed."""

import io
import json
import random
from pathlib import Path

from adapters.evidence.unpacking import Unpacking
from adapters.evidence.verdict import Outcome, Place
from adapters.evidence.verifying import Kept, verify_bundle
from domain.audit.origins import LogKind
from tests.support.evidence import KEY, contents, log_of, opened, packed, written

LOG = log_of(40)
WHOLE = written(LOG.part([2, 3, 9, 10, 11, 30], [LOG.checkpoint(17)]), log_of(3, LogKind.ACCESS).part())
CASES = 300
HERE = Path("nowhere")


def as_they_lie(data: bytes) -> dict[str, bytes]:
    archive = Unpacking(io.BytesIO(data))
    return {name: archive.read(name, entry.size) for name, entry in archive.entries.items()}


def test_no_altered_byte_is_believed_where_it_changes_a_file() -> None:
    drawn, held = random.Random(6962), contents(WHOLE)
    believed = 0
    for _ in range(CASES):
        spoilt = bytearray(WHOLE)
        for _ in range(drawn.choice((1, 1, 1, 2, 30))):
            spoilt[drawn.randrange(len(spoilt))] ^= 1 << drawn.randrange(8)
        verdict = verify_bundle(opened(bytes(spoilt)), (), [KEY])
        assert verdict.lines()
        assert json.dumps(verdict.told())
        if verdict.outcome is Outcome.HOLDS:  # what changed is nothing but the archive's own words of a file
            believed += 1
            assert as_they_lie(bytes(spoilt)) == held
    assert believed < CASES / 10


def test_no_bundle_that_was_cut_is_believed() -> None:
    drawn = random.Random(9162)
    for _ in range(CASES // 3):
        start, end = sorted(drawn.sample(range(len(WHOLE) + 1), 2))
        for spoilt in (WHOLE[:start], WHOLE[:start] + WHOLE[end:], WHOLE[end:]):
            if spoilt != WHOLE:
                assert verify_bundle(opened(spoilt), (), [KEY]).outcome is not Outcome.HOLDS


def test_an_altered_byte_of_what_is_proven_is_not_believed_whatever_the_manifest_says() -> None:
    drawn, held = random.Random(2026), contents(WHOLE)
    for name in ("events/events.jsonl", "events/leaves.bin", "events/gaps.jsonl", "events/checkpoint"):
        for _ in range(CASES // 10):
            data = bytearray(held[name])
            data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
            spoilt = packed(held | {name: bytes(data)})
            verdict = verify_bundle(opened(spoilt), [Kept("old", LOG.checkpoint(17), HERE)], [KEY])
            assert verdict.outcome is not Outcome.HOLDS


def test_an_altered_byte_of_an_event_is_named_by_the_position_of_the_event() -> None:
    drawn, held = random.Random(1), contents(written(LOG.part()))
    events = held["events/events.jsonl"]
    for _ in range(CASES // 3):
        at = drawn.randrange(len(events))
        spoilt = events[:at] + bytes([events[at] ^ 1 << drawn.randrange(8)]) + events[at + 1 :]
        position = events.count(b"\n", 0, at) + 1
        verdict = verify_bundle(opened(packed(held | {"events/events.jsonl": spoilt})))
        assert verdict.first_wrong == [Place("events", position, position)]
