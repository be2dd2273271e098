"""How shared costs are divided: a rule for each pool, from a month on, kept for ever beside the ones before it.

A month of a pool is divided as a whole by the rule that holds in it, to the minor unit (`domain.kernel.money`).
Without a rule, or where a rule has nothing to divide by, a month stays undivided, and is shown so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.costs.entry import PoolName
from domain.finance.calendar import Month, first_day
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.permissions import Permission

MOST_HOLDERS: Final = 1_000
_MOST_WEIGHT: Final = 1_000_000


class AllocatedBy(StrEnum):
    """By what a pool is divided."""

    MESSAGES_SENT = "messages_sent"
    EQUAL = "equal"
    WEIGHTS = "weights"


class Share(BaseModel):
    """The weight of a workspace, or of a customer in the platform's books."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holder_id: UUID
    weight: Annotated[int, Field(strict=True, ge=0, le=_MOST_WEIGHT)]


class AllocationRuled(Event, name="costs.allocation_ruled", version=1):
    """From `from_day` on, the first of a month, a pool is divided so; one rule for a day, the last that was made."""

    pool: str
    by: str
    from_day: date
    shares: list[Share]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a pool is divided."""

    by: AllocatedBy
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a log, by pool and the day from which they hold."""

    by_pool: Mapping[str, Mapping[date, Rule]] = field(default_factory=dict)


def evolve(state: Rules, event: AllocationRuled) -> Rules:
    """The rules after `event`."""
    rule = Rule(AllocatedBy(event.by), tuple(event.shares))
    of_pool = {**state.by_pool.get(event.pool, {}), event.from_day: rule}
    return Rules({**state.by_pool, event.pool: of_pool})


class SharesNotAsRuled(Refusal):
    """Weights have `shares`, each holder once and one above zero; other rules have none. Correct `shares`, or `by`."""

    code = "allocation-shares-invalid"
    kind = RefusalKind.INVALID
    field = "/shares"


class NoSuchHolder(Refusal):
    """Shares are of workspaces of the tenant, or of the platform's customers. Check `holder_id`, or leave it out."""

    code = "no-such-holder"
    kind = RefusalKind.NOT_FOUND
    field = "/shares"


class RuleAllocation(Command, context="costs", stream="allocation", permission=Permission.COSTS_WRITE):
    """Say how a pool of shared costs is divided from a month on: by messages sent, equally, or by fixed weights.

    The id is your tenant's. `shares` are of fixed weights alone: whole numbers, by workspace (in the platform's own
    books: by customer). Months that are closed keep their rules.
    """

    pool: PoolName
    by: AllocatedBy
    from_month: Month
    shares: Annotated[tuple[Share, ...], Field(max_length=MOST_HOLDERS)] = ()


def decide(command: RuleAllocation, state: Rules) -> tuple[Event, ...]:
    """What a command does to the rules."""
    if command.stamp.target != command.stamp.tenant_id:
        raise NotFound  # there is one stream to a log
    holders = {share.holder_id for share in command.shares}
    weighed = any(share.weight for share in command.shares)
    if len(holders) < len(command.shares) or weighed is not (command.by is AllocatedBy.WEIGHTS):
        raise SharesNotAsRuled
    day = first_day(command.from_month)
    if state.by_pool.get(command.pool, {}).get(day) == Rule(command.by, command.shares):
        return ()
    ruled = AllocationRuled(pool=command.pool, by=command.by, from_day=day, shares=list(command.shares))
    return (ruled,)


ALLOCATION: Final[Decider[Rules]] = Decider(
    category="allocation", initial=Rules(), evolve=evolve, decide=decide
)
