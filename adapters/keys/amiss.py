"""What may be amiss with the key store on this machine, and how that is said."""

from __future__ import annotations

import json
import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from cryptography.exceptions import InvalidTag

from application.ports.keys import KeyStoreAway, KeysUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

AMISS: Final = (sqlite3.Error, OSError, KeyError, json.JSONDecodeError, InvalidTag)
"""The file or the disk fails, a key-encryption key is not there or not readable, the master key is another one."""
OF_THE_STORE: Final = (sqlite3.OperationalError, OSError)
"""What ends a rotation for all tenants: the disk, or another process that will not let go of the file."""
OF_A_TENANT: Final = (*AMISS, ValueError, TypeError)
"""What one tenant's rows and entries can raise; the last two where one is not even of the right shape."""


def in_the_ports_words(method: Callable[P, R]) -> Callable[P, R]:
    """Have a method say what fails as the port does: `KeyStoreAway` or `KeysUnavailable`."""

    @wraps(method)
    def said(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except AMISS as error:
            kind = KeyStoreAway if isinstance(error, OF_THE_STORE) else KeysUnavailable
            raise kind(f"the key store fails ({type(error).__name__}); try again") from error

    return said
