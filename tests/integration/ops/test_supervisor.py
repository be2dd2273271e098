"""The supervisor, with small programs: ready, restarted, given up, stopped in order, never outliving its own end."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from adapters.sockets import short_socket, stand_in
from api.ops.metrics import Meters, answering, ask, everything, socket_path
from api.ops.state import AlreadyServed, RunState, identity, own_identity
from api.ops.supervisor import Child, DidNotStart, Program, Supervisor, child_environment
from tests.support.serving import ROOT

STEADY = """
    import signal, sys, threading
    from api.ops.child import Line
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    line = Line.from_environment()
    line.watch()
    line.ready(well=True)
    stop.wait()
    open(sys.argv[1], "a").write(f"{sys.argv[2]} stopped\\n")
"""


def _program(name: str, code: str, *arguments: object, grace: float = 10.0) -> Program:
    command = (sys.executable, "-c", textwrap.dedent(code), *map(str, arguments))
    return Program(name, command, patience=20.0, grace=grace)


def _environment() -> dict[str, str]:
    return child_environment(PYTHONPATH=str(ROOT))


async def _until(what: str, holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def test_all_become_ready_and_the_last_listed_stops_first(tmp_path: Path) -> None:
    told = tmp_path / "told"
    names = ("first", "second", "door")
    supervisor = Supervisor([_program(name, STEADY, told, name) for name in names], _environment())
    await supervisor.start()
    assert all(child.facts["well"] for child in supervisor.children.values())
    pids = [child.pid for child in supervisor.children.values()]
    await supervisor.stop()
    lines = told.read_text().splitlines()
    assert lines[0] == "door stopped"
    assert sorted(lines) == ["door stopped", "first stopped", "second stopped"]
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    seen: list[int] = []
    supervisor = Supervisor(
        [_program("one", STEADY, tmp_path / "told", "one")],
        _environment(),
        lambda children: seen.append(children["one"].pid or 0),
    )
    await supervisor.start()
    child = supervisor.children["one"]
    for round_number in (1, 2):
        before = child.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await _until(
            "it is ready again", lambda was=before: child.ready.is_set() and child.pid not in (None, was)
        )
        assert child.restarts == round_number
    await supervisor.stop()
    assert len(set(seen)) == 3


async def test_one_that_cannot_start_ends_the_start_and_the_others(tmp_path: Path) -> None:
    good = _program("good", STEADY, tmp_path / "told", "good")
    bad = _program("bad", "import sys; sys.exit(9)")
    supervisor = Supervisor([good, bad], _environment())
    with pytest.raises(DidNotStart, match="bad ended with code 9"):
        await supervisor.start()
    assert supervisor.children["good"].pid is None


async def test_a_launch_that_fails_is_tried_again_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk as the start is written down, then no room for a process: for a start, and for a restart."""
    children: list[int] = []
    full = 2

    def changed(running: Mapping[str, Child]) -> None:
        nonlocal full
        children.append(running["one"].pid or 0)
        if full:
            full -= 1
            raise OSError(errno.ENOSPC, "no space")

    supervisor = Supervisor([_program("one", STEADY, tmp_path / "told", "one")], _environment(), changed)
    await supervisor.start()
    child = supervisor.children["one"]
    assert [psutil.pid_exists(pid) for pid in children] == [False, False, True]
    before, spawn, crowded = child.pid, supervisor._spawn, 2

    async def spawned(*arguments: object) -> asyncio.subprocess.Process:
        nonlocal crowded
        if crowded:
            crowded -= 1
            raise BlockingIOError(errno.EAGAIN, "too many processes")
        return await spawn(*arguments)  # type: ignore[arg-type]  # passed through as it came

    monkeypatch.setattr(supervisor, "_spawn", spawned)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    await _until("it is ready again", lambda: child.ready.is_set() and child.pid not in (None, before))
    assert not crowded
    await supervisor.stop()


async def test_no_room_for_a_process_at_the_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor([Program("one", ("/nonexistent/program",))], _environment())
    monkeypatch.setattr("api.ops.supervisor._FIRST_DELAY", 0.01)
    with pytest.raises(DidNotStart, match="one could not be started, three times"):
        await supervisor.start()


async def test_all_are_stopped_though_the_door_has_lost_its_keeper(tmp_path: Path) -> None:
    told = tmp_path / "told"
    supervisor = Supervisor([_program(name, STEADY, told, name) for name in ("one", "door")], _environment())
    await supervisor.start()

    async def broken() -> None:
        raise RuntimeError

    door = supervisor.children["door"]
    assert door.keeper is not None
    door.keeper.cancel()
    door.keeper = asyncio.create_task(broken())
    await supervisor.stop()
    assert sorted(told.read_text().splitlines()) == ["door stopped", "one stopped"]


async def test_one_that_will_not_stop_is_ended(tmp_path: Path) -> None:
    stubborn = """
        import signal, threading
        from api.ops.child import Line
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Line.from_environment().ready()
        threading.Event().wait()
    """
    del tmp_path
    supervisor = Supervisor([_program("stubborn", stubborn, grace=0.3)], _environment())
    await supervisor.start()
    pid = supervisor.children["stubborn"].pid
    await supervisor.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_children_of_a_killed_supervisor_end_in_order(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = f"""
        import asyncio, sys
        from api.ops import logs
        from api.ops.supervisor import Program, Supervisor, child_environment
        logs.set_up("test")
        child = Program("one", (sys.executable, "-c", {textwrap.dedent(STEADY)!r}, {str(told)!r}, "one"))
        async def main():
            supervisor = Supervisor([child], child_environment())
            await supervisor.start()
            print(supervisor.children["one"].pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=_environment(), stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        child = psutil.Process(int(running.stdout.readline()))
        running.kill()
    psutil.wait_procs([child], timeout=15)
    assert told.read_text() == "one stopped\n"


def test_leftovers_of_a_killed_start_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    with subprocess.Popen(sleeping) as leftover, subprocess.Popen(sleeping) as stranger:
        state = RunState(tmp_path, patience=0.2)
        # The stranger has the number of a process that was ours, and began at another time.
        reused = {"pid": stranger.pid, "began": identity(stranger.pid)["began"] - 100}
        state.write({"serve": own_identity(), "processes": {"api": identity(leftover.pid), "worker": reused}})
        try:
            with state.held():
                assert not psutil.pid_exists(leftover.pid)
                assert stranger.poll() is None
        finally:
            stranger.kill()
            leftover.kill()


def test_one_serves_a_folder_at_a_time(tmp_path: Path) -> None:
    state = RunState(tmp_path)
    with state.held():
        state.write({"serve": own_identity(), "address": "http://127.0.0.1:1", "processes": {}})
        with (
            pytest.raises(AlreadyServed, match=f"127.0.0.1:1 .process {os.getpid()}"),
            RunState(tmp_path).held(),
        ):
            pass
        assert state.address() == "http://127.0.0.1:1"
    assert state.address() is None
    with state.held():
        pass


async def test_figures_of_all_processes_in_one_answer(tmp_path: Path) -> None:
    ours, theirs = Meters(), Meters()
    theirs.figures(lambda: {"jobs_due": 3.0}, {"jobs_due": "Jobs."})
    theirs.by_label(lambda: {"lag": {"contacts": 2.0}}, {"lag": "Behind."}, "projection")
    ours.observe("audience.create-contact", 200, 0.01)
    path = socket_path(tmp_path, "worker")
    path.touch()  # a killed process leaves its socket behind
    async with answering(path, theirs):
        assert path.stat().st_mode & 0o077 == 0
        text = (await everything(ours, tmp_path)).decode()
    assert 'penguinmails_up{process="worker"} 1.0' in text
    assert 'penguinmails_up{process="projector"} 0.0' in text
    assert 'penguinmails_jobs_due{process="worker"} 3.0' in text
    assert 'penguinmails_lag{process="worker",projection="contacts"} 2.0' in text
    assert 'process_resident_memory_bytes{process="api"}' in text
    assert text.count("# TYPE process_resident_memory_bytes gauge") == 1
    assert await ask(path) is None


def test_a_long_folder_gets_a_short_socket(tmp_path: Path) -> None:
    far = tmp_path / ("long" * 30)
    far.mkdir()
    path = short_socket(far, "x.metrics")
    assert len(str(path)) <= 100
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path == short_socket(far, "x.metrics") != short_socket(tmp_path, "x.metrics")
    path.parent.rmdir()


def test_a_stand_in_that_others_could_enter_is_refused(tmp_path: Path) -> None:
    far = tmp_path / ("long" * 30)
    far.mkdir()
    elsewhere = stand_in(far)
    elsewhere.symlink_to(tmp_path)
    try:
        with pytest.raises(PermissionError):
            short_socket(far, "x.metrics")
    finally:
        elsewhere.unlink()
    elsewhere.mkdir(mode=0o755)
    try:
        with pytest.raises(PermissionError):
            short_socket(far, "x.metrics")
    finally:
        elsewhere.rmdir()
