"""What an outside auditor's key opens: the pages of the logs that it is for, within its period, and their proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.principals import MissingPermission
from domain.audit.origins import LogKind
from domain.tenancy.auditor import NEEDED, OPENED

if TYPE_CHECKING:
    from application.principals import Principal
    from application.replay import HistoryFilters

OPEN: Final = frozenset(
    {
        "access.reads",
        "history.events",
        "ledger.checkpoint",
        "ledger.checkpoints",
        "ledger.consistency",
        "ledger.inclusion",
        "ledger.keys",
        "ledger.noted",
        "ledger.proof",
        "ledger.tile",
        "ledger.verifier_keys",
    }
)
"""The doors, by name. What is not among them is shut to auditors, whatever it asks for: hashes tell nothing."""
_ALONE: Final = "an outside auditor's key opens pages of the logs that it was made for, and their proofs"


def must_be_open(principal: Principal, door: str) -> None:
    """Refuse an auditor at a door that does not know of them."""
    if principal.audit is not None and door not in OPEN:
        raise MissingPermission(_ALONE)


def must_read(principal: Principal, log: LogKind) -> None:
    """Refuse who may not read a log: with their own permission, or an auditor's."""
    principal.require(NEEDED[log] if principal.audit is None else OPENED[log])


def bounded(principal: Principal, log: LogKind, filters: HistoryFilters) -> HistoryFilters:
    """The filters, within what an auditor reads; anybody else's as they are."""
    scope = principal.audit
    if scope is None:
        return filters
    within: dict[str, Any] = {
        "after": max(filters.after or scope.seen_from, scope.seen_from),
        "before": min(filters.before or scope.seen_until, scope.seen_until),
    }
    if log is LogKind.EVENTS:
        within["name"] = scope.names(filters.name)
    return filters.model_copy(update=within)
