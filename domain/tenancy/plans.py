"""The plans that there are. What each includes, and what it costs, is data of a catalogue (`domain.billing`)."""

from __future__ import annotations

from enum import StrEnum


class Plan(StrEnum):
    """What a tenant has subscribed to."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"
