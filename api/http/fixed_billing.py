"""The routes of paying, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.billing import CheckoutAsked, PortalAsked, ReconciliationAsked
from api.http.shapes import answer, problems, shared
from api.http.shaping import COUNT, TEXT, Json, object_of
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from pydantic import BaseModel

    from api.http.openapi import Document

_STATUSES: Final = (400, 401, 403, 409, 413, 415, 422, 429, 500, 503)
_POSITION: Final[Json] = {"type": "string"}
_ADDRESS: Final[Json] = object_of({"url": {"type": "string", "format": "uri"}})
_DIFFERENCE: Final = object_of(
    {
        "kind": {
            "type": "string",
            "enum": ["subscription", "invoice", "payment", "refund", "dispute", "usage"],
        },
        "reference": {"type": "string"},
        "field": {"type": "string"},
        "theirs": {"description": "Any JSON value: a text, a number, or parts of it."},
        "ours": {"description": "Of the same kind as `theirs`."},
        "repaired": {"type": "boolean"},
    },
    "Something that the provider has otherwise, as it was found; null: it has none of it, or the log has not. "
    "`repaired`: it differs no more.",
)


_TOTAL: Final[Json] = object_of(
    {
        "measure": {"enum": ["invoiced", "received", "refunded", "disputed", "fees", "dispute_fees"]},
        "currency": {"type": "string"},
        "theirs": {"type": "integer"},
        "ours": {"type": "integer"},
        "difference": {"type": "integer"},
    },
    "What it all came to as it was found, in minor units: at the provider, in the log, and what the log has beyond. "
    "`disputed`: what banks took back of what was received, without what was won; `dispute_fees`: what the provider "
    "asked for disputes, won ones too; `fees`: those of payments.",
)


def billing_paths(document: Document) -> Json:
    """Paths with their operations."""
    strings: Json = {"type": "array", "items": {"type": "string"}}
    unrepaired = object_of(
        {"reference": {"type": "string"}, "code": {"type": "string"}, "next": TEXT},
        "What differs still, why, and what a person does next.",
    )
    compared = object_of(
        {
            "compared": COUNT,
            "totals": {"type": "array", "items": _TOTAL},
            "differences": {"type": "array", "items": _DIFFERENCE},
            "repaired": strings,
            "unrepaired": {"type": "array", "items": unrepaired},
        }
    )
    page = object_of({"checkout": {"type": "string"}, "url": TEXT})
    return {
        "/v1/billing/checkout": {
            "post": _asking(
                document,
                "billing_checkout",
                "The address of the provider's page on which to subscribe",
                CheckoutAsked,
                page,
            )
        },
        "/v1/billing/portal": {
            "post": _asking(
                document,
                "billing_portal",
                "The address of the provider's page with invoices and cards",
                PortalAsked,
                _ADDRESS,
            )
        },
        "/v1/billing/reconciliation": {
            "post": _asking(
                document,
                "billing_reconciliation",
                "Hold what the provider has against the log, and enter it here where that is wanted",
                ReconciliationAsked,
                compared,
                Permission.BILLING_READ,
            )
        },
        "/v1/gateways/stripe": {
            "post": {
                "operationId": "gateways_stripe",
                "tags": ["gateways"],
                "summary": "What Stripe tells, signed by it",
                "description": "The signature is verified on the bytes that came. Kept, it is answered at once; a job "
                "enters it in the log of the tenant that it is about.",
                "security": [],
                "parameters": [
                    {
                        "name": "Stripe-Signature",
                        "in": "header",
                        "required": True,
                        "schema": {"type": "string"},
                    },
                    *shared(("RequestId",)),
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "responses": {
                    "200": answer(
                        "It is kept, or nothing to us.",
                        object_of({"kept": {"type": "boolean"}}),
                        headers=("RequestId",),
                    ),
                    **problems((400, 409, 413, 500, 503)),
                },
            }
        },
    }


def _asking(
    document: Document,
    operation: str,
    summary: str,
    body: type[BaseModel],
    shape: Json,
    permission: Permission = Permission.BILLING_MANAGE,
) -> Json:
    return {
        "operationId": operation,
        "tags": ["billing"],
        "summary": summary,
        "x-permission": permission.value,
        "parameters": shared(("IdempotencyKey", "Grant", "Tenant", "Version", "RequestId")),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": document.schema(body)}},
        },
        "responses": {
            "200": answer("As of `position`.", object_of({"data": shape, "position": _POSITION})),
            **problems(_STATUSES),
        },
    }
