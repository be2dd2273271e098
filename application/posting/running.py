"""A due time of a posting: what stands is posted, and entered, once.

A place has each file once, whatever was killed. Mail is handed over at least once: a kill between the mail server's yes
and the event repeats letters, under the same Message-IDs. Who is not reached gets the next checkpoint, which covers
this one: a due time fails where nobody was.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from application.delivering.people import address_of
from application.importing.service import Interrupted
from application.ports.delivering import MailDeferred, MailNotSetUp, MailRefused, MailUnavailable
from application.ports.mirrors import Place, PlaceTrouble, PlaceUnusable
from application.ports.shown_trees import Shown
from application.posting.letters import letter_of
from application.posting.mirroring import PlaceContradicts
from application.workflow import NotYet
from domain.audit.mirroring import checkpoint_in
from domain.audit.origins import LogId, LogKind
from domain.ledger.posting import EnterPosted, FailPosting, PostingFailure
from domain.ledger.posting_events import LogPosted, MemberPassed, Posting
from domain.tenancy.member import Member
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.delivering import MailServer
    from application.ports.ledger import Ledger
    from application.ports.shown_trees import ShownTrees
    from application.posting.mirroring import Mirroring
    from application.workflow import Workflow

log = logging.getLogger(__name__)

_PAGE: Final = 200
_OF_PLACES: Final = {
    PlaceTrouble.UNREACHABLE: PostingFailure.UNREACHABLE,
    PlaceTrouble.DENIED: PostingFailure.DENIED,
    PlaceTrouble.NOT_SET_UP: PostingFailure.NO_BUCKET,
}


class NothingMailed(Exception):
    """Nobody was sent a checkpoint; `reason` says why, `passed` of each."""

    def __init__(self, reason: PostingFailure, passed: Sequence[MemberPassed]) -> None:
        """Say why."""
        super().__init__(reason.value)
        self.reason = reason
        self.passed = list(passed)


class NotSigned(Exception):
    """The notary has signed none of these logs yet."""


@dataclass(slots=True)
class _Done:
    """What of a due time is done."""

    posted: list[LogPosted] = field(default_factory=list)
    mailed: int = 0
    passed: list[MemberPassed] = field(default_factory=list)
    others: int = 0
    others_failed: int = 0


class Postings:
    """Posts what is due. `contradicted`: how often a place held another past, since the process began."""

    def __init__(
        self,
        commands: Commands,
        ledger: Ledger,
        all_trees: ShownTrees,
        mirroring: Mirroring,
        mail: MailServer,
    ) -> None:
        """Post what `ledger` shows through `mirroring`, or by `mail`; `all_trees` are those of every tenant."""
        self._commands = commands
        self._ledger = ledger
        self._all_trees = all_trees
        self._mirroring = mirroring
        self._mail = mail
        self.contradicted = 0

    async def run(
        self, workflow: Workflow, posting_id: UUID, stopping: Callable[[], bool], *, last: bool
    ) -> None:
        """Post what is due. `last`: it is not tried again, so what goes wrong settles it.

        Raises `NotYet`, `Interrupted`, or what went wrong.
        """
        posting = await self._commands.state(workflow.tenant_id, "posting", posting_id)
        tenant = await self._commands.state(workflow.tenant_id, "tenant", workflow.tenant_id)
        if not isinstance(posting, Posting):
            return
        if isinstance(tenant, Tenant) and tenant.status is TenantStatus.CLOSED:
            return
        now = self._commands.clock()
        if now < posting.next_at:
            raise NotYet(posting.next_at - now)
        done, key = _Done(), f"posting/{posting_id}/{posting.next_at.isoformat()}"
        try:
            await self._post(workflow.tenant_id, posting, done, stopping)
        except Interrupted:
            raise
        except Exception as error:
            failed = self._failed(posting, done, error, last=last)
            if failed is None:
                raise
            await workflow.execute(failed, posting_id, key=f"{key}/failed")
            return
        entered = EnterPosted(
            due_at=posting.next_at,
            posted=done.posted,
            mailed=done.mailed,
            passed=done.passed,
            others=done.others,
            others_failed=done.others_failed,
        )
        await workflow.execute(entered, posting_id, key=f"{key}/posted")

    async def _post(
        self, tenant_id: UUID, posting: Posting, done: _Done, stopping: Callable[[], bool]
    ) -> None:
        terms = posting.terms
        signed = list[Shown]()
        for log_id in (LogId(tenant_id, LogKind(one)) for one in terms.logs):
            tree = await self._ledger.tree(log_id)
            if tree is not None:
                told = checkpoint_in(tree.note, log_id, tree.epoch, tree.size)
                signed.append(Shown(log_id, told, tree.note, tree.signed_at))
        if not any(one.checkpoint is not None for one in signed):
            raise NotSigned
        if terms.folder is None:
            await self._all_trees.keep(signed)
            await self._to_people(tenant_id, posting, signed, done, stopping)
            return
        place = Place(tenant_id, terms.folder, terms.bucket)
        prefix = f"{tenant_id}/" if terms.every_tenant else ""
        for one in signed:
            if (files := await self._mirrored(one, place, prefix, stopping)) is not None:
                done.posted.append(_posted(one, files))
        if terms.every_tenant:
            await self._others(posting, place, done, stopping)

    async def _mirrored(
        self, one: Shown, place: Place, prefix: str, stopping: Callable[[], bool]
    ) -> int | None:
        """Post one log, and have its checkpoint kept; how many files were written, None where there is none."""
        if one.checkpoint is None:
            return None
        files = await self._mirroring.post(one.log, one.checkpoint, one.note, place, prefix, stopping)
        if files:
            await self._all_trees.keep([one])
        return files

    async def _others(
        self, posting: Posting, place: Place, done: _Done, stopping: Callable[[], bool]
    ) -> None:
        """Post the logs of all other tenants; one that cannot be posted keeps no other back."""
        async for page in self._all_trees.pages(_PAGE):
            for one in page:
                if one.log.tenant_id == place.tenant_id or one.log.log.value not in posting.terms.logs:
                    continue
                try:
                    files = await self._mirrored(one, place, f"{one.log.tenant_id}/", stopping)
                except PlaceContradicts as error:
                    self._alarm(error)
                    done.others_failed += 1
                else:
                    done.others += files is not None
                    done.others_failed += files is None

    async def _to_people(
        self,
        tenant_id: UUID,
        posting: Posting,
        signed: Sequence[Shown],
        done: _Done,
        stopping: Callable[[], bool],
    ) -> None:
        """Hand letters over; a server that is of no use to one is asked for no other in this attempt."""
        recipients, trouble = posting.terms.recipients, PostingFailure.NOBODY
        for at, member_id in enumerate(recipients):
            if stopping():
                raise Interrupted
            member = await self._commands.state(tenant_id, "member", member_id)
            if not isinstance(member, Member):
                done.passed.append(MemberPassed(member_id=member_id, reason="removed"))
                continue
            address = await address_of(self._commands, tenant_id, member_id)
            try:
                await self._mail.send(letter_of(posting, signed, member_id, address))
            except MailRefused:
                done.passed.append(MemberPassed(member_id=member_id, reason="refused"))
                trouble = PostingFailure.MAIL
            except MailDeferred:
                done.passed.append(MemberPassed(member_id=member_id, reason="deferred"))
                trouble = PostingFailure.MAIL
            except (MailUnavailable, MailNotSetUp) as error:
                trouble = PostingFailure.NO_MAIL if isinstance(error, MailNotSetUp) else PostingFailure.MAIL
                done.passed += [MemberPassed(member_id=one, reason=trouble) for one in recipients[at:]]
                break
            else:
                done.mailed += 1
        if not done.mailed:
            raise NothingMailed(trouble, done.passed)
        done.posted += [_posted(one, 0) for one in signed if one.checkpoint is not None]

    def _failed(self, posting: Posting, done: _Done, error: Exception, *, last: bool) -> FailPosting | None:
        """Why a due time is given up; None: it is tried again."""
        told = FailPosting(due_at=posting.next_at, reason=PostingFailure.ERROR, posted=done.posted)
        match error:
            case PlaceContradicts():
                self._alarm(error)
                found = {"reason": PostingFailure.CONTRADICTS, "log": error.log.log, "path": error.path}
                return told.model_copy(update=found)
            case NotSigned():
                reason, forever = PostingFailure.NOT_SIGNED, False
            case PlaceUnusable():
                reason, forever = _OF_PLACES[error.trouble], error.trouble is not PlaceTrouble.UNREACHABLE
            case NothingMailed():
                reason, forever = error.reason, error.reason is not PostingFailure.MAIL
            case _:
                reason, forever = PostingFailure.ERROR, False
        if not (last or forever):
            return None
        return told.model_copy(update={"reason": reason, "passed": done.passed})

    def _alarm(self, error: PlaceContradicts) -> None:
        self.contradicted += 1
        log.error(
            "a place that checkpoints are posted to contradicts the database, in %s of %s of tenant %s: %s",
            error.path,
            error.log.log.value,
            error.log.tenant_id,
            error,
        )


def _posted(one: Shown, files: int) -> LogPosted:
    told = one.checkpoint
    if told is None:
        raise NotSigned
    return LogPosted(
        log=one.log.log.value,
        epoch=told.epoch or 0,
        size=told.size,
        root=base64.b64encode(told.root).decode(),
        files=files,
    )
