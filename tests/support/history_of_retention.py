"""What a history tells of retention: periods that were changed, holds, plans, and what was destroyed."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.support.projecting import fresh

AT = "2026-11-01T10:00:00Z"


def of_retention(
    tenant: UUID, workspace: UUID, pack: UUID, plan: UUID
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event."""
    policy, of_tenant = f"retention_policy:{tenant}", {"tenant_id": tenant, "reason": "why"}
    periods = {"before": None, "after": {"years": 10, "months": 0, "days": 0}}
    yield policy, "retention.period_changed", {**of_tenant, "kind": "board_packs", **periods}
    yield policy, "retention.agreement_changed", {**of_tenant, "before": 25, "after": 1}
    over = [
        {"kind": "workspace", "subject": workspace, "first_day": None, "last_day": None},
        {"kind": "period", "subject": None, "first_day": "2026-01-01", "last_day": "2026-12-31"},
        {"kind": "person", "subject": fresh(), "first_day": None, "last_day": None},
    ]
    told = {"occurred_at": AT, "reason": "a claim"}
    for matter, released in (("2026-1", True), ("2026-2", False)):
        hold = {"hold_id": fresh()}
        yield (
            f"legal_holds:{tenant}",
            "retention.hold_placed",
            {**hold, "matter": matter, "over": over, **told},
        )
        if released:
            yield f"legal_holds:{tenant}", "retention.hold_released", {**hold, **told}
    named = {"kind": "board_packs", "object_id": pack, "due_at": AT}
    planned = {"planned_by": fresh(), "objects": [named], "counts": {"board_packs": 1}, "reason": "due"}
    for one, cancelled in ((fresh(), True), (plan, False)):
        of_plan, stream = {"plan_id": one}, f"disposal:{one}"
        yield stream, "retention.disposal_planned", {**of_plan, **planned, "run_at": None}
        if cancelled:
            yield stream, "retention.disposal_cancelled", of_plan
    yield (
        f"disposal:{plan}",
        "retention.disposal_agreed",
        {"plan_id": plan, "agreed_by": fresh(), "run_at": AT},
    )
    gone = {"kind": "board_packs", "object_id": pack}
    yield f"retained:{pack}", "retention.object_expired", {**gone, "due_at": AT, "plan_id": plan}
    yield f"retained:{pack}", "retention.object_destroyed", gone
    done = {"plan_id": plan, "destroyed": {"board_packs": 1}, "left_out": []}
    yield f"disposal:{plan}", "retention.disposal_done", done
