"""The time machine of law: the same packs give the same decisions, and another deadline flips whom it concerns."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files

import pytest

from application import rejudging as rejudging_module
from application.law_archive import LawArchive, UnknownPack
from application.rejudging import Flip, NotYetKnown, PeriodReversed, Question, Rejudging, Tally, instead
from application.replay import Replay
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeDescribed,
    EntryRetracted,
    MessageDispatched,
    RelationRecorded,
)
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import judged_again
from domain.audience.consent_events import ConsentRecorded, OptedOut
from domain.audience.erasure_events import AddresseeErased
from domain.kernel.errors import NotFound
from domain.kernel.ids import AddresseeId, MessageId, new_id
from domain.law import packs as packs_folder
from domain.law.facts import Purpose
from domain.law.packs import load_packs
from domain.law.reading import read_pack
from domain.platform.rule_pack import AdoptRulePack, RulePackAdopted, RulePackHistory, decide
from tests.support.past import AS_IT_WAS, HERE, START, TENANT, Past, bought, with_canada


async def test_the_same_packs_give_the_same_decisions_to_the_byte() -> None:
    past = Past()
    consent = ConsentRecorded(
        addressee_id=AddresseeId(new_id(START)),
        occurred_on=date(2026, 1, 1),
        source="event",
        recorded_by="api",
        documented=True,
    )
    for facts in (("US",), ("DE", consent), ("CA", bought(1)), ("CA", bought(3)), ("FR",), ("AQ",)):
        who = await past.somebody(*facts)
        await past.decided(who)
        await past.happened(who, OptedOut(addressee_id=who, occurred_at=past.now, channel="reply"))
        await past.decided(who)
    flips, tally = await past.asked()
    assert (flips, tally.judged, tally.identical) == ([], 12, 12)


async def test_another_deadline_flips_exactly_those_whom_it_concerns() -> None:
    past, ages = Past(), [0.2, 0.8, 1.2, 1.9, 2.5]
    expected = {}
    for age in ages:
        event = await past.decided(await past.somebody("CA", bought(age)))
        expected[event.message_id] = 1 < age < 2
    await past.decided(await past.somebody("US"))
    flips, tally = await past.asked(packs=with_canada("years = 2", "years = 1"))
    assert {flip.message_id for flip in flips} == {one for one, flipped in expected.items() if flipped}
    assert {(flip.before[0], flip.after[0]) for flip in flips} == {("allow", "deny")}
    assert {flip.before[1:] for flip in flips} == {("ca", "ca.purchase")}
    assert (tally.judged, tally.flipped) == (6, 2)
    assert tally.identical == 1, "the American; other Canadians are judged by another version of the pack"


async def test_what_was_known_then_and_what_is_known_now() -> None:
    past = Past()
    bought_then = bought(1)
    who = await past.somebody("CA", bought_then)
    await past.decided(who)
    await past.happened(who, EntryRetracted(addressee_id=who, entry=2, reason="Somebody else."))
    assert (await past.asked())[0] == []
    ((flip,), _) = await past.asked(Question(hindsight=True))
    assert (flip.before[0], flip.after[0], flip.version) == ("allow", "deny", 3)


async def test_that_somebody_was_erased_since_is_no_knowledge_of_then() -> None:
    """A decision before the erasure stands, with what else is known by now; one after it was denied, and stays so."""
    past = Past()
    kept, mistaken = await past.somebody("CA", bought(1)), await past.somebody("CA", bought(1))
    for who in (kept, mistaken):
        assert (await past.decided(who)).verdict == "allow"
    await past.happened(mistaken, EntryRetracted(addressee_id=mistaken, entry=2, reason="Somebody else."))
    for who in (kept, mistaken):
        await past.happened(who, AddresseeErased(addressee_id=who))
    assert (await past.decided(kept)).verdict == "deny"
    ((flip,), tally) = await past.asked(Question(hindsight=True))
    assert flip.stream == f"addressee:{mistaken}"
    assert (flip.before[0], flip.after[0]) == ("allow", "deny")
    assert (tally.judged, tally.identical, tally.flipped) == (3, 2, 1)


async def test_rules_of_another_day() -> None:
    """By the law of 2025 the period of a rule that is in force since 2026 does not count."""
    past = Past()
    await past.decided(await past.somebody("CA", bought(1)))
    packs = with_canada(
        "in_force_from = 2014-07-01\nknown_from = 2014-07-01",
        "in_force_from = 2026-01-01\nknown_from = 2026-02-01",
    )
    assert (await past.asked(packs=packs))[0] == []
    for question in (
        Question(in_force=datetime(2025, 6, 1, tzinfo=UTC)),
        Question(known=datetime(2026, 1, 15, tzinfo=UTC)),
    ):
        ((flip,), _) = await past.asked(question, packs)
        assert flip.after[0] == "deny"


async def test_what_was_known_of_a_rule_that_is_in_force() -> None:
    """The British charities' rule is in force since 2026-02-05, three weeks before these decisions."""
    past = Past()
    gave = RelationRecorded(
        addressee_id=AddresseeId(new_id(START)), kind="donation", occurred_on=date(2026, 2, 5)
    )
    could = AddresseeDescribed(addressee_id=gave.addressee_id, could_object=True)
    await past.decided(await past.somebody("GB", gave, could), charitable=True)
    assert (await past.asked(Question(known=datetime(2026, 2, 6, tzinfo=UTC))))[1].identical == 1
    ((flip,), _) = await past.asked(Question(known=datetime(2026, 1, 1, tzinfo=UTC)))
    assert (flip.before[0], flip.before[2], flip.after[0]) == ("allow", "gb.charity", "deny")


async def test_what_a_former_pack_allowed_is_the_same_to_the_byte() -> None:
    """It did not ask what was handed over: the second question at the term was allowed by it, and is by no other."""
    past = Past()
    long_ago = ConsentRecorded(
        addressee_id=AddresseeId(new_id(START)),
        occurred_on=date(2023, 2, 20),
        source="event",
        recorded_by="api",
        documented=True,
    )
    who = await past.somebody("FR", long_ago)
    first = await past.decided(who, sender="FR", purpose=Purpose.CONSENT_REQUEST)
    await past.happened(
        who,
        MessageDispatched(
            addressee_id=who,
            message_id=first.message_id,
            workspace_id=HERE,
            allowed_by=first.decided_at.day,
            occurred_at=past.now,
        ),
    )
    second = await past.decided(who, sender="FR", purpose=Purpose.CONSENT_REQUEST)
    lines = (files(packs_folder) / "fr.toml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if "no_message" not in line)
    france = read_pack(text, "fr.toml")
    state = ADDRESSEE.fold(past.people[who])
    assert isinstance(state, Addressee)
    before = judged_again(second, state.person, instead([france]))
    assert (first.verdict, before.verdict, second.verdict) == ("allow", "allow", "deny")
    await past.happened(who, before.model_copy(update={"message_id": MessageId(new_id(past.now))}))
    await past.adopted(RulePackAdopted(law="fr", pack_version=france.version, text=text))
    flips, tally = await past.asked()
    assert (flips, tally.identical) == ([], 3)
    flips, _ = await past.asked(Question(hindsight=True))
    assert flips == [], "no message stands against itself"
    ((flip,), _) = await past.asked(packs=load_packs())
    assert (flip.before[2], flip.after[:1]) == ("fr.ask-once", ("deny",))


async def test_a_period_and_an_erased_person() -> None:
    past = Past()
    first, second = await past.somebody("CA", bought(1)), await past.somebody("CA", bought(1))
    await past.decided(first)
    between = past.now + timedelta(seconds=30)
    late = await past.decided(second)
    await past.happened(second, AddresseeErased(addressee_id=second))
    stricter = with_canada("years = 2", "months = 6")
    ((flip,), tally) = await past.asked(Question(after=between), stricter)
    assert (flip.message_id, tally.judged) == (late.message_id, 1)
    ((flip,), tally) = await past.asked(Question(before=between), stricter)
    assert (flip.message_id != late.message_id, tally.judged) == (True, 1)


async def test_decisions_are_judged_by_the_packs_of_then_also_after_an_update() -> None:
    past = Past()
    who = await past.somebody("CA", bought(1.5))
    former = with_canada("years = 2", "years = 1")
    (canada,) = [pack for pack in former if pack.law == "ca"]
    state = ADDRESSEE.fold(past.people[who])
    assert isinstance(state, Addressee)
    today = await past.decided(who)
    before = judged_again(today, state.person, former)
    assert (before.verdict, today.verdict) == ("deny", "allow")
    await past.happened(who, before.model_copy(update={"message_id": MessageId(new_id(past.now))}))
    _, tally = await past.asked()
    assert (tally.identical, tally.without_packs) == (1, 1), "a version that nobody kept"

    text = (files(packs_folder) / "ca.toml").read_text(encoding="utf-8").replace("years = 2", "years = 1")
    command = AdoptRulePack(law="ca", pack_version=canada.version, text=text)
    (adopted,) = decide(command, RulePackHistory())
    await past.adopted(adopted)
    assert decide(command, RulePackHistory(("0" * 16, canada.version))) == ()
    flips, tally = await past.asked()
    assert (flips, tally.identical, tally.without_packs) == ([], 2, 0)
    ((flip,), _) = await past.asked(packs=load_packs())
    assert (flip.before[0], flip.after[0]) == ("deny", "allow")


async def test_a_version_that_another_process_adopted_meanwhile_is_found() -> None:
    past = Past()
    archive = LawArchive(past.log, past.codec)
    rejudging = Rejudging(past.log, past.codec, Replay(past.log, past.codec), archive, lambda: past.now)
    former = with_canada("years = 2", "years = 1")
    (canada,) = [pack for pack in former if pack.law == "ca"]
    today = await past.decided(await past.somebody("CA", bought(1.5)))
    state = ADDRESSEE.fold(past.people[today.addressee_id])
    assert isinstance(state, Addressee)
    await past.happened(today.addressee_id, judged_again(today, state.person, former))
    tallies = [one async for one in rejudging.answers(TENANT, AS_IT_WAS) if isinstance(one, Tally)]
    assert tallies[-1].without_packs == 1
    with pytest.raises(UnknownPack):
        await archive.named([f"ca:{canada.version}"])

    text = (files(packs_folder) / "ca.toml").read_text(encoding="utf-8").replace("years = 2", "years = 1")
    await past.adopted(RulePackAdopted(law="ca", pack_version=canada.version, text=text))
    tallies = [one async for one in rejudging.answers(TENANT, AS_IT_WAS) if isinstance(one, Tally)]
    assert (tallies[-1].without_packs, tallies[-1].identical) == (0, 2)
    assert await archive.named([f"ca:{canada.version}"]) == [canada]
    versions = [(one.pack.version, one.at is None) for one in await archive.adopted() if one.pack.law == "ca"]
    (present,) = [pack.version for pack in load_packs() if pack.law == "ca"]
    assert versions == [(canada.version, False), (present, True)]


async def test_a_version_that_was_adopted_as_the_hash_of_its_text_is_found_by_that_name() -> None:
    """Versions were that once; decisions of then name them so, and are the same again to the byte."""
    past = Past()
    text = (files(packs_folder) / "ca.toml").read_text(encoding="utf-8")
    name = sha256(text.encode()).hexdigest()[:16]
    (present,) = [pack for pack in load_packs() if pack.law == "ca"]
    assert present.version != name
    then = tuple(
        pack.model_copy(update={"version": name}) if pack.law == "ca" else pack for pack in load_packs()
    )
    today = await past.decided(await past.somebody("CA", bought(1.5)))
    state = ADDRESSEE.fold(past.people[today.addressee_id])
    assert isinstance(state, Addressee)
    former = judged_again(today, state.person, then)
    assert former.packs["ca"] == name
    await past.happened(today.addressee_id, former)
    await past.adopted(RulePackAdopted(law="ca", pack_version=name, text=text))
    flips, tally = await past.asked()
    assert (flips, tally.identical, tally.without_packs) == ([], 2, 0)
    archive = LawArchive(past.log, past.codec)
    named = [*await archive.named([f"ca:{name}"]), *await archive.named([f"ca:{present.version}"])]
    assert [one.version for one in named] == [name, present.version]


async def test_what_cannot_be_asked() -> None:
    past = Past()
    await past.decided(await past.somebody("US"))
    with pytest.raises(PeriodReversed):
        await past.asked(Question(after=START + timedelta(days=1), before=START))
    assert (await past.asked(Question(after=START, before=START)))[1].judged == 0
    with pytest.raises(NotYetKnown):
        await past.asked(Question(known=past.now + timedelta(seconds=1)))
    assert (await past.asked(Question(known=past.now)))[1].judged == 1


async def test_how_far_it_is_is_told_from_the_first_on() -> None:
    past = Past()
    await past.somebody("US")
    await past.decided(await past.somebody("US"))
    archive = LawArchive(past.log, past.codec)
    rejudging = Rejudging(past.log, past.codec, Replay(past.log, past.codec), archive, lambda: past.now)
    told = [
        (one.position, one.until, one.judged)
        async for one in rejudging.answers(TENANT, AS_IT_WAS)
        if isinstance(one, Tally)
    ]
    assert told == [(0, 3, 0), (3, 3, 1)]
    for start, expected in ((1, [(1, 3, 0), (3, 3, 1)]), (3, [(3, 3, 0)]), (99, [(3, 3, 0)])):
        told = [
            (one.position, one.until, one.judged)
            async for one in rejudging.answers(TENANT, AS_IT_WAS, start=start)
            if isinstance(one, Tally)
        ]
        assert told == expected


@pytest.mark.parametrize(("scan", "together"), [(1, 1), (3, 2), (2, 3), (4, 1), (1_000, 2)])
async def test_from_wherever_it_is_it_can_be_gone_on_with(
    scan: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged by then, and what is judged from there on, is each decision once."""
    past, stricter = Past(), with_canada("years = 2", "months = 6")
    for age in (0.2, 1, 1, 0.2, 1, 1, 1):
        await past.decided(await past.somebody("CA", bought(age)))
    await past.somebody("CA")
    monkeypatch.setattr(rejudging_module, "_SCAN", scan)
    monkeypatch.setattr(rejudging_module, "_TOGETHER", together)
    archive = LawArchive(past.log, past.codec)
    rejudging = Rejudging(past.log, past.codec, Replay(past.log, past.codec), archive, lambda: past.now)
    stops, flips = list[tuple[int, list[Flip], int]](), list[Flip]()
    async for one in rejudging.answers(TENANT, AS_IT_WAS, stricter):
        if isinstance(one, Flip):
            flips.append(one)
        else:
            stops.append((one.position, list(flips), one.judged))
    assert (len(flips), stops[-1][2]) == (5, 7)
    for position, before, judged in stops:
        after, rest = list[Flip](), Tally()
        async for one in rejudging.answers(TENANT, AS_IT_WAS, stricter, start=position):
            if isinstance(one, Flip):
                after.append(one)
            else:
                rest = one
        assert before + after == flips
        assert judged + rest.judged == 7


async def test_others_have_their_turn_while_many_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of this test never waits, so whatever turn another has, judging gave it."""
    past, turns = Past(), 0
    for _ in range(20):
        await past.decided(await past.somebody("US"))

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(rejudging_module, "_AT_A_TIME", 0)
    other = asyncio.create_task(another())
    await past.asked()
    other.cancel()
    assert turns >= 19


async def test_nobodys_past_is_not_found() -> None:
    with pytest.raises(NotFound):
        await Past().asked()
