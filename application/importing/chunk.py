"""What a chunk of rows does to contacts, addressees and reservations: decided together, appended together.

A row becomes exactly one of imported, updated, skipped or rejected. Asked to update, one that enters anything about
somebody who is there counts as updated, be it a consent alone. What a row says about a withdrawal is entered also for
rows that are skipped: who said stop has said it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final

from application.comparing import algorithms_of, enter_listed
from application.importing.ahead import Ids
from application.importing.rows import wanted
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.admission import Newcomer, admit
from domain.audience.consent import Consented, consented, opted_out
from domain.audience.consent_commands import OptOutChannel
from domain.audience.contact import Contact, Segment, changed
from domain.audience.contact_list import ContactList, ListIsArchived, ListMembersAdded
from domain.audience.email_claim import EmailSuppressed
from domain.audience.hashed import ADDRESS_HASH
from domain.audience.intake import Duplicates, Rejected, RowProblem
from domain.audience.ledger import unrestricted
from domain.audience.saying import said_of
from domain.audience.undated import ASKED_SINCE, asked_since, unsubscribed
from domain.kernel.errors import Refusal
from domain.kernel.ids import AddresseeId, ContactId, ImportId, ListId, WorkspaceId
from domain.kernel.personal import is_hidden
from domain.tenancy.tenant import SendsFor, Tenant

if TYPE_CHECKING:
    from datetime import date, datetime

    from application.importing.ahead import Ahead
    from application.importing.rows import Slice, Taken
    from application.unit import Unit
    from domain.audience.email_claim import EmailClaim
    from domain.audience.intake.rows import Row
    from domain.law.facts import Consent

_CHANNEL: Final = "import"
_IDS_DRAWN: Final = 200
_AT_A_STRETCH: Final = 4
"""Rows decided between two turns of the loop. A chunk on its way to the disk takes a dozen turns to get there."""


@dataclass(slots=True)
class Tally:
    """What became of a chunk's rows; `errors` holds the rows to give back, with why."""

    imported: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[Row, tuple[RowProblem, ...]]] = field(default_factory=list)


class ChunkDecision:
    """Decides one chunk on one unit of work."""

    def __init__(
        self, unit: Unit, workspace_id: WorkspaceId, import_id: ImportId, duplicates: Duplicates, at: datetime
    ) -> None:
        """`at` is the moment of the chunk: ids, and withdrawals that name no moment, are of it."""
        self._unit = unit
        self._workspace_id = workspace_id
        self._import_id = import_id
        self._duplicates = duplicates
        self._at = at
        self._ids = Ids(at, _IDS_DRAWN)
        self._newcomers: dict[str, AddresseeId] = {}
        self.tally = Tally()
        self._there: dict[ContactId, None] = {}
        self._algorithms: tuple[str, ...] = ()
        self._client: WorkspaceId | None = None

    async def decide(self, rows: Slice, ahead: Ahead) -> Tally:
        """Take the rows in order, on what was looked up for them and on what came since."""
        self._newcomers = ahead.newcomers
        await self._load(ahead)
        await self._load_tenant(rows)
        for number, row in enumerate(rows):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            if isinstance(row, Rejected):
                self._rejected(row, ahead.keys)
            else:
                self._taken(row, ahead.keys[row.match])
        return self.tally

    async def _load(self, ahead: Ahead) -> None:
        """The reservations of all addresses, and whom they name: a chunk on its way may have changed that."""
        unit = self._unit
        claims = await unit.load_many("email_claim", list(ahead.keys.values()))
        if self._duplicates is Duplicates.UPDATE:
            held = [claim.contacts.get(self._workspace_id) for claim in claims]
            await unit.load_many("contact", [contact_id for contact_id in held if contact_id is not None])
        named = [who for claim in claims for who in (claim.addressee_id, claim.former) if who is not None]
        await unit.load_many("addressee", named)

    async def _load_tenant(self, rows: Slice) -> None:
        """Whether it sends for clients; and whatever these addresses may be on its list by, where that has hashes."""
        tenant = await self._unit.load("tenant", self._unit.tenant_id)
        if isinstance(tenant, Tenant) and tenant.sends_for is SendsFor.CLIENTS:
            self._client = self._workspace_id
        self._algorithms = algorithms_of(tenant)
        if self._algorithms:
            keys = [key for row in rows if not isinstance(row, Rejected) for key in self._by_hash(row)]
            await self._unit.load_many(ADDRESS_HASH.category, keys)

    def _by_hash(self, row: Taken) -> tuple[str, ...]:
        return self._unit.keys_by_hash(row.email, row.match, self._algorithms)

    async def list_on(self, list_id: ListId) -> None:
        """Put onto the list who is there after the rows: those that were there before too."""
        state = await self._unit.load("list", list_id)
        if not isinstance(state, ContactList) or state.archived:
            self.tally.warnings[ListIsArchived.code] += len(self._there)
            return
        new = [contact_id for contact_id in self._there if contact_id not in state.members]
        if new:
            added = ListMembersAdded(list_id=list_id, workspace_id=self._workspace_id, contact_ids=new)
            self._unit.append("list", list_id, added)

    def _rejected(self, outcome: Rejected, keys: dict[str, str]) -> None:
        self.tally.rejected += 1
        self.tally.problems.update(problem.code for problem in outcome.problems)
        self.tally.errors.append((outcome.row, outcome.problems))
        if outcome.withdrawal is not None:
            self._suppressed(keys[outcome.withdrawal.match], outcome.withdrawn_at)

    def _suppressed(self, key: str, said_at: datetime | None) -> None:
        """Who said stop has said it, whatever is wrong with the row: also where nobody had the address so far."""
        claim = self._unit.state("email_claim", key)
        addressee_id = claim.addressee_id or claim.former
        if addressee_id is None:
            addressee_id = AddresseeId(self._ids.next())
            self._unit.assume_new("addressee", addressee_id)
            self._unit.append("email_claim", key, EmailSuppressed(addressee_id=addressee_id))
        self._withdrawn(addressee_id, said_at)

    def _taken(self, row: Taken, key: str) -> None:
        if row.warnings:
            self.tally.warnings.update(row.warnings)
        claim = self._unit.state("email_claim", key)
        contact_id = claim.contacts.get(self._workspace_id)
        if claim.addressee_id is not None and self._restricted(row, claim.addressee_id):
            return
        told, known = len(self._unit.events), False
        if contact_id is None:
            addressee = self._admitted(row, key, claim)
            self.tally.imported += 1
        else:
            addressee = claim.addressee_id
            known = self._met(row, contact_id)
        if row.opted_in_on is not None and (contact_id is None or self._duplicates is Duplicates.UPDATE):
            self._consented(row, row.opted_in_on, addressee)
        if row.unsubscribed:
            self._withdrawn(addressee, row.unsubscribed_at)
        if known and self._duplicates is Duplicates.UPDATE and len(self._unit.events) > told:
            self.tally.updated += 1
        elif known:
            self.tally.skipped += 1

    def _restricted(self, row: Taken, addressee_id: AddresseeId) -> bool:
        """Whether the person had the use of their data restricted: then they say stop here, and nothing else."""
        try:
            unrestricted(self._unit.state("addressee", addressee_id))
        except Refusal as refusal:
            self._problem(row, refusal.code, refusal.detail, refusal.rule())
            if row.unsubscribed:
                self._withdrawn(addressee_id, row.unsubscribed_at)
            return True
        return False

    def _admitted(self, row: Taken, key: str, claim: EmailClaim) -> AddresseeId:
        unit = self._unit
        contact_id = ContactId(self._ids.next())
        fresh = self._newcomers.get(row.match) or AddresseeId(self._ids.next())
        contact = str(contact_id)
        unit.assume_new("contact", contact)
        present, former = (
            NoAddressee() if who is None else unit.state("addressee", who)
            for who in (claim.addressee_id, claim.former)
        )
        newcomer = Newcomer(
            contact_id=contact_id,
            workspace_id=self._workspace_id,
            email=row.email,
            details=row.details,
            segment=Segment(country=row.country, subscriber_type=row.subscriber_type, source=row.source),
            import_id=self._import_id,
        )
        admission = admit(newcomer, claim, present, former, fresh)
        unit.append("email_claim", key, *admission.claim)
        if claim.addressee_id is None:
            unit.assume_new("addressee", fresh)
        if admission.addressee:
            unit.append("addressee", admission.addressee_id, *admission.addressee)
        if admission.former:
            unit.append("addressee", claim.former, *admission.former)
        if self._algorithms:
            enter_listed(unit, admission.addressee_id, self._by_hash(row))
        unit.append("contact", contact, *admission.contact)
        self._there[contact_id] = None
        return admission.addressee_id

    def _met(self, row: Taken, contact_id: ContactId) -> bool:
        """A row whose address the workspace has: what the import was told to do with those. False: it is rejected."""
        if self._duplicates is Duplicates.CREATE:
            message = "The workspace has a contact of this address already."
            self._problem(
                row, "address-taken", message, "Import with duplicates=update to change it, or with skip."
            )
            return False
        if self._duplicates is Duplicates.SKIP:
            self._there[contact_id] = None
            return True
        contact = self._unit.state("contact", contact_id)
        if not isinstance(contact, Contact) or is_hidden(contact.email):
            return True
        try:
            events = changed(contact, wanted(row, contact), self._import_id)
        except Refusal as refusal:
            self._problem(row, refusal.code, refusal.detail, refusal.rule())
            return False
        self._unit.append("contact", contact_id, *events)
        self._said(row, contact)
        self._there[contact_id] = None
        return True

    def _said(self, row: Taken, contact: Contact) -> None:
        """What the row says of country and subscriber is said of the addressee too."""
        if row.country is None and row.subscriber_type is None:
            return
        state = self._unit.state("addressee", contact.addressee_id)
        said = said_of(state, contact.addressee_id, self._workspace_id, row.country, row.subscriber_type)
        if said:
            self._unit.append("addressee", contact.addressee_id, *said)

    def _problem(self, row: Taken, code: str, message: str, remedy: str) -> None:
        self.tally.rejected += 1
        self.tally.problems[code] += 1
        self.tally.errors.append((row.row, (RowProblem(row.number, row.line, None, code, message, remedy),)))

    def _consented(self, row: Taken, occurred_on: date, addressee_id: AddresseeId) -> None:
        state = self._unit.state("addressee", addressee_id)
        client = None if self._client is None else str(self._client)
        if isinstance(state, Addressee) and any(
            _is_of(row, one) for one in state.consents if one.workspace == client
        ):
            return  # the same row of the same person, imported again; one that was retracted is entered anew
        consent = Consented(
            occurred_on=occurred_on,
            source=row.consent_source,
            recorded_by=_CHANNEL,
            source_text=row.opt_in_source,
            ip=row.opt_in_ip,
            occurred_at=None if row.opted_in_at is None else row.opted_in_at.astimezone(UTC),
            workspace_id=self._client,
        )
        try:
            events = consented(addressee_id, state, consent, self._at)
        except Refusal as refusal:
            self.tally.warnings[refusal.code] += 1
            return
        self._unit.append("addressee", addressee_id, *events)

    def _withdrawn(self, addressee_id: AddresseeId, said_at: datetime | None) -> None:
        """Where the file does not say when, it holds from when a file of this workspace first said so."""
        state = self._unit.state("addressee", addressee_id)
        if said_at is None:
            of_client = self._client is not None
            said = unsubscribed(addressee_id, state, self._at, self._workspace_id, of_client=of_client)
            if not said and asked_since(state, self._client):
                self.tally.warnings[ASKED_SINCE] += 1
        else:
            said = opted_out(addressee_id, state, said_at.astimezone(UTC), OptOutChannel.IMPORT)
        self._unit.append("addressee", addressee_id, *said)


def _is_of(row: Taken, one: Consent) -> bool:
    """Whether a consent is the one that a row tells of: of its moment; where either is of a day, of its day."""
    if row.opted_in_at is None or one.at is None:
        written = None if row.opted_in_at is None else row.opted_in_at.date()
        return one.on in (row.opted_in_on, written)
    return one.at == row.opted_in_at
