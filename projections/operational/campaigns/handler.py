"""How campaigns follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.operational.campaigns.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

CAMPAIGNS: Final = Projection("campaigns", version=2, tables=TABLES, reveals=False)

_NOBODY_ASKED: Final[dict[str, Any]] = {
    "recipients": None,
    "parts": None,
    "answer_by": None,
    "manager": None,
    "officer": None,
}
_COLUMN_OF_PART: Final = {"campaign_manager": "manager", "compliance_officer": "officer"}


def _update(event: Fact, rows: Rows, **values: Any) -> None:
    rows.update("campaigns", {"campaign_id": event.payload["campaign_id"], **values})


def _plan(plan: dict[str, Any]) -> dict[str, Any]:
    told = ("purpose", "campaign_type", "similar_goods", "role_relevant", "charitable")
    named = {name: plan.get(name) for name in told}
    ids = {name: list(plan.get(name, ())) for name in ("list_ids", "countries")}
    return {"name": plan["title"], **named, **ids}


@CAMPAIGNS.on("campaign.drafted")
def drafted(event: Fact, rows: Rows) -> None:
    """A campaign is there, without content."""
    rows.insert(
        "campaigns",
        {
            "campaign_id": event.payload["campaign_id"],
            "workspace_id": event.payload["workspace_id"],
            **_plan(event.payload["plan"]),
            "state": "draft",
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@CAMPAIGNS.on("campaign.plan_changed")
def plan_changed(event: Fact, rows: Rows) -> None:
    """It is for something else, or goes to others."""
    _update(event, rows, **_plan(event.payload["after"]))


@CAMPAIGNS.on("campaign.content_written")
def content_written(event: Fact, rows: Rows) -> None:
    """It says something else."""
    _update(event, rows, content=event.payload["content"])


@CAMPAIGNS.on("campaign.checked")
def checked(event: Fact, rows: Rows) -> None:
    """What it lacks is known."""
    told = {name: event.payload[name] for name in ("content_hash", "missing", "missing_tokens", "checked_at")}
    _update(event, rows, **told)


@CAMPAIGNS.on("campaign.approval_requested")
def approval_requested(event: Fact, rows: Rows) -> None:
    """Somebody waits for a yes."""
    told = {name: event.payload[name] for name in ("content_hash", "recipients", "parts", "answer_by")}
    _update(event, rows, **{**_NOBODY_ASKED, **told}, state="in_review", outcome=None)


@CAMPAIGNS.on("campaign.approval_given")
def approval_given(event: Fact, rows: Rows) -> None:
    """Somebody said yes; perhaps the last who had to."""
    values = {_COLUMN_OF_PART[event.payload["part"]]: event.payload["approver"]}
    if event.payload.get("recipients") is not None:
        values["recipients"] = event.payload["recipients"]
    if event.payload["complete"]:
        values |= {"state": "approved", "outcome": "approved"}
    _update(event, rows, **values)


@CAMPAIGNS.on("campaign.rejected")
def rejected(event: Fact, rows: Rows) -> None:
    """Somebody said no."""
    _update(event, rows, **_NOBODY_ASKED, state="draft", outcome="rejected")


@CAMPAIGNS.on("campaign.review_timed_out")
def timed_out(event: Fact, rows: Rows) -> None:
    """Nobody answered in time."""
    _update(event, rows, **_NOBODY_ASKED, state="draft", outcome="timed_out")


@CAMPAIGNS.on("campaign.approval_voided")
def voided(event: Fact, rows: Rows) -> None:
    """An edit took the request away, or the approval."""
    _update(event, rows, **_NOBODY_ASKED, state="draft", outcome="voided")


@CAMPAIGNS.on("campaign.withdrawn")
def withdrawn(event: Fact, rows: Rows) -> None:
    """Somebody took back the request, or the approval."""
    _update(event, rows, **_NOBODY_ASKED, state="draft", outcome="withdrawn")


@CAMPAIGNS.on("campaign.archived")
def archived(event: Fact, rows: Rows) -> None:
    """It does not change any more."""
    _update(event, rows, state="archived")
