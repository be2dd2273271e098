"""What a permission certificate shows, and that it shows no more than its proven events say."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.evidence import entries, inclusions
from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import verify_bundle
from tests.support.certified import (
    CONSENT,
    EARLIER,
    MESSAGE,
    PACK,
    REGISTERED,
    SENT,
    STREAM,
    VERSION,
    certificate,
    decided,
    gone,
    happened,
    hashed,
    log_of_person,
)
from tests.support.evidence import KEY, changed, contents, opened, packed

LOG = log_of_person()
CHOSEN = [1, 2, 5, 6]


def judged(data: bytes) -> Verdict:
    return verify_bundle(opened(data), (), [KEY])


def of(*events: dict[str, Any], versions: list[int] | None = None) -> Verdict:
    """The verdict on a certificate with all of these events, or some."""
    wanted = list(range(1, len(events) + 1)) if versions is None else versions
    return judged(certificate(log_of_person(events), wanted, proofs=[]))


def test_who_decided_by_what_and_that_it_was_before() -> None:
    verdict = judged(certificate(LOG, CHOSEN))
    assert (verdict.outcome, verdict.wrong, verdict.unjudged) == (Outcome.HOLDS, [], [])
    about, who, because, consent, known, stops, sent = verdict.shows
    assert f"the message {MESSAGE}" in about
    assert STREAM in about
    assert "by api key 0198c0de-0000-7000-8000-000000000002, position 20, recorded" in who
    assert because == (
        f"By law xx, pack {VERSION}, rule xx.consent: allow, on the basis 'express consent', resting on entry 2."
        " They said yes. (s.1)"
    )
    assert consent.endswith(
        "(documented true; occurred_on 2026-01-05; source website_form; sealed: wording)."
    )
    assert consent.startswith("Entry 2, position 8, recorded")
    assert "country XX" in known
    assert stops.startswith("Of the entries before entry 6 that are here, none stops mail")
    assert sent.startswith("Handed over at 2026-11-02T10:01:00Z, position 24, ")
    assert "under the decision of position 20, which stands before it" in sent
    assert any("What entries 3 to 4 of" in one for one in verdict.not_proven)
    assert any("of the positions 20, 24" in one for one in verdict.proven)
    assert "What it shows:" in verdict.lines()


def test_with_all_entries_none_was_left_out() -> None:
    verdict = judged(certificate(LOG, range(1, 7)))
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.shows[-1].endswith("1 to 6: none was left out.")
    assert not any("left out" in one for one in verdict.not_proven)


def test_what_came_between_is_counted_and_what_stops_mail_is_told() -> None:
    stop = happened("opted_out", scope="workspace", channel="reply", kind="unsubscribe")
    verdict = of(REGISTERED, stop, decided(), CONSENT, gone(3))
    assert verdict.outcome is Outcome.HOLDS
    assert any(
        "Of the person's entries 1 lie between the two, and it was not decided" in one
        for one in verdict.shows
    )
    assert any("opted out (channel reply; kind unsubscribe" in one for one in verdict.shows)
    assert not any("none stops mail" in one for one in verdict.shows)


@pytest.mark.parametrize("verdict", ["hold", "deny"])
def test_of_a_message_that_was_not_sent_it_says_why(verdict: str) -> None:
    said = of(REGISTERED, CONSENT, decided(verdict))
    assert said.outcome is Outcome.HOLDS
    assert any(f"xx.consent: {verdict}" in one for one in said.shows)
    assert "Up to position 12 it was not handed over: the last decision is above." in said.shows
    assert any("after position 12" in one for one in said.not_proven)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((decided("deny"), gone(3)), "none that allows this message"),
        ((decided(about=EARLIER), decided(), gone(3)), "none that allows this message"),
        ((decided(), gone(2)), "none that allows this message"),
        ((gone(4), decided()), "decided on only after that"),
        ((decided(), gone(3, at="2026-11-02T10:10:00Z")), "its allow had ended"),
        ((decided(expires_at=None), gone(3)), "its allow had ended"),
        ((decided(), gone(3, at="soon")), "its allow had ended"),
    ],
)
def test_a_message_that_was_sent_without_an_allow_before(events: tuple[Any, ...], words: str) -> None:
    verdict = of(REGISTERED, CONSENT, *events)
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert words in verdict.wrong[0]
    assert not any("Handed over" in one for one in verdict.shows)


def test_where_the_decision_or_the_message_is_not_here_nothing_is_shown_of_it() -> None:
    without_decision = judged(certificate(LOG, [1, 2, 6]))
    assert without_decision.outcome is Outcome.CANNOT_BE_JUDGED
    assert without_decision.shows == []
    other_allow = of(*SENT[:4], decided(), decided(), gone(5), versions=[1, 2, 6, 7])
    assert other_allow.outcome is Outcome.CANNOT_BE_JUDGED
    assert not any("Handed over" in one for one in other_allow.shows)
    for message, words in ((VERSION, None), ("0198c0de-0000-7000-8000-00000000cccc", "no decision on")):
        verdict = judged(certificate(LOG, CHOSEN, message=message))
        assert (verdict.outcome is Outcome.CANNOT_BE_JUDGED) is (words is not None)
        assert words is None or words in verdict.unjudged[0]
        assert verdict.shows == []


def test_one_message_for_two_people_is_no_certificate() -> None:
    verdict = of(REGISTERED, CONSENT, decided(), {**decided(), "stream": "addressee:other", "version": 1})
    assert verdict.outcome is Outcome.CANNOT_BE_JUDGED
    assert "several people" in verdict.unjudged[0]


def test_an_entry_that_a_decision_rests_on_and_that_is_not_here() -> None:
    verdict = judged(certificate(LOG, [1, 5, 6]))
    assert verdict.outcome is Outcome.HOLDS
    assert any("What entry 2 says that a decision rests on" in one for one in verdict.not_proven)


def test_a_pack_is_known_by_its_hash_alone() -> None:
    name = f"xx@{VERSION}.toml"
    other = judged(certificate(LOG, CHOSEN, packs={name: PACK.replace("allow", "deny").encode()}))
    assert other.outcome is Outcome.DOES_NOT_HOLD
    assert "is not the pack that the decision names" in other.wrong[0]
    assert not any("basis" in one for one in other.shows)
    for strange in (b"\xff", b"[" * 1_000, b"x" * 500_000, b"a = " + b"[" * 1_900, b""):
        assert judged(certificate(LOG, CHOSEN, packs={name: strange})).outcome is Outcome.DOES_NOT_HOLD
    without = judged(certificate(LOG, CHOSEN, packs={}))
    assert without.outcome is Outcome.HOLDS
    assert any("What a decision's pack says" in one for one in without.not_proven)
    # Said otherwise it is the same pack; and once versions were hashes of the file.
    said = PACK.replace('title = "A law"', '# a remark\ntitle  =  "A law"')
    assert judged(certificate(LOG, CHOSEN, packs={name: said.encode()})).outcome is Outcome.HOLDS
    early = log_of_person((*SENT[:4], decided(packs={"xx": hashed(said)}), SENT[5]))
    verdict = judged(certificate(early, CHOSEN, packs={f"xx@{hashed(said)}.toml": said.encode()}))
    assert any("on the basis 'express consent'" in one for one in verdict.shows)


def test_what_is_not_proven_is_not_shown() -> None:
    data = certificate(LOG, CHOSEN)
    altered = changed(data, events__events_jsonl=lambda found: found.replace(b"website_form", b"fair"))
    verdict = judged(altered)
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert verdict.shows == []
    assert any(f"What is told here of the message {MESSAGE}" in one for one in verdict.not_proven)


def test_proofs_for_others_are_judged_too() -> None:
    data = certificate(LOG, CHOSEN)
    names = [name for name in contents(data) if "proofs" in name]
    assert names == ["events/proofs/20.tlog-proof", "events/proofs/24.tlog-proof"]
    first, second = (contents(data)[name] for name in names)
    for change in (
        lambda _: second,
        lambda found: found.replace(b"index 19", b"index 18"),
        lambda found: found[:80],
        lambda found: found.replace(b"\n\n", b"\n\nx", 1),
        lambda found: found.replace(found.split(b"\n")[2], found.split(b"\n")[3]),
    ):
        named: dict[str, Any] = {"events__proofs__20_tlog-proof": change}
        verdict = judged(changed(data, **named))
        assert verdict.outcome is Outcome.DOES_NOT_HOLD
        assert "'events/proofs/20.tlog-proof' does not hold" in verdict.wrong[0]
    files = contents(data)
    for name, content in (("21.tlog-proof", first), ("1e3.tlog-proof", first), ("99.tlog-proof", first)):
        verdict = judged(packed({f"events/proofs/{name}": content, **files}))
        assert verdict.outcome is Outcome.DOES_NOT_HOLD
        assert name in verdict.wrong[0]


def test_others_events_words_that_would_deceive_and_endless_streams_are_borne(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strange = happened("opted_out", channel="\x1b[2J\u202e", kind="x" * 10_000, scope=[], within={"~": 1})
    verdict = of(REGISTERED, CONSENT, strange, decided(), gone(4))
    assert verdict.outcome is Outcome.HOLDS
    assert all(one.isprintable() and len(one) < 1_000 for one in verdict.shows)
    endless = of(
        {**REGISTERED, "version": 1},
        {**decided(), "version": 10**17},
        {**gone(10**17), "version": 10**17 + 1},
    )
    assert endless.outcome is Outcome.HOLDS
    assert any(f"What entries 2 to {10**17 - 1} of" in one for one in endless.not_proven)
    strange_parts: tuple[dict[str, Any], ...] = (
        {"reasons": 7},
        {"reasons": [7]},
        {"packs": 7},
        {"message": 7},
        {"decided_at": 7},
        {"verdict": {}},
    )
    for payload in strange_parts:
        assert of(REGISTERED, CONSENT, decided(**payload)).outcome is Outcome.HOLDS
    monkeypatch.setattr("adapters.evidence.certified.MOST_ENTRIES", 3)
    assert judged(certificate(LOG, CHOSEN)).outcome is Outcome.CANNOT_BE_JUDGED
    monkeypatch.setattr(inclusions, "MOST_PROOFS", 1)
    assert any("no more than 1 are" in one for one in judged(certificate(LOG, CHOSEN)).unjudged)


def test_numbers_are_told_as_runs() -> None:
    assert entries.listed([7, 1, 2, 3]) == "1 to 3, 7"
    assert entries.missing([1, 2, 5], 8) == [(3, 4), (6, 8)]
    assert entries.spans([(n, n) for n in range(1, 300, 2)]).endswith("199 and more")
