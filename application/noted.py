"""Where a tenant's checkpoint stands in the platform's log: looked up in the log itself, of one tenant alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.kernel.commands import stream_name
from domain.kernel.errors import NotFound
from domain.kernel.ids import PLATFORM
from domain.ledger.noted import NOTED, CheckpointContradicted, CheckpointNoted, noted_id

if TYPE_CHECKING:
    from application.ports.codec import EventCodec
    from application.ports.log import Recorded, TenantLog
    from application.unit import Streams
    from domain.audit.origins import LogId
    from domain.ledger.noted import Head, NotedLog


class NotNoted(NotFound):
    """No checkpoint so large was noted of this log yet. Checkpoints are noted once an hour; ask again after that."""

    code = "checkpoint-not-noted"


class Noted(NamedTuple):
    """A checkpoint of a log that was noted, and the event as it is stored. `contradicted_by`: see `NotedLog`."""

    checkpoint: CheckpointNoted
    recorded: Recorded
    contradicted_by: Head | None


class NotedCheckpoints:
    """Looks them up."""

    def __init__(self, log: TenantLog, codec: EventCodec, streams: Streams) -> None:
        """Read in `log`."""
        self._log = log
        self._codec = codec
        self._streams = streams

    async def find(self, of: LogId, epoch: int | None = None, size: int | None = None) -> Noted:
        """The latest that was noted of a log; with `size`, the first that holds so many events of its epoch.

        `epoch` is the latest one unless given. Raises `NotNoted`.
        """
        stream = stream_name(NOTED.category, noted_id(*of))
        ((last, state),) = await self._streams.load(PLATFORM, [(NOTED, stream)], fresh=True)
        known: NotedLog = state
        if known.head is None:
            raise NotNoted
        wanted = (known.head.epoch if epoch is None else epoch, known.head.size if size is None else size)
        low, high = 1, last
        while low < high:  # checkpoints are noted in the order of their epochs and sizes
            middle = (low + high) // 2
            told, _ = await self._at(stream, middle)
            low, high = (low, middle) if told >= wanted else (middle + 1, high)
        told, recorded = await self._at(stream, low)
        (event,) = self._codec.decode([recorded])
        if not isinstance(event, CheckpointNoted) or event.epoch != wanted[0] or told < wanted:
            raise NotNoted
        return Noted(event, recorded, known.contradicted_by)

    async def _at(self, stream: str, version: int) -> tuple[tuple[int, int], Recorded]:
        """Epoch and size that were noted when a stream was at a version, and its event."""
        (recorded,) = await self._log.read_stream(PLATFORM, stream, after=version - 1, limit=1)
        (event,) = self._codec.decode([recorded])
        match event:
            case CheckpointNoted():
                return (event.epoch, event.size), recorded
            case CheckpointContradicted():
                return (event.noted_epoch, event.noted_size), recorded
            case _:
                raise TypeError(f"{event.name} is no event of this stream")
