"""One log's proof: the roots made from what is in the bundle against the checkpoints, and where they part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from adapters.evidence.anchors import Anchor, Compared, compared, kept
from adapters.evidence.mirror import Mirror, first_difference
from adapters.evidence.steps import Facts, Gap, Run, Steps
from adapters.evidence.unpacking import Unreadable
from adapters.evidence.verdict import Place, Verdict
from domain.audit.covering import Walk
from domain.audit.errors import MalformedCover

Roots = dict[int, bytes]


@dataclass(slots=True)
class Walked:
    """What the way through a log gave: roots by the events, and by the hashes that came along where these differ."""

    facts: Facts
    by_events: Roots
    by_hashes: Roots
    parted: int | None
    """The first position whose event has another hash than the one that came along."""

    parting: int
    broken: tuple[int, str] | None
    """The position at which the way ended early, and why."""

    @property
    def first_doubt(self) -> tuple[int, str] | None:
        """The first position at which something does not fit within the bundle itself, in words."""
        doubts = [one for one in (self.broken, self.facts.astray, self.facts.odd) if one is not None]
        if self.parted is not None:
            doubts.append((self.parted, "its event is not the one whose hash the log's tree holds"))
        return min(doubts, default=None)


class _Way:
    """Two walks side by side, one until they part."""

    def __init__(self, end: int, sizes: Iterable[int]) -> None:
        self.events = Walk(end, sizes)
        self._hashes: Walk | None = None
        self.parted: int | None = None
        self.parting = 0
        self.astray = self.short = False

    @property
    def hashes(self) -> Walk:
        return self._hashes or self.events

    def take(self, step: Run | Gap) -> None:
        if isinstance(step, Gap):
            for walk in self._live():
                walk.subtree(step.node, step.hashed)
            return
        if step.made != step.stored:
            self._part(step)
        self.astray = self.astray or len(step.made) < step.count
        self.short = self.short or len(step.stored) < step.count
        if not self.astray:
            self.events.leaves(step.made)
        if self._hashes is not None and not self.short:
            self._hashes.leaves(step.stored)

    def _part(self, step: Run) -> None:
        if self._hashes is None:
            self._hashes = self.events.copy()
        pairs = zip(step.made, step.stored, strict=False)
        differing = [at for at, (made, stored) in enumerate(pairs) if made != stored]
        self.parting += len(differing)
        if self.parted is None and differing:
            self.parted = step.first + differing[0] + 1

    def _live(self) -> list[Walk]:
        live = [] if self.astray else [self.events]
        return live if self._hashes is None or self.short else [*live, self._hashes]


def walked(steps: Steps, end: int, sizes: Iterable[int]) -> Walked:
    """Go through a log once, and make the root of each of these sizes."""
    way, broken = _Way(end, sizes), None
    try:
        for step in steps.run():
            way.take(step)
            if way.short and broken is None:
                broken = way.hashes.size + 1, "the hashes that came along end before it"
            if way.short and way.astray:
                break
    except (MalformedCover, Unreadable) as fault:
        at = max(way.events.size, way.hashes.size)
        broken = min(broken or (at + 1, str(fault)), (at + 1, str(fault)))
    return Walked(steps.facts, way.events.roots, way.hashes.roots, way.parted, way.parting, broken)


@dataclass(frozen=True, slots=True)
class Case:
    """A log, what it is compared with, and how to go through it once more."""

    log: str
    head: Anchor
    anchors: Sequence[Anchor]
    """Those whose signatures are right."""

    again: Callable[[], Iterable[Run | Gap]]
    signed: bool = True
    """Whether its own checkpoint counts."""


def judge(case: Case, way: Walked, verdict: Verdict) -> bool:
    """Say of one log what was proven and what is wrong; whether its events are those of a tree that was signed."""
    results = _results(case, way.by_events)
    _tell_doubt(case, way, results, verdict)
    for anchor, result in results.items():
        _tell(case, way, anchor, result, verdict)
    along = [one.checkpoint.size for one, result in results.items() if _came_along(case, one, result)]
    unknown = sum(not one.counts for one in case.anchors)
    if unknown:
        verdict.not_proven.append(
            f"That {unknown} older checkpoints of the log {case.log} that came along are the installation's: no key"
            " that was given signed them."
        )
    if along:
        verdict.proven.append(
            f"{len(along)} older checkpoints of the log {case.log} that came along hold, of {min(along)} to"
            f" {max(along)} positions."
        )
    place = _by_mirror(case, results) or _first_wrong(case, way, results) or _unsigned(case, results)
    if place is not None:
        verdict.first_wrong.append(place)
    facts, holds = way.facts, case.signed and results[case.head] is Compared.HOLDS
    if not case.signed:
        verdict.not_proven.append(
            f"Anything of the log {case.log} beyond what older checkpoints show: nobody who counts signed its own."
        )
    elif holds and facts.astray is None:
        size = case.head.checkpoint.size
        verdict.proven.append(
            f"{facts.events:,} events of the log {case.log}, positions {facts.first} to {facts.last}, recorded"
            f" {facts.since} to {facts.until}, are in its tree of {size} positions, each in its place and as it"
            " was stored."
            if facts.events
            else f"The log {case.log} has {size} positions; the bundle holds none of their events."
        )
    return holds and facts.astray is None and facts.odd is None


def _results(case: Case, roots: Roots) -> dict[Anchor, Compared]:
    anchors = (case.head, *case.anchors)
    return {anchor: compared(anchor, case.head, anchors, roots) for anchor in anchors}


def _came_along(case: Case, anchor: Anchor, result: Compared) -> bool:
    return result is Compared.HOLDS and anchor is not case.head and anchor.counts and not anchor.given


def _kept(case: Case, anchor: Anchor) -> int | None:
    return kept(anchor, (case.head, *case.anchors), case.head.origin.epoch)


def _tell_doubt(case: Case, way: Walked, results: dict[Anchor, Compared], verdict: Verdict) -> None:
    if way.first_doubt is None:
        return
    position, words = way.first_doubt
    if position == way.parted and results[case.head] is Compared.HOLDS:
        words = "the hash that came along was altered; the event itself is as the log has it"
    more = f" In all {way.parting} events have other hashes." if way.parting > 1 else ""
    verdict.wrong.append(f"Position {position} of the log {case.log}: {words}.{more}")


def _tell(case: Case, way: Walked, anchor: Anchor, result: Compared, verdict: Verdict) -> None:
    size, log = anchor.checkpoint.size, case.log
    if result is Compared.BETWEEN and way.first_doubt is not None:
        verdict.not_proven.append(
            f"Whether the log {log} is as {anchor} tells: from position {way.first_doubt[0]} on the events do"
            " not make its tree."
        )
        return
    match result:
        case Compared.HOLDS:
            if anchor.given:
                verdict.proven.append(
                    f"The first {size} positions of the log {log} are as {anchor} has them: nothing in them was"
                    " edited, dropped, put in or moved since."
                )
        case Compared.DIFFERS:
            verdict.wrong.append(f"The log {log} is not the one that {anchor} tells of: its root is another.")
        case Compared.LONGER:
            verdict.wrong.append(
                f"{anchor} has more positions than the log {log} of this bundle, {case.head.checkpoint.size}:"
                " the log was cut back, or the bundle was made before that checkpoint."
            )
        case Compared.LOST:
            survived = _kept(case, anchor) or 0
            said = (
                f"{anchor} tells of positions that are lost: a restore kept {survived} of the log {log}, and its"
                f" positions {survived + 1} to {size} are none of it any more."
            )
            (verdict.wrong if anchor.given else verdict.notes).append(said)
        case Compared.LATER:
            first = min(case.head.checkpoint.size, anchor.checkpoint.kept or 0) + 1
            verdict.unjudged.append(
                f"{anchor} is of a later epoch than this bundle: get a newer bundle. If this one was made after that"
                f" checkpoint, an older copy of the log was put back, and from position {first} on, if not before, it"
                " is not the one that was signed."
            )
        case Compared.BETWEEN:
            verdict.unjudged.append(
                f"{anchor} cannot be compared: it ends among positions that the bundle leaves out. Get a bundle"
                " that names it."
            )
        case _:
            assert_never(result)


def _first_wrong(case: Case, way: Walked, results: dict[Anchor, Compared]) -> Place | None:
    """The first wrong position, as exactly as it can be told by what is trusted most."""
    doubt = None if way.first_doubt is None else way.first_doubt[0]
    failing = [anchor for anchor, result in results.items() if result is Compared.DIFFERS]
    by_hashes = _results(case, way.by_hashes)
    if doubt is not None and not (failing and Compared.DIFFERS in by_hashes.values()):
        return Place(case.log, doubt, doubt)
    if failing:
        return _interval(case.log, failing, results, doubt)
    size = case.head.checkpoint.size
    missing = [size for result in results.values() if result is Compared.LONGER]
    missing += [
        min(size, _kept(case, anchor) or 0)
        for anchor, result in results.items()
        if result is Compared.LOST and anchor.given
    ]
    if not missing:
        return None
    # Up to its end the log is as its checkpoint says: so far as somebody who counts signed that.
    last = min(missing) + 1
    return Place(case.log, last if case.signed else min(last, _shown(case, results) + 1), last)


def _shown(case: Case, results: dict[Anchor, Compared]) -> int:
    """How many positions other checkpoints than the log's own show to be as they were signed."""
    others = (
        one
        for one, result in results.items()
        if result is Compared.HOLDS and one.counts and one is not case.head
    )
    return max((one.checkpoint.size for one in others), default=0)


def _unsigned(case: Case, results: dict[Anchor, Compared]) -> Place | None:
    """Where nobody who counts signed the log's checkpoint: all that no other one shows."""
    first, last = _shown(case, results) + 1, case.head.checkpoint.size
    return Place(case.log, first, last) if not case.signed and first <= last else None


def _interval(
    log: str, failing: Sequence[Anchor], results: dict[Anchor, Compared], doubt: int | None
) -> Place:
    """Between the last checkpoint that holds and the first that does not.

    Where one that the reader kept does not hold, whoever could sign made another history, and then could sign its
    checkpoints as well: those of the bundle say nothing, and only what the reader kept counts.
    """
    kept_apart = any(anchor.given for anchor in failing)
    counting = [one for one in failing if one.counts] or failing
    bad = min(one.checkpoint.size for one in counting if one.given or not kept_apart)
    good = [
        anchor.checkpoint.size
        for anchor, result in results.items()
        if result is Compared.HOLDS and anchor.counts and (anchor.given or not kept_apart)
    ]
    first = max((size for size in good if size < bad), default=0) + 1
    return Place(log, first, bad if doubt is None or doubt < first else min(bad, doubt))


def _by_mirror(case: Case, results: dict[Anchor, Compared]) -> Place | None:
    """Where the log first differs from tiles that were kept, and that are those of their checkpoint."""
    found: list[Place] = []
    for anchor, result in results.items():
        if anchor.mirror is None or result in {Compared.HOLDS, Compared.LATER}:
            continue
        size, survived = anchor.checkpoint.size, _kept(case, anchor)
        limit = min(size, case.head.checkpoint.size, size if survived is None else survived)
        mirror = Mirror(anchor.mirror, size)
        try:
            place = first_difference(case.log, case.again(), mirror, limit)
            if mirror.root() == anchor.checkpoint.root and place is not None:
                found.append(place)
        except (MalformedCover, Unreadable):
            continue
    return min(found, key=lambda place: place.first, default=None)
