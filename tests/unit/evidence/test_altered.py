"""Whatever is altered is found, and the first wrong position is named as exactly as can be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.evidence.verdict import Outcome, Place, Verdict
from adapters.evidence.verifying import Kept, verify_bundle
from adapters.keys.ed25519 import public_key, signer
from domain.audit.notes import Note, SignatureType, VerifierKey, cosigned
from domain.audit.origins import LogKind
from tests.support.evidence import (
    INSTALLATION,
    KEY,
    OTHER,
    SEED,
    Log,
    changed,
    envelope,
    log_of,
    mirrored,
    opened,
    written,
)

LOG = log_of(300)
WHOLE = written(LOG.part(older=[LOG.checkpoint(100), LOG.checkpoint(200)]))
SOME = written(LOG.part([3, 5, 7, 150, 151, 152], [LOG.checkpoint(100), LOG.checkpoint(200)]))
HERE = Path("nowhere")
OTHER_SEED = SEED[::-1]


def judged(data: bytes, *kept: Kept, keys: tuple[VerifierKey, ...] = (KEY,)) -> Verdict:
    return verify_bundle(opened(data), kept, keys)


def old(size: int, log: Log = LOG) -> Kept:
    return Kept(f"old {size}", log.checkpoint(size), HERE)


def always(data: bytes) -> Callable[[bytes], bytes]:
    return lambda _: data


def made_anew(first: int, size: int = 300) -> Log:
    """Another history from a position on."""
    return Log([envelope(n, text="" if n < first else "other") for n in range(1, size + 1)])


@pytest.mark.parametrize("listed", [True, False])
def test_an_event_edited_dropped_moved_or_put_in(*, listed: bool) -> None:
    lines = [envelope(n) + b"\n" for n in range(1, 301)]
    cases = {
        42: [*lines[:41], lines[41].replace(b"NL", b"DE"), *lines[42:]],
        43: [*lines[:42], *lines[43:]],
        44: [*lines[:43], lines[44], lines[43], *lines[45:]],
        45: [*lines[:44], lines[45], *lines[44:]],
        300: lines[:299],
        1: [],
        301: [*lines, lines[0]],
    }
    for position, events in cases.items():
        altered = b"".join(events)
        verdict = judged(changed(WHOLE, listed=listed, events__events_jsonl=always(altered)))
        assert verdict.outcome is Outcome.DOES_NOT_HOLD
        assert verdict.first_wrong == [Place("events", position, position)]
        assert any(f"osition {position} of the log events" in one for one in verdict.wrong)
        assert listed or any("manifest" in one for one in verdict.wrong)


def test_events_and_hashes_edited_alike_are_found_between_checkpoints() -> None:
    other = made_anew(120)
    data = changed(
        WHOLE,
        events__events_jsonl=lambda _: b"".join(one + b"\n" for one in other.envelopes),
        events__leaves_bin=lambda _: b"".join(other.leaves),
    )
    assert judged(data).first_wrong == [Place("events", 101, 200)]
    assert judged(data, old(110), old(119)).first_wrong == [Place("events", 120, 200)]


def test_a_hash_alone_altered_is_told_from_an_event_altered() -> None:
    verdict = judged(changed(WHOLE, events__leaves_bin=lambda data: data[:320] + b"\0" + data[321:]))
    assert verdict.first_wrong == [Place("events", 11, 11)]
    assert "the event itself is as the log has it" in verdict.wrong[0]
    for cut in (lambda data: data[:-1], lambda data: data[:3200], lambda data: data + b"\0" * 32):
        assert judged(changed(WHOLE, events__leaves_bin=cut)).outcome is Outcome.DOES_NOT_HOLD


def test_gaps_altered() -> None:
    def cut(data: bytes) -> bytes:
        return b"".join(data.splitlines(keepends=True)[:-1])

    def swapped(data: bytes) -> bytes:
        first, second, *rest = data.splitlines(keepends=True)
        return b"".join([second, first, *rest])

    def twice(data: bytes) -> bytes:
        first, *rest = data.splitlines(keepends=True)
        return b"".join([first, first, *rest])

    def wrong_hash(data: bytes) -> bytes:
        *rest, last = data.splitlines(keepends=True)
        return b"".join([*rest, last.replace(last[-20:-10], b"AAAAAAAAAA")])

    for change in (
        cut,
        swapped,
        twice,
        wrong_hash,
        lambda _: b"",
        lambda _: b"[]\n",
        lambda _: b'{"first":1',
    ):
        verdict = judged(changed(SOME, events__gaps_jsonl=change))
        assert verdict.outcome is Outcome.DOES_NOT_HOLD
        assert verdict.first_wrong


@pytest.mark.parametrize("first", [1, 2, 100, 120, 256, 257, 299])
def test_with_tiles_kept_the_position_is_exact_even_where_all_was_made_anew(
    first: int, tmp_path: Path
) -> None:
    other = made_anew(first)
    data = written(other.part(older=[other.checkpoint(size) for size in (50, 100, 200)]))
    assert judged(data).outcome is Outcome.HOLDS
    verdict = judged(data, mirrored(LOG, 299, tmp_path))
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert verdict.first_wrong == [Place("events", first, first)]


def test_with_tiles_kept_what_a_gap_stands_for_is_compared_too(tmp_path: Path) -> None:
    other = made_anew(120)
    data = written(other.part([1, 2, 297], [other.checkpoint(280)]))
    (place,) = judged(data, mirrored(LOG, 280, tmp_path)).first_wrong
    assert (place.first, place.last) == (65, 128)  # a subtree of the gap, which holds no events


def test_tiles_that_are_not_those_of_their_checkpoint_count_for_nothing(tmp_path: Path) -> None:
    other = made_anew(120)
    kept = mirrored(LOG, 299, tmp_path)
    tile = tmp_path / "tile/0/000"
    tile.write_bytes(b"\0" * 32 + tile.read_bytes()[32:])
    assert judged(written(other.part()), kept, old(110)).first_wrong == [Place("events", 111, 299)]
    tile.unlink()
    assert judged(written(other.part()), kept, old(110)).first_wrong == [Place("events", 111, 299)]


def test_a_log_cut_back(tmp_path: Path) -> None:
    verdict = judged(written(log_of(250).part()), old(300))
    assert (verdict.outcome, verdict.first_wrong) == (Outcome.DOES_NOT_HOLD, [Place("events", 251, 251)])
    assert "more positions" in verdict.wrong[0]
    both = judged(written(made_anew(120, 250).part()), mirrored(LOG, 300, tmp_path))
    assert both.first_wrong == [Place("events", 120, 120)]


def test_an_epoch_after_a_restore_keeps_what_it_says_and_names_what_is_lost() -> None:
    second = Log([envelope(n, text="" if n <= 200 else "after") for n in range(1, 261)])
    first_note = second.checkpoint(210, epoch=2, kept=200)
    data = written(
        second.part(checkpoint=second.checkpoint(epoch=2, kept=200), older=[LOG.checkpoint(150), first_note])
    )
    assert judged(data, old(100), old(200)).outcome is Outcome.HOLDS
    verdict = judged(data, old(100), old(250))
    assert (verdict.outcome, verdict.first_wrong) == (Outcome.DOES_NOT_HOLD, [Place("events", 201, 201)])
    assert "its positions 201 to 250 are" in verdict.wrong[0]
    third = Log([*second.envelopes[:240], *(envelope(n, text="third") for n in range(241, 280))])
    data = written(third.part(checkpoint=third.checkpoint(epoch=3, kept=240), older=[first_note]))
    lost = judged(data, old(230))  # the second restore kept 240, but the first had lost it already
    assert (lost.outcome, lost.first_wrong) == (Outcome.DOES_NOT_HOLD, [Place("events", 201, 201)])
    assert (
        judged(data, old(200), Kept("second", second.checkpoint(240, epoch=2, kept=200), HERE)).outcome
        is Outcome.HOLDS
    )
    early = judged(WHOLE, Kept("later", first_note, HERE))
    assert early.outcome is Outcome.CANNOT_BE_JUDGED


def test_another_tenants_tree() -> None:
    theirs = Log([envelope(n, OTHER) for n in range(1, 301)], tenant=OTHER)
    for data in (
        changed(WHOLE, events__checkpoint=lambda _: theirs.checkpoint()),
        written(Log(theirs.envelopes).part()),
        written(theirs.part()),
        written(LOG.part(older=[theirs.checkpoint(10)])),
    ):
        assert judged(data).outcome is Outcome.DOES_NOT_HOLD
    verdict = judged(WHOLE, old(100), old(100, theirs), old(30, log_of(30, LogKind.ACCESS)))
    assert verdict.outcome is Outcome.CANNOT_BE_JUDGED
    assert sum("is of another log" in one for one in verdict.unjudged) == 2


def test_other_keys() -> None:
    other = VerifierKey(INSTALLATION, SignatureType.ED25519, public_key(OTHER_SEED))
    assert judged(WHOLE, keys=(other,)).outcome is Outcome.DOES_NOT_HOLD
    assert judged(WHOLE, keys=(other, KEY)).outcome is Outcome.HOLDS
    elsewhere = VerifierKey("elsewhere.example", SignatureType.ED25519, KEY.public_key)
    assert judged(WHOLE, keys=(elsewhere,)).outcome is Outcome.DOES_NOT_HOLD
    forged = changed(WHOLE, events__checkpoint=lambda _: LOG.checkpoint(seed=OTHER_SEED))
    assert judged(forged, keys=()).outcome is Outcome.DOES_NOT_HOLD
    verdict = judged(WHOLE, Kept("forged", LOG.checkpoint(100, seed=OTHER_SEED), HERE))
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert "forged (epoch 1, 100 positions) is not signed" in verdict.wrong[0]
    one_bit = bytearray(LOG.checkpoint(100))
    one_bit[-5] ^= 1
    assert judged(WHOLE, Kept("flipped", bytes(one_bit), HERE)).outcome is Outcome.DOES_NOT_HOLD


def test_keys_that_were_replaced_and_witnesses() -> None:
    new = VerifierKey(INSTALLATION, SignatureType.ED25519, public_key(OTHER_SEED))
    data = written(
        LOG.part(checkpoint=LOG.checkpoint(seed=OTHER_SEED), older=[LOG.checkpoint(100)]), keys=[KEY, new]
    )
    assert judged(data, old(50), keys=(new,)).outcome is Outcome.HOLDS
    assert judged(data, old(50), keys=()).outcome is Outcome.HOLDS
    assert judged(data, keys=(KEY,)).outcome is Outcome.DOES_NOT_HOLD

    witness = VerifierKey("witness.example", SignatureType.COSIGNATURE, public_key(OTHER_SEED))
    note = Note.read(LOG.checkpoint())
    seen = note.with_signature(cosigned(note.text, witness, signer(OTHER_SEED), at=1_700_000_000)).to_bytes()
    verdict = judged(written(LOG.part(checkpoint=seen)), keys=(KEY, witness))
    assert verdict.outcome is Outcome.HOLDS
    assert "The witness witness.example saw this at 1700000000 (POSIX seconds)." in verdict.proven
    verdict = judged(written(LOG.part(checkpoint=seen)), keys=(witness,))
    assert verdict.outcome is Outcome.HOLDS
    assert any("That the key is the log's" in one for one in verdict.not_proven)
    verdict = judged(WHOLE, keys=(KEY, witness))
    assert "That the witness witness.example saw the checkpoint of the log events." in verdict.not_proven


def test_two_keys_of_one_id_are_no_key() -> None:
    origin = Note.read(LOG.checkpoint()).text.split("\n")[0]
    one, other = (VerifierKey(origin, SignatureType.ED25519, n.to_bytes(32)) for n in (30424, 84776))
    assert one.key_id == other.key_id
    keys = f"{KEY}\n{one}\n{other}\n".encode()
    assert judged(changed(WHOLE, keys_txt=lambda _: keys), keys=()).outcome is Outcome.DOES_NOT_HOLD


def test_a_checkpoint_that_ends_among_what_was_left_out_cannot_be_judged() -> None:
    assert judged(SOME, old(100)).outcome is Outcome.HOLDS
    assert judged(SOME, old(99)).outcome is Outcome.CANNOT_BE_JUDGED


def test_files_beside_the_events() -> None:
    for data in (
        changed(WHOLE, listed=False, report_html=lambda data: data.replace(b"300", b"299")),
        changed(WHOLE, listed=False, keys_txt=lambda data: data + b"\n"),
        changed(WHOLE, listed=False, events__leaves_bin=None),
        changed(WHOLE, completeness_json=lambda data: data.replace(b'"rows": 300', b'"rows": 299')),
        changed(SOME, completeness_json=lambda data: data.replace(b'"size": 300', b'"size": 299')),
        changed(SOME, completeness_json=lambda data: data.replace(b'"hidden"', b'"hidde"')),
        changed(WHOLE, completeness_json=None),
        changed(WHOLE, keys_txt=lambda data: data + b"no key\n"),
    ):
        verdict = judged(data)
        assert verdict.outcome is Outcome.DOES_NOT_HOLD
        assert verdict.first_wrong == [] or "leaves.bin" in str(verdict.wrong)


def test_a_checkpoint_that_only_a_key_that_came_along_signed_shows_nothing() -> None:
    true, seed = log_of(300), bytes(32)
    other = Log([envelope(n, text="other" if n > 90 else "") for n in range(1, 301)])
    forged = other.part(checkpoint=true.checkpoint(), older=[other.checkpoint(120, seed=seed)])
    theirs = VerifierKey(INSTALLATION, SignatureType.ED25519, public_key(seed))
    bundle = written(forged, keys=[KEY, theirs])
    verdict = verify_bundle(opened(bundle), [], [KEY])
    assert verdict.first_wrong == [Place("events", 1, 300)]
    assert any("no key that was given signed them" in said for said in verdict.not_proven)
    kept = Kept("kept", true.checkpoint(80), HERE)
    assert verify_bundle(opened(bundle), [kept], [KEY]).first_wrong == [Place("events", 81, 300)]


def test_where_nobody_who_counts_signed_all_beyond_older_checkpoints_is_in_doubt() -> None:
    true, seed = log_of(300), bytes(32)
    other = Log([envelope(n, text="other" if n > 90 else "") for n in range(1, 301)])
    for size, place in ((300, Place("events", 81, 300)), (200, Place("events", 81, 201))):
        part = Log(other.envelopes[:size]).part(checkpoint=other.checkpoint(size, seed=seed))
        kept = [Kept("kept", true.checkpoint(80), HERE)]
        if size == 200:
            kept.append(Kept("longer", true.checkpoint(220), HERE))
        assert verify_bundle(opened(written(part)), kept, [KEY]).first_wrong == [place]
