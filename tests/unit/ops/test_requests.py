"""What is noted of a request: its id, its line, its measurement, its span."""

import asyncio
import io
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.ops.metrics import Meters
from api.ops.requests import Lines, RequestLog
from api.ops.tracing import NoTracer, OtlpTracer

ADDRESS = "somebody.private@example.com"
TENANT = uuid4()


def _scope(*headers: tuple[bytes, bytes], method: str = "POST") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": f"/{ADDRESS}", "headers": list(headers)}


async def _send(_: object) -> None:
    return None


async def _receive() -> dict[str, Any]:
    return {"type": "http.request"}


async def _answers(scope: Any, _: Any, send: Any) -> None:
    scope["penguin.tenant"] = TENANT
    scope["penguin.command"] = "audience.create-contact"
    scope["penguin.status"] = 201
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _one(app: Any, scope: dict[str, Any]) -> tuple[dict[str, Any], Meters]:
    out, meters = io.BytesIO(), Meters()
    lines = Lines(out)
    layer = RequestLog(app, meters=meters, tracer=NoTracer(), lines=lines)
    try:
        await layer(scope, _receive, _send)
    finally:
        lines.flush()
    assert ADDRESS.encode() not in out.getvalue()
    assert ADDRESS.encode() not in meters.text()
    return json.loads(out.getvalue()), meters


async def test_a_line_and_a_measurement() -> None:
    line, meters = await _one(_answers, _scope())
    assert line.pop("at")
    assert line.pop("request")
    assert line.pop("ms") >= 0
    assert line == {
        "tenant": str(TENANT),
        "name": "audience.create-contact",
        "method": "POST",
        "status": 201,
        "event": "request",
        "level": "info",
        "process": "api",
    }
    counted = 'penguinmails_request_seconds_count{name="audience.create-contact",status="201"} 1.0'
    assert counted in meters.text().decode()


@pytest.mark.parametrize("sent", ["0198c0de-0000-7000-8000-00000000abcd", "deadbeef" * 4])
async def test_a_callers_id_that_is_one_is_kept(sent: str) -> None:
    scope = _scope((b"x-request-id", sent.encode()))
    line, _ = await _one(_answers, scope)
    assert line["request"] == sent == scope["penguin.request_id"]


@pytest.mark.parametrize("sent", [ADDRESS, "JaneDoe", "jane", "-" * 65, "Ngũgĩ wa Kamau"])
async def test_a_callers_id_that_might_be_a_name_is_not(sent: str) -> None:
    scope = _scope((b"x-request-id", sent.encode()))
    line, _ = await _one(_answers, scope)
    assert line["request"] == scope["penguin.request_id"] != sent


async def test_what_a_door_puts_in_wrongly_is_left_out() -> None:
    async def careless(scope: Any, _: Any, send: Any) -> None:
        scope["penguin.tenant"] = ADDRESS
        scope["penguin.command"] = ADDRESS
        scope["penguin.status"] = 404
        await send({"type": "http.response.start", "status": 404, "headers": []})

    line, meters = await _one(careless, _scope(method=ADDRESS))
    assert line["method"] == "other"
    assert "tenant" not in line
    assert "name" not in line
    assert 'name="other",status="404"' in meters.text().decode()


async def test_an_app_that_fails_is_noted_as_500() -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError(ADDRESS)

    out = io.BytesIO()
    lines = Lines(out)
    layer = RequestLog(fails, meters=Meters(), tracer=NoTracer(), lines=lines)
    with pytest.raises(RuntimeError):
        await layer(_scope(), _receive, _send)
    lines.flush()
    assert json.loads(out.getvalue())["status"] == 500
    assert ADDRESS.encode() not in out.getvalue()


class _Out(io.BytesIO):
    """Says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def flush(self) -> None:
        self.written.set()


async def test_lines_are_written_soon_without_being_asked() -> None:
    out = _Out()
    layer = RequestLog(_answers, meters=Meters(), tracer=NoTracer(), lines=Lines(out))
    await layer(_scope(), _receive, _send)
    assert out.getvalue() == b""
    await asyncio.wait_for(out.written.wait(), 10)
    assert out.getvalue().endswith(b"}\n")


async def test_it_costs_microseconds() -> None:
    """The bound is ten times what it takes, for a machine that is busy with other things."""
    layer = RequestLog(_answers, meters=Meters(), tracer=NoTracer(), lines=Lines(io.BytesIO()))
    times = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(500):
            await layer(_scope(), _receive, _send)
        with_it = time.process_time() - begun
        begun = time.process_time()
        for _ in range(500):
            await _answers(_scope(), _receive, _send)
        times.append((with_it - (time.process_time() - begun)) / 500)
    assert min(times) < 100e-6


async def test_spans_carry_no_words_of_an_exception() -> None:
    kept = InMemorySpanExporter()
    tracer = OtlpTracer("http://127.0.0.1:9", "api", exporter=kept)

    async def fails(*_: Any) -> None:
        with tracer.span("decide", command="audience.create-contact"):
            raise RuntimeError(ADDRESS)

    layer = RequestLog(fails, meters=Meters(), tracer=tracer)
    with pytest.raises(RuntimeError):
        await layer(_scope(), _receive, _send)
    tracer.close()
    inner, outer = kept.get_finished_spans()
    assert (inner.name, outer.name) == ("decide", "request")
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert inner.status.description == "RuntimeError"
    assert ADDRESS not in f"{inner.to_json()}{outer.to_json()}"
