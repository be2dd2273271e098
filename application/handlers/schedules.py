"""Commands on schedules: what they deliver is there, its parameters fit, and everybody concerned may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.as_of import AT, AT_TIME
from application.delivering.needs import MAKING, needs_of
from application.offered import OFFERED, infos
from application.packs.definition import UnknownBoardPack, definition_named
from application.packs.figures import takes_days, takes_months
from application.ports.analytics import InvalidParameters
from application.readable import must_read
from application.unit import handles
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import TENANT_ROLES
from domain.reporting.schedule import (
    ChangeSchedule,
    CreateSchedule,
    PauseSchedule,
    RemoveSchedule,
    ResumeSchedule,
)
from domain.reporting.schedule_events import Schedule, ScheduleChanged, ScheduleCreated
from domain.reporting.timing import OF_WHOLE_MONTHS
from domain.tenancy.api_key import within
from domain.tenancy.member import Member

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.kernel.permissions import Permission
    from domain.reporting.schedule_events import ItemTold, ScheduleTerms

_OF_PERIODS: Final = frozenset({"from", "to", AT, AT_TIME})


class NoSuchItem(Refusal):
    """A schedule delivers reports and packs that there are. `GET /v1/reports` and `/v1/packs/definitions` list them."""

    code = "schedule-item-unknown"
    kind = RefusalKind.INVALID


class ItemNotTaken(Refusal):
    """A report takes the parameters that `GET /v1/reports` tells; days come from the period, as of each delivery."""

    code = "schedule-parameters-invalid"
    kind = RefusalKind.INVALID


class RecipientMayNot(Refusal):
    """Members are sent what they may read themselves. Give them the permission first, or leave them out."""

    code = "schedule-recipient-may-not"
    kind = RefusalKind.INVALID


class NoSuchRecipient(Refusal):
    """Mail goes to members of the tenant who have joined. Name them by their ids, as `GET /v1/tenancy/members` does."""

    code = "schedule-recipient-unknown"
    kind = RefusalKind.INVALID


@handles(CreateSchedule)
@handles(ChangeSchedule)
async def enter_schedule(command: CreateSchedule | ChangeSchedule, unit: Unit) -> None:
    """Enter a schedule of what its author may read, to members who may read it too."""
    await _of_what_one_reads(unit)
    for event in unit.decide(command):
        if isinstance(event, ScheduleCreated | ScheduleChanged):
            _offered(event.terms)
            needs = needs_of(event.terms)
            if isinstance(event, ScheduleChanged):
                must_read(needs, unit.principal_permissions)
            within(
                needs | MAKING if any(one.pack for one in event.terms.items) else needs,
                unit.principal_permissions,
            )
            await _may_have(event.terms, needs, unit)


@handles(PauseSchedule)
@handles(ResumeSchedule)
@handles(RemoveSchedule)
async def stop_or_go_on(command: PauseSchedule | ResumeSchedule | RemoveSchedule, unit: Unit) -> None:
    """Pause, resume or remove a schedule of what one may read."""
    await _of_what_one_reads(unit)
    unit.decide(command)


async def _of_what_one_reads(unit: Unit) -> None:
    """As the schedule stands: one that is not there, or is removed, delivers nothing."""
    state = await unit.load("schedule", unit.stamp.target)
    if isinstance(state, Schedule):
        must_read(needs_of(state.terms), unit.principal_permissions)


def _offered(terms: ScheduleTerms) -> None:
    for at, item in enumerate(terms.items):
        if item.pack is not None:
            try:
                definition_named(item.pack, infos())
            except UnknownBoardPack:
                raise _blaming(NoSuchItem, f"/items/{at}/pack") from None
        else:
            _report(at, item)


def _report(at: int, item: ItemTold) -> None:
    offered = OFFERED.get(item.report or "")
    if offered is None:
        raise _blaming(NoSuchItem, f"/items/{at}/report")
    if item.period is not None and not takes_days(offered.info):
        raise _blaming(
            ItemNotTaken, f"/items/{at}/period", "This report is of no days. Leave the period out."
        )
    if item.period is not None and takes_months(offered.info) and item.period not in OF_WHOLE_MONTHS:
        whole = ", ".join(sorted(OF_WHOLE_MONTHS))
        raise _blaming(
            ItemNotTaken, f"/items/{at}/period", f"This report is of whole months. Name one of {whole}."
        )
    for name in sorted(_OF_PERIODS & item.parameters.keys()):
        where = f"/items/{at}/parameters/{name}"
        raise _blaming(ItemNotTaken, where, "Each delivery sets it anew. Leave it out.")
    try:
        offered.read(item.parameters)
    except InvalidParameters as invalid:
        pointer, problem = invalid.problems[0]
        raise _blaming(ItemNotTaken, f"/items/{at}/parameters{pointer}", problem) from None


async def _may_have(terms: ScheduleTerms, needs: frozenset[Permission], unit: Unit) -> None:
    members = await unit.load_many("member", terms.recipients)
    for at, member in enumerate(members):
        if not isinstance(member, Member):
            raise _blaming(NoSuchRecipient, f"/recipients/{at}")
        if not needs <= TENANT_ROLES[member.role]:
            raise _blaming(RecipientMayNot, f"/recipients/{at}")


def _blaming(refusal: type[Refusal], pointer: str, detail: str | None = None) -> Refusal:
    return refusal(errors=[{"pointer": pointer, "code": refusal.code, "detail": detail or refusal.rule()}])
