"""How often Python looks for garbage: seldom while a process loads, when nearly all that comes stays.

Looking through what was loaded, again and again, would take a quarter of the time that a process takes to start.
"""

from __future__ import annotations

import gc
from typing import Final

_LOADING: Final = (50_000, 20, 100)
_AT_WORK: Final = (700, 10, 10)  # Python's own


def loading() -> None:
    """From here on it loads. A command that soon ends leaves it so."""
    gc.set_threshold(*_LOADING)


def loaded() -> None:
    """All is there: it is never looked through again, and what is made from now on as often as ever."""
    gc.freeze()
    gc.set_threshold(*_AT_WORK)
