"""What a comparison with the payment provider came to, as both doors tell it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from application.billing.remedies import next_step
from application.billing.telling import thing_id

if TYPE_CHECKING:
    from uuid import UUID

    from application.billing.reconciling import Reconciliation


def compared(tenant_id: UUID, found: Reconciliation) -> dict[str, Any]:
    """JSON values: amounts in minor units of their currency; `next` says what a person does."""
    return {
        "compared": found.compared,
        "totals": [asdict(one) | {"difference": one.difference} for one in found.totals],
        "differences": [asdict(one) for one in found.differences],
        "repaired": list(found.repaired),
        "unrepaired": [
            {"reference": reference, "code": code, "next": next_step(code, thing_id(tenant_id, reference))}
            for reference, code in found.unrepaired
        ],
    }
