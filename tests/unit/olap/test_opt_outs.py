"""Opt-outs as facts: how many, by which way, how soon they were entered, and whether in the term of a law."""

from __future__ import annotations

import re
from datetime import timedelta

from domain.audience.consent_commands import OptOutChannel
from domain.audience.consent_events import Unsaid
from projections.olap.reports import REPORTS
from tests.support.decided import (
    DAY,
    ELSEWHERE,
    asked,
    opt_out,
)
from tests.support.events import BEGIN
from tests.unit.olap.test_ingest import World


def test_opt_outs_and_how_late_they_were_entered(world: World) -> None:
    history = world.histories[0]
    for late in (timedelta(minutes=2), timedelta(minutes=4, microseconds=1)):
        opt_out(history, late)
    opt_out(history, timedelta(hours=1), version=1, channel="complaint")
    opt_out(history, timedelta(hours=1), version=1)
    opt_out(history, timedelta(days=900), channel="carried_over", kind="objection")
    opt_out(history, -timedelta(seconds=3), channel="one_click", scope="workspace")
    world.catch_up()
    assert asked(world, "opt_outs") == [
        (DAY, "complaint", "complaint", "tenant", "none", 1, 1, 3600.0, 3600.0, 3600.0, 3600.0, 1, 0, 0),
        (DAY, "objection", "carried_over", "tenant", "none", 1, 0, 0.0, None, None, None, 0, 0, 0),
        (DAY, "unsubscribe", "one_click", "workspace", "none", 1, 1, 0.0, 0.0, 0.0, 0.0, 1, 0, 0),
        (
            DAY,
            "unsubscribe",
            "page",
            "tenant",
            "none",
            3,
            3,
            3960.000001,
            3600.0,
            240.000001,
            3600.0,
            3,
            0,
            0,
        ),
    ]


def test_opt_outs_that_met_the_term_of_a_law_and_those_that_did_not(world: World) -> None:
    """What comes in at the very moment at which the term is over is late."""
    history = world.histories[0]
    for law, left in (("us", 1), ("us", 0), ("us", -5), ("nz", 1), (None, 0)):
        entered = BEGIN + timedelta(hours=len(history.events) + 1)
        before = (entered + timedelta(microseconds=left)).astimezone(ELSEWHERE)
        opt_out(history, timedelta(), due_law=law, due_before=None if law is None else before.isoformat())
    opt_out(history, timedelta(hours=1), version=2)
    world.catch_up()
    told = [(row[4], row[5], row[-2], row[-1]) for row in asked(world, "opt_outs")]
    assert told == [("none", 2, 0, 0), ("nz", 1, 1, 0), ("us", 3, 1, 2)]
    assert world.rows("SELECT count(*) FROM fact_opt_out WHERE in_time IS NULL") == [(2,)]


def test_how_late_most_opt_outs_were_entered_and_how_many_surely_in_time(world: World) -> None:
    history = world.histories[0]
    for hours in (*range(1, 9), 71, 72, 73):
        opt_out(history, timedelta(hours=hours))
    world.catch_up()
    ((*_, longest, median, nearly_all, in_time, _, _),) = asked(world, "opt_outs", to=str(DAY))
    assert (longest, median, nearly_all) == (73 * 3600.0, 6 * 3600.0, 73 * 3600.0)
    assert in_time == 9


def test_every_channel_of_an_opt_out_is_named_and_those_that_nobody_said_have_no_latency(
    world: World,
) -> None:
    report = REPORTS["opt_outs"]
    (channel,) = (one for one in report.info.columns if one.name == "channel")
    words = set(re.findall(r"[a-z_]+", channel.about))
    assert {*OptOutChannel, *Unsaid} <= words
    assert set(Unsaid) <= set(re.findall(r"[a-z_]+", report.info.about))
    for one in (OptOutChannel.PAGE, OptOutChannel.IMPORT, *Unsaid):
        opt_out(world.histories[0], timedelta(hours=1), channel=one)
    world.catch_up()
    known = {row[2]: row[6] for row in asked(world, "opt_outs", to=str(DAY))}
    assert known == {"page": 1, "import": 0, **{one.value: 0 for one in Unsaid}}
