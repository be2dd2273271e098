"""The end of things that were kept for a time: said, done and said again, one by one, through whatever is killed when.

A thing goes by its period alone (`automatic`) or by a plan that names it. Either way the first event looks at the
holds and the policy under the log's lock; only after it the key is destroyed, and an event says that it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from application.workflow import NotYet
from domain.audience.erasure import ConfirmEvidenceDestroyed, ExpireEvidence, HoldStands, ProofStillKept
from domain.audience.import_commands import DestroyImportFiles
from domain.kernel.commands import stream_name
from domain.kernel.errors import NotFound
from domain.kernel.personal import KeyKind
from domain.retention.destroying import (
    ConfirmObjectDestroyed,
    ExpireObject,
    StillKept,
    UnderHold,
    stream_of,
)
from domain.retention.kinds import Kind
from domain.retention.plan import FinishDisposal, LeftOut, Plan, PlanStatus
from domain.rights.commands import DestroyRequestDetails

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.commanding import Commands
    from application.ports.blobs import BlobStore
    from application.ports.keys import KeyStore
    from application.workflow import Workflow

_LOOK_AGAIN: Final = timedelta(hours=1)
_SOON: Final = timedelta(minutes=1)
_KEPT: Final = (StillKept, UnderHold, HoldStands, ProofStillKept)

KEYS: Final[dict[Kind, KeyKind]] = {
    Kind.BOARD_PACKS: KeyKind.PROFILE,
    Kind.DELIVERY_FILES: KeyKind.PROFILE,
    Kind.SAVED_QUERIES: KeyKind.PROFILE,
    Kind.ACTOR_TRACES: KeyKind.EVIDENCE,
}
"""Of kinds that have no events of their own: which key of the thing is destroyed."""


class Disposing:
    """Destroys what nothing keeps any more."""

    def __init__(self, commands: Commands, keys: KeyStore, blobs: BlobStore) -> None:
        """`keys` and `blobs` are where it takes effect."""
        self._commands = commands
        self._keys = keys
        self._blobs = blobs

    async def by_itself(self, workflow: Workflow, kind: Kind, object_id: UUID) -> None:
        """Destroy a thing whose period ended. Raises `NotYet` while a hold, or a longer period, keeps it."""
        try:
            await self.destroy(workflow, kind, object_id, None)
        except (UnderHold, HoldStands) as kept:
            raise NotYet(_LOOK_AGAIN, "legal_hold") from kept
        except StillKept as kept:
            due = kept.extra.get("due_at")
            near = isinstance(due, datetime) and due - self._commands.clock() < _LOOK_AGAIN
            raise NotYet(_SOON if near else _LOOK_AGAIN, "retention_period") from kept
        except ProofStillKept as early:  # the database's clock, by which jobs are due, is ahead of this one
            raise NotYet(_SOON) from early

    async def carry_out(self, workflow: Workflow, plan_id: UUID, stopping: Callable[[], bool]) -> bool:
        """Destroy what a plan names, but what is kept by now; whether that is over, or it was told to stop."""
        plan = await self._commands.state(workflow.tenant_id, "disposal", plan_id)
        if not isinstance(plan, Plan) or plan.status is not PlanStatus.RUNNING:
            return True
        destroyed: Counter[str] = Counter()
        left_out = []
        for named in plan.objects:
            if stopping():
                return False
            try:
                await self.destroy(workflow, Kind(named.kind), named.object_id, plan_id)
            except (*_KEPT, NotFound) as kept:
                left_out.append(LeftOut(kind=named.kind, object_id=named.object_id, why=kept.code))
            else:
                destroyed[named.kind] += 1
        command = FinishDisposal(destroyed=dict(sorted(destroyed.items())), left_out=left_out)
        await workflow.execute(command, plan_id, key=f"disposal/{plan_id}/done")
        return True

    async def destroy(self, workflow: Workflow, kind: Kind, object_id: UUID, plan_id: UUID | None) -> None:
        """Destroy one thing. Raises why it is kept; what is gone already stays gone."""
        if kind is Kind.EVIDENCE:
            key = f"addressee/{object_id}/evidence-expired"
            await workflow.execute(ExpireEvidence(), object_id, key=key)
        else:
            expire = ExpireObject(kind=kind, object_id=object_id, plan_id=plan_id)
            key = f"retained/{kind}/{object_id}/expired"
            await workflow.execute(expire, stream_of(kind, object_id), key=key)
        match kind:
            case Kind.EVIDENCE:
                await self._forget(workflow, object_id, KeyKind.EVIDENCE)
                key = f"addressee/{object_id}/evidence-destroyed"
                await workflow.execute(ConfirmEvidenceDestroyed(), object_id, key=key)
            case Kind.IMPORT_FILES:
                await asyncio.to_thread(self._blobs.destroy, workflow.tenant_id, object_id)
                key = f"import/{object_id}/files-destroyed"
                await workflow.execute(DestroyImportFiles(), object_id, key=key)
            case Kind.REQUEST_DETAILS:
                await self._forget(workflow, object_id, KeyKind.PROFILE)
                key = f"request/{object_id}/details-destroyed"
                await workflow.execute(DestroyRequestDetails(), object_id, key=key)
            case Kind.BOARD_PACKS:
                await asyncio.to_thread(self._blobs.destroy, workflow.tenant_id, object_id)
                await self._said(workflow, kind, object_id)
            case Kind.DELIVERY_FILES:
                for dropped in await self._dropped(workflow.tenant_id, object_id):
                    await asyncio.to_thread(self._blobs.destroy, workflow.tenant_id, dropped)
                await self._said(workflow, kind, object_id)
            case _:
                await self._forget(workflow, object_id, KEYS[kind])
                await self._said(workflow, kind, object_id)

    async def _forget(self, workflow: Workflow, object_id: UUID, kind: KeyKind) -> None:
        await asyncio.to_thread(self._keys.destroy, [(workflow.tenant_id, str(object_id), kind)])

    async def _said(self, workflow: Workflow, kind: Kind, object_id: UUID) -> None:
        command = ConfirmObjectDestroyed(kind=kind, object_id=object_id)
        key = f"retained/{kind}/{object_id}/destroyed"
        await workflow.execute(command, stream_of(kind, object_id), key=key)

    async def _dropped(self, tenant_id: UUID, schedule_id: UUID) -> list[UUID]:
        events = await self._commands.log.read_stream(tenant_id, stream_name("schedule", schedule_id))
        told = [
            orjson.loads(event.payload)["dropped"]
            for event in events
            if event.name == "reporting.schedule_removed"
        ]
        return [UUID(one) for one in told if one is not None]
