"""Certificates of erasures: what became of each store, told once nothing in it shows the person any more.

The work waits by being put off, never by sleeping: each look either certifies or says what it still waits for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from application import stores
from application.ports.analytics import AnalyticsError
from application.ports.purging import NotPurgedYet
from application.workflow import NotYet
from domain.audience.addressee_state import Addressee
from domain.audience.erasure import CertifyErasure, ConfirmErasureTakenIn
from domain.audience.erasure_events import AddresseeErased, ErasureTakenIn, KeptRecord, PurgedStore
from domain.kernel.commands import stream_name
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.analytics import Analytics
    from application.ports.log import Recorded
    from application.ports.purging import Purge, Reached, RequestsKept, UploadsLeft
    from application.workflow import Workflow

log = logging.getLogger(__name__)

KEYS_ROTATED_AFTER: Final = timedelta(days=1, hours=1)
"""When copies of a destroyed key's row alone open no more, at the latest (`application.rotation`)."""
_LOOK_AGAIN: Final = timedelta(seconds=20)

SUPPRESSION: Final = KeptRecord(
    what="that the address is not to be written to: an HMAC of it under the tenant's own key, and the opt-outs",
    why="so that nobody writes to the person again: GDPR Art. 17(3)(b), 21(3); CAN-SPAM 15 USC 7704(a)(4); CASL s.11",
)
HISTORY: Final = KeptRecord(
    what="dates, kinds, countries and workspaces of what happened, in the log and in analytics, under ids that name "
    "nobody",
    why="so that what was decided can be accounted for: GDPR Art. 5(2), 17(3)(e); the names in it open no more",
)
UNNAMED: Final = KeptRecord(
    what="what somebody asked from the address while nobody was known by it, if anybody did: sealed under a key of "
    "each request, told in a disclosure, and not counted here, since nothing links it to the person",
    why="so that it can be shown what was answered: GDPR Art. 5(2), 12; 11 CCR 7101. Two years from the end of each",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the installation's operator says: after how long no write-ahead log, and no backup, is kept.

    `backups`: those of the key store too. One of the whole folder holds the keys that wrap the others.
    """

    wal: timedelta = timedelta(days=7)
    backups: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a certificate is made of."""

    destroyed_at: datetime
    rewritten: Mapping[str, datetime]
    uploads: UploadsLeft
    analytics: str
    purged_at: datetime


class Certification:
    """Certifies one erasure at a time; what it does again does no harm."""

    def __init__(self, commands: Commands, purge: Purge, analytics: Analytics, terms: Terms) -> None:
        """Purge through `purge`; `analytics` is asked how far it is, and holds nothing of anybody."""
        self._commands = commands
        self._purge = purge
        self._analytics = analytics
        self._terms = terms

    async def run(self, workflow: Workflow, addressee_id: UUID, destroyed: Recorded) -> None:
        """Purge and certify, or raise `NotYet`. `destroyed`: the event that says that the profile key is gone."""
        tenant_id = workflow.tenant_id
        state = await self._commands.state(tenant_id, "addressee", addressee_id)
        if not isinstance(state, Addressee) or state.certified:
            return
        try:
            reached = await self._purge.reached(tenant_id, destroyed.position)
            erased, taken_in = await self._taken_in(workflow, addressee_id, reached)
            rewritten = await self._purge.rewrite(taken_in.recorded_at)
            uploads = await self._purge.uploads_left(tenant_id, erased.recorded_at)
            requests = await self._purge.requests_kept(tenant_id, addressee_id)
        except NotPurgedYet as waits:
            log.info("a certificate of tenant %s waits: %s", tenant_id, waits)
            raise NotYet(_LOOK_AGAIN) from waits
        purged_at = max([taken_in.recorded_at, *rewritten.values()])
        lines = self._lines(
            _Found(destroyed.recorded_at, rewritten, uploads, await self._counted(tenant_id), purged_at)
        )
        command = CertifyErasure(
            erased_at=erased.recorded_at,
            erased_position=erased.position,
            key_destroyed_position=destroyed.position,
            positions=dict(reached.positions),
            stores=lines,
            kept=tuple(_kept(state, requests)),
            complete_by=max(line.gone_by or line.done_at or purged_at for line in lines),
        )
        await workflow.execute(command, addressee_id, key=f"addressee/{addressee_id}/certified")

    async def _taken_in(
        self, workflow: Workflow, addressee_id: UUID, reached: Reached
    ) -> tuple[Recorded, Recorded]:
        """The erasure, and the event from which on every view was past it; that is entered once for these builds."""
        builds = dict(reached.builds)
        command = ConfirmErasureTakenIn(positions=dict(reached.positions), builds=builds)
        for _ in range(2):
            events = await self._commands.log.read_stream(
                workflow.tenant_id, stream_name("addressee", addressee_id)
            )
            latest = {event.name: event for event in events}
            known = latest.get(ErasureTakenIn.name)
            if known is not None and orjson.loads(known.payload)["builds"] == builds:
                return latest[AddresseeErased.name], known
            key = f"addressee/{addressee_id}/taken-in/{new_id(self._commands.clock())}"
            await workflow.execute(command, addressee_id, key=key)
        raise NotPurgedYet("the views were built anew meanwhile")

    async def _counted(self, tenant_id: UUID) -> str:
        """How far the facts are, for whoever reads the certificate; they need not be anywhere, to hold nothing."""
        try:
            standing = await self._analytics.standing(tenant_id)
        except AnalyticsError:
            return ""
        return f"; counted up to {standing.position.token()}"

    def _lines(self, found: _Found) -> tuple[PurgedStore, ...]:
        ways: dict[str, _Way] = {
            stores.KEYS.name: _Way(
                found.destroyed_at, found.destroyed_at + max(KEYS_ROTATED_AFTER, self._terms.backups)
            ),
            stores.LOG.name: _Way(found.destroyed_at),
            stores.VIEWS.name: _Way(found.purged_at, more=": " + ", ".join(sorted(found.rewritten))),
            stores.MEMORY.name: _Way(found.destroyed_at),
            stores.ANALYTICS.name: _Way(found.purged_at, more=found.analytics),
            stores.UPLOADS.name: _Way(
                None if found.uploads.count else found.purged_at,
                found.uploads.gone_by,
                more=f"; {found.uploads.count} uploads are left that were made before the erasure",
            ),
            stores.WAL.name: _Way(None, found.purged_at + self._terms.wal),
            stores.BACKUPS.name: _Way(None, found.purged_at + self._terms.backups),
        }
        return tuple(
            PurgedStore(
                store=store.name,
                holds=store.holds,
                action=store.action,
                done_at=way.done_at,
                gone_by=way.gone_by,
                proof=store.proof + way.more,
            )
            for store in stores.STORES
            for way in (ways.get(store.name, _Way(found.purged_at)),)
        )


class _Way(NamedTuple):
    done_at: datetime | None
    gone_by: datetime | None = None
    more: str = ""


def _kept(state: Addressee, requests: RequestsKept) -> list[KeptRecord]:
    """What outlives the erasure. The proof, and what the person asked for, are named while their keys live."""
    kept = [SUPPRESSION, HISTORY, UNNAMED]
    if requests.count:
        kept.append(
            KeptRecord(
                what="who asked for this person's data, and in what words, sealed under a key of each request",
                why="so that it can be shown what was answered: GDPR Art. 5(2), 12; 11 CCR 7101. Two years from the "
                "end of each; of a request for erasure no longer than it takes",
                until=requests.until,
            )
        )
    if state.proof.given and not state.proof.destroyed:
        held = (
            "; a legal hold stands, and it is kept for as long, and as those laws say"
            if state.proof.holds
            else ""
        )
        kept.append(
            KeptRecord(
                what="the proof of what the person agreed to and said, sealed under a key of its own",
                why=f"for legal claims: GDPR Art. 7(1), 17(3)(e), and the laws that the erasure names{held}",
                until=None if state.proof.holds else state.proof.ends,
            )
        )
    return kept
