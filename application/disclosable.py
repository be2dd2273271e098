"""What of a person's history is told to them, and in which words; of what is portable, why the rest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OF_ACTIVITY: Final = (
    "title",
    "purposes",
    "legal_bases",
    "categories_of_data",
    "recipients",
    "transfers",
    "kept_for",
)
"""What a person is told of each activity (GDPR Art. 15(1)(a) to (d), 15(2))."""
PROVIDED: Final = frozenset(
    {
        "audience.confirmation_requested",
        "audience.consent_recorded",
        "audience.consent_confirmed",
        "audience.consent_withdrawn",
        "audience.opted_out",
        "audience.opt_out_told_late",
        "audience.opt_out_narrowed",
        "audience.sale_opted_out",
        "audience.contact_created",
        "audience.contact_updated",
        "rights.request_received",
    }
)
"""What somebody provided about themselves, as far as a log can tell: that is what is portable (GDPR Art. 20(1))."""
NOT_PROVIDED: Final = {
    "audience.addressee_registered": "the address, which stands at the top",
    "audience.addressee_suppressed": "our decision, and why we took it",
    "audience.suppression_lifted": "our decision, and why we took it",
    "audience.entry_retracted": "our correction of what we entered ourselves",
    "audience.relation_recorded": "our note of what is between us",
    "audience.legal_hold_placed": "withheld of access too",
    "audience.legal_hold_released": "withheld of access too",
    "rights.identity_asked": "our question",
    "rights.identity_checked": "our finding",
    "rights.request_extended": "our answer",
    "rights.request_refused": "our answer",
}
"""What is personal of theirs and not portable, and why: it is somebody else's word about them."""
WITHHELD: Final = frozenset(
    {"audience.legal_hold_placed", "audience.legal_hold_released", "rights.disclosure_made"}
)
"""What a claim is prepared by is not told to who makes it (GDPR Art. 15(4)); nor is how often this was looked at."""
INNER: Final = frozenset(
    {
        "addressee_id",
        "contact_id",
        "workspace_id",
        "request_id",
        "import_id",
        "block_id",
        "successor_id",
        "positions",
        "builds",
        "stores",
        "kept",
        "evidence_until",
    }
)
"""Ids of ours, which say nothing of the person and stand once at the top; what a certificate of erasure tells of our
stores; and what tells of a legal hold."""
OF_WORKSPACE: Final = frozenset(
    {
        "audience.address_hash_listed",
        "audience.addressee_described",
        "audience.confirmation_requested",
        "audience.consent_confirmed",
        "audience.consent_recorded",
        "audience.listed_undated",
        "audience.message_dispatched",
        "audience.permission_lapsed",
        "audience.permission_lapsing",
        "audience.relation_recorded",
    }
)
"""What may be of one workspace: said there, told by its file, given to that client alone, or its mail.

Of these its name is told.
"""
WITH_WHOM: Final = frozenset({"workspace", "within", "campaign_type", "charitable", "note"})
"""What names with whom somebody dealt, wherever it stands: a client, a kind of its campaigns, that it is a charity; and
the words of a reason, which name kinds of campaigns. Of somebody whose words stay shut it is told to nobody."""
RIGHTS: Final = (
    "You may ask for correction, for erasure, for restriction of processing, and object to it.",
    "Where processing rests on your consent, you may withdraw it at any time.",
    "You may complain to a supervisory authority.",
)
"""GDPR Art. 15(1)(e) and (f)."""

_OF_ONE: Final = ("workspace", "within")
"""What holds the id of a workspace where something is of that one."""
OF_SUPPRESSION: Final = ("kind", "scope", "within", "since", "ended_at")
"""What is told of each suppression. `within`: the name of the workspace, or the kind of campaign."""
_KEPT: Final = (
    "Whoever had this address was erased. Kept of them is that the address is not to be written to, so that nobody "
    "does it again (GDPR Art. 17(3)(b), 21(3)), and the dates, kinds and countries of what happened, so that it can be "
    "accounted for (Art. 5(2)). "
)
_OPENS_NO_MORE: Final = (
    "Their name, their address and all else opens for nobody any more: it shows as [erased]."
)
KEPT_WITH_PROOF: Final = (
    f"{_KEPT}What they agreed to and said, in which words and from where, is kept as proof for legal claims (Art. "
    f"7(1), 17(3)(e)) until the day named here, or for as long as a claim needs it; it stands below. {_OPENS_NO_MORE}"
)
KEPT_WITHOUT_PROOF: Final = f"{_KEPT}No proof of what they agreed to is kept. {_OPENS_NO_MORE}"
"""What is kept of somebody who was erased and asks (GDPR Art. 15)."""
KEPT_OF_ANOTHER: Final = (
    "Somebody had this address before, and was erased: that they may not be written to, and proof of what they agreed "
    "to while it is needed for legal claims (Art. 7(1), 17(3)(e)), are kept of them. Whether that was you nobody "
    "checked, so its words stay shut here, and those of what was asked from it before anybody was known by it. If it "
    "was, say so: it is disclosed by a request that names who you were."
)
"""What is kept of whoever had the address before, to who has it now: a mailbox may have changed hands (Art. 15(4))."""
NOT_TOLD: Final = "[not told]"
"""In the place of what names with whom somebody dealt whose words stay shut."""
KEPT_OF_MAILBOX: Final = (
    "Somebody had this address, and was erased: that they may not be written to, and proof of what they agreed to "
    "while it is needed for legal claims (Art. 7(1), 17(3)(e)), are kept of them. That you are who that was is known "
    "by the mailbox alone, and a mailbox may have changed hands: so its words stay shut here, and those of what was "
    "asked from it before. They are disclosed once it is checked in another way who you are, or by a request that "
    "names who you were."
)
"""What is kept of somebody who was erased, to who showed no more than that the mailbox is theirs (Art. 15(4))."""


def without_ids(event: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says, without ids of ours; `workspace`: where it is of one alone."""
    told = {name: one for name, one in values.items() if name not in INNER}
    workspace = values.get("workspace_id") if event in OF_WORKSPACE else None
    return told if workspace is None else told | {"workspace": workspace}


def with_names(value: Any, named: Mapping[str, str]) -> Any:
    """The same, with the name of a workspace where its id says what a word, or a message, is of."""
    match value:
        case dict():
            return {
                key: named.get(str(one), one) if key in _OF_ONE else with_names(one, named)
                for key, one in value.items()
            }
        case list():
            return [with_names(one, named) for one in value]
        case _:
            return value


def without_names(value: Any) -> Any:
    """The same, without what names with whom somebody dealt."""
    match value:
        case dict():
            return {
                key: NOT_TOLD if key in WITH_WHOM and one is not None else without_names(one)
                for key, one in value.items()
            }
        case list():
            return [without_names(one) for one in value]
        case _:
            return value


def workspaces_in(value: Any) -> Iterator[str]:
    """The ids of the workspaces that values name. A kind of campaign, which a scope may name as well, is no id."""
    match value:
        case dict():
            for key, one in value.items():
                if key in (*_OF_ONE, "workspace_id") and _is_id(one):
                    yield one
                else:
                    yield from workspaces_in(one)
        case list():
            for one in value:
                yield from workspaces_in(one)


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
