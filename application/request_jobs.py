"""What the jobs of requests do: call them to mind, and have people erased."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.workflow import NotYet
from domain.audience.addressee_state import Addressee
from domain.audience.erasure import AlreadyErased, EraseAddressee
from domain.rights.commands import ConfirmErasure, RemindOfRequest
from domain.rights.refusals import NotDueYet
from domain.rights.state import SubjectRequest

if TYPE_CHECKING:
    from uuid import UUID

    from application.commanding import Commands
    from application.workflow import Workflow

_SOON: Final = timedelta(minutes=1)


class RequestJobs:
    """Acts on requests through the command path, each step under a key of its own."""

    def __init__(self, commands: Commands) -> None:
        """Act through `commands`."""
        self._commands = commands

    async def remind(self, workflow: Workflow, request_id: UUID, job_id: UUID) -> None:
        """Announce that a term is near, or over. Each job has its own key: a term that was made longer is another."""
        try:
            await workflow.execute(
                RemindOfRequest(), request_id, key=f"request/{request_id}/reminded/{job_id}"
            )
        except NotDueYet as early:  # the database's clock, by which jobs are due, is ahead of this one
            raise NotYet(_SOON) from early

    async def miss(self, workflow: Workflow, request_id: UUID, job_id: UUID) -> None:
        """Announce that a term is over. A clock behind the one by which jobs are due would say that nothing is."""
        request = await self._commands.state(workflow.tenant_id, "subject_request", request_id)
        if isinstance(request, SubjectRequest) and self._commands.clock() < request.due_at:
            raise NotYet(_SOON)
        await self.remind(workflow, request_id, job_id)

    async def erase(self, workflow: Workflow, request_id: UUID) -> None:
        """Erase the person whom a request is about. Where they were erased before, that was it.

        The certificate says that the request is done; where there is one already, that is entered here.
        """
        request = await self._commands.state(workflow.tenant_id, "subject_request", request_id)
        if not isinstance(request, SubjectRequest) or request.addressee_id is None:
            return
        subject = request.addressee_id
        with contextlib.suppress(AlreadyErased):
            await workflow.execute(EraseAddressee(), subject, key=f"request/{request_id}/erased")
        addressee = await self._commands.state(workflow.tenant_id, "addressee", subject)
        if isinstance(addressee, Addressee) and addressee.certified:
            key = f"request/{request_id}/erasure-confirmed"
            await workflow.execute(ConfirmErasure(), request_id, key=key)
