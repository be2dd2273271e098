"""Bundles are written, always the same, and verified."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from adapters.evidence.verdict import Outcome, Place
from adapters.evidence.verifying import Kept, verify_bundle
from adapters.evidence.writing import LogIncomplete, bundle, from_byte
from domain.audit.origins import LogKind
from tests.support.evidence import KEY, Log, asked, envelope, log_of, opened, written

LOG = log_of(300)
ACCESS = log_of(40, LogKind.ACCESS)
HERE = Path("nowhere")


def kept(log: Log, size: int, label: str = "old") -> Kept:
    return Kept(label, log.checkpoint(size), HERE)


@pytest.mark.parametrize("positions", [None, [], [1], [300], [3, 5, 7, 150, 151, 152], range(2, 290)])
def test_what_was_written_holds(positions: list[int] | None) -> None:
    older = [LOG.checkpoint(size) for size in (1, 100, 177)]
    data = written(LOG.part(positions, older), ACCESS.part())
    verdict = verify_bundle(opened(data), [kept(LOG, 100), kept(ACCESS, 33)], [KEY])
    assert (verdict.outcome, verdict.wrong, verdict.unjudged) == (Outcome.HOLDS, [], [])
    said = [one.split()[0] for one in verdict.not_proven]
    assert said == (["What"] if positions is None else ["That", "What"])  # what filters hid; report.html
    counted = 300 if positions is None else len(positions)
    assert any(f"{counted} events of the log events" in one for one in verdict.proven) or not counted
    assert any("40 events of the log access" in one for one in verdict.proven)


def test_of_an_empty_log_there_is_nothing_and_that_holds() -> None:
    verdict = verify_bundle(opened(written(log_of(0).part())), (), [KEY])
    assert verdict.outcome is Outcome.HOLDS
    assert "The log events has 0 positions; the bundle holds none of their events." in verdict.proven


def test_what_was_left_out_has_to_be_told() -> None:
    with pytest.raises(ValueError, match="do not make up positions 1 to 300"):
        written(LOG.part([5, 6], hidden=[]))


def test_without_key_or_checkpoint_it_says_what_is_not_proven() -> None:
    verdict = verify_bundle(opened(written(LOG.part())))
    assert verdict.outcome is Outcome.HOLDS
    assert [one.partition(":")[0] for one in verdict.not_proven] == [
        "That the log events was not exchanged as a whole",
        "That the key is the log's",
        "What report.html and other files say beside the events",
    ]


def test_others_read_it_as_a_zip_archive() -> None:
    with zipfile.ZipFile(opened(written(LOG.part([7, 8])))) as archive:
        assert archive.testzip() is None
        assert archive.read("events/events.jsonl") == envelope(7) + b"\n" + envelope(8) + b"\n"
        manifest = json.loads(archive.read("manifest.json"))
        assert [file["name"] for file in manifest["files"]] == archive.namelist()[:-1]
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_is_the_same_bytes_and_goes_on_from_any_of_them() -> None:
    parts = LOG.part([5, 9, 200]), ACCESS.part()
    whole = written(*parts)
    assert written(*parts) == whole
    for start in (0, 1, 700, len(whole) - 1, len(whole), len(whole) + 5):
        assert b"".join(from_byte(start, bundle(asked(*parts)))) == whole[start:]


def test_a_log_that_lacks_an_event_gives_no_bundle() -> None:
    short = LOG.part(envelopes=lambda: [one for one in LOG.envelopes if one != envelope(17)])
    with pytest.raises(LogIncomplete, match="gives position 18 where position 17"):
        written(short)
    with pytest.raises(LogIncomplete, match="gives nothing where position 300"):
        written(LOG.part(envelopes=lambda: LOG.envelopes[:-1]))


def test_an_event_changed_in_the_database_is_named() -> None:
    changed = LOG.part(
        envelopes=lambda: [*LOG.envelopes[:41], envelope(42, text="other"), *LOG.envelopes[42:]]
    )
    verdict = verify_bundle(opened(written(changed)))
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert verdict.first_wrong == [Place("events", 42, 42)]


def test_a_history_made_anew_is_found_between_checkpoints() -> None:
    other = Log([envelope(n, text="" if n < 120 else "other") for n in range(1, 301)])
    data = written(other.part(older=[other.checkpoint(100), other.checkpoint(150)]))
    assert verify_bundle(opened(data), (), [KEY]).outcome is Outcome.HOLDS
    verdict = verify_bundle(opened(data), [kept(LOG, 110), kept(LOG, 200, "newer")])
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert verdict.first_wrong == [Place("events", 111, 200)]


def test_a_log_that_was_cut_back_is_found_and_the_first_missing_position_named() -> None:
    short = log_of(250)
    verdict = verify_bundle(opened(written(short.part())), [kept(LOG, 300)])
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert verdict.first_wrong == [Place("events", 251, 251)]


def test_bytes_that_are_no_bundle_are_said_to_be_none() -> None:
    for data in (b"", b"PK", b"x" * 100_000, written(LOG.part())[:-30], written(LOG.part())[:5000]):
        assert verify_bundle(io.BytesIO(data)).outcome is Outcome.CANNOT_BE_JUDGED
