"""A process's line to its supervisor: it says when it is ready, and notices when the supervisor is gone.

The line is one end of a socket pair, handed down by number. The kernel closes the other end with the supervisor,
however that died, so no child outlives it for longer than it takes to finish what it accepted.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tell: TypeAlias = Callable[[Mapping[str, Any]], None]

LINE: Final = "PENGUINMAILS_SUPERVISOR_FD"
LISTENER: Final = "PENGUINMAILS_LISTEN_FD"
_LAST_GRACE: Final = 20.0
_ORPHANED: Final = 75  # sysexits: a temporary failure


class Line:
    """The line of this process; one that was started by hand has a line to nobody, and `tell` to say so instead."""

    def __init__(self, line: socket.socket | None, tell: Tell | None = None) -> None:
        """Take the socket; `from_environment` finds it. `tell` is given the facts as soon as the process is ready."""
        self._line = line
        self._tell = tell

    @classmethod
    def from_environment(cls, tell: Tell | None = None) -> Line:
        """The line that the environment names; what is named there is not handed on to children."""
        return cls(_inherited(LINE), tell)

    @property
    def supervised(self) -> bool:
        """Whether a supervisor listens."""
        return self._line is not None

    def ready(self, **facts: Any) -> None:
        """Say that this process does its work now. A supervisor that is gone is no reason to fail."""
        if self._tell is not None:
            self._tell(facts)
        if self._line is not None:
            try:
                self._line.sendall(json.dumps({"ready": True, **facts}).encode() + b"\n")
            except OSError:
                return  # `watch` sees the same and ends the process

    def watch(self) -> None:
        """End this process, in order, when its supervisor is gone; by force if it takes over 20 seconds."""
        if self._line is not None:
            threading.Thread(target=self._until_gone, name="supervisor-line", daemon=True).start()

    def _until_gone(self) -> None:
        line = self._line
        if line is None:
            return
        try:
            while line.recv(64):
                pass
        except OSError:
            pass  # a reset says the same as an end
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_LAST_GRACE)
        os._exit(_ORPHANED)


def inherited_listener() -> socket.socket | None:
    """The listening socket that the supervisor bound for this process, if it did."""
    return _inherited(LISTENER)


def _inherited(name: str) -> socket.socket | None:
    number = os.environ.pop(name, None)
    if number is None:
        return None
    inherited = socket.socket(fileno=int(number))
    inherited.set_inheritable(False)
    return inherited
