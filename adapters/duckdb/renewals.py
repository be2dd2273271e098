"""Answers that will soon be too old are made anew beside, and given meanwhile (RFC 5861: stale-while-revalidate).

So who asks often waits for an answer that takes long only once. It is begun as soon as what is left is no more than
twice what it is expected to take, and at once: if it waited for its turn, the short would pass it until it is too late.
Few are made at a time, and what nobody asks is not made.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from adapters.duckdb.turns import Turns
from application.ports.analytics import AnalyticsUnavailable

_EARLY: Final = 2.0
"""How many times what an answer is expected to take must be left of its time, or it is made anew."""

_log: Final = logging.getLogger(__name__)


class Renewals:
    """May be used from any thread until `close`; each question is renewed once at a time."""

    def __init__(self, turns: Turns, threads: int, patience: float) -> None:
        """Nothing is renewed yet; no more than so many ever are at once. `patience` is in seconds."""
        self._turns = turns
        self._patience = patience
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="olap-renewal")
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[None]] = {}
        self._closed = False

    def consider(
        self, question: Hashable, left: float, make: Callable[[], object], names: tuple[str, ...]
    ) -> None:
        """Have an answer made beside if it may be given for only `left` seconds more, and that is soon.

        `make` makes and keeps it; `names` are what the question is known by, as for its turn.
        """
        if left > _EARLY * self._turns.expected(*names):
            return
        with self._lock:
            if not self._closed and question not in self._under_way:
                self._under_way[question] = self._pool.submit(self._renew, question, make, names)

    def _renew(self, question: Hashable, make: Callable[[], object], names: tuple[str, ...]) -> None:
        try:
            with self._turns.beside(*names):
                make()
        except AnalyticsUnavailable:
            pass  # whoever asks next is told
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asks next meets it and is told
            _log.warning("an answer could not be renewed", extra={"error": type(error).__name__})
        finally:
            self._forget(question)

    def joined(self, question: Hashable) -> bool:
        """Wait for an answer that is being made. False: none is; one that is not begun yet will not be."""
        with self._lock:
            renewal = self._under_way.get(question)
        if renewal is None:
            return False
        if renewal.cancel():
            self._forget(question)
            return False
        wait([renewal], self._patience)
        return True

    def _forget(self, question: Hashable) -> None:
        with self._lock:
            self._under_way.pop(question, None)

    def close(self) -> None:
        """Begin no more, and wait for what is under way."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)
