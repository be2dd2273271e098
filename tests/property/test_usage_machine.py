"""Whatever is taken, given up, reserved, lost and settled, in any order: never over a limit, exact at the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.billing.catalogue import Meter
from domain.billing.usage import (
    LimitReached,
    ReserveBlock,
    SettleBlock,
    Usage,
    UsageAlerted,
    counter_id,
    month_of,
)
from domain.kernel.ids import BlockId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import ChangePlan, TenantOpened
from domain.tenancy.workspace import ArchiveWorkspace, CreateWorkspace
from tests.support.given import TENANT, uid
from tests.support.unit import World

MONTHS = [datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC)]
LIMIT = 300
"""Messages of the free plan."""
PLANS = st.sampled_from([Plan.FREE, Plan.STARTER, Plan.BUSINESS])


class Limits(RuleBasedStateMachine):
    """A tenant whose plan changes, with senders that reserve, send, stop and are killed, and workspaces."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        told = {"tenant_id": TENANT, "tenant_name": "Acme", "slug": "acme", "plan": "free"}
        self.world.happened("tenant", TENANT, TenantOpened.model_validate(told))
        self.made = 0
        self.standing: list[UUID] = []
        self.out: dict[BlockId, tuple[str, int]] = {}
        self.sent: Counter[str] = Counter()
        self.of_block: Counter[BlockId] = Counter()

    def fresh(self) -> UUID:
        self.made += 1
        return uid(0xD000 + self.made)

    @property
    def plan(self) -> Plan:
        plan: Plan = self.world.state("tenant", TENANT).plan
        return plan

    @rule(plan=PLANS)
    def change(self, plan: Plan) -> None:
        self.world.run(ChangePlan(plan=plan), TENANT)

    @rule(month=st.sampled_from(MONTHS), wanted=st.integers(1, 2_000))
    def reserve(self, month: datetime, wanted: int) -> None:
        period, block = month_of(month), BlockId(self.fresh())
        limit = {Plan.FREE: LIMIT, Plan.STARTER: 10_000, Plan.BUSINESS: 200_000}[self.plan]
        command = ReserveBlock(period=period, block_id=block, consumer=TENANT, wanted=wanted)
        before = self.counter(period).committed
        try:
            self.world.run(command, counter_id(TENANT, Meter.EMAILS, period), at=month)
        except LimitReached:
            assert before >= limit
            return
        amount = self.counter(period).blocks[block].amount
        assert 1 <= amount <= wanted
        assert before + amount <= limit
        self.out[block] = (period, amount)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        block = data.draw(st.sampled_from(sorted(self.out)))
        period, amount = self.out[block]
        more = data.draw(st.integers(0, amount - self.of_block[block]))
        self.of_block[block] += more
        self.sent[period] += more

    @precondition(lambda self: self.out)
    @rule(data=st.data(), twice=st.booleans())
    def settle(self, data: st.DataObject, *, twice: bool) -> None:
        """By its process or, where that was killed, by what the log has: the same command with the same count."""
        block = data.draw(st.sampled_from(sorted(self.out)))
        period, _ = self.out.pop(block)
        command = SettleBlock(period=period, block_id=block, used=self.of_block[block])
        self.world.run(command, counter_id(TENANT, Meter.EMAILS, period))
        if twice:
            assert self.world.run(command, counter_id(TENANT, Meter.EMAILS, period)) == []
        assert self.world.state("usage_block", block).ended

    @rule()
    def create(self) -> None:
        limit = {Plan.FREE: 1, Plan.STARTER: 3, Plan.BUSINESS: None}[self.plan]
        workspace = self.fresh()
        try:
            self.world.run(CreateWorkspace(name="W"), workspace)
        except LimitReached:
            assert limit is not None
            assert len(self.standing) >= limit
        else:
            assert limit is None or len(self.standing) < limit
            self.standing.append(workspace)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def archive(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.standing))
        self.standing.remove(gone)
        self.world.run(ArchiveWorkspace(), gone)

    def counter(self, period: str) -> Usage:
        state: Usage = self.world.state("usage", counter_id(TENANT, Meter.EMAILS, period))
        return state

    @invariant()
    def what_is_out_covers_what_was_sent(self) -> None:
        for month in MONTHS:
            period = month_of(month)
            state = self.counter(period)
            assert state.used <= self.sent[period] <= state.committed

    @invariant()
    def a_counter_of_what_stands_is_exact(self) -> None:
        state: Usage = self.world.state("usage", counter_id(TENANT, Meter.WORKSPACES))
        assert not state.begun or state.used == len(self.standing)

    @invariant()
    def a_month_tells_each_threshold_once(self) -> None:
        told = Counter(
            (event.period, event.threshold)
            for _, event in self.world.log
            if isinstance(event, UsageAlerted) and event.period
        )
        assert all(count == 1 for count in told.values())

    def teardown(self) -> None:
        for block, (period, _) in sorted(self.out.items()):
            command = SettleBlock(period=period, block_id=block, used=self.of_block[block])
            self.world.run(command, counter_id(TENANT, Meter.EMAILS, period))
        for month in MONTHS:
            state = self.counter(month_of(month))
            assert (state.used, state.blocks) == (self.sent[month_of(month)], {})
        self.world.assert_replays()


TestLimits = Limits.TestCase
TestLimits.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
