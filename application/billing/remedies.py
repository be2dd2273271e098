"""What a person does about a difference from the provider that repairing leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.billing.placing import ANOTHER_TENANT, NOT_AT_PROVIDER, UNREADABLE
from domain.billing.change import SubscribedTwice
from domain.billing.overage import WrittenOff
from domain.billing.terms import PriceUnknown
from domain.billing.told import TellingBeyondNow

if TYPE_CHECKING:
    from uuid import UUID

LOG_SAYS_MORE: Final = "log-says-more"
"""The log has it as the provider has it not, such as paid: a log takes nothing back."""

UNCLAIMED: Final = (
    "No log here knows such a customer, and no command makes it a tenant's: whose one is, is entered when its tenant "
    "first buys. It may be of another installation that uses the same account; then leave it. Else look at it in the "
    "provider's dashboard: cancel what goes on, refund what was paid for nothing, enter in your books what stays, and "
    "let the tenant buy by `/v1/billing/checkout`. Once the customer is deleted there, it is named no more."
)
"""What is done about a customer at the provider that is nobody's here."""

_NEXT: Final = {
    LOG_SAYS_MORE: "The log keeps what it was told, and takes nothing back. Look at it in the provider's dashboard: "
    "where the log is right, enter it there (an invoice paid past the provider is marked as paid); where the provider "
    "is, ask its support what became of what it told, and correct it in your books.",
    NOT_AT_PROVIDER: "Look for it in the provider's dashboard, in the mode of our key (test or live). What was deleted "
    "there stays in the log; what should be there, ask the provider's support for.",
    ANOTHER_TENANT: "The provider has it as another customer's. Look at whose it is in its dashboard, and undo there "
    "what was changed by hand.",
    UNREADABLE: "It is in a shape that no log here takes; `theirs` names the fields. Look at it in the provider's "
    "dashboard, and enter what it comes to in your books by hand.",
    SubscribedTwice.code: "It is paid beside another. Cancel the one that is not wanted: `cancel-subscription` with "
    "its `subscription_id`. What was paid for both is refunded by the provider's dashboard alone.",
    WrittenOff.CUSTOMER_GONE: "The customer was deleted at the provider, with its subscriptions: what was used "
    "beyond the limit of that month is billed to nobody. Bill it past the provider, or let it be.",
    TellingBeyondNow.code: "By our clock its moment has not come. Wait until it has: then the comparison enters it. "
    "Where it should have come, set this machine's clock.",
    PriceUnknown.code: "It is subscribed to something that no catalogue sells. Change it to a price of the catalogue.",
}


def next_step(code: str, subscription_id: UUID) -> str:
    """What is done next about what was not repaired, by the code of why; of a refusal it is in its own words.

    `subscription_id`: what the thing is called here, if it is a subscription.
    """
    if code == SubscribedTwice.code:
        return f"{_NEXT[code]} The id of this one: {subscription_id}."
    return _NEXT.get(code, f"It was refused: the problem type `{code}` says what to do.")
