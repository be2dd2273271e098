"""A unit of work on one tenant's log: what was read, at which version, and what is to be appended."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from application.addresses import Addresses
from application.blocks import Sending
from application.counting import sent_in, standing
from application.pseudonyms import hmac_of
from application.snapshots import FORMS
from application.state_cache import Folded, StateCache
from domain.kernel.commands import DECIDERS, Command, Decider, Stamp, stream_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
    from uuid import UUID

    from application.access_entries import AccessEntries
    from application.blocks import Blocks
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.log import Head, Recorded, TenantLog
    from application.snapshots import Snapshots
    from domain.audience.barring import FromPlatform
    from domain.billing.catalogue import Meter
    from domain.kernel.events import Event
    from domain.kernel.permissions import Permission

T = TypeVar("T")

__all__ = ["HANDLERS", "Folded", "Streams", "Unit", "decide", "handles"]


class Streams:
    """Loads and folds streams; one for all units of a process."""

    def __init__(
        self,
        log: TenantLog,
        codec: EventCodec,
        keys: KeyStore,
        snapshots: Snapshots | None = None,
        reads: AccessEntries | None = None,
    ) -> None:
        """Read from `log`; open personal values only for deciders that say they need them.

        `reads`: the second log, for the few commands that look into it.
        """
        self._log = log
        self._codec = codec
        self._keys = keys
        self._snapshots = snapshots
        self.reads = reads
        self.cache = StateCache()
        self._pseudonym_keys: dict[UUID, list[bytes]] = {}
        self.addresses = Addresses(log, codec, self.pseudonyms)

    def known(self, tenant_id: UUID, decider: Decider[Any], stream: str) -> Folded | None:
        """Version and state of a stream as this process last saw them."""
        return None if decider.reveals else self.cache.get(tenant_id, stream)

    async def load(
        self, tenant_id: UUID, wanted: Sequence[tuple[Decider[Any], str]], *, fresh: bool = False
    ) -> list[Folded]:
        """Version and state of each stream, from the cache unless `fresh`."""
        found: list[Folded | None] = [
            None if fresh else self.known(tenant_id, decider, stream) for decider, stream in wanted
        ]
        missing = [number for number, folded in enumerate(found) if folded is None]
        if missing:
            starts = [
                await self._start(tenant_id, *wanted[number]) if wanted[number][0].category in FORMS else None
                for number in missing
            ]
            # The last event of a snapshot is read again: one that the log does not have was never its.
            streams = await self._log.read_streams(
                tenant_id,
                [
                    (wanted[number][1], 0 if start is None else start[0] - 1)
                    for number, start in zip(missing, starts, strict=True)
                ],
            )
            for number, start, recorded in zip(missing, starts, streams, strict=True):
                if start is None and not recorded:
                    decider, stream = wanted[number]
                    found[number] = (0, decider.initial)
                    if decider.remembers_empty:
                        self.cache.put(tenant_id, stream, (0, decider.initial))
                    continue
                found[number] = await self._folded(tenant_id, *wanted[number], start, recorded)
        return [folded for folded in found if folded is not None]

    async def _start(self, tenant_id: UUID, decider: Decider[Any], stream: str) -> Folded | None:
        if self._snapshots is None:
            return None
        return await self._snapshots.start(tenant_id, decider.category, stream)

    async def _folded(
        self,
        tenant_id: UUID,
        decider: Decider[Any],
        stream: str,
        start: Folded | None,
        recorded: list[Recorded],
    ) -> Folded:
        """Version and state after these events, which follow `start`; kept where they may be."""
        if start is None:
            base = decider.initial
        elif recorded and recorded[0].version == start[0]:
            base, recorded = start[1], recorded[1:]
        else:
            (recorded,) = await self._log.read_streams(tenant_id, [(stream, 0)])
            start, base = None, decider.initial
        state = decider.fold(self._codec.decode(recorded, reveal=decider.reveals), base)
        version = recorded[-1].version if recorded else (0 if start is None else start[0])
        folded = (version, state)
        if version and not decider.reveals:
            self.cache.put(tenant_id, stream, folded, decider.size_of(state))
            if self._snapshots is not None:
                await self._snapshots.read(tenant_id, decider.category, stream, len(recorded), folded)
        return folded

    async def opened(self, tenant_id: UUID, stream: str) -> list[Event]:
        """The events of a stream with its subject's own values open, proof of theirs aside."""
        (recorded,) = await self._log.read_streams(tenant_id, [(stream, 0)])
        return self._codec.decode(recorded, reveal=True, evidence=False)

    async def recorded(self, tenant_id: UUID, streams: Sequence[str]) -> list[list[Recorded]]:
        """The events of streams as they are stored, for what no state holds: when they were recorded."""
        return await self._log.read_streams(tenant_id, [(stream, 0) for stream in streams])

    async def with_proof(self, tenant_id: UUID, stream: str, version: int) -> Event | None:
        """One event of a stream with everything open, proof too: for its subject alone."""
        (recorded,) = await self._log.read_streams(tenant_id, [(stream, version - 1)], limit=1)
        return next(iter(self._codec.decode(recorded, reveal=True, evidence=True)), None)

    async def standing(self, tenant_id: UUID, meter: Meter) -> int:
        """How much of a meter stands."""
        return await standing(self._log, tenant_id, meter)

    async def sent_in(self, tenant_id: UUID, period: str) -> int:
        """How many messages went in a month."""
        return await sent_in(self._log, tenant_id, period)

    async def head(self, tenant_id: UUID) -> Head | None:
        """Where the log stands."""
        return await self._log.head(tenant_id)

    async def aside(self, work: Callable[[], T]) -> T:
        """What a pure function answers that takes longer than others should wait: a thread of its own does it."""
        return await asyncio.to_thread(work)

    def pseudonyms(self, tenant_id: UUID, purpose: str, value: str) -> list[str]:
        """HMAC-SHA-256 of a value under each live pseudonym key of the tenant, the current one first; hex."""
        return [found.hex() for found in self.hmacs(tenant_id, purpose, value)]

    def hmacs(self, tenant_id: UUID, purpose: str, value: str) -> list[bytes]:
        """The same as bytes, as receipts are known by them."""
        keys = self._pseudonym_keys.get(tenant_id)
        if keys is None:
            keys = self._pseudonym_keys[tenant_id] = self._keys.hmac_keys(tenant_id)
        return [hmac_of(key, purpose, value) for key in keys]


class Unit:
    """What one command read and what it wants appended. Every stream it loaded is expected where it was read."""

    def __init__(
        self,
        streams: Streams,
        stamp: Stamp,
        *,
        principal_permissions: frozenset[Permission] = frozenset(),
        fresh: bool = False,
        overlay: MutableMapping[str, Folded] | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        """`overlay`: states by stream that count instead of the log's, of a dry run or of an append on its way.

        `blocks`: where messages are taken from; none where nothing is sent, as in a dry run.
        """
        self.stamp = stamp
        self.tenant_id = stamp.tenant_id
        self.principal_permissions = principal_permissions
        self._streams = streams
        self._fresh = fresh
        self._overlay = overlay
        self.sending = Sending(blocks, stamp.tenant_id)
        self._read: dict[str, tuple[Decider[Any], int, Any]] = {}
        self.events: list[tuple[str, Event]] = []

    async def load(self, category: str, key: object) -> Any:
        """The state of a stream; its decider's initial state where it has no events."""
        name = stream_name(category, key)
        known = self._read.get(name)
        if known is None and not self._fresh and self._overlay is None:
            # Nearly always: a workspace, a tenant, that the command before looked at too.
            decider = DECIDERS[category]
            folded = self._streams.known(self.tenant_id, decider, name)
            if folded is not None:
                known = self._read[name] = (decider, *folded)
        return (await self.load_many(category, [key]))[0] if known is None else known[2]

    async def load_many(self, category: str, keys: Sequence[object]) -> list[Any]:
        """The states of several streams of one category, in one round trip."""
        decider = DECIDERS[category]
        names = [stream_name(category, key) for key in keys]
        wanted = [(decider, name) for name in dict.fromkeys(names) if name not in self._read]
        if self._overlay is not None:
            for _, name in wanted:
                if name in self._overlay:
                    self._read[name] = (decider, *self._overlay[name])
            wanted = [(decider, name) for _, name in wanted if name not in self._read]
        if wanted:
            folded = await self._streams.load(self.tenant_id, wanted, fresh=self._fresh)
            for (_, name), (version, state) in zip(wanted, folded, strict=True):
                self._read[name] = (decider, version, state)
        return [self._read[name][2] for name in names]

    @property
    def reads(self) -> AccessEntries:
        """The tenant's second log."""
        if self._streams.reads is None:
            raise RuntimeError("commands that look into the access log need it")
        return self._streams.reads

    async def opened(self, category: str, key: object) -> list[Event]:
        """The events of a stream that was loaded, with values that no state holds; rarely needed, and never kept."""
        return await self._streams.opened(self.tenant_id, stream_name(category, key))

    async def recorded(self, streams: Sequence[str]) -> list[list[Recorded]]:
        """The events of streams as they are stored: what is read so is not expected to stay as it is."""
        return await self._streams.recorded(self.tenant_id, streams)

    async def head(self) -> Head | None:
        """Where the log stands, at least: it moves on meanwhile."""
        return await self._streams.head(self.tenant_id)

    async def aside(self, work: Callable[[], T]) -> T:
        """What a pure function answers that takes longer than others should wait."""
        return await self._streams.aside(work)

    def assume_new(self, category: str, key: object) -> None:
        """Take a stream for empty without looking: its id was made just now. The append checks it all the same."""
        decider = DECIDERS[category]
        self._read[stream_name(category, key)] = (decider, 0, decider.initial)

    def let_go(self, category: str, key: object) -> None:
        """Expect a stream no more where it was read: what is appended does not rest on it."""
        self._read.pop(stream_name(category, key), None)

    def decide(
        self, command: Command, category: str | None = None, key: object | None = None
    ) -> tuple[Event, ...]:
        """Let the stream's decider decide on the state that was loaded, and append its events to that stream."""
        kind = category or command.stream
        target = command.stamp.target if key is None else key
        decider, _, state = self._read[stream_name(kind, target)]
        if decider.decide is None:
            msg = f"streams of {kind} take no commands"
            raise TypeError(msg)
        events = decider.decide(command, state)
        self.append(kind, target, *events)
        return events

    def append(self, category: str, key: object, *events: Event) -> None:
        """Append events to a stream that was loaded; the unit's state moves with them."""
        name = stream_name(category, key)
        decider, version, state = self._read[name]
        for event in events:
            state = decider.evolve(state, event)
            self.events.append((name, event))
        self._read[name] = (decider, version, state)

    def state(self, category: str, key: object) -> Any:
        """The state of a loaded stream with this unit's own events."""
        return self._read[stream_name(category, key)][2]

    def pseudonyms(self, purpose: str, value: str) -> list[str]:
        """A value under each live pseudonym key, the current one first; hex. Personal data: streams may carry it."""
        return self._streams.pseudonyms(self.tenant_id, purpose, value)

    async def addresses(self, addressees: Sequence[object]) -> dict[object, str | None]:
        """The address of each addressee, in the clear; None where it was erased, or never entered."""
        return await self._streams.addresses.of(self.tenant_id, addressees)

    async def hash_keys(
        self, addressees: Sequence[object], algorithms: tuple[str, ...]
    ) -> dict[object, tuple[str, ...]]:
        """Keys of the reservations of addressees' addresses by their hashes; see `Addresses`."""
        return await self._streams.addresses.hash_keys(self.tenant_id, addressees, algorithms)

    async def suppressed_at_platform(self, addressee: object) -> tuple[FromPlatform, str] | None:
        """What the platform suppresses of an addressee's address, as its own log tells now; see `Addresses`."""
        return await self._streams.addresses.suppressed_at_platform(self.tenant_id, addressee)

    async def first_event(self, category: str, key: object) -> Event | None:
        """What a stream begins with, in the clear as far as its keys allow."""
        return (await self._streams.addresses.first_events(self.tenant_id, [stream_name(category, key)]))[0]

    def keys_by_hash(self, email: str, match: str, algorithms: Sequence[str]) -> tuple[str, ...]:
        """The same of an address that is at hand."""
        return self._streams.addresses.keys_by_hash(self.tenant_id, email, match, algorithms)

    async def find(self, category: str, value: str) -> tuple[str, Any]:
        """The reservation of a value under any live pseudonym key: the key of its stream, and its state."""
        decider = DECIDERS[category]
        keys = self._streams.pseudonyms(self.tenant_id, category, value)
        states = await self.load_many(category, keys)
        for key, state in zip(keys, states, strict=True):
            if state != decider.initial:
                return key, state
        return keys[0], states[0]

    async def find_many(self, category: str, values: Sequence[str]) -> list[str]:
        """`find` for many values in one round trip: the key of each reservation's stream; `state` tells the rest."""
        decider = DECIDERS[category]
        keys = [self._streams.pseudonyms(self.tenant_id, category, value) for value in values]
        await self.load_many(category, [key for live in keys for key in live])
        return [
            next((key for key in live if self.state(category, key) != decider.initial), live[0])
            for live in keys
        ]

    async def standing(self, meter: Meter) -> int:
        """How much of a meter stands, by the log."""
        return await self._streams.standing(self.tenant_id, meter)

    async def sent_in(self, period: str) -> int:
        """How many messages went in a month, by the log."""
        return await self._streams.sent_in(self.tenant_id, period)

    def expected(self) -> tuple[tuple[str, int], ...]:
        """The version at which each stream was read."""
        return tuple((name, version) for name, (_, version, _) in self._read.items())

    def version_of(self, stream: str) -> int:
        """The version at which a loaded stream was read."""
        return self._read[stream][1]

    def remember(self, versions: Mapping[str, int]) -> None:
        """Keep the states this unit left behind, after its events were accepted at these versions."""
        for name, version in versions.items():
            decider, _, state = self._read[name]
            if not decider.reveals:
                self._streams.cache.put(self.tenant_id, name, (version, state), decider.size_of(state))

    def remember_virtually(self) -> None:
        """Fold this unit's events into the overlay of its dry run; versions stay those of the log."""
        if self._overlay is not None:
            for name, (_, version, state) in self._read.items():
                self._overlay[name] = (version, state)

    def left_behind(self) -> dict[str, Folded]:
        """The states that this unit's events leave, at the versions they get when they are accepted as decided."""
        counts = Counter(name for name, _ in self.events)
        return {name: (self._read[name][1] + count, self._read[name][2]) for name, count in counts.items()}

    def as_read(self, category: str, key: object) -> Folded:
        """Version and state of a loaded stream; for one that this unit appends nothing to."""
        _, version, state = self._read[stream_name(category, key)]
        return version, state

    def forget(self) -> None:
        """Drop what this unit read from the cache: some of it was stale."""
        self._streams.cache.drop(self.tenant_id, list(self._read))


HANDLERS: Final[dict[type[Command], Callable[[Any, Unit], Awaitable[None]]]] = {}
"""Handlers of the commands that touch more than their own stream."""


def handles(
    command: type[Command],
) -> Callable[[Callable[[Any, Unit], Awaitable[None]]], Callable[[Any, Unit], Awaitable[None]]]:
    """Decorate the handler of a command that touches more than its own stream."""

    def register(handler: Callable[[Any, Unit], Awaitable[None]]) -> Callable[[Any, Unit], Awaitable[None]]:
        HANDLERS[command] = handler
        return handler

    return register


async def decide(command: Command, unit: Unit, *, assume_new: bool = False) -> None:
    """Load, decide, append: by the command's handler, or on its own stream alone."""
    if assume_new:
        unit.assume_new(command.stream, command.stamp.target)
    handler = HANDLERS.get(type(command))
    if handler is not None:
        await handler(command, unit)
        return
    await unit.load(command.stream, command.stamp.target)
    unit.decide(command)
