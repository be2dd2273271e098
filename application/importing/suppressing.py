"""What a chunk of a suppression list does: whom it names is found, or entered, and with them what the list says.

An address needs no contact: its addressee is registered where it has none. Of a hash nobody knows whose it is: what the
list says stands under the hash itself. Somebody who was erased is not entered anew; what the list says of them is
entered where their own word is kept.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from application.comparing import algorithms_of, enter_listed
from application.importing.ahead import Ahead, Ids
from application.importing.chunk import Tally
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.addressee_state import NoAddressee
from domain.audience.barring import under_bar
from domain.audience.email_claim import EmailKnown
from domain.audience.hashed import ADDRESS_HASH, listed
from domain.audience.intake import Rejected
from domain.audience.intake.suppressions import of_identity
from domain.audience.listed import Listed, tells_nothing_new_of
from domain.audience.undated import ASKED_SINCE, entered_by_name, is_open, told_nothing_new
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.kernel.personal import KeyKind
from domain.tenancy.tenant import HashedAddressesKept, Tenant
from domain.tenancy.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.unit import Folded, Streams, Unit
    from domain.audience.email_claim import EmailClaim
    from domain.audience.hashed import AddressHash
    from domain.audience.intake import Entry
    from domain.audience.intake.suppressions import Identity

_AT_A_STRETCH: Final = 4
_CLAIM: Final = "email_claim"

if TYPE_CHECKING:
    ListSlice = Sequence[Entry | Rejected]


async def look_ahead_listed(commands: Commands, tenant_id: UUID, rows: ListSlice) -> Ahead:
    """Reservations of all addresses and hashes, the addressees they name, ids and keys for those nobody has."""
    named = dict.fromkeys(entry.whose for row in rows if (entry := _entry(row)) is not None)
    keys, states = await _reserved(commands.streams, tenant_id, list(named))
    newcomers: dict[str, AddresseeId] = {}
    ids = Ids(commands.clock(), len(named))
    for whose, key in keys.items():
        if _is_address(whose) and _addressee(states[stream_name(_CLAIM, key)][1]) is None:
            newcomers[whose] = AddresseeId(ids.next())
    if newcomers:
        await commands.make_keys([(tenant_id, str(who), KeyKind.PROFILE) for who in newcomers.values()])
    return Ahead(keys, states, newcomers)


async def known_of(
    streams: Streams, tenant_id: UUID, workspace_id: WorkspaceId, identities: Sequence[str], at: datetime
) -> int:
    """How many of these entries would tell nothing new; `workspace_id`: whose list it is."""
    told = [of_identity(text) for text in identities]
    keys, states = await _reserved(streams, tenant_id, list(dict.fromkeys(one.whose for one in told)))
    wanted = list(dict.fromkeys(one.workspace for one in told if one.workspace is not None))
    there = await streams.load(
        tenant_id, [(DECIDERS["workspace"], stream_name("workspace", one)) for one in wanted], fresh=True
    )
    workspaces = dict(zip(wanted, (state for _, state in there), strict=True))
    known = 0
    for said in told:
        one, whose = _listed(said, at, workspaces), said.whose
        if not _is_address(whose):
            under: AddressHash = states[stream_name(ADDRESS_HASH.category, keys[whose])][1]
            known += tells_nothing_new_of(under.listed, one)
            continue
        who = _addressee(states[stream_name(_CLAIM, keys[whose])][1])
        if who is not None:
            known += told_nothing_new(states[stream_name("addressee", who)][1], one, workspace_id)
    return known


async def _reserved(
    streams: Streams, tenant_id: UUID, named: Sequence[str]
) -> tuple[dict[str, str], dict[str, Folded]]:
    """The key of each reservation, and the states of all, with those of the addressees that they name."""
    states: dict[str, Folded] = {}
    live = {whose: streams.pseudonyms(tenant_id, _category(whose), whose) for whose in named}

    async def load(wanted: Iterable[tuple[str, object]]) -> None:
        names = [(category, stream_name(category, key)) for category, key in wanted]
        folded = await streams.load(
            tenant_id, [(DECIDERS[category], name) for category, name in names], fresh=True
        )
        states.update(zip((name for _, name in names), folded, strict=True))

    await load((_category(whose), key) for whose, some in live.items() for key in some)
    keys = {
        whose: next((key for key in some if states[stream_name(_category(whose), key)][0]), some[0])
        for whose, some in live.items()
    }
    claims = [states[stream_name(_CLAIM, key)][1] for whose, key in keys.items() if _is_address(whose)]
    people = [who for claim in claims if (who := _addressee(claim)) is not None]
    if people:
        await load(("addressee", who) for who in dict.fromkeys(people))
    return keys, states


def _listed(row: Entry | Identity, at: datetime, workspaces: Mapping[str, object]) -> Listed:
    """What a row says, as of `at` where it does not say since when.

    Where the workspace that it names is none of the tenant's, nobody knows whose mail is meant: then it is all of it.
    """
    own = row.workspace if isinstance(workspaces.get(row.workspace or ""), Workspace) else None
    return Listed(row.kind, row.since or at, row.campaign_type, dated=row.since is not None, workspace=own)


def _entry(row: Entry | Rejected) -> Entry | None:
    """What a row enters: of a rejected one, the stop alone."""
    return row.stop if isinstance(row, Rejected) else row


def _is_address(whose: str) -> bool:
    return "@" in whose


def _category(whose: str) -> str:
    return _CLAIM if _is_address(whose) else ADDRESS_HASH.category


def _addressee(claim: EmailClaim) -> AddresseeId | None:
    """With whom it is entered: who has the address, or who had it."""
    return claim.addressee_id or claim.former


class SuppressionChunk:
    """Decides one chunk on one unit of work. A row that enters nothing new counts as skipped."""

    def __init__(self, unit: Unit, workspace_id: WorkspaceId, at: datetime) -> None:
        """The list is a workspace's, and holds in the whole tenant.

        `at` is the moment of the chunk: of ids, and of entries that name none.
        """
        self._unit = unit
        self._workspace_id = workspace_id
        self._at = at
        self._ids = Ids(at, 0)
        self._algorithms: tuple[str, ...] = ()
        self._workspaces: dict[str, object] = {}
        self.tally = Tally()

    async def decide(self, rows: ListSlice, ahead: Ahead) -> Tally:
        """Take the rows in order, on what was looked up for them and on what came since."""
        await self._load(rows, ahead)
        for number, row in enumerate(rows):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            if isinstance(row, Rejected):
                self.tally.rejected += 1
                self.tally.problems.update(problem.code for problem in row.problems)
                self.tally.errors.append((row.row, row.problems))
                if row.stop is not None:
                    self._taken(row.stop, ahead)
            elif self._taken(row, ahead):
                self.tally.imported += 1
            else:
                self.tally.skipped += 1
        return self.tally

    async def _load(self, rows: ListSlice, ahead: Ahead) -> None:
        unit = self._unit
        self._algorithms = algorithms_of(await unit.load("tenant", unit.tenant_id))
        by_category: dict[str, list[str]] = {_CLAIM: [], ADDRESS_HASH.category: []}
        for whose, key in ahead.keys.items():
            by_category[_category(whose)].append(key)
        if self._algorithms:
            by_category[ADDRESS_HASH.category] += [
                key for row in rows if (entry := _entry(row)) is not None for key in self._by_hash(entry)
            ]
        claims = await unit.load_many(_CLAIM, by_category[_CLAIM])
        await unit.load_many(ADDRESS_HASH.category, by_category[ADDRESS_HASH.category])
        people = [who for claim in claims if (who := _addressee(claim)) is not None]
        await unit.load_many("addressee", people)
        told = (row.workspace for row in rows if not isinstance(row, Rejected) and row.workspace is not None)
        named = list(dict.fromkeys(told))
        self._workspaces = dict(zip(named, await unit.load_many("workspace", named), strict=True))

    def _by_hash(self, row: Entry) -> tuple[str, ...]:
        if row.email is None or row.match is None:
            return ()
        return self._unit.keys_by_hash(row.email, row.match, self._algorithms)

    def _taken(self, row: Entry, ahead: Ahead) -> bool:
        """Enter a row; whether that was anything new."""
        one = _listed(row, self._at, self._workspaces)
        key = ahead.keys[row.whose]
        if row.match is None:
            return self._hashed(row.whose.partition(":")[0], key, one)
        who = self._who(row, key, ahead)
        state = self._unit.state("addressee", who)
        events = entered_by_name(who, state, one, self._workspace_id)
        if not events and is_open(state, one):
            self.tally.warnings[ASKED_SINCE] += 1
        self._unit.append("addressee", who, *events)
        return bool(events)

    def _hashed(self, algorithm: str, key: str, one: Listed) -> bool:
        unit = self._unit
        events = listed(unit.state(ADDRESS_HASH.category, key), algorithm, one)
        unit.append(ADDRESS_HASH.category, key, *events)
        tenant = unit.state("tenant", unit.tenant_id)
        if events and isinstance(tenant, Tenant) and algorithm not in tenant.hashed_by:
            kept = HashedAddressesKept(tenant_id=tenant.tenant_id, algorithm=algorithm)
            unit.append("tenant", unit.tenant_id, kept)
        return bool(events)

    def _who(self, row: Entry, key: str, ahead: Ahead) -> AddresseeId:
        """Who has the address; where nobody ever had it, somebody new, with all that stands against it so far."""
        unit = self._unit
        claim: EmailClaim = unit.state(_CLAIM, key)
        known = _addressee(claim)
        if known is not None:
            return known
        who = ahead.newcomers.get(row.whose) or AddresseeId(self._ids.next())
        unit.assume_new("addressee", who)
        registered = AddresseeRegistered(addressee_id=who, email=row.email or row.whose)
        unit.append("email_claim", key, EmailKnown(addressee_id=who))
        unit.append("addressee", who, registered, *under_bar(who, NoAddressee(), claim))
        enter_listed(unit, who, self._by_hash(row))
        return who
