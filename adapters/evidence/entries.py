"""A person's entries as a certificate tells of them: what stands plain in an event, and that the rest is sealed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

DECIDED: Final = "audience.permission_decided"
DISPATCHED: Final = "audience.message_dispatched"
FACTS: Final = frozenset(
    {"audience.addressee_described", "audience.addressee_registered", "audience.description_taken_back"}
)
"""What says where somebody is, and whose the address is."""

STOPS: Final = frozenset(
    {
        "audience.addressee_erased",
        "audience.addressee_suppressed",
        "audience.consent_withdrawn",
        "audience.entry_retracted",
        "audience.listed_undated",
        "audience.opt_out_lifted",
        "audience.opt_out_narrowed",
        "audience.opt_out_told_late",
        "audience.opted_out",
        "audience.sale_opted_out",
        "audience.suppression_lifted",
    }
)
"""What stops mail, takes back what allowed it, or ends such a stop."""

MOST_TOLD: Final = 100
_LONGEST: Final = 120
_SEALED: Final = {"~", "s", "c", "h"}
_OF_A_REASON: Final = ("verdict", "law", "rule", "until")
_MOST_REASONS: Final = 20


class Entry(NamedTuple):
    """One event of the person's stream, as far as it is told of; `sealed` are fields whose values are not plain."""

    version: int
    position: int
    recorded_at: str
    name: str
    plain: Mapping[str, Any]
    sealed: tuple[str, ...]
    actor: Mapping[str, Any]

    @classmethod
    def of(cls, event: Mapping[str, Any], message: str) -> Entry | None:
        """What is kept of an event, of a decision on this message its reasons; None where its version is no number."""
        payload, actor = event["payload"], event["metadata"].get("actor")
        if type(event["version"]) is not int:
            return None
        sealed = tuple(
            said(name)
            for name, value in sorted(payload.items())
            if isinstance(value, dict) and value.keys() == _SEALED
        )
        plain = _scalars(payload)
        if event["name"] == DECIDED and payload.get("message_id") == message:
            plain |= _of_decision(payload)
        return cls(
            event["version"],
            event["position"],
            event["recorded_at"],
            event["name"],
            plain,
            sealed[:MOST_TOLD],
            _scalars(actor) if isinstance(actor, dict) else {},
        )

    @property
    def who(self) -> str:
        """Who entered it."""
        told = f"{said(self.actor.get('kind', 'unknown')).replace('_', ' ')} {said(self.actor.get('id', ''))}"
        for part, words in (("member", "of member"), ("grant", "under grant")):
            if self.actor.get(part) is not None:
                told += f" {words} {said(self.actor[part])}"
        return told

    @property
    def place(self) -> str:
        """Where and when it stands in the log."""
        return f"position {self.position}, recorded {self.recorded_at}"

    def __str__(self) -> str:
        """The entry in words."""
        told = [
            f"{said(name)} {said(value)}"
            for name, value in sorted(self.plain.items())
            if name != "addressee_id" and not isinstance(value, dict | list)
        ]
        if self.sealed:
            told.append(f"sealed: {', '.join(self.sealed)}")
        kind = said(self.name.rpartition(".")[2]).replace("_", " ")
        more = f" ({'; '.join(told[:MOST_TOLD])})" if told else ""
        return f"Entry {self.version}, {self.place}: {kind}{more}."


def _scalars(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name[:_LONGEST]: value[: 2 * _LONGEST] if isinstance(value, str) else value
        for name, value in itertools.islice(told.items(), MOST_TOLD)
        if isinstance(value, str | int | float)
    }


def _of_decision(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision says of the message, the packs and its reasons, and no more than can be told."""
    message, packs, reasons = (payload.get(name) for name in ("message", "packs", "reasons"))
    return {
        "message": _scalars(message) if isinstance(message, dict) else {},
        "packs": _scalars(packs) if isinstance(packs, dict) else {},
        "reasons": [
            _scalars({name: reason.get(name) for name in _OF_A_REASON})
            | {"entries": numbers(reason.get("entries")), "missing": _texts(reason.get("missing"))}
            for reason in objects(reasons)[:_MOST_REASONS]
        ],
    }


def _texts(value: object) -> list[str]:
    return [said(one) for one in value[:_MOST_REASONS]] if isinstance(value, list) else []


def said(value: object) -> str:
    """A value as it may be written anywhere: what would move a cursor or turn text around is spelt out."""
    text = (
        value if isinstance(value, str) else ascii(value).lower() if isinstance(value, bool) else ascii(value)
    )
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return text if text.isprintable() else ascii(text)[1:-1]


def listed(numbers: Iterable[int]) -> str:
    """Numbers in order, runs of them as one: 1 to 3, 7."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return spans(runs)


def missing(numbers: Iterable[int], last: int) -> list[tuple[int, int]]:
    """Which numbers from 1 to `last` are not among these, as runs."""
    there = sorted({0, last + 1, *(number for number in numbers if 0 < number <= last)})
    return [(before + 1, after - 1) for before, after in itertools.pairwise(there) if after - before > 1]


def spans(runs: Sequence[Sequence[int]]) -> str:
    """Runs of numbers in words, the first ones."""
    told = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:MOST_TOLD]]
    return ", ".join(told) + (" and more" if len(runs) > MOST_TOLD else "")


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects in a list, the first ones."""
    return [one for one in value[:MOST_TOLD] if isinstance(one, dict)] if isinstance(value, list) else []


def numbers(value: object) -> list[int]:
    """The numbers in a list, the first ones."""
    return [one for one in value[:MOST_TOLD] if type(one) is int] if isinstance(value, list) else []
