"""What is written down of a cost: what for, how much, over which days, of whom, and how well it is known.

A cost spreads evenly over the days that it covers; `incurred_on` is the day of the document. What is divided by a rule
names a pool. Its provider is a company; a thing is named by `resource`. Neither is a place for people's names.
"""

from __future__ import annotations

import itertools
import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.kernel.events import Event
from domain.kernel.ids import CostId, TenantId, WorkspaceId
from domain.kernel.text import ShortText

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PARTS: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
"""Letters, digits and signs of a number, one after another."""
_MOST_PARTS: Final = 5


class Category(StrEnum):
    """What sort of cost it is."""

    SERVER = "server"
    IP = "ip"
    DOMAIN = "domain"
    MAILBOX = "mailbox"
    PAYMENT_FEE = "payment_fee"
    STAFF_TIME = "staff_time"
    MARKETING = "marketing"
    SOFTWARE = "software"
    OTHER = "other"


class Basis(StrEnum):
    """How the amount is known. What is no invoice is approximate, in every figure that it reaches."""

    INVOICE = "invoice"
    ESTIMATE = "estimate"
    LIST_PRICE = "list_price"


class Assigned(StrEnum):
    """Of whom a cost is: of the whole tenant, of a workspace, of a customer (at the platform), or of a pool."""

    TENANT = "tenant"
    WORKSPACE = "workspace"
    CUSTOMER = "customer"
    POOL = "pool"


class ReversalReason(StrEnum):
    """Why an entry is taken back."""

    DUPLICATE = "duplicate"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_PERIOD = "wrong_period"
    WRONG_ASSIGNMENT = "wrong_assignment"
    NOT_OURS = "not_ours"
    OTHER = "other"


def _slug(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("write it in lower case letters, digits, dashes and underscores, as shared-servers")
    return text


PoolName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        json_schema_extra={"pattern": f"^{_NAME.pattern}$", "examples": ["shared-servers"]},
    ),
    AfterValidator(_slug),
]
"""The name of a pool of shared costs."""
SegmentName = PoolName
"""The name of a segment of customers, as targets name it."""
Reference = ShortText
"""The number of an invoice, as it stands on it."""


class CostFacts(BaseModel):
    """A cost as events hold it; amounts are minor units with a sign (below zero: a credit note).

    `acquires`: the segment of customers that the money went to win; it counts to their acquisition cost. `minutes` and
    `hourly_rate` are of staff time alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: str
    amount: int
    currency: str
    covers_from: date
    covers_to: date
    incurred_on: date
    provider: str
    resource: str | None
    assigned: str
    workspace_id: WorkspaceId | None
    customer_id: TenantId | None
    pool: str | None
    acquires: str | None
    approximate: bool
    basis: str
    reference: str | None
    minutes: int | None
    hourly_rate: int | None


class CostEntered(Event, name="costs.cost_entered", version=1):
    """A cost was entered."""

    cost_id: CostId
    entry: CostFacts


class CostReversed(Event, name="costs.cost_reversed", version=1):
    """An entry was taken back, with all that it said: `entry`. Its invoice may be entered anew."""

    cost_id: CostId
    reason: str
    entry: CostFacts


class CostConfirmed(Event, name="costs.cost_confirmed", version=1):
    """An estimate was reconciled with its invoice: `after` counts from now on, and no more what was `before`."""

    cost_id: CostId
    before: CostFacts
    after: CostFacts


class ReferenceTaken(Event, name="costs.reference_taken", version=1):
    """An invoice of a provider was entered as a cost."""

    cost_id: CostId


class ReferenceFreed(Event, name="costs.reference_freed", version=1):
    """The cost that was entered of an invoice was taken back: it may be entered again."""

    cost_id: CostId


COSTS: Final = "cost"
"""The category of their streams."""


def reference_keys(provider: str, reference: str) -> tuple[str, ...]:
    """What an invoice is known by: its number with its provider, however they are capitalised and spaced.

    The first is what it is entered under: blanks within a number tell nothing. Once they did, so what was entered then
    stands under the others: the number as it is written, and, where it is short, with blanks between its parts.
    """
    company, number = (" ".join(text.casefold().split()) for text in (provider, reference))
    parts = _PARTS.findall(number)
    spaced = (
        "".join(itertools.chain.from_iterable(zip(parts, (*blanks, ""), strict=True)))
        for blanks in itertools.product(("", " "), repeat=len(parts) - 1)
    )
    written = (number.replace(" ", ""), number, *(spaced if 0 < len(parts) <= _MOST_PARTS else ()))
    return tuple(f"{company}\n{one}" for one in dict.fromkeys(written))


def holder_of(entry: CostFacts) -> UUID | None:
    """Of which workspace or customer a cost is; None: of none alone."""
    return entry.workspace_id or entry.customer_id
