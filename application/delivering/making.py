"""Making what a schedule delivers: the files of its items, all of them of one position of the log where that can be."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from application.ahead import ahead_from
from application.as_of import AT
from application.completeness import Completeness
from application.figures import Figures, definition_of
from application.packs.figures import takes_days, takes_months, takes_position
from application.packs.sealing import PDF, PackAsked, Sealing
from application.ports.analytics import InvalidParameters, ReportTooLarge, UnknownReport
from application.ports.positions import Position
from domain.finance.calendar import month_of
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import derived_id
from domain.reporting.schedule_events import FileTold, ItemRefused
from domain.reporting.timing import RelativePeriod, days_until

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from application.commanding import Commands
    from application.completeness import Checkpoints
    from application.orders import Order
    from application.packs.sealing import Packs
    from application.ports.analytics import Analytics
    from application.ports.delivering import FigureFiles
    from application.workflow import Workflow
    from domain.kernel.commands import Command
    from domain.reporting.schedule_events import ItemTold, Schedule
    from domain.reporting.timing import Due

_OF_ONE_REPORT: Final = (UnknownReport, InvalidParameters, ReportTooLarge)
"""What is wrong with one report, whenever it is asked for."""


class NothingMade(Exception):
    """Every item of a due time was refused: each with why. `first`: what the first was refused with."""

    def __init__(self, first: Exception, refused: list[ItemRefused]) -> None:
        """Say of each why."""
        super().__init__(str(first))
        self.first = first
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Made:
    """A file with its content."""

    name: str
    content: bytes = field(repr=False)
    told: FileTold


class Making:
    """Makes files."""

    def __init__(
        self,
        commands: Commands,
        analytics: Analytics,
        packs: Packs,
        files: FigureFiles,
        checkpoints: Checkpoints,
    ) -> None:
        """Ask `analytics`, have `packs` sealed, and make `files` of figures that name one of `checkpoints`."""
        self._commands = commands
        self._analytics = analytics
        self._packs = packs
        self._files = files
        self._checkpoints = checkpoints

    async def made(
        self, workflow: Workflow, schedule: Schedule, due: Due, delivery_id: UUID
    ) -> tuple[list[Made], list[ItemRefused], Position]:
        """All files of a due time, what could not be made, and the position that its reports are of.

        An item that is refused keeps no other back: it is told with why. Raises `NothingMade` where all are, and any
        `AnalyticsError` that trying again may change.
        """
        head = await self._commands.log.head(workflow.tenant_id)
        at = Position(1, 0) if head is None else Position(head.epoch, head.position)
        found, refused, first = list[Made](), list[ItemRefused](), None
        for item in schedule.terms.items:
            days = None if item.period is None else days_until(RelativePeriod(item.period), due.day)
            name = item.name + "_" + ("_".join(map(str, days)) if days else str(due.day))
            try:
                if item.pack is not None and days is not None:
                    found += await self._pack(workflow, item, days, name, delivery_id)
                else:
                    found += await self._report(workflow, item, days, name, at)
            except (Refusal, *_OF_ONE_REPORT) as error:
                if isinstance(error, Refusal) and error.kind is RefusalKind.LIMIT:
                    raise  # something is busy: it may go when it is tried again
                first = first or error
                refused.append(_refused(item, error))
        if first is not None and not found:
            raise NothingMade(first, refused)
        return found, refused, at

    async def _report(
        self,
        workflow: Workflow,
        item: ItemTold,
        days: tuple[date, date] | None,
        name: str,
        at: Position,
    ) -> list[Made]:
        info = self._analytics.reports().get(item.report or "")
        asked: dict[str, str] = dict(item.parameters)
        if info is not None and days is not None and takes_days(info):
            first, last = map(month_of if takes_months(info) else str, days)
            asked |= {"from": first, "to": last}
        if info is not None and takes_position(info):
            asked[AT] = str(at.n)
        found = await self._analytics.report(item.report or "", workflow.tenant_id, asked, min_position=at)
        info = self._analytics.reports()[item.report or ""]
        ahead = ahead_from(info, asked, self._commands.clock().astimezone(UTC).date(), found)
        tenant_id, by = workflow.tenant_id, f"workflow {workflow.workflow_id}"
        checkpoint = await self._checkpoints.of(tenant_id, found.position)
        figures = Figures(info, found, asked, tenant_id, by, ahead, checkpoint)
        files = await asyncio.to_thread(self._files.files, figures, item.form, name, decimal=item.decimal)
        return [
            Made(
                file,
                content,
                FileTold(
                    name=file,
                    of=info.name,
                    definition=definition_of(info),
                    period_from=days[0] if days else None,
                    period_to=days[1] if days else None,
                    position=found.position.token(),
                    as_of=found.as_of,
                    rows=len(found.rows),
                    complete=not found.truncated,
                    size=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                ),
            )
            for file, content in files
        ]

    async def _pack(
        self, workflow: Workflow, item: ItemTold, days: tuple[date, date], name: str, delivery_id: UUID
    ) -> list[Made]:
        """The pack, sealed, with its certificate beside it.

        It is the same one when this is done again, and none that somebody else sealed.
        """
        key = f"delivery/{delivery_id}/{item.name}"
        asked = {"definition": item.pack, "from": days[0], "to": days[1], **item.parameters}
        wanted = PackAsked.model_validate(asked)

        def template(command: Command, target: UUID) -> Order:
            return workflow.order(command, target, key=key)

        pack_id = derived_id(delivery_id, "board_pack", item.name)
        _, seal = await self._packs.seal(Sealing(workflow.principal, wanted, pack_id, template))
        content = await self._packs.content(workflow.tenant_id, seal, PDF)
        position = Position.parse(seal.position)
        checkpoint = await self._checkpoints.of(workflow.tenant_id, position)
        made = Completeness(workflow.tenant_id, position, seal.figures, checkpoint)
        told: dict[str, Any] = {
            "of": seal.definition,
            "definition": seal.definition_version,
            "period_from": seal.period_from,
            "period_to": seal.period_to,
            "position": seal.position,
            "as_of": seal.as_of,
            "rows": seal.figures,
            "complete": True,
        }
        file = f"{name}.{PDF}"
        return [
            Made(
                one,
                held,
                FileTold(name=one, size=len(held), sha256=hashlib.sha256(held).hexdigest(), **told),
            )
            for one, held in ((file, content), self._files.beside(file, made))
        ]


def _refused(item: ItemTold, error: Exception) -> ItemRefused:
    """Why an item was not made: the code of a refusal with its words, else what is wrong with the report."""
    if isinstance(error, Refusal):
        return ItemRefused(name=item.name, code=error.code, detail=error.detail)
    if isinstance(error, ReportTooLarge):
        return ItemRefused(
            name=item.name, code="too_large", detail="The report takes too long. Narrow the item."
        )
    changed = "The report is gone, or takes other parameters than it did. Change the item."
    return ItemRefused(name=item.name, code="parameters_not_taken", detail=changed)
