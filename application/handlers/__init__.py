"""Handlers of the commands that touch more than one stream; importing the package registers them all."""

import domain.registered  # noqa: F401 - the deciders register themselves
from application.handlers import (
    access,
    billing,
    campaigns,
    contacts,
    costs,
    erasure,
    given,
    ledger,
    lists,
    permission,
    platform,
    retention,
    rights,
    saved_queries,
    schedules,
    tenancy,
    webhooks,
)

__all__ = [
    "access",
    "billing",
    "campaigns",
    "contacts",
    "costs",
    "erasure",
    "given",
    "ledger",
    "lists",
    "permission",
    "platform",
    "retention",
    "rights",
    "saved_queries",
    "schedules",
    "tenancy",
    "webhooks",
]
