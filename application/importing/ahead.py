"""What a chunk is about, looked up before its turn: while the chunks before it are decided and on their way.

What was looked up may be old by then: what those chunks leave counts more, and the append checks every version.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from domain.audience.intake import Duplicates, Rejected
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.ids import AddresseeId, WorkspaceId, new_id
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.importing.rows import Decidable, Slice
    from application.unit import Folded

_ID_BITS: Final = 74
_ID_BYTES: Final = 10


class Ids:
    """Ids of one moment, their randomness drawn at once: a draw costs more than its bytes."""

    def __init__(self, at: datetime, count: int) -> None:
        """Draw for `count` ids; more are drawn one by one."""
        self._at = at
        self._random = BytesIO(os.urandom(_ID_BYTES * count))

    def next(self) -> UUID:
        """One that was never given out."""
        drawn = self._random.read(_ID_BYTES)
        if len(drawn) < _ID_BYTES:
            return new_id(self._at)
        return new_id(self._at, int.from_bytes(drawn) >> (8 * _ID_BYTES - _ID_BITS))


@dataclass(frozen=True, slots=True)
class Ahead:
    """`keys` of reservations by address, `states` by stream, and `newcomers`: addressees for addresses without one.

    The keys that seal what newcomers say are durable.
    """

    keys: dict[str, str]
    states: dict[str, Folded]
    newcomers: dict[str, AddresseeId]


async def look_ahead(
    commands: Commands, tenant_id: UUID, workspace_id: WorkspaceId, duplicates: Duplicates, rows: Slice
) -> Ahead:
    """Reservations of all addresses, then the contacts, addressees and former addressees they name."""
    streams, matches = commands.streams, {match: None for row in rows if (match := _match(row)) is not None}
    live = {match: streams.pseudonyms(tenant_id, "email_claim", match) for match in matches}
    states: dict[str, Folded] = {}

    async def load(category: str, keys: Iterable[object]) -> None:
        names = [stream_name(category, key) for key in keys]
        folded = await streams.load(tenant_id, [(DECIDERS[category], name) for name in names], fresh=True)
        states.update(zip(names, folded, strict=True))

    await load("email_claim", (key for some in live.values() for key in some))
    nothing = DECIDERS["email_claim"].initial
    keys = {
        match: next((key for key in some if states[f"email_claim:{key}"][1] != nothing), some[0])
        for match, some in live.items()
    }
    claims = [states[f"email_claim:{key}"][1] for key in keys.values()]
    contacts = [held for claim in claims if (held := claim.contacts.get(workspace_id)) is not None]
    addressees = [who for claim in claims for who in (claim.addressee_id, claim.former) if who is not None]
    if contacts and duplicates is Duplicates.UPDATE:
        await load("contact", contacts)
    if addressees:
        await load("addressee", addressees)
    newcomers = await _newcomers(commands, tenant_id, rows, keys, states)
    return Ahead(keys, states, newcomers)


async def _newcomers(
    commands: Commands, tenant_id: UUID, rows: Slice, keys: dict[str, str], states: dict[str, Folded]
) -> dict[str, AddresseeId]:
    """Ids for addresses that nobody has, and the keys of what their rows say."""
    ids = Ids(commands.clock(), len(rows))
    newcomers: dict[str, AddresseeId] = {}
    needed = []
    for row in rows:
        if isinstance(row, Rejected) or states[f"email_claim:{keys[row.match]}"][1].addressee_id is not None:
            continue
        who = newcomers.get(row.match)
        if who is None:
            who = newcomers[row.match] = AddresseeId(ids.next())
            needed.append((tenant_id, str(who), KeyKind.PROFILE))
        if row.opted_in_on is not None and (row.opt_in_source or row.opt_in_ip):
            needed.append((tenant_id, str(who), KeyKind.EVIDENCE))
    if needed:
        await commands.make_keys(needed)
    return newcomers


def _match(row: Decidable) -> str | None:
    """The address that a row is about; None where it has none that may be looked at."""
    if isinstance(row, Rejected):
        return None if row.withdrawal is None else row.withdrawal.match
    return row.match
