"""Looking at decisions: the latest on each message to each person, and the earlier ones where they are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from application.queries import USUAL_ROWS, NamedByLaw, Page, Params, Row, query
from domain.audience.ledger import CampaignType
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.law.pack import Verdict
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

# Both begin with the person, whose decisions lie together in the key.
_SUPERSEDED: Final = """EXISTS (
        SELECT FROM {decisions}.decisions n
        WHERE
            n.tenant_id = %(tenant_id)s
            AND n.addressee_id = t.addressee_id
            AND n.entry > t.entry
            AND n.message_id = t.message_id
    )"""
Word = Annotated[str, Field(max_length=80)]


class ReasonRow(BaseModel):
    """A reason in short; the addressee's history has what it rests on, and the page of laws its words."""

    model_config = ConfigDict(frozen=True)

    verdict: str
    law: str | None
    rule: str
    missing: tuple[str, ...]


class DecisionRow(Row):
    """A decision; `law` and `rule` are those of the reason that weighed most. `entry`: its number with the addressee.

    `dispatched_at`: the message was handed over under this allow. `superseded`: it was decided again since.
    """

    addressee_id: UUID
    message_id: UUID
    workspace_id: UUID
    entry: int
    purpose: str
    campaign_type: str | None
    sender_country: str | None
    verdict: str
    law: str | None
    rule: str | None
    reasons: tuple[ReasonRow, ...]
    decided_at: datetime
    expires_at: datetime | None
    dispatched_at: datetime | None
    superseded: bool
    created_position: int
    updated_position: int


class DecisionFilters(Params):
    """Which decisions; the latest on each message to each person, or all with `superseded`.

    `law` and `rule`: of the reason that weighed most. `decided_from` is included, `decided_to` is not.
    """

    addressee_id: UUID | None = None
    message_id: UUID | None = None
    workspace_id: UUID | None = None
    verdict: Verdict | None = None
    law: Annotated[Word | None, NamedByLaw("law")] = None
    rule: Annotated[Word | None, NamedByLaw("rule")] = None
    campaign_type: CampaignType | None = None
    dispatched: bool | None = None
    decided_from: Moment | None = None
    decided_to: Moment | None = None
    superseded: bool = False

    @field_validator("decided_to")
    @classmethod
    def _in_order(cls, decided_to: datetime | None, given: ValidationInfo) -> datetime | None:
        decided_from = given.data.get("decided_from")
        if decided_from is not None and decided_to is not None and decided_to < decided_from:
            raise ValueError("decided_to lies before decided_from; exchange them")
        return decided_to


@query(
    context="audience",
    path="decisions",
    permission=Permission.CONTACTS_READ,
    params=DecisionFilters,
    row=DecisionRow,
    projections=("decisions",),
)
async def decisions(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: DecisionFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[DecisionRow]:
    """Decisions on whether messages may go, the newest first."""
    select = Select("audience.decisions", "decisions", "decisions", computed={"superseded": _SUPERSEDED})
    select.within(scope)
    if not params.superseded:
        select.conditions.append(f"NOT {_SUPERSEDED}")
    for name in ("addressee_id", "message_id", "workspace_id", "verdict", "law", "rule", "campaign_type"):
        select.where(f"t.{name} = %({name})s", **{name: getattr(params, name)})
    select.where("(t.dispatched_at IS NOT NULL) = %(dispatched)s", dispatched=params.dispatched)
    select.where("t.decided_at >= %(decided_from)s", decided_from=params.decided_from)
    select.where("t.decided_at < %(decided_to)s", decided_to=params.decided_to)
    return await page(connection, scope, DecisionRow, select, params, cursor, limit)
