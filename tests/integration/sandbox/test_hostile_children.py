"""A child that was taken over, or dies: its parent believes nothing, ends it in time, and serves the next question."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.duckdb.sandbox import runner
from adapters.duckdb.sandbox.frames import Hostile, read_table
from adapters.duckdb.settings import SqlLimits
from application.ports.analytics import AnalyticsUnavailable
from application.ports.sql import SqlStopped, SqlTooSlow
from tests.support.sandbox import Questions, descendants, lives, questions

LIMITS = SqlLimits(seconds=1.0, memory_mb=128, rows=100, megabytes=1)
OPENING = """
import os, struct, sys, time
def say(kind, content): os.write(1, struct.pack(">cI", kind, len(content)) + content)
def hear():
    kind, length = struct.unpack(">cI", sys.stdin.buffer.read(5))
    return sys.stdin.buffer.read(length)
hear()
say(b"J", b'{"ready": []}')
"""
NEEDS = (
    OPENING
    + """
say(b"J", b'{"needs": []}')
hear()
"""
)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Questions]:
    yield from questions(tmp_path, LIMITS)


def of(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


PLAIN = pa.table({"n": [1, 2, 3]})
HOSTILE = {
    "nothing": OPENING + "sys.exit(0)",
    "killed": OPENING + "os.kill(os.getpid(), 9)",
    "noise": OPENING + "os.write(1, os.urandom(1000)); time.sleep(9)",
    "no JSON": OPENING + "say(b'J', b'{')",
    "deep JSON": OPENING + "say(b'J', b'[' * 60000)",
    "no object": OPENING + "say(b'J', b'[]')",
    "a long frame": OPENING + "os.write(1, struct.pack('>cI', b'J', 4294967295) + b'x' * 100); time.sleep(9)",
    "no fact": OPENING + """say(b"J", b'{"needs": ["dim_tenant"]}')""",
    "a path": OPENING + """say(b"J", b'{"needs": ["../../owner.lock"]}')""",
    "a refusal of its own": OPENING + """say(b"J", b'{"refused": "not-found", "detail": "x"}')""",
    "no stream": NEEDS + "say(b'J', b'{}')",
    "noise for a stream": NEEDS + "say(b'A', os.urandom(5000)); say(b'J', b'{}')",
    "half a stream": NEEDS + f"say(b'A', {of(PLAIN)[:150]!r}); say(b'J', b'{{}}')",
    "endless": NEEDS + "\nwhile True: say(b'A', b'x' * 65536)",
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_whatever_it_says_is_not_believed(
    asked: Questions, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, began = descendants(), time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(runner, "_PROGRAM", HOSTILE[what])
        with pytest.raises((SqlStopped, SqlTooSlow)):
            asked.ask("SELECT 1")
    assert time.monotonic() - began < LIMITS.seconds + 3
    assert descendants() == before
    assert asked.left() == []
    assert asked.ask("SELECT 1 AS n").table.to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("program", ["import time; time.sleep(99)", OPENING + "time.sleep(99)"])
def test_one_that_says_nothing_is_ended(
    asked: Questions, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_START_SECONDS", 1.0)
    monkeypatch.setattr(runner, "_PROGRAM", program)
    began = time.monotonic()
    with pytest.raises((SqlTooSlow, AnalyticsUnavailable)):
        asked.ask("SELECT 1")
    assert time.monotonic() - began < 4


def test_one_that_does_not_start_is_no_fault_of_the_question(
    asked: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PROGRAM", "raise SystemExit(1)")
    with pytest.raises(AnalyticsUnavailable):
        asked.ask("SELECT 1")


def test_killed_in_the_middle(asked: Questions) -> None:
    before = descendants()

    def kill() -> None:
        while not (found := descendants() - before):
            time.sleep(0.01)
        time.sleep(0.6)
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    with pytest.raises((SqlStopped, AnalyticsUnavailable)):
        asked.ask("SELECT count(*) FROM fact_event AS a, fact_event AS b, fact_event AS c")
    killing.join()
    assert asked.ask("SELECT 1 AS n").table.num_rows == 1


def test_who_has_gone_is_not_waited_for(asked: Questions) -> None:
    before, began = descendants(), time.monotonic()
    sql = "SELECT count(*) FROM fact_event AS a, fact_event AS b, fact_event AS c"
    with pytest.raises(AnalyticsUnavailable):
        asked.sandbox.ask(asked.question(sql, {}), asked.extract, lambda: time.monotonic() > began + 0.5)
    assert time.monotonic() - began < 2
    assert descendants() == before


def test_what_an_owner_left_when_it_was_killed_is_gone_at_the_next_start(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from adapters.duckdb.sandbox.runner import Sandbox; "
        "from adapters.duckdb.settings import SqlLimits; sandbox = Sandbox(Path(sys.argv[1]), SqlLimits())\n"
        "with sandbox._place() as place:\n"
        "    (place / 'fact_event.parquet').write_text('facts'); print('there', flush=True); time.sleep(60)"
    )
    folder = tmp_path / "sql"
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "there\n"
    owner.kill()
    owner.communicate()
    assert list(folder.glob("*/fact_event.parquet"))
    runner.Sandbox(folder, LIMITS).close()
    assert list(folder.iterdir()) == []


def test_a_child_ends_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from adapters.duckdb.settings import SqlLimits\n"
        "from tests.support.sandbox import questions\n"
        "for asked in questions(Path(sys.argv[1]), SqlLimits(seconds=30.0, memory_mb=128)):\n"
        "    print('there', flush=True)\n"
        "    asked.ask('SELECT count(*) FROM fact_event AS a, fact_event AS b, fact_event AS c')"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "there\n"
        while not list(tmp_path.glob("sql/*/fact_event.parquet")):
            time.sleep(0.01)
        (child,) = descendants(owner.pid)
        time.sleep(1.0)  # it is in the midst of it
        assert descendants(owner.pid) == {child}
        owner.kill()
    killed = time.monotonic()
    while lives(child):
        assert time.monotonic() < killed + 5
        time.sleep(0.01)


def test_a_plain_stream_is_read() -> None:
    assert read_table(of(PLAIN), 3) == PLAIN
    nested = pa.table({"s": [[{"a": 1}]], "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32()))})
    assert read_table(of(nested), 1) == nested


@pytest.mark.parametrize(
    "stream",
    [
        of(pa.table({"n": [0] * 100_000}), compression="zstd"),
        of(pa.table({"n": [0] * 100_000}), compression="lz4"),
        of(pa.table({"n": pa.array(["a", "a"]).dictionary_encode()})),
        of(pa.table({"n": pa.array([b"x" * 16], pa.uuid())})),
        of(pa.table({"n": [1] * 101})),
        of(
            PLAIN.replace_schema_metadata({"k": "v"}).cast(
                pa.schema([pa.field("n", pa.int64(), metadata={"a": "b"})])
            )
        ),
        b"",
        b"ARROW1\0\0",
        of(PLAIN)[8:],
    ],
)
def test_a_stream_with_more_to_it_is_refused(stream: bytes) -> None:
    with pytest.raises(Hostile):
        read_table(stream, 100)


def test_bytes_that_many_columns_tell_are_not_read_as_many() -> None:
    told = 100_000
    good = of(pa.table({"long": ["x" * told], "short": ["y"]}))
    # In a batch's header each column's buffers stand as (offset, length): whether there is a value, offsets, text.
    at = good.index(struct.pack("<q", told)) - 40
    long, short = slice(at, at + 48), slice(at + 48, at + 96)
    bad = good[: short.start] + good[long] + good[short.stop :]
    assert read_table(good, 1).column("long")[0].as_py() == "x" * told
    with pytest.raises(Hostile, match="more than once"):
        read_table(bad, 1)


def test_a_stream_with_any_byte_changed_is_read_or_refused_and_nothing_else() -> None:
    good = of(pa.table({"n": [1, 2, 3], "s": ["a", "bb", "ccc"]}))
    for at in range(len(good)):
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            bad = good[:at] + bytes([value]) + good[at + 1 :]
            try:
                assert read_table(bad, 100).num_rows <= 100
            except Hostile:
                continue
