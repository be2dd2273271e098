"""Traces, when a collector is named (`PENGUINMAILS_OTLP_ENDPOINT`); without one a span costs nothing.

Spans carry what log lines may carry and no more: names, ids of ours, figures.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tracer(Protocol):
    """Makes spans; a span is a child of the one that is open in the same task."""

    def span(self, name: str, /, **facts: str | float) -> contextlib.AbstractContextManager[None]:
        """A span around a block; an exception marks it, by its class."""

    def close(self) -> None:
        """Send what is kept."""


class NoTracer:
    """Makes none."""

    def __init__(self) -> None:
        """One context serves all: it holds nothing."""
        self._nothing = contextlib.nullcontext()

    def span(self, _: str, /, **__: str | float) -> contextlib.AbstractContextManager[None]:
        """Nothing around a block."""
        return self._nothing

    def close(self) -> None:
        """Nothing is kept."""


NO_TRACER: Final = NoTracer()


class OtlpTracer:
    """Sends spans to a collector over OTLP/HTTP, in batches from a thread of its own."""

    def __init__(self, endpoint: str, process: str, *, exporter: Any = None) -> None:
        """`endpoint` is the collector's address, `/v1/traces` included; `exporter` replaces the sending in tests.

        Raises `ImportError` without the extra `telemetry`.
        """
        # Imported here: the packages are optional, and cost 200 ms where nobody traces.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

        resource = Resource.create({"service.name": "penguinmails", "penguinmails.process": process})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._provider.get_tracer("penguinmails")
        self._failed = lambda error: Status(StatusCode.ERROR, type(error).__name__)

    @contextlib.contextmanager
    def span(self, name: str, /, **facts: str | float) -> Iterator[None]:
        """A span around a block."""
        # The library would record an exception with its message, which may repeat what a person typed.
        with self._tracer.start_as_current_span(
            name, attributes=dict(facts), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(self._failed(error))  # type: ignore[no-untyped-call]  # the library leaves it untyped
                raise

    def close(self) -> None:
        """Send what is kept."""
        self._provider.shutdown()


def tracer(endpoint: str | None, process: str) -> Tracer:
    """The tracer that the settings ask for."""
    return NO_TRACER if endpoint is None else OtlpTracer(endpoint, process)
