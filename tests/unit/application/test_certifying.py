"""What a certificate promises of copies that nobody here can delete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
import pytest

from application.certificate import as_text
from application.certifying import KEYS_ROTATED_AFTER, Certification, Terms
from application.commanding import Commands
from application.ports.analytics import Analytics, AnalyticsError
from application.ports.log import Recorded
from application.ports.purging import Purge, Reached, RequestsKept, UploadsLeft
from application.workflow import Workflow
from domain.audience.addressee_state import Addressee, Proof
from domain.audience.erasure import CertifyErasure
from domain.audience.erasure_events import AddresseeErased, ErasureCertified, ErasureTakenIn
from domain.kernel.ids import AddresseeId

TENANT, WHO = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def recorded(name: str, payload: dict[str, Any]) -> Recorded:
    return Recorded(TENANT, 1, f"addressee:{WHO}", 1, name, 1, orjson.dumps(payload), b"", AT)


class Log:
    """One person's stream: erased, and taken in by every view."""

    async def read_stream(self, *_: object) -> list[Recorded]:
        return [recorded(AddresseeErased.name, {}), recorded(ErasureTakenIn.name, {"builds": {}})]


@dataclass
class Streams:
    proof: Proof = field(default_factory=Proof)
    log: Log = field(default_factory=Log)

    async def state(self, *_: object) -> Addressee:
        return Addressee(AddresseeId(WHO), erased=True, key_destroyed=True, proof=self.proof)


class Purged:
    """Nothing is left anywhere."""

    async def reached(self, *_: object) -> Reached:
        return Reached({}, {})

    async def rewrite(self, since: datetime) -> dict[str, datetime]:
        return {"views.contacts": since}

    async def uploads_left(self, *_: object) -> UploadsLeft:
        return UploadsLeft(0, None)

    async def requests_kept(self, *_: object) -> RequestsKept:
        return RequestsKept(0, None)


class Away:
    async def standing(self, _: UUID) -> None:
        raise AnalyticsError


@dataclass
class Step:
    tenant_id: UUID = TENANT
    done: list[CertifyErasure] = field(default_factory=list)

    async def execute(self, command: CertifyErasure, *_: object, **__: object) -> None:
        self.done.append(command)


@pytest.mark.parametrize(
    ("backups", "gone_after"), [(0, KEYS_ROTATED_AFTER), (30, timedelta(days=30)), (400, timedelta(days=400))]
)
async def test_a_backup_of_the_whole_key_store_opens_the_key_for_as_long_as_it_is_kept(
    backups: int, gone_after: timedelta
) -> None:
    terms, step = Terms(wal=timedelta(days=1), backups=timedelta(days=backups)), Step()
    certification = Certification(
        cast("Commands", Streams()), cast("Purge", Purged()), cast("Analytics", Away()), terms
    )
    destroyed = recorded("audience.profile_key_destroyed", {})
    await certification.run(cast("Workflow", step), WHO, destroyed)
    (certificate,) = step.done
    (keys,) = [line for line in certificate.stores if line.store == "keys"]
    assert (keys.done_at, keys.gone_by) == (AT, AT + gone_after)
    assert "PENGUINMAILS_BACKUP_DAYS" in keys.proof
    assert certificate.complete_by == AT + gone_after


@pytest.mark.parametrize(("holds", "until"), [((), AT + timedelta(days=900)), ((7,), None)])
async def test_no_day_is_named_beside_a_legal_hold_that_stands(
    holds: tuple[int, ...], until: datetime | None
) -> None:
    proof, step = Proof(given=True, ends=AT + timedelta(days=900), holds=holds), Step()
    certification = Certification(
        cast("Commands", Streams(proof)), cast("Purge", Purged()), cast("Analytics", Away()), Terms()
    )
    await certification.run(cast("Workflow", step), WHO, recorded("audience.profile_key_destroyed", {}))
    (command,) = step.done
    kept = command.kept[-1]
    assert (kept.until, "a legal hold stands" in kept.why) == (until, bool(holds))
    told = {name: getattr(command, name) for name in CertifyErasure.model_fields}
    text = as_text(ErasureCertified(addressee_id=AddresseeId(WHO), certified_at=AT, **told))
    assert ("until: " in text.rpartition("The proof of what")[2]) is (until is not None)
