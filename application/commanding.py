"""The one command path: permission, load, decide, append. There is no second one.

Idempotency is optimistic: a command is decided first, and the log finds the receipt of its key under the head's lock.
A refusal is checked against the receipt before it is told, since what was accepted once may well be refused twice.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from application.block_ledger import LogLedger
from application.blocks import Blocks
from application.confining import enter, leave, met
from application.contention import Contention, Queues, TooMuchContention
from application.law_archive import LawArchive
from application.orders import KeySpace, Outcome, Recordable
from application.ports.codec import Cause
from application.ports.log import Append, Appended, KeyReused, ReceiptKey, StaleAuthorisation, VersionConflict
from application.ports.positions import Position
from application.pseudonyms import hmac_sha256
from application.receipts import events_of, id_of
from application.unit import Streams, Unit, decide
from domain.audience.authorisation import TellsDecision
from domain.kernel.commands import DECIDERS, Stamp, stream_name
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import PLATFORM, new_id

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from datetime import datetime

    from application.orders import Order
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore, SubjectKey
    from application.ports.log import Head, NewEvent, Receipt, TenantLog
    from application.principals import Principal
    from application.unit import Folded
    from domain.kernel.commands import Command
    from domain.kernel.events import Event

_ATTEMPTS: Final = 6  # besides those in which somebody else wrote first
_AT_A_STRETCH: Final = 32
"""Events encoded between two turns of the loop: sealing a thousand takes longer than their commit."""

_PLATFORM_CONTEXT: Final = "platform"


class StaleVersion(Refusal):
    """The stream moved since the version you named. Read it again; the current version is in `current`."""

    code = "stale-version"
    kind = RefusalKind.CONFLICT


class SubjectIsErased(Refusal):
    """The person this is about was erased: nothing personal can be recorded about them any more."""

    code = "subject-erased"
    kind = RefusalKind.CONFLICT


class OfThePlatform(Refusal):
    """This command is about the platform's own log. Leave `Penguin-Tenant` out; it names a tenant's."""

    code = "of-the-platform"
    kind = RefusalKind.INVALID


class Clock(Protocol):
    """Where the moment comes from."""

    def __call__(self) -> datetime:
        """The moment, with its zone."""


class KeyMaker(Protocol):
    """Makes subject keys durable before they are used; callers that come together share a write."""

    async def ensure(self, keys: Sequence[SubjectKey]) -> None:
        """Make those that are missing. Raises `LookupError` for a destroyed one."""


class Commands:
    """Executes orders against the tenants' logs."""

    def __init__(
        self,
        log: TenantLog,
        codec: EventCodec,
        keys: KeyStore,
        key_maker: KeyMaker,
        streams: Streams,
        clock: Clock,
    ) -> None:
        """Wire the path."""
        self.log = log
        self._codec = codec
        self._keys = keys
        self._key_maker = key_maker
        self.clock = clock
        self.streams = streams
        self._archive = LawArchive(log, codec)
        self._queues = Queues()
        self.blocks = Blocks(LogLedger(self))

    async def execute(self, order: Order) -> Outcome:
        """Accept the order, durably, or raise: a `Refusal` of a rule, or a `LogError`."""
        _permitted(order)
        moment = self.clock()
        command_id = new_id(moment)
        target = order.target or order.fresh_target or new_id(moment)
        receipt, *older = self._receipt_keys(order, command_id)
        if older and order.key is not None:
            head = await self.log.head(order.principal.tenant_id)
            order = await self._reauthorised_since(order, head) or order
            if known := await self._known(order, older):
                return known  # accepted under a pseudonym key that was the current one then
        with Contention(self._queues) as contention:
            return await self._tried(order, contention, receipt, command_id, target)

    async def _tried(
        self, order: Order, contention: Contention, receipt: ReceiptKey, command_id: UUID, target: UUID
    ) -> Outcome:
        """Decide and append until it is done, or is not to be."""
        # `looked_at`: where the log stood before what was decided on was read
        attempts, fresh, looked_at = 0, False, None
        while attempts < _ATTEMPTS:
            attempts += 1
            unit = self._unit(order, command_id, target, fresh=fresh, blocks=self.blocks)
            try:
                await self._decide(order, unit, assume_new=order.target is None)
                if not (unit.events or fresh):
                    # A no-op is an answer too, and this one may come from a stale cache.
                    fresh = True
                    continue
                appended = await self._append(order, unit, receipt)
            except VersionConflict as met:
                unit.forget()
                unit.sending.went_not(met.stream)
                fresh, attempts = True, attempts - 1
                await contention.let_pass(order.principal.tenant_id, met.stream)
            except StaleAuthorisation:
                unit.sending.went_not()
                order = await self._reauthorised(order)
            except Refusal as refusal:
                unit.sending.went_not()
                # A refusal and an answer given again tell of the log too: to nobody whose key was revoked.
                head = await self.log.head(order.principal.tenant_id)
                if (anew := await self._reauthorised_since(order, head)) is not None:
                    order = anew
                    continue
                if order.key is not None and (known := await self._known(order, [receipt])) is not None:
                    return known
                if fresh and looked_at is not None:
                    refusal.decided_at = looked_at
                    raise
                # What is read from now on holds everything up to here.
                fresh, looked_at = True, _token(head)
            except BaseException:
                unit.sending.went_perhaps()
                raise
            else:
                return await self._outcome(order, unit, target, command_id, appended)
        raise TooMuchContention

    async def rehearse(self, order: Order, overlay: MutableMapping[str, Folded] | None = None) -> Outcome:
        """Decide as `execute` would, and append nothing: no receipt, no key, no port is touched."""
        _permitted(order)
        moment = self.clock()
        command_id = new_id(moment)
        target = order.target or order.fresh_target or new_id(moment)
        unit = self._unit(order, command_id, target, fresh=True, overlay=overlay)
        await self._decide(order, unit, assume_new=order.target is None)
        unit.remember_virtually()
        stream = stream_name(type(order.command).stream, target)
        return Outcome(
            command_id,
            target,
            None,
            (),
            unit.version_of(stream),
            rehearsed=tuple(event for name, event in unit.events if order.shows(name, stream)),
            told=order.told(event for _, event in unit.events),
        )

    def _unit(
        self,
        order: Order,
        command_id: UUID,
        target: UUID,
        *,
        fresh: bool,
        overlay: MutableMapping[str, Folded] | None = None,
        blocks: Blocks | None = None,
    ) -> Unit:
        principal = order.principal
        stamp = Stamp(self.clock(), command_id, principal.actor, principal.tenant_id, target)
        held = principal.everything_held
        return Unit(
            self.streams, stamp, principal_permissions=held, fresh=fresh, overlay=overlay, blocks=blocks
        )

    async def _decide(self, order: Order, unit: Unit, *, assume_new: bool) -> None:
        command = order.command.stamped(unit.stamp)
        confined = order.principal.confined_to(type(command).permission)
        if confined is not None:
            if assume_new:
                unit.assume_new(type(command).stream, unit.stamp.target)
            await enter(confined, command, unit)
        await decide(command, unit, assume_new=assume_new)
        stream = stream_name(type(command).stream, unit.stamp.target)
        if (
            order.expected_version is not None
            and (current := unit.version_of(stream)) != order.expected_version
        ):
            raise StaleVersion(
                f"the stream is at version {current}, not {order.expected_version}",
                current=current,
            )
        if confined is not None:
            state = unit.state(type(command).stream, unit.stamp.target)
            leave(confined, command, [event for _, event in unit.events], state)

    async def _append(self, order: Order, unit: Unit, receipt: ReceiptKey) -> Appended:
        events = await self.encode(unit, self._cause(order, unit.stamp))
        request = Append(
            unit.tenant_id,
            tuple(events),
            unit.expected(),
            receipt,
            auth_epoch=order.principal.auth_epoch,
            opens_log=order.opens_log,
        )
        return await self.log.append(request)

    async def encode(self, unit: Unit, cause: Cause) -> list[NewEvent]:
        """A unit's events as they will be stored; their subjects' keys, and the actor's, are durable afterwards.

        Raises `SubjectIsErased`.
        """
        tenant_id = unit.tenant_id
        needed = self._codec.keys_of(tenant_id, (event for _, event in unit.events), cause)
        try:
            if needed:
                await self._key_maker.ensure(needed)
            if len(unit.events) <= _AT_A_STRETCH:
                return self._codec.encode(tenant_id, unit.events, cause, needed)
            encoded: list[NewEvent] = []
            for start in range(0, len(unit.events), _AT_A_STRETCH):
                await asyncio.sleep(0)
                encoded += self._codec.encode(tenant_id, unit.events[start : start + _AT_A_STRETCH], cause)
        except LookupError as error:
            raise SubjectIsErased from error
        return encoded

    async def make_keys(self, keys: Sequence[SubjectKey]) -> None:
        """Make subject keys durable before their turn. Raises `LookupError` for a destroyed one."""
        await self._key_maker.ensure(keys)

    async def state(self, tenant_id: UUID, category: str, key: UUID) -> Any:
        """The present state of one stream, read from the log."""
        wanted = [(DECIDERS[category], stream_name(category, key))]
        return (await self.streams.load(tenant_id, wanted, fresh=True))[0][1]

    async def meet(self, principal: Principal, confined: frozenset[UUID], addressee_id: UUID) -> None:
        """Raises `NotFound` for somebody who is not to be seen from these workspaces, as the log tells now."""
        moment = self.clock()
        stamp = Stamp(moment, new_id(moment), principal.actor, principal.tenant_id, addressee_id)
        await met(confined, [addressee_id], Unit(self.streams, stamp, fresh=True))

    async def _reauthorised_since(self, order: Order, head: Head | None) -> Order | None:
        """The order for its caller as the log knows them now, where access to the log changed since; else None."""
        if (
            order.principal.auth_epoch is None
            or head is None
            or head.auth_epoch == order.principal.auth_epoch
        ):
            return None
        return await self._reauthorised(order)

    async def _reauthorised(self, order: Order) -> Order:
        if order.refresh is None:
            raise StaleAuthorisation(StaleAuthorisation.__doc__)
        principal = await order.refresh()
        anew = order._replace(principal=principal)
        _permitted(anew)
        return anew

    async def _outcome(
        self, order: Order, unit: Unit, target: UUID, command_id: UUID, appended: Appended
    ) -> Outcome:
        unit.sending.accepted(appended.replayed, command_id)
        if appended.replayed is not None:
            return await self._rendered_anew(order, appended.replayed, command_id)
        unit.remember(appended.versions)
        stream = stream_name(type(order.command).stream, target)
        # Backwards, since what the log tells is where each stream ended up.
        position, versions = appended.last_position, dict(appended.versions)
        events = []
        for name, event in reversed(unit.events):
            if order.shows(name, stream):
                events.append(Recordable(event.name, name, versions[name], position))
            versions[name] -= 1
            position -= 1
        return Outcome(
            command_id,
            target,
            appended,
            tuple(reversed(events)),
            appended.versions.get(stream, unit.version_of(stream)),
            told=order.told(event for _, event in unit.events),
        )

    async def _known(self, order: Order, keys: Sequence[ReceiptKey]) -> Outcome | None:
        """What was answered under one of these keys before, if anything was."""
        for key in keys:
            receipt = await self.log.receipt(order.principal.tenant_id, [key.key_hmac])
            if receipt is not None:
                if not hmac.compare_digest(receipt.body_hmac, key.body_hmac):
                    raise KeyReused(KeyReused.__doc__)
                return await self._rendered_anew(order, receipt, key.command_id)
        return None

    async def _rendered_anew(self, order: Order, receipt: Receipt, own_id: UUID) -> Outcome:
        tenant_id, category = order.principal.tenant_id, type(order.command).stream
        recorded = await events_of(self.log, tenant_id, receipt)
        head = await self.log.head(tenant_id)
        appended = Appended(
            tenant_id,
            head.epoch if head else 1,
            receipt.first_position,
            receipt.last_position,
            receipt.recorded_at,
            head.auth_epoch if head else 1,
            receipt,
        )
        own = [row for row in recorded if row.category == category]
        target = order.target or (id_of(own[0].stream) if own else receipt.command_id)
        stream = stream_name(category, target)
        events = tuple(
            Recordable(row.name, row.stream, row.version, row.position)
            for row in recorded
            if order.shows(row.stream, stream)
        )
        version = max((row.version for row in own if row.stream == stream), default=0)
        # Its own receipt answers a command whose COMMIT was broken off: nobody was answered before.
        again, command = receipt.command_id != own_id, order.command
        told = await self._told_again(command, self._codec.decode(recorded)) if command.tells else None
        return Outcome(receipt.command_id, target, appended, events, version, replayed=again, told=told)

    async def _told_again(self, command: Command, events: Sequence[Event]) -> dict[str, Any] | None:
        """The answer from the log; a decision is in the words of the packs that it was made by."""
        if isinstance(command, TellsDecision):
            return command.answer_by(events, await self._archive.of_decisions(events))
        return command.answer(events)

    def _cause(self, order: Order, stamp: Stamp) -> Cause:
        command = type(order.command)
        return Cause(
            actor=stamp.actor,
            command_id=stamp.command_id,
            command_name=f"{command.context}.{command.slug}",
            correlation=order.correlation or stamp.command_id,
            causation=order.causation,
            request=order.request_id,
            channel=order.channel,
            ip=order.ip,
            reason=order.principal.because(order.reason),
        )

    def _receipt_keys(self, order: Order, command_id: UUID) -> list[ReceiptKey]:
        """The order's key under each live pseudonym key, the current one first."""
        # A command without a key of its caller's gets its own id for one: so a commit whose answer was lost on the way
        # from the database can be told from one that never was.
        tenant_id, command = order.principal.tenant_id, type(order.command)
        name = f"{command.context}.{command.slug}"
        used_with = b"|".join((name.encode(), str(order.target or "new").encode(), order.body))
        secrets = self.streams.hmacs(tenant_id, order.key_space, order.key or str(command_id))
        return [ReceiptKey(secret, hmac_sha256(secret, used_with), command_id, name) for secret in secrets]

    def receipt_hmacs(self, tenant_id: UUID, key: str) -> list[bytes]:
        """The HMACs under which the receipt of a key may stand."""
        return self.streams.hmacs(tenant_id, KeySpace.CALLERS, key)


def _permitted(order: Order) -> None:
    """Refuse what the caller may not do at all, before anything is read."""
    kind = type(order.command)
    order.principal.require(kind.permission)
    order.principal.may_write(kind.permission)
    if kind.context == _PLATFORM_CONTEXT and order.principal.tenant_id != PLATFORM:
        raise OfThePlatform


def _token(head: Head | None) -> str:
    """The position that a log's head is at; the beginning where there is no log."""
    return Position(1, 0).token() if head is None else Position(head.epoch, head.position).token()
