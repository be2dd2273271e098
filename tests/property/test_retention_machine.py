"""Things, holds, periods and clocks in any order: nothing under a hold, or within its period, is ever touched.

What may go is judged here a second time, from what the test itself did, without marks and without the schedule's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.audience.contact import Contact, CreateContact
from domain.audience.erasure import EraseAddressee, ExpireEvidence, PlaceLegalHold
from domain.audience.import_events import ImportCompleted, ImportRegistered
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import WorkspaceId
from domain.law.periods import Period
from domain.reporting.saved_query import DeleteQuery, SaveQuery
from domain.retention.destroying import ExpireObject, ObjectExpired, stream_of
from domain.retention.hold import HoldOver, PlaceHold, ReleaseHold
from domain.retention.kinds import Kind, Over, schedule
from domain.retention.plan import DisposalPlanned, ObjectNamed, PlanDisposal
from domain.retention.policy import ChangeRetention
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import TENANT, uid
from tests.support.unit import World

WORKSPACES = [uid(10), uid(11)]
KINDS = [Kind.IMPORT_FILES, Kind.SAVED_QUERIES, Kind.EVIDENCE]
DAYS = st.integers(0, 1200)


@dataclass
class Thing:
    """What the test made. `kept_until`: what its own event says."""

    kind: Kind
    id: UUID
    ended: datetime
    workspace: UUID | None = None
    kept_until: datetime | None = None
    gone: bool = False


class RetentionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.made = 1000
        self.things: list[Thing] = []
        self.holds: dict[UUID, HoldOver] = {}
        self.alone: set[UUID] = set()
        self.chosen: dict[Kind, int] = {}

    @initialize()
    def workspaces(self) -> None:
        for one in WORKSPACES:
            self.world.run(CreateWorkspace(name="W"), one)

    def fresh(self) -> UUID:
        self.made += 1
        return uid(self.made)

    def ask(self, command: Command, target: UUID) -> list[Any] | None:
        before = len(self.world.log)
        try:
            return self.world.run(command, target)
        except Refusal:
            assert len(self.world.log) == before
            return None

    @rule(workspace=st.sampled_from(WORKSPACES), kept=st.integers(0, 30))
    def end_an_import(self, workspace: UUID, kept: int) -> None:
        one, now = self.fresh(), self.world.now
        of: dict[str, Any] = {"import_id": one, "workspace_id": workspace}
        registered = ImportRegistered(**of, uploaded_by=uid(2), file_name="f", size=1, sha256="00")
        until = now + timedelta(days=kept)
        counts: dict[str, Any] = dict.fromkeys(("rows", "imported", "updated", "skipped", "rejected"), 0)
        self.world.happened("import", one, registered, ImportCompleted(**of, **counts, files_until=until))
        self.things.append(Thing(Kind.IMPORT_FILES, one, now, workspace, until))

    @rule()
    def delete_a_query(self) -> None:
        one = self.fresh()
        self.world.run(SaveQuery(title="T", sql="SELECT 1"), one)
        self.world.run(DeleteQuery(), one)
        self.things.append(Thing(Kind.SAVED_QUERIES, one, self.world.now))

    @rule(country=st.sampled_from([None, "DE", "GB"]))
    def erase_somebody(self, country: str | None) -> None:
        contact = self.fresh()
        email = f"{self.made}@x.example"
        make = CreateContact(workspace_id=WorkspaceId(WORKSPACES[0]), email=email, country=country)
        self.world.run(make, contact)
        found = self.world.state("contact", contact)
        assert isinstance(found, Contact)
        self.world.run(EraseAddressee(), found.addressee_id)
        ends = self.world.state("addressee", found.addressee_id).proof.ends
        self.things.append(Thing(Kind.EVIDENCE, found.addressee_id, self.world.now, kept_until=ends))

    @precondition(lambda self: self.things)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        over = data.draw(self.overs())
        events = self.ask(PlaceHold(matter="M", over=(over,), reason="A claim"), TENANT)
        if events is None:
            gone = next(one for one in self.things if one.id == over.subject)
            assert over.kind is Over.PERSON, "only proof that is gone cannot be held"
            assert gone.gone
            return
        self.holds[events[-1].hold_id] = over

    def overs(self) -> st.SearchStrategy[HoldOver]:
        days = st.dates(date(2026, 1, 1), date(2032, 12, 31))
        people = [one.id for one in self.things if one.kind is Kind.EVIDENCE]
        imports = [one.id for one in self.things if one.kind is Kind.IMPORT_FILES]
        kinds: list[st.SearchStrategy[HoldOver]] = [
            st.just(HoldOver(kind=Over.TENANT)),
            st.sampled_from(WORKSPACES).map(lambda one: HoldOver(kind=Over.WORKSPACE, subject=one)),
            st.tuples(days, days).map(
                lambda two: HoldOver(kind=Over.PERIOD, first_day=min(two), last_day=max(two))
            ),
        ]
        for kind, ids in ((Over.PERSON, people), (Over.IMPORT, imports)):
            if ids:
                kinds.append(st.builds(HoldOver, kind=st.just(kind), subject=st.sampled_from(ids)))
        return st.one_of(kinds)

    @precondition(lambda self: self.things)
    @rule(which=st.integers(0, 50))
    def hold_somebody_alone(self, which: int) -> None:
        one = self.things[which % len(self.things)]
        if one.kind is Kind.EVIDENCE:
            assert (self.ask(PlaceLegalHold(reason="Claim"), one.id) is None) is one.gone
            if not one.gone:
                self.alone.add(one.id)

    @precondition(lambda self: self.holds)
    @rule(which=st.integers(0, 50))
    def release(self, which: int) -> None:
        hold_id = sorted(self.holds)[which % len(self.holds)]
        assert self.ask(ReleaseHold(hold_id=hold_id, reason="Settled"), TENANT) is not None
        del self.holds[hold_id]

    @rule(kind=st.sampled_from(KINDS), days=DAYS)
    def change(self, kind: Kind, days: int) -> None:
        floor = schedule()[kind].floor.days
        command = ChangeRetention(kind=kind, period=Period(days=days), reason="Because")
        assert (self.ask(command, TENANT) is not None) is (days >= floor)
        if days >= floor:
            self.chosen[kind] = days

    @rule(hours=st.integers(-48, 24 * 800))
    def jump(self, hours: int) -> None:
        """A clock goes on, and sometimes back."""
        self.world.later(timedelta(hours=hours))

    @precondition(lambda self: self.things)
    @rule(which=st.integers(0, 50))
    def destroy(self, which: int) -> None:
        one = self.things[which % len(self.things)]
        may = one.gone or self.may_go(one)
        if one.kind is Kind.EVIDENCE:
            events = self.ask(ExpireEvidence(), one.id)
        else:
            events = self.ask(ExpireObject(kind=one.kind, object_id=one.id), stream_of(one.kind, one.id))
        assert (events is not None) is may
        one.gone = may

    @precondition(lambda self: self.things)
    @rule()
    def plan(self) -> None:
        """A plan names things that may all go, or nothing is planned."""
        named = tuple(ObjectNamed(kind=one.kind, object_id=one.id) for one in self.things[-3:])
        events = self.ask(PlanDisposal(objects=named, reason="Due"), self.fresh())
        assert (events is not None) is all(self.may_go(one) and not one.gone for one in self.things[-3:])
        if events is not None:
            (planned,) = events
            assert isinstance(planned, DisposalPlanned)
            assert sum(planned.counts.values()) == len(named)

    def may_go(self, one: Thing) -> bool:
        return self.due(one) <= self.world.now and not self.held(one)

    def due(self, one: Thing) -> datetime:
        days = self.chosen.get(one.kind)
        if days is None and one.kept_until is not None:
            return one.kept_until
        if one.kind is Kind.EVIDENCE and one.kept_until == one.ended:
            return one.ended  # there was no proof: nothing of it is kept for any period
        if days is None:
            days = 30
        until = one.kept_until or one.ended
        if days == 0:
            return max(one.ended, until)
        far_east = (one.ended + timedelta(hours=14)).replace(hour=0, minute=0, second=0, microsecond=0)
        return max(far_east + timedelta(days=days + 1, hours=12), until)

    def held(self, one: Thing) -> bool:
        return one.id in self.alone or any(self.keeps(over, one) for over in self.holds.values())

    def keeps(self, over: HoldOver, one: Thing) -> bool:
        match over.kind:
            case Over.TENANT:
                return True
            case Over.PERIOD:
                assert over.first_day is not None
                return one.ended.date() >= over.first_day
            case Over.WORKSPACE:
                return one.kind is Kind.EVIDENCE or one.workspace == over.subject
            case Over.IMPORT:
                return one.kind is Kind.EVIDENCE or one.id == over.subject
            case _:
                return one.id == over.subject

    @invariant()
    def nothing_expired_twice(self) -> None:
        gone = [event.object_id for _, event in self.world.log if isinstance(event, ObjectExpired)]
        assert len(gone) == len(set(gone))

    @invariant()
    def replay_is_deterministic(self) -> None:
        self.world.assert_replays()


TestRetention = RetentionMachine.TestCase
TestRetention.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
