"""What a comparison with the payment provider came to, as both doors tell it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from application.billing.remedies import UNCLAIMED, next_step
from application.billing.telling import thing_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from application.billing.reconciling import Reconciliation
    from application.billing.totals import Total
    from application.billing.unclaimed import Strangers


def compared(tenant_id: UUID, found: Reconciliation) -> dict[str, Any]:
    """JSON values: amounts in minor units of their currency; `next` says what a person does."""
    return {
        "compared": found.compared,
        "totals": _sums(found.totals),
        "differences": [asdict(one) for one in found.differences],
        "repaired": list(found.repaired),
        "unrepaired": [
            {"reference": reference, "code": code, "next": next_step(code, thing_id(tenant_id, reference))}
            for reference, code in found.unrepaired
        ],
    }


def of_nobody(found: Strangers) -> dict[str, Any]:
    """JSON values of the customers at the provider that are nobody's here, each with what a person does."""
    return {
        "unclaimed": [
            {
                "reference": one.reference,
                "noted": one.noted,
                "subscriptions": one.subscriptions,
                "totals": _sums(one.totals),
                "next": UNCLAIMED,
            }
            for one in found.unclaimed
        ],
        "others": found.others,
    }


def _sums(totals: Iterable[Total]) -> list[dict[str, Any]]:
    return [asdict(one) | {"difference": one.difference} for one in totals]
