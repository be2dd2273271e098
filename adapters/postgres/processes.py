"""Telling our postmaster from everything else that may carry its process id.

A pid file outlives a killed postmaster, and its number may by then belong to a zombie nobody reaps or to a
stranger. A process is ours when it lives, is called `postgres` and has the cluster as its working directory,
which Postgres always makes it.
"""

import logging
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says."""

    pid: int
    socket_folder: Path
    port: int
    ready: bool


def read_pid_file(cluster: Path) -> PidFile | None:
    """The pid file of a cluster; None when there is none or it is not complete yet."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return PidFile(
            pid=int(lines[0]),
            socket_folder=Path(lines[4]),
            port=int(lines[3]),
            ready=lines[7].strip() == "ready",
        )
    except (FileNotFoundError, IndexError, ValueError):
        return None


def postmaster(cluster: Path) -> psutil.Process | None:
    """The live postmaster of this cluster, whoever started it; None when the pid file is stale or missing."""
    try:
        first = (cluster / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0]
        process = psutil.Process(int(first))
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if _works_in(process, cluster) else None


def survivors(cluster: Path) -> list[psutil.Process]:
    """Every process of this cluster: a killed postmaster's children live on until they notice."""
    return [process for process in psutil.process_iter() if _works_in(process, cluster)]


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return (
            _lives(process)
            and process.name().startswith("postgres")
            and Path(process.cwd()) == cluster.resolve()
        )
    except psutil.Error:
        return False  # gone meanwhile, or another user's: ours can be looked into


def clear_stale(cluster: Path, socket_folder: Path) -> None:
    """Make room for a new postmaster: end what a dead one left, then remove its pid files.

    Only for the holder of the supervisor's lock, and only when `postmaster` gave None: Postgres itself would
    take a zombie or a stranger with the old number for a running server and refuse.
    """
    left = survivors(cluster)
    if left:
        log.warning("ending %d processes that a killed Postgres left behind", len(left))
        end(left)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for stale in socket_folder.glob(".s.PGSQL.*"):
        stale.unlink(missing_ok=True)


def end(processes: Sequence[psutil.Process], patience: float = 5.0) -> None:
    """Ask with SIGQUIT, which Postgres's processes take as 'leave now'; insist after `patience` seconds."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for process in processes:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        processes = still_there(processes, patience)
        if not processes:
            return


def still_there(processes: Sequence[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that have not ended after `patience` seconds. A zombie has ended, though nobody may ever reap it."""
    deadline = time.monotonic() + patience
    alive = [process for process in processes if _lives(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.01)  # other processes' children cannot be waited for, only looked at
        alive = [process for process in alive if _lives(process)]
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
