"""Jobs destroy keys in a thread: the event loop goes on while the key store waits for its disk."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from adapters.blobs.local import LocalBlobs
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.certifying import Certification
from application.commanding import Commands
from application.delivering.running import Deliveries
from application.importing.service import Imports
from application.jobs import Job, Workflows
from application.noticing.running import Notices
from application.orders import Order
from application.ports.codec import EventCodec
from application.ports.keys import SubjectKey
from application.ports.lapses import Lapses
from application.ports.log import Recorded
from application.posting.running import Postings
from application.workflow import Because, Workflow
from domain.kernel.events import Event
from domain.kernel.personal import KeyKind
from domain.webhooks.endpoint import WebhookSecretRetired

TENANT, ABOUT = UUID(int=1), UUID(int=2)
RETIRED = WebhookSecretRetired.model_validate(
    {"endpoint_id": UUID(int=3), "secret_id": ABOUT, "retires_at": datetime.now(UTC)}
)


class Keys(MemoryKeyStore):
    """Remembers which thread destroyed what."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[list[SubjectKey], int]] = []

    def destroy(self, keys: Iterable[SubjectKey]) -> int:
        gone = list(keys)
        self.told.append((gone, threading.get_ident()))
        return super().destroy(gone)


class Accepting:
    """A command path over an empty log that refuses nothing; counts what was ordered once the key was gone."""

    def __init__(self, keys: Keys) -> None:
        self.confirmed, self._keys, self.log = 0, keys, MemoryLog()

    async def rehearse(self, _: Order) -> None:
        assert not self._keys.told

    async def execute(self, _: Order) -> None:
        self.confirmed += len(self._keys.told)


class Retired:
    """A codec that knows one event."""

    def decode(self, _: Sequence[Recorded]) -> list[Event]:
        return [RETIRED]


@pytest.mark.parametrize("name", ["subject.shred", "webhook.destroy_secret", "import.destroy_files"])
async def test_keys_are_destroyed_off_the_event_loop_and_before_the_event_says_so(
    name: str, tmp_path: Path
) -> None:
    keys = Keys()
    accepting = Accepting(keys)
    commands = cast("Commands", accepting)
    workflows = Workflows(
        commands,
        cast("EventCodec", Retired()),
        keys,
        LocalBlobs(tmp_path, keys),
        cast("Imports", None),
        cast("Certification", None),
        cast("Lapses", None),
        deliveries=cast("Deliveries", None),
        notices=cast("Notices", None),
        postings=cast("Postings", None),
    )
    event = Recorded(TENANT, 1, "stream", 1, "event", 1, b"", b"", datetime.now(UTC))
    workflow = Workflow(commands, TENANT, UUID(int=4), Because(UUID(int=5)))
    job = Job(UUID(int=4), TENANT, 1, name, ABOUT)
    await workflows.by_name[name](job, event, workflow, lambda: False)
    ((gone, thread),) = keys.told
    assert gone == [(TENANT, str(ABOUT), KeyKind.PROFILE)]
    assert thread != threading.get_ident()
    assert accepting.confirmed == 1
