"""What an export says of itself: what it was made from, how much is in it, what was left out, and how that is checked.

Whoever records an export makes its certificate first. It goes where the form has a place for it: a member of JSON, the
sheet or metadata of a file, the last line of a list, and always the header `Penguin-Completeness`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from application.ports.positions import Position
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.audit.origins import LogId, LogKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from application.ports.ledger import Ledger

HEADER: Final = "penguin-completeness"
FORMAT: Final = "penguinmails-completeness/1"


class Hidden(NamedTuple):
    """Something that left rows out. `rows`: how many; None where counting them was not cheap."""

    filter: str
    asked: str
    rows: int | None = None


class Signed(NamedTuple):
    """A checkpoint of the log, as it was signed; `root` in base64."""

    origin: str
    size: int
    root: str


class OfLogs(NamedTuple):
    """What is made from all logs at once: how many, and the digest of their positions."""

    logs: int
    digest: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """The certificate of one export.

    `rows`: how many are in it; None while a list is written, whose last line tells. `whole`: whether nothing was cut
    off at a limit.
    """

    tenant_id: UUID
    made_from: Position | OfLogs
    rows: int | None
    checkpoint: Signed | None = None
    hidden: tuple[Hidden, ...] = ()
    whole: bool = True
    log: LogKind = LogKind.EVENTS

    @property
    def position(self) -> str | None:
        """The token of what it was made from, where that is one log."""
        return self.made_from.token() if isinstance(self.made_from, Position) else None

    def told(self) -> dict[str, Any]:
        """As JSON holds it."""
        hidden = [{"filter": one.filter, "asked": one.asked, "rows": one.rows} for one in self.hidden]
        told: dict[str, Any] = {"format": FORMAT, "tenant": str(self.tenant_id)}
        if isinstance(self.made_from, OfLogs):
            return told | {
                "logs": self.made_from.logs,
                "digest": self.made_from.digest,
                "rows": self.rows,
                "complete": self.whole,
                "hidden": hidden,
                "verify": self.verify(),
            }
        last = self.made_from.n
        return told | {
            "log": self.log.value,
            "position": self.position,
            "positions": {"first": min(1, last), "last": last},
            "rows": self.rows,
            "complete": self.whole,
            "hidden": hidden,
            "checkpoint": None
            if self.checkpoint is None
            else {**self.checkpoint._asdict(), "covers": self.checkpoint.size >= last},
            "verify": self.verify(),
        }

    def header(self) -> str:
        """The same as a header holds it: in ASCII, on one line."""
        return json.dumps(self.told(), separators=(",", ":"))

    def facts(self) -> list[tuple[str, str]]:
        """The same for people, by name, and once more for programs."""
        return [
            ("left_out", self._left_out()),
            ("checkpoint", self.signed()),
            ("verify_positions", self.verify()),
            ("completeness", self.header()),
        ]

    def verify(self) -> str:
        """How it is checked, in words."""
        if isinstance(self.made_from, OfLogs):
            return (
                "Each log is signed by itself. GET /v1/platform/positions gives the positions that the digest is of; "
                "each tenant's checkpoint of that position or later is what those are checked against."
            )
        path, last = f"/v1/ledger/{self.log}", self.made_from.n
        if self.checkpoint is None:
            return f"Nothing of this log was signed yet: get {path}/checkpoint later, whose size has to reach {last}."
        size, origin = self.checkpoint.size, self.checkpoint.origin
        if size >= last:
            return (
                f"The checkpoint holds every position that this was made from. {path}/verifier-keys verify it, "
                f"{path}/consistency?from={size} shows that later ones go on from it; with an evidence bundle both are "
                "checked offline. The same question as of the same position gives the same."
            )
        return (
            f"The checkpoint of {origin} holds positions 1 to {size}; {size + 1} to {last} were not signed when this "
            f"was made. Get {path}/checkpoint, whose size reaches {last} by now; {path}/consistency?from={size} shows "
            "that it goes on from this one."
        )

    def _left_out(self) -> str:
        cut = "" if self.whole else "rows beyond the limit: there are more than these"
        told = [f"what {one.filter}={one.asked} leaves out ({_many(one.rows)})" for one in self.hidden]
        return "; ".join([*([cut] if cut else []), *told]) or "nothing"

    def signed(self) -> str:
        """The checkpoint in words."""
        return "of each log its own" if isinstance(self.made_from, OfLogs) else in_words(self.checkpoint)


class Checkpoints:
    """Finds the checkpoint that an export is checked against."""

    def __init__(self, ledger: Ledger) -> None:
        """Look in `ledger`."""
        self._ledger = ledger

    async def of(self, tenant_id: UUID, position: Position, log: LogKind = LogKind.EVENTS) -> Signed | None:
        """The first one kept for ever that holds the position, else the latest; None where nothing was signed.

        One that is kept can be had again for ever, and stays the same: so do the files that name it.
        """
        of = LogId(tenant_id, log)
        kept = await self._ledger.kept(of, after=(position.epoch, position.n - 1), limit=1)
        tree = kept[0] if kept and kept[0].size >= position.n else await self._ledger.tree(of)
        if tree is None:
            return None
        return signed_in(tree.note)


def in_words(checkpoint: Signed | None) -> str:
    """A checkpoint as a line of text names it."""
    if checkpoint is None:
        return "none was signed yet"
    return f"{checkpoint.origin}, {checkpoint.size} events, root {checkpoint.root}"


def signed_in(note: bytes) -> Signed:
    """The checkpoint that a signed note holds."""
    found = Checkpoint.read(Note.read(note).text)
    return Signed(found.origin, found.size, base64.b64encode(found.root).decode())


def hidden_by(given: Mapping[str, str], *, but: Iterable[str] = ()) -> tuple[Hidden, ...]:
    """What parameters of a question leave out, in the order of their names; how much, nobody counted."""
    ways = set(but)
    return tuple(Hidden(name, value) for name, value in sorted(given.items()) if name not in ways)


def _many(rows: int | None) -> str:
    return "not counted" if rows is None else f"{rows:,}"
