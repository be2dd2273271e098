"""Nothing personal reaches a log line, whatever is thrown at it."""

import io
import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pydantic
import pytest
import structlog

from api.ops import logs

ADDRESS = "somebody.private@example.com"
NAME = "Ngũgĩ wa Kamau"


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """Log lines as they are written."""
    root, out = logging.getLogger(), io.BytesIO()
    handlers, level = root.handlers[:], root.level
    logs.set_up("test", level="debug", out=out)
    yield out
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _read(out: io.BytesIO) -> list[dict[str, object]]:
    text = out.getvalue()
    assert ADDRESS.encode() not in text
    assert NAME.encode() not in text
    assert b"private" not in text
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_says_what_where_and_when(lines: io.BytesIO) -> None:
    tenant = uuid4()
    structlog.get_logger("api.ops").info(
        "a job ended", tenant=tenant, workflow="import.run", seconds=1.5, status=200
    )
    (line,) = _read(lines)
    assert line.pop("at")
    assert line == {
        "event": "a job ended",
        "tenant": str(tenant),
        "workflow": "import.run",
        "seconds": 1.5,
        "status": 200,
        "level": "info",
        "process": "test",
    }


@pytest.mark.parametrize("key", [*logs.KEYS, "email", "who", ADDRESS])
@pytest.mark.parametrize("value", [ADDRESS, NAME, [ADDRESS], {"email": ADDRESS}, ADDRESS.encode()])
def test_no_key_takes_an_address_or_a_name(lines: io.BytesIO, key: str, value: object) -> None:
    told = {key: value}
    event = told.pop("event", "something happened")
    structlog.get_logger("api").warning(event, **told)
    _read(lines)


class Person(pydantic.BaseModel):
    age: int
    email: str


def _raise_with_the_value() -> None:
    try:
        Person.model_validate({"age": ADDRESS, "email": NAME})
    except pydantic.ValidationError as error:
        raise RuntimeError(f"could not send to {ADDRESS}") from error


def test_an_exception_shows_its_classes_and_places_and_none_of_its_words(lines: io.BytesIO) -> None:
    try:
        _raise_with_the_value()
    except RuntimeError:
        structlog.get_logger("api").exception("sending failed")
        logging.getLogger("adapters.smtp").exception("sending failed")
        logging.getLogger("somelibrary").exception("could not send to %s", ADDRESS)
    told = _read(lines)
    assert len(told) == 3
    for line in told:
        assert line["error"] == "RuntimeError/ValidationError"
        frames = line["frames"]
        assert isinstance(frames, list)
        assert any("_raise_with_the_value" in frame for frame in frames)


def test_librarys_lines_keep_their_template_and_numbers_alone(lines: io.BytesIO) -> None:
    tenant = uuid4()
    library = logging.getLogger("somelibrary")
    library.warning("connection to %s lost after %d tries", ADDRESS, 3)
    library.warning(f"cannot reach {ADDRESS}")
    library.warning("%(who)s left", {"who": NAME})
    library.warning(ADDRESS, extra={"request_id": ADDRESS, "error": NAME})
    logging.getLogger("projections.runtime").warning(
        "job of tenant %s (%s) ended with %s", tenant, "import.run", "OperationalError"
    )
    texts = [line["event"] for line in _read(lines)]
    assert texts[0] == "connection to [withheld] lost after 3 tries"
    assert texts[1] == "a line of somelibrary"
    assert texts[4] == f"job of tenant {tenant} (import.run) ended with OperationalError"


def test_a_witness_and_a_log_are_named_as_keys_are_and_nothing_else_is(lines: io.BytesIO) -> None:
    origin = f"ledger.example.com/{uuid4()}/events/1"
    said = logging.getLogger("projections.audit.witnesses")
    said.error(
        "another past", extra={"witness": "w.example.com/w1", "origin": origin, "trouble": "two_roots"}
    )
    said.error("another past", extra={"witness": ADDRESS, "origin": NAME, "trouble": "gone at last"})
    named, withheld = _read(lines)
    assert (named["witness"], named["origin"], named["state"]) == ("w.example.com/w1", origin, "two_roots")
    assert {withheld["witness"], withheld["origin"], withheld["state"]} == {logs.WITHHELD}


def test_levels_below_the_setting_are_not_written() -> None:
    root = logging.getLogger()
    handlers, level, out = root.handlers[:], root.level, io.BytesIO()
    logs.set_up("test", level="warning", out=out)
    structlog.get_logger("api").info("quiet")
    logging.getLogger("somelibrary").info("quiet")
    structlog.get_logger("api").error("loud")
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    assert [line["event"] for line in _read(out)] == ["loud"]
