"""The alert rules over random entries, against a model that looks at every stretch anew; and wherever one begins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.access.alerts import Watching, pair
from domain.access.entries import Entry
from domain.access.policy import AlertRule, Counted, RuleName, policy
from domain.access.reads import ReadKind
from tests.support.given import NOW, uid

KINDS = [kind.value for kind in ReadKind]
HOURS = (None, ("07:00", "20:00"), ("22:00", "06:00"), ("09:00", "09:00"))


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """A log: positions without a gap, moments that never go back."""
    moment, entries = NOW, []
    for position in range(1, draw(st.integers(0, 40)) + 1):
        moment += timedelta(minutes=draw(st.sampled_from((0, 0, 1, 7, 29, 30, 31, 240))))
        kind = draw(st.sampled_from(KINDS))
        reader = uid(0xA0 + draw(st.integers(0, 1)))
        rows, requests = draw(st.integers(0, 5)), draw(st.integers(1, 3)) if kind == "denied" else 1
        entries.append(Entry(position, moment, reader, kind, "q", rows, requests, kind == "staff"))
    return entries


@st.composite
def rules(draw: st.DrawFn) -> AlertRule:
    hours = draw(st.sampled_from(HOURS))
    return AlertRule(
        name=draw(st.sampled_from(RuleName)),
        about="",
        counts=draw(st.sampled_from(Counted)),
        of=frozenset(draw(st.sets(st.sampled_from(ReadKind), max_size=2))),
        staff=draw(st.booleans()),
        threshold=draw(st.integers(1, 6)),
        minutes=draw(st.sampled_from((1, 30, 60))),
        enabled=draw(st.booleans()),
        hours_from=hours and hours[0],
        hours_to=hours and hours[1],
        time_zone=draw(st.sampled_from(("UTC", "Asia/Tokyo"))),
    )


def counted(rule: AlertRule, entry: Entry) -> int:
    """How much an entry is to a rule, told in another way than the rule tells it."""
    local = entry.at.astimezone(ZoneInfo(rule.time_zone))
    minute = local.hour * 60 + local.minute
    within = False
    if rule.hours_from is not None and rule.hours_to is not None:
        begin, end = (int(one[:2]) * 60 + int(one[3:]) for one in (rule.hours_from, rule.hours_to))
        within = (minute - begin) % 1_440 < ((end - begin) % 1_440 or 1_440)
    if within or (rule.staff and not entry.staff) or (rule.of and entry.kind not in set(rule.of)):
        return 0
    return {"entries": 1, "rows": entry.rows, "requests": entry.requests}[rule.counts]


def model(rule: AlertRule, entries: list[Entry]) -> list[tuple[Any, int, int, int]]:
    """Reader, first and last position, and sum of each alert: every stretch added up from the beginning."""
    told: list[tuple[Any, int, int, int]] = []
    until: dict[Any, datetime] = {}
    for last in entries if rule.enabled else []:
        if counted(rule, last) == 0 or last.at < until.get(last.reader_id, last.at):
            continue
        stretch = [
            one
            for one in entries[: last.position]
            if one.reader_id == last.reader_id
            and counted(rule, one)
            and last.at - one.at < timedelta(minutes=rule.minutes)
            and one.at >= until.get(one.reader_id, one.at)
        ]
        measured = sum(counted(rule, one) for one in stretch)
        if measured >= rule.threshold:
            told.append((last.reader_id, stretch[0].position, last.position, measured))
            until[last.reader_id] = last.at + timedelta(minutes=rule.minutes)
    return told


@given(logs(), rules())
def test_a_rule_tells_what_the_model_tells(entries: list[Entry], rule: AlertRule) -> None:
    told = [
        (one.reader_id, one.first_position, one.last_position, one.measured)
        for one in Watching([rule], {}, 0).see(entries)
    ]
    assert told == model(rule, entries)


@given(logs(), st.lists(rules(), max_size=3, unique_by=lambda one: one.name), st.data())
def test_it_is_the_same_wherever_a_process_stopped_and_another_began(
    entries: list[Entry], chosen: list[AlertRule], data: st.DataObject
) -> None:
    whole = list(Watching(chosen, {}, 0).see(entries))
    stops = sorted(data.draw(st.sets(st.integers(0, len(entries)), max_size=3)))
    told, quiet = [], dict[str, datetime]()
    for after, to in zip([0, *stops], [*stops, len(entries)], strict=True):
        if after == to:
            continue
        watching = Watching(chosen, quiet, after)
        since = entries[after].at - watching.looks_back
        begun = [one for one in entries[:to] if one.at > since or one.position > after]
        found = list(watching.see(begun))
        assert list(Watching(chosen, quiet, after).see(entries[:to])) == found, (
            "more looked back finds no more"
        )
        told += found
        quiet |= {pair(one.rule.name, one.reader_id): one.last_at + one.rule.stretch for one in found}
    assert told == whole


def test_the_rules_that_come_with_the_product() -> None:
    shipped = policy().rules
    assert set(shipped) == set(RuleName)
    assert not shipped[RuleName.AT_NIGHT].enabled
    export = Entry(1, NOW, uid(1), "export", "q", rows=49_999)
    more = export._replace(position=2, at=NOW + timedelta(minutes=59), rows=1)
    (bulk,) = Watching(shipped.values(), {}, 0).see([export, more])
    assert (bulk.rule.name, bulk.measured) == (RuleName.BULK_ROWS, 50_000)
    late = more._replace(at=NOW + timedelta(minutes=60))
    assert list(Watching(shipped.values(), {}, 0).see([export, late])) == []
    (staff,) = Watching(shipped.values(), {}, 0).see([Entry(1, NOW, uid(2), "staff", "q", staff=True)])
    assert staff.rule.name is RuleName.STAFF_ACCESS
