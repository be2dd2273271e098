"""The address that the API listens on."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from api.settings import Settings

BACKLOG: Final = 2048


class AddressTaken(CannotRun):
    """Something else listens on the address. Stop it, or choose another: PENGUINMAILS_PORT or `--port`."""


def listen(settings: Settings) -> socket.socket:
    """A listening socket on the settings' address. Raises `AddressTaken`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise AddressTaken(
            f"Cannot listen on {where}: {error.strerror}. Choose another address: PENGUINMAILS_PORT or --port, "
            "PENGUINMAILS_HOST or --host."
        ) from None
    listener.listen(BACKLOG)
    return listener
