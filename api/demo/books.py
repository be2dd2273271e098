"""The demo's books: three months of what sending costs the agency, one of them closed, and targets to measure it by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.demo.people import AGENCY
from domain.costs.allocation import AllocatedBy, RuleAllocation
from domain.costs.cost import ConfirmCost, EnterCost
from domain.costs.entry import Basis, Category
from domain.costs.list_prices import MONTHLY
from domain.finance.calendar import first_day, last_day
from domain.finance.period import LockPeriod
from domain.finance.target import AdoptTargets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from domain.kernel.commands import Command
    from domain.kernel.ids import WorkspaceId

    Act = Callable[[Command, UUID, str], Awaitable[object]]

_MONTHS: Final = ("2026-08", "2026-09", "2026-10")
_SHARED: Final = "shared-servers"
_SERVERS: Final = 2


async def keep_books(act: Act, tenant_id: UUID, id_of: Callable[..., UUID], client: WorkspaceId) -> None:
    """Enter servers and addresses by their list prices, confirm the first month's by its bill, and close that month."""
    ruled = RuleAllocation(pool=_SHARED, by=AllocatedBy.MESSAGES_SENT, from_month=_MONTHS[0])
    await act(ruled, tenant_id, "books/rule")
    for month in _MONTHS:
        for category in (Category.SERVER, Category.IP):
            price = MONTHLY[category]
            shared = category is Category.SERVER
            estimate = EnterCost(
                category=category,
                amount=price.amount * (_SERVERS if shared else 1),
                currency=price.currency,
                incurred_on=first_day(month),
                covers_from=first_day(month),
                covers_to=last_day(month),
                provider="Hostwinds",
                pool=_SHARED if shared else None,
                workspace_id=None if shared else client,
                basis=Basis.LIST_PRICE,
            )
            await act(estimate, id_of("cost", category, month), f"books/{category}/{month}")
    bill = ConfirmCost(amount=2_098, currency="USD", reference="HW-2026-08")
    await act(bill, id_of("cost", Category.SERVER, _MONTHS[0]), "books/bill")
    hours = EnterCost(
        category=Category.STAFF_TIME,
        currency="USD",
        incurred_on=last_day(_MONTHS[-1]),
        covers_from=first_day(_MONTHS[-1]),
        covers_to=last_day(_MONTHS[-1]),
        provider=AGENCY.name,
        basis=Basis.ESTIMATE,
        minutes=930,
        hourly_rate=6_500,
    )
    await act(hours, id_of("cost", "hours"), "books/hours")
    await act(LockPeriod(period=_MONTHS[0]), tenant_id, "books/lock")
    await act(AdoptTargets(template="strategic-planning-framework"), tenant_id, "books/targets")
