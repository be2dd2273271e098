"""Plans are data: what a tenant may use, by the plan it is on. None: the plan sets no limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Plan(StrEnum):
    """What a tenant has subscribed to."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan includes. `commands_a_minute` counts commands: a line of a batch is one."""

    users: int | None
    workspaces: int | None
    domains: int | None
    emails_a_month: int | None
    commands_a_minute: int


PLANS: Final[dict[Plan, Limits]] = {
    Plan.FREE: Limits(1, 1, 1, 300, 60),
    Plan.STARTER: Limits(2, 3, 5, 10_000, 60),
    Plan.PROFESSIONAL: Limits(5, 10, 15, 50_000, 300),
    Plan.BUSINESS: Limits(15, None, None, 200_000, 1_000),
    Plan.ENTERPRISE: Limits(None, None, None, None, 1_000),
}
"""Enterprise is by agreement: its rate is the tenant's own `commands_a_minute`, or this without one."""


def commands_a_minute(plan: Plan, override: int | None) -> int:
    """How many commands a minute a tenant may give."""
    return PLANS[plan].commands_a_minute if override is None else override
