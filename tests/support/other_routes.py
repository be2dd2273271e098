"""Requests that name nothing of anybody: of SQL, of the ledger, of billing; to be sent by another tenant."""

from typing import Any, Final
from uuid import UUID

MESSAGE: Final = str(UUID(int=7))
"""One that every furnished tenant decided on."""

OF_SQL: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
    ("GET", "/v1/sql/schema", None, {}),
    ("POST", "/v1/sql", {"sql": "SELECT * FROM fact_contact_change"}, {}),
    ("POST", "/v1/sql", {"sql": "SELECT * FROM fact_event WHERE position > 0", "format": "csv"}, {}),
)


OF_LEDGER = tuple(
    f"/v1/ledger/{path}"
    for path in (
        "keys",
        "events/checkpoint",
        "events/checkpoints",
        "events/verifier-keys",
        "events/tile/0/000.p/1",
        "access/tile/entries/000.p/1",
        "events/inclusion?position=1",
        "events/consistency?from=1",
        "events/proofs/1",
        "events/envelopes/1",
        f"certificates/{MESSAGE}",
    )
)
OF_AN_EVENT: Final = {"reason": "A claim", "events": [{"position": 1, "metadata": ["ip"]}]}
"""A disclosure: every log has a position 1."""
OURS = "https://o.example"
OF_BILLING: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
    ("GET", "/v1/billing/catalogue", None, {}),
    ("POST", "/v1/billing/checkout", {"plan": "starter", "success_url": OURS, "cancel_url": OURS}, {}),
    ("POST", "/v1/billing/portal", {"return_url": OURS}, {}),
    ("POST", "/v1/billing/reconciliation", {}, {}),
    ("POST", "/v1/gateways/stripe", {}, {"stripe-signature": "t=1,v1=00"}),
)
