"""What an approver has to look at: for each event that approves something, the pages on which its matter stands.

`tests/architecture/test_undoing.py` holds that each is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page: a view by its name, or a report. `id` and `params`: fields of the event that name the row, or filter.

    `only`: fields of the event with the values for which it is looked at.
    """

    view: str | None = None
    report: str | None = None
    id: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval. `at`: the event's field with the position that was looked at; None: just before it."""

    pages: tuple[PageOf, ...]
    at: str | None = None


def _view(name: str, id: str | None = None, **params: str) -> PageOf:  # noqa: A002 - as the route has it
    return PageOf(view=name, id=id, params=params)


def _reports(*names: str) -> tuple[PageOf, ...]:
    return tuple(PageOf(report=name) for name in names)


def _of_pack(definition: str, *names: str) -> tuple[PageOf, ...]:
    period = {"from": "period_from", "to": "period_to"}
    return tuple(PageOf(report=name, params=period, only={"definition": definition}) for name in names)


_CAMPAIGN: Final = Approval(
    (
        _view("campaign.campaign", "campaign_id"),
        _view("audience.lists", workspace_id="workspace_id"),
        _view("audience.standing_coverage", workspace_id="workspace_id"),
        _view("audience.standings", workspace_id="workspace_id"),
        _view("audience.contacts", workspace_id="workspace_id"),
    )
)
_GRANT: Final = Approval((_view("tenancy.grant", "grant_id"), _view("tenancy.grants")))
_BOOKS: Final = Approval(
    (
        _view("costs.costs", month="period"),
        _view("costs.allocation_rules"),
        _view("finance.exchange_rates", month="period"),
        _view("finance.periods"),
        *_reports("costs_by_category", "margin"),
    )
)
_TARGETS: Final = Approval((_view("finance.targets"), *_reports("scorecard")))
_REVIEW: Final = Approval((_view("access.reviews"), _view("access.questions"), _view("access.alerts")))
_DISPOSAL: Final = Approval(
    (
        _view("retention.plan", "plan_id"),
        _view("retention.due"),
        _view("retention.holds"),
        _view("retention.rules"),
    )
)

APPROVALS: Final[Mapping[str, Approval]] = {
    "access.own_reads_signed_off": _REVIEW,
    "access.period_signed_off": _REVIEW,
    "campaign.approval_given": _CAMPAIGN,
    "campaign.rejected": _CAMPAIGN,
    "finance.period_locked": _BOOKS,
    "finance.target_set": _TARGETS,
    "finance.targets_adopted": _TARGETS,
    "reporting.pack_sealed": Approval(
        (
            _view("finance.periods"),
            _view("finance.targets"),
            *_of_pack("finance", "scorecard", "mrr", "costs_by_category", "margin"),
            *_of_pack(
                "compliance",
                "decisions",
                "denials_by_reason",
                "allows_by_basis",
                "dispatches",
                "opt_outs",
                "lapses",
                "subject_requests",
                "activity",
            ),
            PageOf(report="contacts_by_segment", only={"definition": "compliance"}),
        ),
        at="position",
    ),
    "retention.disposal_agreed": _DISPOSAL,
    "tenancy.grant_approved": _GRANT,
    "tenancy.grant_denied": _GRANT,
}
"""By the event's stored name."""
