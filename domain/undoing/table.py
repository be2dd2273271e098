"""How each event that is ever stored is undone, or why never: one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.undoing import house, money, people
from domain.undoing.ways import Way

WAYS: Final[Mapping[str, Way]] = {**people.WAYS, **money.WAYS, **house.WAYS}
"""By stored name."""

MAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "audience.permission_decided": ("message_id",),
    "audience.message_dispatched": ("message_id",),
    "billing.change_requested": ("change_id",),
    "finance.targets_adopted": ("target_ids",),
    "reporting.delivery_prepared": ("delivery_id",),
}
"""Fields with ids that an event brings up, besides that of the stream which it begins: what comes later names them."""

OUT_OF_REACH: Final[Mapping[str, str]] = {
    "audience.message_dispatched": "messages",
    "billing.notice_mailed": "letters",
    "ledger.checkpoints_posted": "checkpoints",
    "reporting.delivery_mailed": "letters",
    "reporting.delivery_made": "deliveries",
    "billing.change_requested": "asked_of_the_gateway",
    "rights.data_disclosed": "disclosures",
    "rights.disclosure_made": "disclosures",
    "audience.profile_key_destroyed": "keys_destroyed",
    "audience.evidence_key_destroyed": "keys_destroyed",
    "audience.import_files_destroyed": "files_destroyed",
    "retention.object_destroyed": "keys_destroyed",
    "rights.details_destroyed": "keys_destroyed",
    "webhooks.secret_destroyed": "secrets_destroyed",
}
"""What left the house, or is gone, with these events: undoing what led to them does not bring it back."""
