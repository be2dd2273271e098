"""A due time of a schedule: its files are made and kept, delivered, and entered, in this order; once.

A folder has each file once, whatever was killed. Mail is handed over at least once: a kill between the mail server's
yes and the event repeats one letter, under the same Message-ID.

Each place has its own fate: an address that is deferred holds up no other and no folder, and one that is refused is
not tried again. A due time fails where nothing of it arrived anywhere; else what did not is told part by part.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.delivering.letters import letter_of
from application.delivering.making import NothingMade
from application.delivering.needs import needs_of
from application.delivering.people import address_of
from application.importing.service import Interrupted
from application.ports.analytics import (
    AnalyticsError,
    InvalidParameters,
    ReportTooLarge,
    UnknownReport,
)
from application.ports.blobs import BlobDamaged, BlobMissing
from application.ports.delivering import (
    FolderUnwritable,
    MailDeferred,
    MailNotSetUp,
    MailRefused,
    MailTrouble,
    MailUnavailable,
)
from application.workflow import NotYet
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import MemberId
from domain.kernel.permissions import TENANT_ROLES
from domain.reporting.delivery import (
    EnterLetterRefused,
    EnterMailed,
    FailDelivery,
    FailureReason,
    FinishDelivery,
    PrepareDelivery,
    SkipMissed,
    behind,
    delivery_of,
)
from domain.reporting.schedule_events import Schedule, Withheld
from domain.reporting.timing import Frequency
from domain.tenancy.member import Member
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from application.commanding import Commands
    from application.delivering.making import Making
    from application.ports.blobs import BlobStore
    from application.ports.delivering import DeliveryFolders, MailServer
    from application.workflow import Workflow
    from domain.finance.period import Books
    from domain.kernel.ids import DeliveryId
    from domain.reporting.schedule_events import DeliveryPrepared
    from domain.reporting.timing import Due

UNTIL_CLOSED: Final = timedelta(minutes=5)
"""How often it is looked whether a month was closed that a delivery waits for."""
MOST_MAILED: Final = 20 * 1024 * 1024
"""Bytes of the files of a letter: most mail servers take no more."""
_FOREVER: Final = (
    (UnknownReport, FailureReason.PARAMETERS),
    (InvalidParameters, FailureReason.PARAMETERS),
    (ReportTooLarge, FailureReason.TOO_LARGE),
    (Refusal, FailureReason.REFUSED),
)
"""What trying again does not change."""
_IN_TIME: Final = (
    (AnalyticsError, FailureReason.NO_FIGURES),
    (BlobMissing, FailureReason.ARCHIVE),
    (BlobDamaged, FailureReason.ARCHIVE),
)


_REFUSED: Final = "refused"
_TOO_LARGE: Final = "too_large"


class GivenUp(Exception):
    """Nothing of a due time arrives, and it is not tried again. `withheld`: who was sent nothing, and why."""

    def __init__(self, reason: FailureReason, withheld: Sequence[Withheld]) -> None:
        """Say why."""
        super().__init__(reason.value)
        self.reason = reason
        self.withheld = list(withheld)


@dataclass(slots=True)
class _Letters:
    """What became of the letters of an attempt. `waiting`: those that may be sent later; `trouble`: why."""

    mailed: int
    withheld: list[Withheld]
    waiting: list[Withheld] = field(default_factory=list)
    trouble: Exception | None = None

    def wait(self, members: Sequence[MemberId], reason: str, trouble: Exception) -> None:
        """Leave these for a later attempt."""
        self.waiting += [Withheld(member_id=one, reason=reason) for one in members]
        self.trouble = self.trouble or trouble


class Deliveries:
    """Delivers what is due."""

    def __init__(
        self,
        commands: Commands,
        making: Making,
        blobs: BlobStore,
        folders: DeliveryFolders,
        mail: MailServer,
    ) -> None:
        """Make files with `making`, keep them in `blobs` until they are delivered to `folders` or by `mail`."""
        self._commands = commands
        self._making = making
        self._blobs = blobs
        self._folders = folders
        self._mail = mail

    async def run(
        self, workflow: Workflow, schedule_id: UUID, stopping: Callable[[], bool], *, last: bool
    ) -> None:
        """Deliver what is due of a schedule. `last`: it is not tried again, so what goes wrong settles it.

        Raises `NotYet`, `Interrupted`, or what went wrong.
        """
        schedule = await self._commands.state(workflow.tenant_id, "schedule", schedule_id)
        tenant = await self._commands.state(workflow.tenant_id, "tenant", workflow.tenant_id)
        if not isinstance(schedule, Schedule) or schedule.due is None:
            return
        if isinstance(tenant, Tenant) and tenant.status is TenantStatus.CLOSED:
            return
        due, delivery_id = schedule.due, delivery_of(schedule_id, schedule.due)
        now = self._commands.clock()
        if now < due.at:
            raise NotYet(due.at - now)
        if schedule.files_of is not None and schedule.files_of != delivery_id:
            await asyncio.to_thread(self._blobs.destroy, workflow.tenant_id, schedule.files_of)
        if behind(schedule.terms, due, now):
            await workflow.execute(
                SkipMissed(delivery_id=delivery_id), schedule_id, key=f"delivery/{delivery_id}/skipped"
            )
            return
        await self._closed(workflow, schedule, due)
        try:
            await self._deliver(workflow, schedule, due, stopping, last=last)
        except (NotYet, Interrupted):
            raise
        except Exception as error:
            reason = _reason(error, last=last)
            if reason is None:
                raise
            failed = FailDelivery(
                delivery_id=delivery_id,
                reason=reason,
                withheld=error.withheld if isinstance(error, GivenUp) else [],
                refused=error.refused if isinstance(error, NothingMade) else [],
            )
            await workflow.execute(failed, schedule_id, key=f"delivery/{delivery_id}/failed")
        await asyncio.to_thread(self._blobs.destroy, workflow.tenant_id, delivery_id)

    async def _closed(self, workflow: Workflow, schedule: Schedule, due: Due) -> None:
        """Wait for the month before to be closed, where that was asked for."""
        if schedule.terms.frequency == Frequency.ON_CLOSE:
            books: Books = await self._commands.state(workflow.tenant_id, "period", workflow.tenant_id)
            if not books.is_closed(due.day - timedelta(days=1)):
                raise NotYet(UNTIL_CLOSED)

    async def _deliver(
        self, workflow: Workflow, schedule: Schedule, due: Due, stopping: Callable[[], bool], *, last: bool
    ) -> None:
        schedule_id, terms = schedule.schedule_id, schedule.terms
        delivery_id = delivery_of(schedule_id, due)
        entitled, withheld = await self._entitled(workflow, schedule)
        if terms.folder is None and not entitled and not schedule.mailed:
            raise GivenUp(FailureReason.MAIL if schedule.turned_away else FailureReason.NOBODY, withheld)
        if schedule.prepared is None:
            await self._prepare(workflow, schedule, due, delivery_id)
            schedule = await self._commands.state(workflow.tenant_id, "schedule", schedule_id)
        prepared = schedule.prepared
        if prepared is None:
            return  # the schedule was changed meanwhile: another job is due for it
        contents = [
            await asyncio.to_thread(self._kept, workflow.tenant_id, delivery_id, file.sha256)
            for file in prepared.files
        ]
        files = [(file.name, content) for file, content in zip(prepared.files, contents, strict=True)]
        if stopping():
            raise Interrupted
        unwritable = await self._written(workflow, terms.folder, files)
        if sum(map(len, contents)) > MOST_MAILED:
            withheld += [Withheld(member_id=one, reason=_TOO_LARGE) for one in entitled]
            entitled = []
        letters = _Letters(len(schedule.mailed), withheld)
        await self._send(workflow, schedule, prepared, files, entitled, letters, stopping)
        trouble = unwritable or letters.trouble
        if trouble is not None and not last:
            raise trouble
        withheld = letters.withheld + letters.waiting
        if not letters.mailed and (terms.folder is None or unwritable is not None):
            raise GivenUp(_nothing_arrived(unwritable, withheld), withheld)
        folder_failed = None if unwritable is None else FailureReason.FOLDER
        finished = FinishDelivery(delivery_id=delivery_id, withheld=withheld, folder_failed=folder_failed)
        await workflow.execute(finished, schedule_id, key=f"delivery/{delivery_id}/made")

    async def _written(
        self, workflow: Workflow, folder: str | None, files: list[tuple[str, bytes]]
    ) -> FolderUnwritable | None:
        """Put the files into their folder, if they have one; why they are not there."""
        if folder is None:
            return None
        try:
            for name, content in files:
                await asyncio.to_thread(self._folders.write, workflow.tenant_id, folder, name, content)
        except FolderUnwritable as error:
            return error
        return None

    async def _send(
        self,
        workflow: Workflow,
        schedule: Schedule,
        prepared: DeliveryPrepared,
        files: list[tuple[str, bytes]],
        entitled: list[MemberId],
        letters: _Letters,
        stopping: Callable[[], bool],
    ) -> None:
        """Hand letters over; a server that is of no use to one is asked for no other in this attempt."""
        for at, member_id in enumerate(entitled):
            if stopping():
                raise Interrupted
            try:
                reason = await self._mailed(workflow, schedule, prepared, files, member_id)
            except MailDeferred as error:
                denied = error.trouble is MailTrouble.DENIED
                letters.wait([member_id], _REFUSED if denied else "deferred", error)
                continue
            except MailUnavailable as error:
                letters.wait(entitled[at:], FailureReason.MAIL.value, error)
                return
            except MailNotSetUp:
                none = FailureReason.NO_MAIL.value
                letters.withheld += [Withheld(member_id=one, reason=none) for one in entitled[at:]]
                return
            if reason is None:
                letters.mailed += 1
            else:
                letters.withheld.append(Withheld(member_id=member_id, reason=reason))

    async def _mailed(
        self,
        workflow: Workflow,
        schedule: Schedule,
        prepared: DeliveryPrepared,
        files: list[tuple[str, bytes]],
        member_id: MemberId,
    ) -> str | None:
        """Hand a letter over for a member, and enter that; else why it is withheld.

        What they may is looked up anew for each: what held when the first letter went may not hold for the last.
        """
        reason = await self._withheld(workflow, schedule, member_id, prepared)
        if reason is not None:
            return reason
        address = await address_of(self._commands, workflow.tenant_id, member_id)
        try:
            await self._mail.send(letter_of(schedule.terms, prepared, files, member_id, address))
        except MailRefused:
            refused = EnterLetterRefused(delivery_id=prepared.delivery_id, member_id=member_id)
            key = f"delivery/{prepared.delivery_id}/letter-refused/{member_id}"
            await workflow.execute(refused, schedule.schedule_id, key=key)
            return _REFUSED
        delivery_id = prepared.delivery_id
        entered = EnterMailed(delivery_id=delivery_id, member_id=member_id)
        key = f"delivery/{delivery_id}/mailed/{member_id}"
        await workflow.execute(entered, schedule.schedule_id, key=key)
        return None

    async def _prepare(
        self, workflow: Workflow, schedule: Schedule, due: Due, delivery_id: DeliveryId
    ) -> None:
        """Make the files and keep them, then say so: what is said to be prepared can be read.

        They are kept by their hashes, so that a worker that lost its lease meanwhile changes none of another's.
        """
        made, refused, position = await self._making.made(workflow, schedule, due, delivery_id)
        for one in made:
            await asyncio.to_thread(
                self._blobs.write, workflow.tenant_id, delivery_id, one.told.sha256, [one.content]
            )
        moments = [one.told.as_of for one in made if one.told.as_of is not None]
        command = PrepareDelivery(
            delivery_id=delivery_id,
            position=position.token(),
            as_of=max(moments, default=None),
            files=[one.told for one in made],
            refused=refused,
        )
        key = f"delivery/{delivery_id}/prepared"
        await workflow.execute(command, schedule.schedule_id, key=key)

    async def _entitled(
        self, workflow: Workflow, schedule: Schedule
    ) -> tuple[list[MemberId], list[Withheld]]:
        """The members who may be sent it now, and why others may not; of neither are those who have it already."""
        entitled, withheld = list[MemberId](), list[Withheld]()
        for member_id in (one for one in schedule.terms.recipients if one not in schedule.mailed):
            reason = _REFUSED if member_id in schedule.turned_away else None
            reason = reason or await self._withheld(workflow, schedule, member_id, schedule.prepared)
            if reason is None:
                entitled.append(member_id)
            else:
                withheld.append(Withheld(member_id=member_id, reason=reason))
        return entitled, withheld

    async def _withheld(
        self,
        workflow: Workflow,
        schedule: Schedule,
        member_id: MemberId,
        prepared: DeliveryPrepared | None,
    ) -> str | None:
        member = await self._commands.state(workflow.tenant_id, "member", member_id)
        if not isinstance(member, Member):
            return "removed"
        return None if needs_of(schedule.terms, prepared) <= TENANT_ROLES[member.role] else "permission"

    def _kept(self, tenant_id: UUID, delivery_id: UUID, name: str) -> bytes:
        return b"".join(self._blobs.read(tenant_id, delivery_id, name))


def _nothing_arrived(unwritable: FolderUnwritable | None, withheld: list[Withheld]) -> FailureReason:
    """Why nothing arrived anywhere: the folder first, then what was of everybody's letters."""
    if unwritable is not None:
        return FailureReason.FOLDER
    words = {one.reason for one in withheld}
    if _TOO_LARGE in words:
        return FailureReason.TOO_LARGE
    return FailureReason.NO_MAIL if FailureReason.NO_MAIL in words else FailureReason.MAIL


def _reason(error: Exception, *, last: bool) -> FailureReason | None:
    """Why a due time is given up; None: it is tried again."""
    if isinstance(error, GivenUp):
        return error.reason
    if isinstance(error, NothingMade):
        error = error.first
    busy = isinstance(error, Refusal) and error.kind is RefusalKind.LIMIT
    for kind, reason in () if busy else _FOREVER:
        if isinstance(error, kind):
            return reason
    if not last:
        return None
    return next((reason for kind, reason in _IN_TIME if isinstance(error, kind)), FailureReason.ERROR)
