"""Log lines: one JSON object each, on standard error, without personal data by construction.

A key that is not in the table below is not written, and each key takes one shape of value only. An event's words are
a constant of the code: what a line is about goes into keys. Exceptions show their class and where, never their words,
since those of a database or of a validation repeat values. Libraries' lines pass the same gate: the template of a
message may be shown, its text arguments are not.
"""

from __future__ import annotations

import functools
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import UUID

import orjson
import structlog

if TYPE_CHECKING:
    from types import TracebackType

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_OURS: Final = ("domain", "application", "projections", "adapters", "api", "__main__")
WITHHELD: Final = "[withheld]"

_SENTENCE: Final = re.compile(r"[A-Za-z%\[][A-Za-z0-9 _.,:;'()\[\]%/=+-]{0,159}")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,79}")
_TOKEN: Final = re.compile(r"[0-9a-f-]{16,64}")
_NAME: Final = re.compile(r"[a-z_]+\.[a-z_-]+")
_ORIGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
_ROUTE: Final = re.compile(r"/[A-Za-z0-9_./{}*-]{0,120}")


def _word(value: object) -> object:
    text = value.value if isinstance(value, Enum) else value
    return text if isinstance(text, str) and _WORD.fullmatch(text) else WITHHELD


def _sentence(value: object) -> object:
    return value if isinstance(value, str) and _SENTENCE.fullmatch(value) else WITHHELD


def _token(value: object) -> object:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else WITHHELD


def _name(value: object) -> object:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else WITHHELD


def _route(value: object) -> object:
    return value if isinstance(value, str) and _ROUTE.fullmatch(value) else WITHHELD


def _origin(value: object) -> object:
    return value if isinstance(value, str) and _ORIGIN.fullmatch(value) else WITHHELD


def _number(value: object) -> object:
    return value if isinstance(value, int | float) else WITHHELD


def _uuid(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(value)) if isinstance(value, str) else WITHHELD
    except ValueError:
        return WITHHELD


KEYS: Final[Mapping[str, Callable[[object], object]]] = {
    "logger": _word,
    "event": _sentence,
    "process": _word,
    "pid": _number,
    "code": _number,
    "request": _token,
    "tenant": _uuid,
    "name": _name,
    "method": _word,
    "route": _route,
    "status": _number,
    "ms": _number,
    "origin": _origin,
    "witness": _origin,
    "projection": _word,
    "workflow": _word,
    "job": _uuid,
    "position": _number,
    "build": _number,
    "events": _number,
    "count": _number,
    "attempt": _number,
    "seconds": _number,
    "port": _number,
    "state": _word,
    "check": _word,
    "error": _word,
    "place": _word,
}
"""Every key that a log line can be given, and what it can hold; `frames` comes from an exception alone."""


def gate(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Let through what `KEYS` allows; of the rest, the names alone would already tell too much."""
    exc_info = line.pop("exc_info", None)
    kept = {key: KEYS[key](value) for key, value in line.items() if key in KEYS and value is not None}
    error = _exception(exc_info)
    if error is not None:
        kept.setdefault("error", "/".join(type(one).__name__ for one in _chain(error))[:79])
        kept["frames"] = _where(error.__traceback__)
    return kept


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return chain


def _where(trace: TracebackType | None) -> list[str]:
    """The innermost places, as file:line function."""
    return [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-12:]
    ]


def _short(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(_ROOT) and "site-packages" not in path.parts:
        return str(path.relative_to(_ROOT))
    return "/".join(path.parts[-2:])


def _argument(value: object) -> object:
    """Numbers, ids of ours, names of workflows and of exceptions may stand in a line; other texts may not."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and (_NAME.fullmatch(value) or _is_exception(value)):
        return value
    return WITHHELD


@functools.lru_cache(maxsize=256)
def _is_exception(name: str) -> bool:
    kinds: list[type[BaseException]] = [BaseException]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return any(kind.__name__ == name for kind in kinds)


def _from_library(record: logging.LogRecord) -> str:
    """What a line of the standard library's logging says: its template, with numbers put in.

    Without arguments the text may have been put together from values; that of a library is then left out.
    """
    if not isinstance(record.msg, str):
        return WITHHELD
    if not record.args:
        ours = record.name.partition(".")[0] in _OURS
        return record.msg if ours else f"a line of {record.name}"
    given = record.args if isinstance(record.args, tuple) else (record.args,)
    try:
        return record.msg % tuple(_argument(one) for one in given)
    except (TypeError, ValueError, KeyError):
        return re.sub(r"%[^%a-z]*[a-z]", WITHHELD, record.msg)


_EXTRAS: Final[Mapping[str, str]] = {
    "request_id": "request",
    "error": "error",
    "at": "place",
    "origin": "origin",
    "witness": "witness",
    "trouble": "state",
}
"""What our own lines through the standard library carry beside their words, and its key here."""


class _Bridge(logging.Handler):
    """Lines of the standard library's logging, on their way to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.ERROR)
        told = {key: getattr(record, name) for name, key in _EXTRAS.items() if hasattr(record, name)}
        log.log(level, _from_library(record), logger=record.name, exc_info=record.exc_info, **told)


def _json(_: object, __: str, line: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(line)


def set_up(process: str, *, level: str = "info", form: str = "json", out: BinaryIO | None = None) -> None:
    """Send every log line of this process through the gate, ours and the libraries'."""
    number = logging.getLevelNamesMapping()[level.upper()]
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    processors: list[Any] = [gate, stamp, _of(process)]
    if form == "json":
        processors.append(_json)
        factory: Any = structlog.BytesLoggerFactory(out or sys.stderr.buffer)
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="at"))
        factory = structlog.WriteLoggerFactory(sys.stderr)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(max(number, logging.INFO))
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn", "dramatiq", "stripe"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _of(process: str) -> Callable[[object, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    def put(_: object, level: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line.setdefault("process", process)
        line["level"] = level
        return line

    return put
