"""Calls to the owner of the analytics file over Flight, on threads of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import pyarrow as pa
from pyarrow import flight

from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import AnalyticsUnavailable

_T = TypeVar("_T")
_RECONNECT: Final = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 500)]


class OwnerCalls:
    """Connects on first use; finds the owner again after it was restarted."""

    def __init__(
        self,
        settings: OlapSettings,
        *,
        seconds: float,
        at_once: int,
        read_error: Callable[[bytes], Exception],
    ) -> None:
        """A call takes `seconds` at most. `read_error` makes of what the owner tells the error to raise."""
        self._location = settings.location()
        headers = [(b"authorization", f"Bearer {settings.token}".encode())] if settings.token else []
        self._options = flight.FlightCallOptions(timeout=seconds, headers=headers)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="olap-client")
        self._lock = threading.Lock()
        self._client: Any = None
        self._read_error = read_error

    async def get(self, ticket: bytes) -> Any:
        """The table that a ticket is for."""
        return await self._call(lambda client: client.do_get(flight.Ticket(ticket), self._options).read_all())

    async def act(self, action: str, about: bytes = b"") -> bytes:
        """The one result of an action."""

        def act(client: Any) -> bytes:
            (result,) = client.do_action(flight.Action(action, about), self._options)
            return bytes(result.body.to_pybytes())

        return await self._call(act)

    async def close(self) -> None:
        """Wait for what runs, and let go."""
        await asyncio.to_thread(self._threads.shutdown)
        self._drop()

    async def _call(self, ask: Callable[[Any], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, ask)

    def _ask(self, ask: Callable[[Any], _T]) -> _T:
        """Ask, and once more over a new connection if the owner could not be reached: questions change nothing."""
        try:
            return self._ask_once(ask)
        except AnalyticsUnavailable as error:
            if error.__cause__ is None or not isinstance(error.__cause__, flight.FlightUnavailableError):
                raise
            return self._ask_once(ask)

    def _ask_once(self, ask: Callable[[Any], _T]) -> _T:
        try:
            return ask(self._connected())
        except (flight.FlightError, pa.ArrowException) as error:
            told = getattr(error, "extra_info", b"")
            if told:
                raise self._read_error(told) from error
            self._drop()
            raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = flight.connect(self._location, generic_options=_RECONNECT)
            return self._client

    def _drop(self) -> None:
        """Forget the connection; calls on it that are under way end by themselves."""
        with self._lock:
            self._client = None
