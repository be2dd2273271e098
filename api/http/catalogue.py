"""What is sold: plans, add-ons and prices, as the catalogues have them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.routing import Route

from api.http.asking import Desk
from domain.access.reads import ReadKind
from domain.billing.catalogue import AddOn, Coupon, ListPrice, Meter, SoldPlan, Tariff
from domain.billing.catalogues import load_catalogues, sold_on
from domain.billing.tariffs import tariff_on

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from domain.billing.catalogue import Catalogue

_NAME = "billing.catalogue"


class CatalogueShown(BaseModel):
    """What is sold from a day on. `limits`: what is not named has none. Amounts: minor units.

    `by_use`: what is beyond a limit costs, each `per` that are begun; of the current one alone.
    """

    version: str
    sold_from: date
    trial_days: int
    currencies: tuple[str, ...]
    plans: tuple[SoldPlan, ...]
    add_ons: tuple[AddOn, ...]
    coupons: tuple[Coupon, ...]
    prices: tuple[ListPrice, ...]
    by_use: tuple[Tariff, ...]
    current: bool


class CatalogueDesk(Desk):
    """Answers from the catalogues that come with the product."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/billing/catalogue", self.catalogues, methods=["GET"])]

    async def catalogues(self, request: Request) -> Response:
        """Every version, the newest first: who subscribed under an older one keeps its prices."""
        asked = await self.asked(request, _NAME)
        principal = asked.principal
        position = await self.parts.position_of(principal.tenant_id)
        day = self.parts.clock().date()
        sold = sold_on(day)
        by_use = tuple(found for meter in Meter if (found := tariff_on(meter, day)) is not None)
        data = [
            _shown(one, by_use if one is sold else (), current=one is sold)
            for one in reversed(load_catalogues())
        ]
        if principal.staff:
            await self.trace(asked, _NAME, ReadKind.STAFF, position=position, rows=len(data))
        content = {"data": data, "next": None, "position": position, "as_of": None}
        return self.answer(asked, content, position)


def _shown(one: Catalogue, by_use: tuple[Tariff, ...], *, current: bool) -> dict[str, object]:
    told = {name: getattr(one, name) for name in CatalogueShown.model_fields if hasattr(one, name)}
    told["coupons"] = tuple(coupon for coupon in one.coupons if not coupon.by_agreement)
    return CatalogueShown(**told, by_use=by_use, current=current).model_dump(mode="json")
