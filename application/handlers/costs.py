"""Commands on the books that look at more than one stream: whose a cost is, which invoice it is, and what is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.offered import METRICS
from application.unit import handles
from domain.costs.allocation import NoSuchHolder, RuleAllocation
from domain.costs.cost import (
    ConfirmCost,
    Cost,
    CostReference,
    EnterCost,
    NoSuchCustomer,
    ReverseCost,
    taken,
)
from domain.costs.entry import CostConfirmed, CostReversed, ReferenceFreed, reference_keys
from domain.finance import rate
from domain.finance.calendar import first_day
from domain.finance.period import opened
from domain.finance.target import (
    Adopted,
    AdoptTargets,
    NoTarget,
    SetTarget,
    TargetsAdopted,
    measured,
    target_set,
)
from domain.finance.templates import template
from domain.kernel.errors import NotFound
from domain.kernel.ids import CostId, TargetId, derived_id
from domain.platform.registration import NoRegistration
from domain.tenancy.workspace import NoWorkspace, known

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.costs.entry import CostFacts


@handles(EnterCost)
async def enter_cost(command: EnterCost, unit: Unit) -> None:
    """Enter a cost of a workspace or a customer that is there; an invoice is entered once."""
    if command.workspace_id is not None:
        known(await unit.load("workspace", command.workspace_id))
    if command.customer_id is not None:
        registered = await unit.load("registration", command.customer_id)
        if isinstance(registered, NoRegistration):
            raise NoSuchCustomer
    await unit.load("cost", command.stamp.target)
    unit.decide(command)
    state: Cost = unit.state("cost", command.stamp.target)
    await _take(unit, state.entry)


@handles(ConfirmCost)
async def confirm_cost(command: ConfirmCost, unit: Unit) -> None:
    """Reconcile an estimate with an invoice that no other cost has."""
    await unit.load("cost", command.stamp.target)
    for event in unit.decide(command):
        if isinstance(event, CostConfirmed):
            if event.before.reference != event.after.reference:
                await _free(unit, event.before)
            await _take(unit, event.after)


@handles(ReverseCost)
async def reverse_cost(command: ReverseCost, unit: Unit) -> None:
    """Take a cost back, and let its invoice be entered anew."""
    await unit.load("cost", command.stamp.target)
    for event in unit.decide(command):
        if isinstance(event, CostReversed):
            await _free(unit, event.entry)


@handles(RuleAllocation)
async def rule_allocation(command: RuleAllocation, unit: Unit) -> None:
    """Rule for months that are open, and for workspaces or customers that are there."""
    await unit.load("allocation", command.stamp.target)
    unit.decide(command)
    opened(await unit.load("period", unit.tenant_id), first_day(command.from_month))
    holders = [share.holder_id for share in command.shares]
    workspaces = await unit.load_many("workspace", holders)
    customers = await unit.load_many("registration", holders)
    for workspace, customer in zip(workspaces, customers, strict=True):
        if isinstance(workspace, NoWorkspace) and isinstance(customer, NoRegistration):
            raise NoSuchHolder


@handles(rate.RecordExchangeRate)
async def record_exchange_rate(command: rate.RecordExchangeRate, unit: Unit) -> None:
    """Record the rate of a day that is in no closed month."""
    key = rate.rate_id(unit.tenant_id, command.base, command.quote, command.day)
    # The stream under the log's own id is the one that is named, and stays empty: each rate has its own.
    await unit.load_many("exchange_rate", [unit.stamp.target, key])
    if unit.decide(command, key=key):
        rate.opened(await unit.load("period", unit.tenant_id), command.day)


@handles(SetTarget)
async def set_target(command: SetTarget, unit: Unit) -> None:
    """Set a target of a metric that there is; one that stands keeps its metric, whatever the catalogue has now."""
    if isinstance(await unit.load("target", command.stamp.target), NoTarget):
        measured(command.metric, METRICS)
    unit.decide(command)


@handles(AdoptTargets)
async def adopt_targets(command: AdoptTargets, unit: Unit) -> None:
    """Set those targets of a template that were never set under their ids."""
    if command.stamp.target != unit.tenant_id:
        raise NotFound  # there is one stream to a log
    adopted: Adopted = await unit.load("target_template", unit.tenant_id)
    targets = {
        TargetId(derived_id(unit.tenant_id, "target", command.template, one.key)): one
        for one in template(command.template)
    }
    states = await unit.load_many("target", list(targets))
    new = [key for key, state in zip(targets, states, strict=True) if isinstance(state, NoTarget)]
    if not new and command.template in adopted.templates:
        return
    unit.append("target_template", unit.tenant_id, TargetsAdopted(template=command.template, target_ids=new))
    for key in new:
        unit.append("target", key, target_set(key, targets[key]))


async def _take(unit: Unit, entry: CostFacts) -> None:
    if entry.reference is None:
        return
    keys = await _keys(unit, entry.provider, entry.reference)
    held = [key for key in keys if unit.state("cost_reference", key).cost_id is not None]
    key = held[0] if held else keys[0]
    state: CostReference = unit.state("cost_reference", key)
    unit.append("cost_reference", key, *taken(state, CostId(unit.stamp.target)))


async def _free(unit: Unit, entry: CostFacts) -> None:
    if entry.reference is None:
        return
    cost_id = CostId(unit.stamp.target)
    for key in await _keys(unit, entry.provider, entry.reference):
        if unit.state("cost_reference", key).cost_id == cost_id:
            unit.append("cost_reference", key, ReferenceFreed(cost_id=cost_id))


async def _keys(unit: Unit, provider: str, reference: str) -> list[str]:
    """The streams that may hold an invoice's number; a new one is held by the first."""
    return await unit.find_many("cost_reference", reference_keys(provider, reference))
