"""Whoever has database and keys makes another history and signs it: an older checkpoint finds it, tiles name it."""

import random
import tempfile
from pathlib import Path

from adapters.evidence.verdict import Outcome, Place, Verdict
from adapters.evidence.verifying import Kept, verify_bundle
from tests.support.evidence import Log, envelope, log_of, mirrored, opened, written

SIZE = 150
LOG = log_of(SIZE)
CASES = 120
TAMPERING = ("edit", "delete", "swap", "insert", "truncate", "rewrite", "roll back")


def numbered(texts: list[str]) -> Log:
    """A log of these events, each at the position that it now has."""
    return Log([envelope(position, text=text) for position, text in enumerate(texts, 1)])


def tampered(drawn: random.Random) -> Log:
    """The log with one thing done to it, and then continued."""
    texts = [f"number {position}" for position in range(1, SIZE + 1)]
    at = drawn.randrange(SIZE)
    match drawn.choice(TAMPERING):
        case "edit":
            texts[at] = "edited"
        case "delete":
            del texts[at : at + drawn.randint(1, 3)]
        case "swap":
            other = drawn.randrange(SIZE)
            texts[at], texts[other] = texts[other], texts[at]
        case "insert":
            texts.insert(at, "put in")
        case "truncate":
            return numbered(texts[:at])
        case "rewrite":
            texts[at:] = ["other"] * (SIZE - at)
        case _:
            texts[at:] = ["other"] * drawn.randint(0, SIZE)
    return numbered(texts + ["new"] * drawn.randint(0, 20))


def first_difference(log: Log, size: int) -> int | None:
    """The first position, up to this size, at which a log is not the true one."""
    for position in range(1, size + 1):
        if position > len(log.leaves) or log.leaves[position - 1] != LOG.leaves[position - 1]:
            return position
    return None


def judged(log: Log, positions: list[int] | None, *kept: Kept) -> Verdict:
    """A bundle as its maker would have it: with checkpoints of the other history at the sizes of the true ones."""
    sizes = [int(one.data.split(b"\n")[1]) for one in kept]
    older = [log.checkpoint(min(size, len(log.leaves))) for size in sizes]
    return verify_bundle(opened(written(log.part(positions, older))), kept)


def test_an_older_checkpoint_finds_it_and_the_place_is_where_it_is() -> None:
    drawn = random.Random(17)
    found = 0
    for _ in range(CASES):
        log = tampered(drawn)
        sizes = sorted(drawn.sample(range(1, SIZE + 1), 3))
        kept = [Kept(f"of {size}", LOG.checkpoint(size), Path("nowhere")) for size in sizes]
        some = sorted(drawn.sample(range(1, len(log.leaves) + 1), len(log.leaves) // 3))
        truth = first_difference(log, sizes[-1])
        for positions in (None, some):
            verdict = judged(log, positions, *kept)
            if truth is None:
                assert (verdict.outcome, verdict.first_wrong) == (Outcome.HOLDS, [])
                continue
            found += 1
            (place,) = verdict.first_wrong
            assert verdict.outcome is Outcome.DOES_NOT_HOLD
            assert place.first <= truth <= place.last
            assert place.last <= min(size for size in sizes if size >= truth)
            assert place.first > max((size for size in sizes if size < truth), default=0)
    assert found > CASES


def test_tiles_name_it_exactly() -> None:
    drawn = random.Random(9162)
    with tempfile.TemporaryDirectory() as folder:
        kept = mirrored(LOG, SIZE - 7, Path(folder))
        for _ in range(CASES):
            log = tampered(drawn)
            some = sorted(drawn.sample(range(1, len(log.leaves) + 1), len(log.leaves) // 3))
            truth = first_difference(log, SIZE - 7)
            if truth is None:
                assert judged(log, None, kept).first_wrong == []
                continue
            assert judged(log, None, kept).first_wrong == [Place("events", truth, truth)]
            (place,) = judged(log, some, kept).first_wrong
            assert place.first <= truth <= place.last
            assert place.first == place.last or not set(range(place.first, place.last + 1)) & set(some)
