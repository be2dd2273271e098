"""A cost: entered once, confirmed once if it was an estimate, reversed as a whole if it was wrong. Never edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field

from domain.audience.intake.errors import FileRefused
from domain.costs.entry import (
    Assigned,
    Basis,
    Category,
    CostConfirmed,
    CostEntered,
    CostFacts,
    CostReversed,
    PoolName,
    Reference,
    ReferenceFreed,
    ReferenceTaken,
    ReversalReason,
    SegmentName,
)
from domain.finance.calendar import BookDay
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import CostId, TenantId, WorkspaceId
from domain.kernel.money import Amount, CurrencyCode, Price, rounded
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

LONGEST: Final = timedelta(days=3660)
"""No cost covers more days: ten years."""
AHEAD: Final = timedelta(days=366)
"""No document is of a later day than this from today."""
_MINUTES: Final = 60
_MOST_MINUTES: Final = 10_000_000

CostEvent: TypeAlias = CostEntered | CostConfirmed | CostReversed


@dataclass(frozen=True, slots=True)
class NoCost:
    """No cost has this id."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost as it counts now."""

    entry: CostFacts
    reversed: bool = False


CostState: TypeAlias = NoCost | Cost


def evolve(state: CostState, event: CostEvent) -> CostState:
    """The cost after `event`."""
    del state  # each event says the whole of it
    match event:
        case CostEntered():
            return Cost(event.entry)
        case CostConfirmed():
            return Cost(event.after)
        case CostReversed():
            return Cost(event.entry, reversed=True)
        case _:
            assert_never(event)


class CostIdTaken(Refusal):
    """A cost's id is used once. Take a new id."""

    code = "cost-id-taken"


class CostReferenceTaken(Refusal):
    """An invoice of a provider is entered once; `cost_id` is the cost that has it. Reverse that one first."""

    code = "cost-reference-taken"
    field = "/reference"


class CostIsReversed(Refusal):
    """A reversed cost never changes again. Enter a new one."""

    code = "cost-reversed"


class CostIsConfirmed(Refusal):
    """A cost whose basis is an invoice is not confirmed again. Where it is wrong, reverse it and enter it anew."""

    code = "cost-confirmed"


class CostOfAnotherCurrency(Refusal):
    """An invoice confirms an estimate of its own currency. Reverse the estimate, and enter the invoice."""

    code = "cost-of-another-currency"
    field = "/currency"


class CostEndsBeforeItBegins(Refusal):
    """A cost covers days from the first to the last, ten years at most. Exchange the days, or split the cost."""

    code = "cost-days-invalid"
    kind = RefusalKind.INVALID
    field = "/covers_to"


class CostTooFarAhead(Refusal):
    """A document is of a day up to a year from now. Check `incurred_on`."""

    code = "cost-too-far-ahead"
    kind = RefusalKind.INVALID
    field = "/incurred_on"


class CostAssignedTwice(Refusal):
    """A cost is of one workspace, one customer or one pool; of the whole tenant where none is named. Name one."""

    code = "cost-assigned-twice"
    kind = RefusalKind.INVALID
    field = "/pool"


class StaffTimeIncomplete(Refusal):
    """Staff time has `minutes` and an `hourly_rate`, which make its amount; no other cost has them. Give both."""

    code = "staff-time-incomplete"
    kind = RefusalKind.INVALID
    field = "/minutes"


class AmountMissing(Refusal):
    """A cost has an amount, other than zero; that of staff time is what its minutes and its rate make. Correct it."""

    code = "cost-amount-invalid"
    kind = RefusalKind.INVALID
    field = "/amount"


class AcquiresNobody(Refusal):
    """Marketing alone wins customers: `acquires` is of that category. Leave it out, or correct the category."""

    code = "cost-acquires-nobody"
    kind = RefusalKind.INVALID
    field = "/acquires"


class InvoiceWithoutNumber(Refusal):
    """What is known by an invoice says its number, so that it is entered once. Give `reference`, or another basis."""

    code = "cost-reference-missing"
    kind = RefusalKind.INVALID
    field = "/reference"


class NoSuchCustomer(Refusal):
    """Customers are of the platform's books alone, and none there has this id. Check it, or leave it out."""

    code = "no-such-customer"
    kind = RefusalKind.NOT_FOUND
    field = "/customer_id"


class CostColumnsMissing(FileRefused):
    """A cost has a category, a currency, a day, a provider and a basis; `missing` names those that no column fills."""

    code = "cost-columns-missing"
    remedy = (
        "Name the column with --map COLUMN=FIELD, or give what holds for all rows with --set FIELD=VALUE."
    )


class CostColumnUnknown(FileRefused):
    """A column of the mapping is not in the file, fills no field of a cost, or fills one that another fills."""

    code = "cost-column-unknown"
    remedy = "Use columns of the file, and fields of `enter-cost` (or `ignore`), each once; docs/costs.md lists them."


class EnterCost(Command, context="costs", stream="cost", permission=Permission.COSTS_WRITE):
    """Enter a cost in minor units of its currency; one below zero is a credit note.

    It spreads evenly over the days from `covers_from` to `covers_to`, both included; one day unless said. Of whom it
    is: `workspace_id`, `customer_id` (the platform's own books), or a `pool` that a rule divides; else the whole
    tenant's. `acquires` names the segment of customers that marketing is to win. `provider` is a company: name no
    person. What is no invoice counts as approximate until it is confirmed.
    """

    category: Category
    amount: Amount | None = None
    currency: CurrencyCode
    incurred_on: BookDay
    covers_from: BookDay | None = None
    covers_to: BookDay | None = None
    provider: ShortText
    resource: ShortText | None = None
    workspace_id: WorkspaceId | None = None
    customer_id: TenantId | None = None
    pool: PoolName | None = None
    acquires: SegmentName | None = None
    basis: Basis
    reference: Reference | None = None
    minutes: Annotated[int | None, Field(strict=True, gt=0, le=_MOST_MINUTES)] = None
    hourly_rate: Price | None = None


class ConfirmCost(Command, context="costs", stream="cost", permission=Permission.COSTS_WRITE):
    """Reconcile an estimate with its invoice, whose amount counts from now on; what differs is a figure of its own."""

    amount: Amount
    currency: CurrencyCode
    reference: Reference


class ReverseCost(Command, context="costs", stream="cost", permission=Permission.COSTS_WRITE):
    """Take a cost back. Closed months keep it, and the first open one takes it off; its invoice may be entered anew."""

    reason: ReversalReason


CostCommand: TypeAlias = EnterCost | ConfirmCost | ReverseCost


def decide(command: CostCommand, state: CostState) -> tuple[Event, ...]:
    """What a command does to a cost."""
    cost_id = CostId(command.stamp.target)
    if isinstance(command, EnterCost):
        if isinstance(state, Cost):
            raise CostIdTaken
        return (CostEntered(cost_id=cost_id, entry=entered(command)),)
    if isinstance(state, NoCost):
        raise NotFound
    entry = state.entry
    match command:
        case ConfirmCost():
            if state.reversed:
                raise CostIsReversed
            if entry.basis == Basis.INVOICE:
                raise CostIsConfirmed
            if command.currency != entry.currency:
                raise CostOfAnotherCurrency
            if command.amount == 0:
                raise AmountMissing
            known = {"amount": command.amount, "reference": command.reference}
            after = entry.model_copy(update={**known, "basis": Basis.INVOICE.value, "approximate": False})
            return (CostConfirmed(cost_id=cost_id, before=entry, after=after),)
        case ReverseCost():
            if state.reversed:
                return ()
            return (CostReversed(cost_id=cost_id, reason=command.reason, entry=entry),)
        case _:
            assert_never(command)


def entered(command: EnterCost) -> CostFacts:
    """What a command says of a cost, each rule looked at."""
    first = command.covers_from or command.covers_to or command.incurred_on
    last = command.covers_to or first
    if not first <= last < first + LONGEST:
        raise CostEndsBeforeItBegins
    if command.incurred_on > command.stamp.at.date() + AHEAD:
        raise CostTooFarAhead
    if command.acquires is not None and command.category is not Category.MARKETING:
        raise AcquiresNobody
    if command.basis is Basis.INVOICE and command.reference is None:
        raise InvoiceWithoutNumber
    return CostFacts(
        category=command.category,
        amount=_amount(command),
        currency=command.currency,
        covers_from=first,
        covers_to=last,
        incurred_on=command.incurred_on,
        provider=command.provider,
        resource=command.resource,
        assigned=_assigned(command),
        workspace_id=command.workspace_id,
        customer_id=command.customer_id,
        pool=command.pool,
        acquires=command.acquires,
        approximate=command.basis is not Basis.INVOICE,
        basis=command.basis,
        reference=command.reference,
        minutes=command.minutes,
        hourly_rate=command.hourly_rate,
    )


def _amount(command: EnterCost) -> int:
    """The amount; of staff time, what its minutes make at its rate, halves of a minor unit upwards."""
    timed = command.minutes is not None and command.hourly_rate is not None
    if timed is not (command.category is Category.STAFF_TIME) or (
        (command.minutes is None) is not (command.hourly_rate is None)
    ):
        raise StaffTimeIncomplete
    amount = command.amount
    if command.minutes is not None and command.hourly_rate is not None:
        made = rounded(command.minutes * command.hourly_rate, _MINUTES)
        amount = made if amount in (None, made) else None
    if not amount:
        raise AmountMissing
    return amount


def _assigned(command: EnterCost) -> Assigned:
    told = {
        Assigned.WORKSPACE: command.workspace_id,
        Assigned.CUSTOMER: command.customer_id,
        Assigned.POOL: command.pool,
    }
    named = [kind for kind, value in told.items() if value is not None]
    if len(named) > 1:
        raise CostAssignedTwice
    return named[0] if named else Assigned.TENANT


@dataclass(frozen=True, slots=True)
class CostReference:
    """Who holds an invoice's number: the cost that was entered of it."""

    cost_id: CostId | None = None


def evolve_reference(state: CostReference, event: ReferenceTaken | ReferenceFreed) -> CostReference:
    """The reservation after `event`."""
    match event:
        case ReferenceTaken():
            return CostReference(event.cost_id)
        case ReferenceFreed():
            return CostReference(None if state.cost_id == event.cost_id else state.cost_id)
        case _:
            assert_never(event)


def taken(state: CostReference, cost_id: CostId) -> tuple[ReferenceTaken, ...]:
    """What reserves an invoice's number for a cost. Raises `CostReferenceTaken`."""
    if state.cost_id == cost_id:
        return ()
    if state.cost_id is not None:
        has_it = f"An invoice of a provider is entered once, and the cost {state.cost_id} has this one."
        raise CostReferenceTaken(f"{has_it} Reverse that one first.", cost_id=str(state.cost_id))
    return (ReferenceTaken(cost_id=cost_id),)


COST: Final[Decider[CostState]] = Decider(category="cost", initial=NoCost(), evolve=evolve, decide=decide)
COST_REFERENCE: Final[Decider[CostReference]] = Decider(
    category="cost_reference", initial=CostReference(), evolve=evolve_reference
)
