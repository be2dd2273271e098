"""Metrics: each process counts for itself, and the API's `/metrics` shows them all.

The other processes answer on a Unix socket in the run folder: no port to clash, nobody else to reach it. What the API
reads there is given the label `process`; `penguinmails_up` tells which process did not answer. No label ever holds a
tenant, an id or anything of a person.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from adapters.sockets import short_socket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PROCESSES: Final = ("projector", "worker", "olap", "notary")
"""The processes beside the API; each may be asked for its figures."""
OWN_STRIPE: Final = "stripe"
"""The process of our own Stripe, where there is one."""
_PATIENCE: Final = 1.0
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Meters:
    """The figures of one process."""

    def __init__(self) -> None:
        """Begin with what the system knows of the process: CPU, memory, files."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "penguinmails_request_seconds",
            "Time to answer a request, by what was asked and how it ended.",
            ("name", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._observers: dict[tuple[str, int], Callable[[float], None]] = {}

    def observe(self, name: str, status: int, seconds: float) -> None:
        """Count a request; `name` is a command, a view or a fixed word, so that labels stay few."""
        observe = self._observers.get((name, status))
        if observe is None:
            child = self.requests.labels(name=name, status=str(status))
            observe = self._observers[name, status] = child.observe
        observe(seconds)

    def figures(self, read: Callable[[], Mapping[str, float]], about: Mapping[str, str]) -> None:
        """Show figures that are read when asked for, as gauges; `about` describes each by its name."""
        self.registry.register(_Figures(read, about))

    def by_label(
        self, read: Callable[[], Mapping[str, Mapping[str, float]]], about: Mapping[str, str], label: str
    ) -> None:
        """Show figures of several things of a kind, read when asked for: by figure, then by thing."""
        self.registry.register(_Figures(read, about, label))

    def text(self) -> bytes:
        """The figures in Prometheus's text form."""
        return generate_latest(self.registry)


class _Figures(Collector):
    """Gauges read at the moment of asking."""

    def __init__(
        self,
        read: Callable[[], Mapping[str, float | Mapping[str, float]]],
        about: Mapping[str, str],
        label: str | None = None,
    ) -> None:
        self._read = read
        self._about = about
        self._labels = () if label is None else (label,)

    def describe(self) -> Iterable[Metric]:
        return [self._family(name) for name in self._about]

    def collect(self) -> Iterable[Metric]:
        for name, found in self._read().items():
            family = self._family(name)
            for thing, value in found.items() if isinstance(found, Mapping) else [("", found)]:
                family.add_metric([thing] if self._labels else [], value)
            yield family

    def _family(self, name: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"penguinmails_{name}", self._about.get(name, name), labels=self._labels)


def socket_path(run: Path, process: str) -> Path:
    """Where a process answers for its figures."""
    return short_socket(run, f"{process}.metrics")


@contextlib.asynccontextmanager
async def answering(path: Path, meters: Meters) -> AsyncIterator[None]:
    """Answer for the figures of this process on a Unix socket (HTTP/1.0, any path) while the block runs."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - microseconds, once; a killed process leaves its socket behind

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: " + CONTENT_TYPE.encode() + b"\r\n\r\n")
            writer.write(await asyncio.to_thread(meters.text))
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    path.chmod(0o600)  # noqa: ASYNC240 - the same
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - the same


async def ask(path: Path) -> bytes | None:
    """The figures of another process; None when it does not answer within a second."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
                _, _, body = (await reader.read()).partition(b"\r\n\r\n")
                return body or None
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None


async def everything(meters: Meters, run: Path, *more: str) -> bytes:
    """The figures of all processes, each with the label `process`. `more`: other processes that there are."""
    names = (*PROCESSES, *more)
    told = dict(zip(names, await asyncio.gather(*(ask(socket_path(run, p)) for p in names)), strict=True))
    told["api"] = await asyncio.to_thread(meters.text)
    return await asyncio.to_thread(_joined, told)


def _joined(told: Mapping[str, bytes | None]) -> bytes:
    families: dict[str, Metric] = {}
    up = GaugeMetricFamily("penguinmails_up", "Whether a process answers.", labels=("process",))
    for process, text in told.items():
        up.add_metric([process], float(text is not None))
        for family in text_string_to_metric_families((text or b"").decode()):
            joined = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            joined.samples += [
                sample._replace(labels={"process": process, **sample.labels}) for sample in family.samples
            ]
    registry = CollectorRegistry()
    registry.register(_Ready([up, *families.values()]))
    return generate_latest(registry)


class _Ready(Collector):
    """Families that are at hand."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
