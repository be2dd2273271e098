"""Requests of people as facts: what is counted how, over events as the domain writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.audience.addressee_events import SubjectRequestNoted
from domain.rights.commands import (
    AcknowledgeRequest,
    CompleteRequest,
    ExtendRequest,
    RemindOfRequest,
    WithdrawRequest,
)
from domain.rights.kinds import RequestKind
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.events import BEGIN, History
from tests.support.requests import REQUEST, asked, opened, receive
from tests.unit.olap.test_ingest import World

DAY = BEGIN.date()
NAME = "subject_requests"


@pytest.fixture
def world() -> Iterator[World]:
    made = World(History(), History())
    yield made
    made.store.close()


def filled(history: History) -> None:
    """Four requests: one fulfilled in time, one extended and missed, one withdrawn, one under no law's term."""
    for kind, country, commands in (
        (RequestKind.OBJECTION, "DE", [(CompleteRequest(), 5)]),
        (RequestKind.ACCESS, "DE", [(ExtendRequest(reason="Many"), 1), (RemindOfRequest(), 200)]),
        (RequestKind.ACCESS, "US-CA", [(WithdrawRequest(), 2)]),
        (RequestKind.ERASURE, "NO", []),
    ):
        tenant = opened(None)
        events = receive(tenant, kind, place=country)
        for command, days in commands:
            events += tenant.run(command, REQUEST, at=asked(tenant).received_at + timedelta(days=days))
        for event in events:
            if not isinstance(event, SubjectRequestNoted) and event.name.startswith("rights."):
                history.happen(event.name, json.loads(event.model_dump_json()))


def test_each_step_of_a_request_is_counted_by_kind_and_law(world: World) -> None:
    filled(world.histories[0])
    world.catch_up()
    tenant = world.histories[0].tenant_id
    assert list(run_report(world.store.writing, NAME, tenant, {}).rows) == [
        (DAY, "extended", "access", "eu-gdpr", 1, 0, 0, 0.0),
        (DAY, "fulfilled", "objection", "eu-gdpr", 1, 1, 0, 5 * 86_400.0),
        (DAY, "missed", "access", "eu-gdpr", 1, 0, 0, 0.0),
        (DAY, "received", "access", "eu-gdpr", 1, 0, 0, 0.0),
        (DAY, "received", "access", "us-ca", 1, 0, 0, 0.0),
        (DAY, "received", "erasure", "none", 1, 0, 0, 0.0),
        (DAY, "received", "objection", "eu-gdpr", 1, 0, 0, 0.0),
        (DAY, "withdrawn", "access", "us-ca", 1, 0, 0, 2 * 86_400.0),
    ]
    assert list(run_report(world.store.writing, NAME, tenant, {"from_": "2026-03-02"}).rows) == []


def test_what_was_entered_after_the_term_to_be_in_time_is_counted_apart(world: World) -> None:
    tenant = opened("GB")
    events = receive(tenant, RequestKind.COMPLAINT)
    told_at, due_at = asked(tenant).received_at + timedelta(days=1), asked(tenant).due_at
    for command in (RemindOfRequest(), AcknowledgeRequest(acknowledged_at=told_at), CompleteRequest()):
        events += tenant.run(command, REQUEST, at=due_at + timedelta(days=1))
    for event in events:
        if event.name.startswith("rights."):
            world.histories[0].happen(event.name, json.loads(event.model_dump_json()))
    world.catch_up()
    rows = run_report(world.store.writing, NAME, world.histories[0].tenant_id, {}).rows
    assert {row[1]: row[4:7] for row in rows} == {
        "received": (1, 0, 0),
        "missed": (1, 0, 0),
        "fulfilled": (1, 1, 1),
    }


def test_every_cell_opens_to_its_events(world: World) -> None:
    one, two = world.histories
    for _ in range(2):
        filled(two)
        filled(one)
    world.catch_up()
    dimensions = [column.name for column in REPORTS[NAME].info.columns if column.kind == "dimension"]
    rows = run_report(world.store.writing, NAME, one.tenant_id, {}).rows
    assert sum(int(str(row[len(dimensions)])) for row in rows) == 16
    for row in rows:
        cell = dict(zip(dimensions, row, strict=False))
        behind = run_events_behind(world.store.writing, NAME, one.tenant_id, cell, {}, after=0, limit=100)
        assert sum(weight for _, weight in behind.events) == row[len(dimensions)], cell
