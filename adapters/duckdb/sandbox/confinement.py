"""What the kernel takes from the child before it looks at any SQL: network, files, identity, memory, time.

Each fence stands by itself, and most need no privilege. A machine that lacks one is told by `confine`, which returns
the names of those that hold; limits hold everywhere, and without them nothing is run.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

_NEW_NET: Final = 0x40000000
_NEW_IPC: Final = 0x08000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION: Final = 1
_FILES_V1: Final = (1 << 13) - 1
_FILES_SINCE: Final = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NET: Final = 0b11
_NET_SINCE: Final = 4
_SCOPES: Final = 0b11
_SCOPES_SINCE: Final = 6
_READ: Final = (1 << 2) | (1 << 3)
_OPEN_FILES: Final = 64

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(uid: int) -> list[str]:
    """Leave everything but the working folder, which can be read, and end with the parent, however that ends.

    `uid`: who to be from now on, where this is root. Raises `OSError` where root cannot be left, and `RuntimeError`
    where there is another thread: some fences hold the one that puts them up, and those that it starts.
    """
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("another thread would stay outside")
    held = []
    if _libc.unshare(_NEW_NET | _NEW_IPC) == 0:
        held.append("network")
    if os.geteuid() == 0:
        os.chroot(".")
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        held += ["root", "uid"]
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _landlock():
        held.append("landlock")
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Once the user is another: who becomes another is let off it.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return held


def _landlock() -> bool:
    """Let files be read beneath the working folder alone, and nothing be connected to; False on kernels without it."""
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    files = _FILES_V1 | sum(bit for since, bit in _FILES_SINCE.items() if version >= since)
    rules = _Ruleset(files, _NET if version >= _NET_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0)
    # An older kernel takes a shorter structure.
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NET_SINCE else 8
    ruleset = _libc.syscall(_LANDLOCK_CREATE, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    folder = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = _Beneath(_READ, folder)
        added = _libc.syscall(_LANDLOCK_ADD, ruleset, 1, ctypes.byref(beneath), 0)
        return bool(added == 0 and _libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(folder)
        os.close(ruleset)


def limit(statm: int, *, memory: int, seconds: float) -> None:
    """Take no more than so many bytes beyond what there is, and so many seconds; write no file, start nothing.

    `statm`: `/proc/self/statm`, opened before it went out of sight. Call it once every thread is there.
    """
    pages = int(os.pread(statm, 100, 0).split()[0])
    os.close(statm)
    for kind, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))


def end_in(seconds: float) -> None:
    """End this process then, should its parent be gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
