"""Disclosed values: a file apart from the bundle that shows, one by one, what sealed values of it say.

Each comes with the opening of its commitment, which stands in the proven event (docs/envelope.md): whoever has the file
and the bundle knows that the log holds exactly this value, and nothing of any other.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from adapters.evidence import format as named
from adapters.evidence.files import document
from adapters.evidence.unpacking import Unreadable
from adapters.evidence.verdict import Verdict

MOST_BYTES: Final = 256 * 1024 * 1024
_MOST_NAMED: Final = 100
_OPENING: Final = 32
_PARTS: Final = ("payload", "metadata")
_FILE: Final = "The disclosure"


class Disclosed(NamedTuple):
    """One value: where it stands in which event, and what opens its commitment to it."""

    log: str
    position: int
    part: str
    field: str
    opening: bytes
    content: bytes
    """The value's JSON, as it was committed to."""


class Withheld(NamedTuple):
    """A value that was asked for and is not told, and why."""

    log: str
    position: int
    part: str
    field: str
    why: str


def disclosure(
    tenant: UUID, values: Iterable[Disclosed], withheld: Sequence[Withheld] = ()
) -> Iterator[bytes]:
    """The file: one JSON object, a line for each value."""
    yield f'{{"format":"{named.DISCLOSURE_FORMAT}","tenant":"{tenant}","values":['.encode()
    for number, one in enumerate(values):
        told = one._replace(opening=b"", content=b"")._asdict() | {
            "opening": base64.b64encode(one.opening).decode(),
            "content": one.content.decode(),
        }
        yield (",\n" if number else "\n").encode() + json.dumps(told, ensure_ascii=False).encode()
    yield b"\n]"
    for number, other in enumerate(withheld):
        yield (b",\n" if number else b',"withheld":[\n') + json.dumps(
            other._asdict(), ensure_ascii=False
        ).encode()
    yield b"\n]}\n" if withheld else b"}\n"


class Disclosure:
    """A file of disclosed values while the events go by that are to hold them."""

    def __init__(self, data: bytes, tenant: str, verdict: Verdict) -> None:
        """Read the file. Raises `Unreadable`."""
        if len(data) >= MOST_BYTES:
            raise Unreadable(f"{_FILE} has {MOST_BYTES:,} bytes or more.")
        told = document(data, _FILE)
        if told.get("format") != named.DISCLOSURE_FORMAT or not isinstance(told.get("values"), list):
            raise Unreadable(f"{_FILE} is none: its format is to be {named.DISCLOSURE_FORMAT}, with values.")
        if told.get("tenant") != tenant:
            raise Unreadable(f"{_FILE} is of another tenant than the bundle, {tenant}.")
        self._verdict = verdict
        self._waiting = dict.fromkeys(_value(number, one) for number, one in enumerate(told["values"], 1))
        self._held: list[Disclosed] = []
        if withheld := told.get("withheld"):
            number = len(withheld) if isinstance(withheld, list) else "some"
            verdict.notes.append(
                f"The disclosure says of {number} values that were asked for that they do not open, or are not sealed:"
                " see `withheld` in it, which nobody signed."
            )

    def wanted(self, log: str) -> dict[int, Callable[[Mapping[str, Any]], None]]:
        """What is to see the events of which positions of a log."""
        by_position: dict[int, list[Disclosed]] = {}
        for value in self._waiting:
            if value.log == log:
                by_position.setdefault(value.position, []).append(value)
        return {position: partial(self._compare, values) for position, values in by_position.items()}

    def end(self) -> None:
        """Say what was found, once all events went by."""
        held = [f"{one.field!a} at position {one.position} of {one.log}" for one in self._held]
        if held:
            more = f" and {len(held) - _MOST_NAMED} more" if len(held) > _MOST_NAMED else ""
            self._verdict.proven.append(
                f"{len(held)} disclosed values are those that their events hold: {', '.join(held[:_MOST_NAMED])}{more}."
            )
        for value in list(self._waiting)[:_MOST_NAMED]:
            place = f"position {value.position} of the log {value.log!a}"
            self._verdict.unjudged.append(f"A value is disclosed of {place}, which is not in the bundle.")

    def _compare(self, values: Iterable[Disclosed], event: Mapping[str, Any]) -> None:
        for value in values:
            self._waiting.pop(value, None)
            if _discloses(event, value):
                self._held.append(value)
            else:
                self._verdict.wrong.append(
                    f"The value disclosed of {value.field!a} at position {value.position} of the log {value.log} is"
                    " not the one that the event holds."
                )


def _discloses(event: Mapping[str, Any], value: Disclosed) -> bool:
    """Whether the event holds exactly this value in this field (docs/envelope.md).

    HMAC fills a shorter key up with zeros: an opening of another length is none, though it might do the same.
    """
    sealed = event[value.part].get(value.field)
    told = sealed.get("h") if isinstance(sealed, dict) else None
    commitment = base64.b64encode(hmac.digest(value.opening, value.content, sha256)).decode()
    if len(value.opening) != _OPENING or not isinstance(told, str):
        return False
    return hmac.compare_digest(told.encode(), commitment.encode())


def _value(number: int, told: Any) -> Disclosed:
    try:
        value = Disclosed(
            told["log"],
            told["position"],
            told["part"],
            told["field"],
            base64.b64decode(told["opening"], validate=True),
            told["content"].encode(),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        value = None
    texts = () if value is None else (value.log, value.part, value.field)
    if value is None or type(value.position) is not int or not all(type(one) is str for one in texts):
        raise Unreadable(
            f"Value {number} of the disclosure is none: log, position, part, field, opening, content."
        )
    if value.part not in _PARTS:
        raise Unreadable(f"Value {number} of the disclosure is to stand in payload or metadata.")
    return value
