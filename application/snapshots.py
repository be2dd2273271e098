"""Snapshots of long streams: which states are kept, in what form, and when.

A stream becomes known as long when a load had to read more than `WORTH_IT` events of it; from then on its snapshot is
looked for first. All other streams, nearly all there are, are loaded as if there were no snapshots.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from application.ports.log import LogUnavailable
from application.ports.snapshots import Snapshot
from domain.audience.contact_import import Import
from domain.audience.contact_list import LIST, ContactList
from domain.audience.import_commands import IMPORT
from domain.ledger.noted import NOTED, NotedLog

if TYPE_CHECKING:
    from uuid import UUID

    from application.ports.snapshots import SnapshotStore
    from domain.kernel.commands import Decider

log = logging.getLogger(__name__)

S = TypeVar("S")
WORTH_IT: Final = 500
"""Events read since the last snapshot that make a new one worth its write."""

_LARGEST: Final = 32_000_000
"""Bytes of a state, about 1.5 million ids, that are too much for a row that is replaced again and again."""

_KNOWN: Final = 100_000
"""Long streams that a process remembers."""


class HoldsPersonalData(TypeError):
    """The state of this kind of stream holds personal values and is never written anywhere but into its events."""


class StateForm(Generic[S]):
    """The JSON of one kind of state, and a name for its shape and its fold: a snapshot of another name is not read."""

    def __init__(self, decider: Decider[Any], shape: type[S]) -> None:
        """`shape` is the type of the states that are kept; others of the decider's have no form.

        Raises `HoldsPersonalData` for a decider that reveals, and for a shape with a personal field in any depth.
        """
        self.shape = shape
        self._adapter: TypeAdapter[S] = TypeAdapter(shape)
        described = json.dumps(self._adapter.json_schema(), sort_keys=True)
        if decider.reveals or '"x-personal"' in described:
            raise HoldsPersonalData(f"{decider.category}: {HoldsPersonalData.__doc__}")
        # Whatever changes in the module of `evolve` counts as another fold: at worst a snapshot is made once more.
        fold = inspect.getsource(sys.modules[decider.evolve.__module__])
        self.schema = f"{decider.category}.{sha256((described + fold).encode()).hexdigest()[:16]}"

    def to_bytes(self, state: S) -> bytes:
        """The state as JSON."""
        return self._adapter.dump_json(state)

    def from_bytes(self, content: bytes) -> S:
        """The state again. Raises `pydantic.ValidationError` for bytes that are not of this shape."""
        return self._adapter.validate_json(content)


FORMS: Final[dict[str, StateForm[Any]]] = {
    LIST.category: StateForm(LIST, ContactList),
    IMPORT.category: StateForm(IMPORT, Import),
    NOTED.category: StateForm(NOTED, NotedLog),
}
"""By category: the streams that may be long. None of their states holds anything personal."""


class Snapshots:
    """Where loads of long streams begin. A store that is away, or holds what cannot be read, costs time and no more."""

    def __init__(self, store: SnapshotStore, worth_it: int = WORTH_IT) -> None:
        """Keep them in `store`, one after each `worth_it` events read."""
        self._store = store
        self._worth_it = worth_it
        self._long: dict[tuple[UUID, str], None] | None = None

    async def start(self, tenant_id: UUID, category: str, stream: str) -> tuple[int, Any] | None:
        """Version and state that a load may begin with; None for streams that are not known to be long."""
        form = FORMS.get(category)
        if form is None or (tenant_id, stream) not in await self._known():
            return None
        try:
            found = await self._store.load(tenant_id, stream, form.schema)
            return (
                None
                if found is None
                else (found.version, await asyncio.to_thread(form.from_bytes, found.state))
            )
        except (LogUnavailable, ValidationError) as error:
            log.warning("a snapshot could not be read: %s", type(error).__name__)
            return None

    async def read(
        self, tenant_id: UUID, category: str, stream: str, events: int, folded: tuple[int, Any]
    ) -> None:
        """A load read so many events and came to `folded`: keep that, if it was long."""
        form = FORMS.get(category)
        if form is None or events <= self._worth_it or not isinstance(folded[1], form.shape):
            return
        content = await asyncio.to_thread(form.to_bytes, folded[1])
        if len(content) > _LARGEST:
            return
        try:
            await self._store.save(tenant_id, stream, form.schema, Snapshot(folded[0], content))
        except LogUnavailable as error:
            log.warning("a snapshot could not be kept: %s", type(error).__name__)
            return
        known = await self._known()
        known[tenant_id, stream] = None
        if len(known) > _KNOWN:
            del known[next(iter(known))]

    async def _known(self) -> dict[tuple[UUID, str], None]:
        """The long streams: those of earlier processes are asked for once."""
        if self._long is None:
            try:
                found = await self._store.streams(_KNOWN)
            except LogUnavailable:
                return {}
            if self._long is None:
                self._long = dict.fromkeys(found)
        return self._long
