"""Imports of any file, with anything happening beside them, stopped and begun anew anywhere: the books balance."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import application.handlers  # noqa: F401 - the handlers register themselves
from adapters.blobs.local import LocalBlobs
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.commanding import Commands
from application.importing import service
from application.importing.rollback import Rollback
from application.importing.running import NoAddresses
from application.importing.service import Imports, Interrupted, Upload
from application.orders import Order
from application.ports.aside import Work
from application.ports.keys import SubjectKey
from application.ports.log import Append, Appended
from application.principals import Principal
from application.unit import Streams
from application.workflow import Because, Workflow
from domain.audience import contact_import
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, RecordOptOut
from domain.audience.contact import (
    Contact,
    CreateContact,
    EraseContact,
    GoneContact,
    RemoveContact,
    UpdateContact,
)
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.email import match_form
from domain.audience.import_commands import StartImport
from domain.audience.import_rollback import RollBackImport
from domain.audience.intake import Duplicates, Mapping
from domain.kernel.commands import DECIDERS, Actor, ActorKind, Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant
from tests.support.contact_files import WORLD
from tests.support.importing import content

T = TypeVar("T")
ROWS_A_CHUNK = 3
PEOPLE = 8


class Killed(BaseException):
    """The process is gone."""


class AtOnce:
    """Work done where it is asked for: the same order of everything, each time."""

    async def stream(self, work: Work[T], *, large: bool) -> AsyncGenerator[T, None]:
        del large
        for result in work():
            await asyncio.sleep(0)
            yield result


class Eventful(MemoryLog):
    """A log in memory: before an append somebody else may come first, and after it the process may be killed."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Callable[[], Coroutine[Any, Any, None]] | None] = []
        self.killed: set[int] = set()
        self.appends = 0
        self._others_turn = False

    async def append(self, request: Append) -> Appended:
        if self._others_turn or request.receipt is None or request.receipt.command != "audience.apply-chunk":
            return await super().append(request)
        self.appends += 1
        turn = self.before.pop(0) if self.before else None
        if turn is not None:
            self._others_turn = True
            await turn()
            self._others_turn = False
        await asyncio.sleep(0)
        done = await super().append(request)
        if self.appends in self.killed:
            raise Killed
        return done


class Keys:
    """Makes keys at once."""

    def __init__(self, codec: JsonCodec) -> None:
        self._ring = codec.ring

    async def ensure(self, keys: Sequence[SubjectKey]) -> None:
        self._ring.make(keys)


@dataclass
class Office:
    """A tenant, and who does everything in it."""

    folder: Path
    log: Eventful = field(default_factory=Eventful)
    tenant_id: UUID = field(default_factory=uuid4)
    workspace_id: WorkspaceId = field(default_factory=lambda: WorkspaceId(uuid4()))

    def __post_init__(self) -> None:
        keys = MemoryKeyStore()
        codec = JsonCodec(keys)
        self.commands = Commands(
            self.log, codec, keys, Keys(codec), Streams(self.log, codec, keys), lambda: datetime.now(UTC)
        )
        self.imports = Imports(
            self.commands, LocalBlobs(self.folder, keys), WORLD, self.commands.clock, AtOnce()
        )
        self.workflow = Workflow(self.commands, self.tenant_id, uuid4(), Because(uuid4()))
        actor = Actor(ActorKind.SYSTEM, self.tenant_id)
        self.principal = Principal(self.tenant_id, actor, frozenset(Permission), None, 0)

    async def open(self) -> None:
        opening = OpenTenant(
            name="Agency",
            tenant_slug="agency",
            plan=Plan.BUSINESS,
            workspace_id=self.workspace_id,
            owner_id=MemberId(uuid4()),
            owner_email="owner@agency.example",
            owner_name="Olga",
        )
        await self.workflow.execute(opening, self.tenant_id, key="open", opens_log=True)

    async def do(self, command: Command, target: UUID | None = None) -> UUID:
        body = command.model_dump_json().encode()
        return (await self.commands.execute(Order(self.principal, command, target, body))).target

    async def take_in(self, file: bytes, duplicates: Duplicates) -> UUID:
        """A file, uploaded and started."""

        async def pieces() -> AsyncIterator[bytes]:
            yield file

        def template(command: Command, target: UUID, body: bytes) -> Order:
            return Order(self.principal, command, target, body)

        upload = Upload(
            self.principal, self.workspace_id, "a.csv", pieces(), 10**6, None, None, None, template
        )
        import_id = (await self.imports.upload(upload)).state.import_id
        await self.do(StartImport(mapping=Mapping(duplicates=duplicates)), import_id)
        return import_id

    async def work_off(self, import_id: UUID) -> Import:
        """Begin until it is over, whatever kills it."""
        while True:
            with suppress(Interrupted, Killed):
                await self.imports.run(self.workflow, import_id, lambda: False)
            state = await self.imports.existing(self.tenant_id, import_id)
            if state.status is not ImportStatus.RUNNING:
                return state

    async def states(self, category: str) -> list[Any]:
        rows = await self.log.read_log(self.tenant_id, limit=10**6)
        names = list({row.stream: None for row in rows if row.category == category})
        wanted = [(DECIDERS[category], name) for name in names]
        return [state for _, state in await self.commands.streams.load(self.tenant_id, wanted, fresh=True)]

    async def contacts(self) -> dict[str, Contact]:
        """By address. Fails where one has two."""
        there = [state for state in await self.states("contact") if isinstance(state, Contact)]
        counted = Counter(match_form(contact.email) for contact in there)
        assert set(counted.values()) <= {1}, "one address, one contact"
        return {match_form(contact.email): contact for contact in there}

    async def happens(self, what: str, who: int) -> None:
        """Something that somebody does; what the rules refuse does not happen."""
        email = f"p{who}@people.example"
        contact = (await self.contacts()).get(email)
        with suppress(Refusal):
            if what == "create":
                await self.do(CreateContact(workspace_id=self.workspace_id, email=email))
            elif contact is None:
                return
            elif what == "update":
                await self.do(UpdateContact(first_name="Changed"), contact.contact_id)
            elif what == "remove":
                await self.do(RemoveContact(), contact.contact_id)
            elif what == "erase":
                await self.do(EraseContact(), contact.contact_id)
            else:
                await self.do(RecordOptOut(channel=OptOutChannel.REPLY), contact.addressee_id)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([*(f"p{n}@people.example" for n in range(PEOPLE)), "P1@People.Example", "nobody"]),
        st.sampled_from(["", "Ann", "Bob"]),
        st.sampled_from(["DE", ""]),
        st.sampled_from(["", "2025-01-31", "2024-06-30", "01/02/2025"]),
        st.sampled_from(["", "yes", "maybe"]),
    ),
    min_size=1,
    max_size=20,
)
EVENTS = st.lists(
    st.none()
    | st.tuples(st.sampled_from(["create", "update", "remove", "erase", "stop"]), st.integers(0, PEOPLE - 1)),
    max_size=10,
)
KILLS = st.sets(st.integers(1, 8), max_size=4)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


async def _life(
    rows: list[tuple[str, ...]],
    duplicates: Duplicates,
    events: list[tuple[str, int] | None],
    kills: set[int],
    folder: Path,
    before: list[tuple[str, int]] | None = None,
) -> tuple[Office, Import]:
    office = Office(folder)
    await office.open()
    for what, who in before or []:
        await office.happens(what, who)
    import_id = await office.take_in(content(*rows), duplicates)
    office.log.killed = kills
    office.log.before = [None if event is None else partial(office.happens, *event) for event in events]
    return office, await office.work_off(import_id)


def _stopped(rows: list[tuple[str, ...]]) -> set[str]:
    """Who said stop in the file, so that it could be understood."""
    return {row[0].lower() for row in rows if row[4] == "yes" and "@" in row[0]}


@QUICK
@given(ROWS, st.sampled_from(Duplicates), EVENTS, KILLS, st.booleans())
def test_the_books_balance(
    rows: list[tuple[str, ...]],
    duplicates: Duplicates,
    events: list[tuple[str, int] | None],
    kills: set[int],
    undo: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    async def check(folder: Path) -> None:
        office, state = await _life(rows, duplicates, events, kills, folder)
        assert state.status is ImportStatus.COMPLETED
        assert state.tally.rows == len(rows) == state.rows
        lines = b"".join(await office.imports.error_file(office.tenant_id, state.import_id))
        assert lines.count(b"\r\n") == state.tally.rejected + bool(state.tally.rejected)
        await office.contacts()
        stopped = _stopped(rows)
        assert not await _contactable(office, stopped), "who said stop has said it, whatever came between"
        if undo:
            await office.do(RollBackImport(), state.import_id)
            await Rollback(office.commands).run(office.workflow, state.import_id, lambda: False)
            left = await office.contacts()
            assert not [c for c in left.values() if c.last_import_id == state.import_id]
            assert not await _contactable(office, stopped), "and no roll-back unsays it"
            gone = [s for s in await office.states("contact") if isinstance(s, GoneContact)]
            undone = (await office.imports.existing(office.tenant_id, state.import_id)).undone
            assert undone.removed <= len(gone)

    _run(check)


async def _contactable(office: Office, emails: set[str]) -> set[str]:
    """Those of these addresses whose addressee may be written to."""
    return {email for email in emails if (await _behind(office, email)).contactable}


async def _behind(office: Office, email: str) -> Addressee:
    """Whoever an address belongs to now."""
    key = office.commands.streams.pseudonyms(office.tenant_id, "email_claim", email)[0]
    wanted = [(DECIDERS["email_claim"], f"email_claim:{key}")]
    ((_, claim),) = await office.commands.streams.load(office.tenant_id, wanted, fresh=True)
    state = await office.commands.state(office.tenant_id, "addressee", claim.addressee_id or claim.former)
    assert isinstance(state, Addressee)
    return state


@QUICK
@given(
    ROWS,
    st.sampled_from(Duplicates),
    st.lists(st.tuples(st.sampled_from(["create", "stop", "erase"]), st.integers(0, PEOPLE - 1)), max_size=6),
    KILLS,
)
def test_a_killed_import_ends_as_one_left_alone(
    rows: list[tuple[str, ...]], duplicates: Duplicates, before: list[tuple[str, int]], kills: set[int]
) -> None:
    async def check(folder: Path) -> None:
        killed = await _result(*await _life(rows, duplicates, [], kills, folder / "a", before))
        alone = await _result(*await _life(rows, duplicates, [], set(), folder / "b", before))
        assert killed == alone

    _run(check)


@QUICK
@given(ROWS, st.sampled_from(Duplicates), KILLS, st.integers(0, 6), st.integers(1, 6))
def test_the_limits_of_an_import_hold_wherever_it_is_killed(
    rows: list[tuple[str, ...]], duplicates: Duplicates, kills: set[int], kept: int, in_vain: int
) -> None:
    async def check(folder: Path) -> None:
        with patch.object(contact_import, "REJECTED_KEPT", kept):
            office, state = await _life(rows, duplicates, [], kills, folder / "a")
            killed = await _result(office, state)
            assert killed == await _result(*await _life(rows, duplicates, [], set(), folder / "b"))
        tally = state.tally
        assert tally.rows == tally.imported + tally.updated + tally.skipped + tally.rejected
        assert tally.rows == state.last_row
        lines = b"".join(await office.imports.error_file(office.tenant_id, state.import_id)).splitlines()
        assert len(lines[1:]) == min(tally.rejected, kept), "the first ones, all of them up to the limit"
        if state.status is ImportStatus.FAILED:
            assert state.failure == NoAddresses.code
            assert tally.rejected == tally.rows >= in_vain
            assert not await office.contacts()
        else:
            assert (state.status, tally.rows) == (ImportStatus.COMPLETED, len(rows))

    with patch.object(contact_import, "READ_IN_VAIN", in_vain):
        _run(check)


async def _result(office: Office, state: Import) -> Any:
    contacts = await office.contacts()
    lines = b"".join(await office.imports.error_file(office.tenant_id, state.import_id))
    rows = await office.log.read_log(office.tenant_id, limit=10**6)
    shown = {match: (c.first_name, c.segment, c.attributes) for match, c in contacts.items()}
    return state.tally, state.problems, state.warnings, lines, shown, Counter(row.name for row in rows)


def _run(check: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(service, "ROWS_A_CHUNK", ROWS_A_CHUNK):
        asyncio.run(check(Path(folder)))
