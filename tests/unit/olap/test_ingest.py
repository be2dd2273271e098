"""Facts from events, over a file in memory: what stops whom, what is counted how, and what never gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest

from adapters.duckdb.local import EventsInMemory
from adapters.duckdb.projector import Projector
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.store import Store
from application.ports.log import Recorded
from application.ports.positions import Position
from projections.olap import ingest, tracking
from projections.olap.derived import OF_TENANTS
from projections.olap.source import Range, batches
from projections.olap.sql import MODELS, read_model
from tests.support.events import History, segment
from tests.support.serving import ROOT

SETTINGS = OlapSettings(folder=Path(), database_url="", threads=1)

WHOLE = {"contact_id": str(UUID(int=1)), "workspace_id": str(UUID(int=2)), "segment": segment()}


class World:
    """A file in memory and what it reads."""

    def __init__(self, *histories: History, path: Path | None = None) -> None:
        self.histories = histories
        self.source = EventsInMemory()
        self.store = Store(path, SETTINGS)
        self.projector = Projector(self.store, self.source)

    def catch_up(self) -> World:
        self.source.events = [event for history in self.histories for event in history.events]
        while self.projector.step():
            pass
        return self

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.store.writing.execute(statement).fetchall()

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row with the tenant's id in place of its key; roll-ups summed."""
        summed = "SELECT * REPLACE (sum(events) AS events) FROM fact_event_daily GROUP BY ALL"
        return {
            table: self.rows(self._named(summed if "daily" in table else f"FROM {table}"))
            for table in OF_TENANTS
        }

    def _named(self, rows: str) -> str:
        columns = "tenant_id, fact.* EXCLUDE (tenant_key)"
        return f"SELECT {columns} FROM ({rows}) AS fact JOIN dim_tenant USING (tenant_key) ORDER BY ALL"  # noqa: S608 - the test's own


def filled(history: History, contacts: int = 5) -> None:
    ids = [history.contact("created", segment=segment("CA" if n % 2 else None)) for n in range(contacts)]
    history.contact(
        "updated", ids[0], segment_before=segment(None), segment_after=segment("DE"), actor="api_key"
    )
    history.contact("updated", ids[1], segment_before=segment("CA"), segment_after=segment("CA"))
    history.contact("removed", ids[2], segment=segment(None), actor="staff")
    history.contact("erased", ids[3], segment=segment("CA"), actor="workflow")
    history.happen("tenancy.member_invited", {"email": "x"})


def test_what_a_contact_does_is_counted(world: World) -> None:
    filled(world.histories[0])
    world.catch_up()
    assert world.rows(
        "SELECT change, country, delta, count(*) FROM fact_contact_change GROUP BY ALL ORDER BY ALL"
    ) == [
        ("created", "CA", 1, 2),
        ("created", None, 1, 3),
        ("erased", "CA", -1, 1),
        ("removed", None, -1, 1),
        ("updated", "CA", 0, 1),
        ("updated", "DE", 1, 1),
        ("updated", None, -1, 1),
    ]


def test_batch_by_batch_makes_the_same_facts_as_all_at_once(opened: list[World]) -> None:
    one, two = History(), History()
    slow = World(one, two)
    opened.append(slow)
    slow.catch_up()
    for _ in range(3):
        for history in (one, two):
            filled(history)
            slow.catch_up()
    quick = World(one, two)
    opened.append(quick)
    quick.catch_up()
    assert quick.facts() == slow.facts()
    assert quick.projector.complete
    assert slow.projector.complete


def test_large_batches_are_cut_and_each_tenant_is_contiguous() -> None:
    ranges = [
        Range(tenant_id=uuid4(), tenant_key=key, epoch=1, after=3, upto=3 + size, reaches_head=True)
        for key, size in enumerate((10, 60_000, 45_000))
    ]
    cut = list(batches(ranges))
    assert [sum(part.events for part in batch) for batch in cut] == [50_000, 50_000, 5_010]
    for whole in ranges:
        parts = [part for batch in cut for part in batch if part.tenant_id == whole.tenant_id]
        assert [part.after for part in parts] == [whole.after, *(part.upto for part in parts[:-1])]
        assert [part.reaches_head for part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_little_that_is_behind_goes_in_small_batches() -> None:
    ranges = [Range(tenant_id=uuid4(), tenant_key=1, epoch=1, after=0, upto=2_500, reaches_head=True)]
    assert [sum(part.events for part in batch) for batch in batches(ranges)] == [1_000, 1_000, 500]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"version": 2}, "schema version 2 and this build reads up to 1"),
        ({"payload": b"{no json"}, "its payload is no JSON"),
        ({"payload": b"\xff"}, "its payload is no JSON"),
        ({"payload": {"workspace_id": str(uuid4()), "segment": {}}}, "no contact_id"),
        ({"payload": {"contact_id": str(uuid4()), "segment": {}}}, "no workspace_id"),
        ({"payload": {"contact_id": str(uuid4()), "workspace_id": str(uuid4())}}, "no segment"),
        ({"metadata": b'{"channel":"api"}', "payload": WHOLE}, "does not open with an actor"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_event_that_cannot_be_read_stops_its_tenant_before_it(
    world: World, *, broken: dict[str, Any], reason: str, at_once: bool
) -> None:
    sick, well = world.histories
    if not at_once:
        world.catch_up()
    filled(sick)
    sick.happen("audience.contact_created", **broken)
    filled(sick)
    filled(well)
    world.catch_up()
    stopped = world.projector.tracked[sick.tenant_id]
    assert (stopped.state, stopped.position) == ("poisoned", 10)
    assert stopped.error is not None
    assert "stopped before position 11: audience.contact_created: " in stopped.error
    assert reason in stopped.error
    assert world.projector.tracked[well.tenant_id].position == 10
    assert world.rows("SELECT count(*), max(position) FROM fact_event") == [(20, 10)]
    assert world.projector.health().poisoned == {str(sick.tenant_id): stopped.error}
    filled(well)
    world.catch_up()
    assert world.projector.tracked[well.tenant_id].position == 20


@pytest.mark.parametrize("payload", [WHOLE, {}], ids=["filled at once", "unfit, then by tenant"])
def test_a_fill_gives_its_threads_back(tmp_path: Path, opened: list[World], payload: dict[str, Any]) -> None:
    world = World(History())
    opened.append(world)
    world.store.close()
    world.store = Store(tmp_path / "facts.duckdb", replace(SETTINGS, threads=3))
    world.projector = Projector(world.store, world.source)
    world.histories[0].happen("audience.contact_created", payload)
    world.catch_up()
    assert world.rows("SELECT current_setting('threads')") == [(3,)]


def test_an_unknown_event_is_counted_whatever_its_version(world: World) -> None:
    world.histories[0].happen("later.thing_happened", b"no json", version=9, actor="system")
    world.catch_up()
    assert world.rows("SELECT name, context, actor_kind FROM fact_event") == [
        ("later.thing_happened", "later", "system")
    ]


def test_a_stopped_tenant_goes_on_when_the_build_can_read_it(tmp_path: Path, opened: list[World]) -> None:
    history = History()
    filled(history)
    bad = history.happen("audience.contact_created", b"{", stream=f"contact:{uuid4()}")
    world = World(history, path=tmp_path / "facts.duckdb")
    world.catch_up().store.close()
    good = {"contact_id": str(uuid4()), "workspace_id": str(uuid4()), "segment": segment()}
    history.events.pop()
    history.happen(bad.name, good)
    again = World(history, path=tmp_path / "facts.duckdb")
    opened.append(again)
    again.catch_up()
    assert again.projector.tracked[history.tenant_id].at == Position(1, 11)
    assert again.projector.health().poisoned == {}


def test_no_pseudonym_and_nothing_personal_gets_in(tmp_path: Path) -> None:
    history = History()
    hmac = "5f" * 32
    # 32 hexadecimal digits are a UUID to some; an id that is a UUID may still be a pseudonym by its category.
    for stream in (f"email_claim:{hmac}", f"new_kind:{hmac[:32]}", f"slug:{UUID(int=7)}"):
        history.happen("audience.email_claimed", {"hmac": hmac}, stream=stream)
    history.contact("created")
    world = World(history, path=tmp_path / "facts.duckdb")
    world.catch_up()
    assert world.rows("SELECT stream_category, stream_id IS NULL FROM fact_event ORDER BY position") == [
        ("email_claim", True),
        ("new_kind", True),
        ("slug", True),
        ("contact", False),
    ]
    world.rows("CHECKPOINT")
    world.store.close()
    stored = (tmp_path / "facts.duckdb").read_bytes()
    assert b"contact_created" in stored, "the file's text can be searched"
    for secret in (hmac[:16].encode(), bytes.fromhex(hmac), b"c2VhbGVk", b"Y29tbWl0"):
        assert secret not in stored


class Losing(EventsInMemory):
    """A source that loses or doubles rows, as a faulty scan would."""

    def __init__(self, spoil: Any) -> None:
        super().__init__()
        self.spoil = spoil

    def _table(self, events: Iterator[Recorded]) -> Any:
        return self.spoil(super()._table(events))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.slice(1),
        lambda table: table.slice(0, table.num_rows - 1),
        lambda table: pa.concat_tables([table, table.slice(0, 1)]),
        lambda table: pa.concat_tables([table.slice(0, 3), table.slice(4), table.slice(5, 1)]),
    ],
    ids=["first lost", "last lost", "doubled", "one lost and one doubled"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_batch_that_is_not_what_was_asked_for_changes_nothing(
    opened: list[World], *, spoil: Any, at_once: bool
) -> None:
    world = World(History())
    opened.append(world)
    if not at_once:
        world.catch_up()
    honest = world.source
    dishonest = Losing(spoil)
    filled(world.histories[0])
    dishonest.events = world.histories[0].events
    world.projector.read_from(dishonest)
    with pytest.raises(ingest.BatchMismatch):
        world.projector.step()
    assert world.rows("SELECT count(*) FROM fact_event") == [(0,)]
    assert world.projector.tracked == {}
    world.projector.read_from(honest)
    world.catch_up()
    assert world.rows("SELECT count(*) FROM fact_event") == [(10,)]


def test_a_batch_that_was_taken_in_before_is_refused(world: World) -> None:
    history = world.histories[0]
    filled(history)
    world.catch_up()
    part = Range(tenant_id=history.tenant_id, tenant_key=1, epoch=1, after=4, upto=10, reaches_head=True)
    with pytest.raises(ingest.BatchMismatch, match="positions where it begins"):
        ingest.take_in(world.store.writing, [part], world.source.fetch([part]), {})
    assert world.rows("SELECT count(*) FROM fact_event") == [(10,)]


def test_a_restored_log_is_read_anew_even_when_it_grew_past_what_it_lost(world: World) -> None:
    restored, other = world.histories
    filled(restored)
    filled(other)
    world.catch_up()
    kept = restored.events[:8]
    restored.events[:] = kept
    for _ in range(5):
        restored.happen("tenancy.other_history", actor="system")
    world.source.epochs[restored.tenant_id] = 2
    world.catch_up()
    tenant = world.projector.tracked[restored.tenant_id]
    assert (tenant.at, tenant.state) == (Position(2, 13), "live")
    fresh = World(*world.histories)
    fresh.source.epochs = world.source.epochs
    try:
        assert world.facts() == fresh.catch_up().facts()
    finally:
        fresh.store.close()


def test_a_log_that_went_back_without_a_new_epoch_is_stopped(world: World) -> None:
    history = world.histories[0]
    filled(history)
    world.catch_up()
    history.events.pop()
    world.catch_up()
    stopped = world.projector.tracked[history.tenant_id]
    assert stopped.state == "poisoned"
    assert stopped.error is not None
    for command in re.findall(r"`(penguinmails [a-z ]+)`", stopped.error):
        assert command in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("at", "state", "wanted", "reached"),
    [
        (Position(1, 5), "live", Position(1, 5), True),
        (Position(1, 5), "live", Position(1, 6), False),
        (Position(1, 5), "live", Position(2, 1), False),
        (Position(2, 1), "reading", Position(1, 5), False),
        (Position(2, 4), "live", Position(1, 5), True),
    ],
)
def test_a_token_of_a_lost_epoch_waits_for_the_whole_log(
    *, at: Position, state: tracking.State, wanted: Position, reached: bool
) -> None:
    assert tracking.Tracked(uuid4(), 1, at.epoch, at.n, state).reached(wanted) is reached


def test_compaction_changes_no_sum(world: World) -> None:
    world.catch_up()
    for _ in range(4):
        for history in world.histories:
            filled(history)
        world.catch_up()
    before, rows = world.facts(), world.rows("SELECT count(*) FROM fact_event_daily")
    ingest.compact(world.store.writing)
    assert world.facts() == before
    assert world.rows("SELECT count(*) FROM fact_event_daily") < rows


def test_a_roll_up_is_compacted_once_it_has_grown_by_half() -> None:
    assert not ingest.compaction_due(rows=150_000, after_last=0)
    assert ingest.compaction_due(rows=200_001, after_last=0)
    assert not ingest.compaction_due(rows=1_400_000, after_last=1_000_000)
    assert ingest.compaction_due(rows=1_500_001, after_last=1_000_000)


def test_every_model_says_what_it_is() -> None:
    for model in MODELS:
        for word in ("Grain:", "Tenant key:", "Measures:", "Invariants:"):
            assert word in model.about, f"{model.name} opens without its {word}"


def test_a_model_that_handles_events_without_a_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a table, and a shape exactly when it handles events"):
        read_model("facts", "-- Handles: audience.thing_done 1\n-- == table\nCREATE TABLE facts (x INTEGER);")


def test_a_model_that_does_not_say_what_it_is_made_of_is_refused() -> None:
    with pytest.raises(ValueError, match="needs to say what it is derived from exactly when it is derived"):
        read_model("made", "-- == table\nCREATE TABLE made (x INTEGER);\n-- == derive\nSELECT 1 AS x")


def test_the_handled_versions_are_the_current_ones_of_the_domain() -> None:
    import domain.registered  # noqa: PLC0415, F401 - registers the events
    from domain.kernel.events import EVENTS  # noqa: PLC0415 - with the line above

    for model in MODELS:
        for name, version in model.handles.items():
            assert EVENTS.classes[name].schema_version == version, (
                f"{name}: {model.name} must read the new version"
            )


def reordered(events: Sequence[Recorded]) -> list[Recorded]:
    return list(reversed(events))


def test_the_order_on_disk_does_not_matter(world: World, opened: list[World]) -> None:
    for history in world.histories:
        filled(history)
    world.catch_up()
    shuffled = World(*world.histories)
    opened.append(shuffled)
    shuffled.source.events = reordered([event for history in world.histories for event in history.events])
    while shuffled.projector.step():
        pass
    assert shuffled.facts() == world.facts()
    order = "SELECT tenant_key, position FROM fact_contact_change"
    assert shuffled.rows(order) == sorted(shuffled.rows(order)), "a tenant's changes lie together"
