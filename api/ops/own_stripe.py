"""Our own Stripe beside an installation with a demo: a process of its own, on this machine alone.

It runs where a demo lives and nobody gave a Stripe account. Where real people are served it must not: whoever reaches
its pages pays with a test card.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from adapters.stripe.own import made_own_stripe, own_stripe
from api.payments import checked_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.settings import Settings

_HERE: Final = "127.0.0.1"
_BACKLOG: Final = 128


def here(settings: Settings) -> str:
    """Where the API is for other processes of this machine."""
    host = {"0.0.0.0": _HERE, "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - asked for, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def hears_at(settings: Settings) -> str:
    """Where the API hears what our own Stripe tells."""
    return f"{here(settings)}/v1/gateways/stripe"


@contextmanager
def beside(settings: Settings, *, demo: bool) -> Iterator[tuple[str, socket.socket] | None]:
    """Its address and its listening socket, and word for its clients that it is served; None: it is not to run.

    `demo`: whether there is one and it is wanted.
    """
    if not demo or checked_account(settings) is not None:
        if (own := own_stripe(settings.root)) is not None:
            own.tell(own.address, served=False)
        yield None
        return
    own = made_own_stripe(settings.root)
    with _listening(own.port) as listener:
        address = f"http://{_HERE}:{listener.getsockname()[1]}"
        own.tell(address, served=True)
        try:
            yield address, listener
        finally:
            own.tell(address, served=False)


def _listening(port: int) -> socket.socket:
    """A socket on `port`, or where that is taken, on any other."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HERE, port))
    except OSError:
        listener.bind((_HERE, 0))
    listener.listen(_BACKLOG)
    return listener
