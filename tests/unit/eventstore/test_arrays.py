"""Arrays as Postgres takes them: what is packed once and repeated is byte for byte what would be packed one by one."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from adapters.eventstore.arrays import MomentArray, UuidArray

ONE, OTHER = uuid4(), uuid4()
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "runs", [[], [(ONE, 0)], [(ONE, 1)], [(ONE, 3), (OTHER, 2)], [(ONE, 1), (OTHER, 1), (ONE, 2)]]
)
def test_runs_of_ids(runs: list[tuple[UUID, int]]) -> None:
    one_by_one = [value for value, count in runs for _ in range(count)]
    assert UuidArray.repeated(runs).data == UuidArray.of(one_by_one).data


def test_moments_to_the_microsecond() -> None:
    steps = [0, 1, -1, 852_076_800_000_001, 1]
    packed = MomentArray.of([EPOCH + timedelta(microseconds=step) for step in steps]).data
    header, values = packed[:20], packed[20:]
    assert struct.unpack(">iiIii", header) == (1, 0, MomentArray.element, len(steps), 1)
    assert struct.unpack(">" + "iq" * len(steps), values) == tuple(n for step in steps for n in (8, step))
    assert MomentArray.of([]).data == struct.pack(">iiI", 0, 0, MomentArray.element)
