"""What a chunk of rows does to contacts, addressees and reservations: decided together, appended together.

A row becomes exactly one of imported, updated, skipped or rejected. What a row says about consent and withdrawal is
entered beside that, also for rows that are skipped: who said stop has said it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from domain.audience.addressee import Addressee, Consent, NoAddressee, OptOutChannel, consented, opted_out
from domain.audience.admission import Newcomer, admit
from domain.audience.contact import Contact, Segment, changed
from domain.audience.contact_list import ContactList, ListIsArchived, ListMembersAdded
from domain.audience.email_claim import EmailSuppressed
from domain.audience.intake import Candidate, Duplicates, Rejected, Repeat, RowProblem, Source
from domain.kernel.errors import Refusal
from domain.kernel.ids import AddresseeId, ContactId, ImportId, ListId, WorkspaceId, new_id
from domain.kernel.personal import is_hidden

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from application.unit import Unit
    from domain.audience.intake import Address
    from domain.audience.intake.rows import Row

RowOutcome = Candidate | Repeat | Rejected
_CHANNEL: Final = "import"


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
        self.tally = Tally()
        self._there: dict[ContactId, None] = {}

    async def decide(self, rows: Sequence[tuple[Row, RowOutcome]]) -> Tally:
        """Load what the rows are about in three round trips, then take them in order."""
        keys = await self._load([outcome for _, outcome in rows])
        for row, outcome in rows:
            if isinstance(outcome, Rejected):
                self._rejected(outcome, keys)
            else:
                candidate = outcome.candidate if isinstance(outcome, Repeat) else outcome
                self._taken(row, candidate, keys[candidate.email.match])
        return self.tally

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

    async def _load(self, outcomes: Sequence[RowOutcome]) -> dict[str, str]:
        """Reservations of all addresses, then the contacts, addressees and former addressees they name."""
        unit = self._unit
        addresses = {
            address.match: None for outcome in outcomes if (address := _address(outcome)) is not None
        }
        matches = list(addresses)
        keys = dict(zip(matches, await unit.find_many("email_claim", matches), strict=True))
        claims = [unit.state("email_claim", key) for key in keys.values()]
        contacts = [held for claim in claims if (held := claim.contacts.get(self._workspace_id)) is not None]
        known = [who for claim in claims for who in (claim.addressee_id, claim.former) if who is not None]
        if contacts and self._duplicates is Duplicates.UPDATE:
            await unit.load_many("contact", contacts)
        if known:
            await unit.load_many("addressee", known)
        return keys

    def _rejected(self, outcome: Rejected, keys: dict[str, str]) -> None:
        self.tally.rejected += 1
        self.tally.problems.update(problem.code for problem in outcome.problems)
        self.tally.errors.append((outcome.row, outcome.problems))
        if outcome.withdrawal is not None:
            self._suppressed(keys[outcome.withdrawal.match])

    def _suppressed(self, key: str) -> None:
        """Who said stop has said it, whatever is wrong with the row: also where nobody had the address so far."""
        claim = self._unit.state("email_claim", key)
        addressee_id = claim.addressee_id or claim.former
        if addressee_id is None:
            addressee_id = AddresseeId(new_id(self._at))
            self._unit.assume_new("addressee", addressee_id)
            self._unit.append("email_claim", key, EmailSuppressed(addressee_id=addressee_id))
        self._withdrawn(addressee_id)

    def _taken(self, row: Row, candidate: Candidate, key: str) -> None:
        self.tally.warnings.update(warning.code for warning in candidate.warnings)
        claim = self._unit.state("email_claim", key)
        contact_id = claim.contacts.get(self._workspace_id)
        if contact_id is None:
            addressee_id = self._admitted(candidate, key)
            self.tally.imported += 1
        else:
            addressee_id = claim.addressee_id
            self._met(row, candidate, contact_id)
        if candidate.opted_in_at is not None and (
            contact_id is None or self._duplicates is Duplicates.UPDATE
        ):
            self._consented(candidate, addressee_id)
        if candidate.unsubscribed:
            self._withdrawn(addressee_id)

    def _admitted(self, candidate: Candidate, key: str) -> AddresseeId:
        unit = self._unit
        claim = unit.state("email_claim", key)
        contact_id, fresh = ContactId(new_id(self._at)), AddresseeId(new_id(self._at))
        unit.assume_new("contact", contact_id)
        former = NoAddressee() if claim.former is None else unit.state("addressee", claim.former)
        if claim.addressee_id is None:
            unit.assume_new("addressee", fresh)
        newcomer = Newcomer(
            contact_id=contact_id,
            workspace_id=self._workspace_id,
            email=candidate.email.written,
            details=details(candidate),
            segment=Segment(
                country=candidate.country,
                subscriber_type=candidate.subscriber_type,
                source=_source(candidate),
            ),
            import_id=self._import_id,
        )
        admission = admit(newcomer, claim, former, fresh)
        unit.append("email_claim", key, *admission.claim)
        if admission.addressee:
            unit.append("addressee", admission.addressee_id, *admission.addressee)
        if admission.former:
            unit.append("addressee", claim.former, *admission.former)
        unit.append("contact", contact_id, *admission.contact)
        self._there[contact_id] = None
        return admission.addressee_id

    def _met(self, row: Row, candidate: Candidate, contact_id: ContactId) -> None:
        """A row whose address the workspace has: what the import was told to do with those."""
        if self._duplicates is Duplicates.CREATE:
            message = "The workspace has a contact of this address already."
            self._problem(
                row, "address-taken", message, "Import with duplicates=update to change it, or with skip."
            )
            return
        if self._duplicates is Duplicates.SKIP:
            self._there[contact_id] = None
            self.tally.skipped += 1
            return
        contact = self._unit.state("contact", contact_id)
        if not isinstance(contact, Contact) or is_hidden(contact.email):
            self.tally.skipped += 1
            return
        try:
            events = changed(contact, wanted(candidate, contact), self._import_id)
        except Refusal as refusal:
            self._problem(row, refusal.code, refusal.detail, refusal.rule())
            return
        self._unit.append("contact", contact_id, *events)
        self._there[contact_id] = None
        if events:
            self.tally.updated += 1
        else:
            self.tally.skipped += 1

    def _problem(self, row: Row, code: str, message: str, remedy: str) -> None:
        self.tally.rejected += 1
        self.tally.problems[code] += 1
        self.tally.errors.append((row, (RowProblem(row.number, row.line, None, code, message, remedy),)))

    def _consented(self, candidate: Candidate, addressee_id: AddresseeId) -> None:
        state = self._unit.state("addressee", addressee_id)
        occurred_on = candidate.opted_in_at.date() if candidate.opted_in_at is not None else self._at.date()
        if isinstance(state, Addressee) and state.consented_on == occurred_on:
            return  # the same row of the same person, imported again
        consent = Consent(
            occurred_on=occurred_on,
            source=candidate.source,
            recorded_by=_CHANNEL,
            source_text=candidate.opt_in_source,
            ip=candidate.opt_in_ip,
        )
        try:
            events = consented(addressee_id, state, consent, self._at)
        except Refusal as refusal:
            self.tally.warnings[refusal.code] += 1
            return
        self._unit.append("addressee", addressee_id, *events)

    def _withdrawn(self, addressee_id: AddresseeId) -> None:
        """A file says that, not when: it holds from now on, unless the person has said it before."""
        state = self._unit.state("addressee", addressee_id)
        if isinstance(state, NoAddressee) or state.opted_out_at is None:
            self._unit.append(
                "addressee", addressee_id, *opted_out(addressee_id, state, self._at, OptOutChannel.IMPORT)
            )


def details(candidate: Candidate) -> dict[str, Any]:
    """A new contact's personal fields."""
    first, last = candidate.first_name, candidate.last_name
    if first is None and last is None and candidate.full_name is not None:
        first, _, rest = candidate.full_name.partition(" ")
        last = rest.strip() or None
    return {
        "first_name": first,
        "last_name": last,
        "company": candidate.company,
        "title": candidate.title,
        "phone": candidate.phone_e164 or candidate.phone,
        "attributes": _attributes(candidate),
    }


def wanted(candidate: Candidate, contact: Contact) -> dict[str, Any]:
    """What an update asks for: an empty cell says nothing and clears nothing."""
    asked = {name: value for name, value in details(candidate).items() if value is not None}
    asked["attributes"] = {**contact.attributes, **asked.get("attributes", {})}
    if candidate.country is not None:
        asked["country"] = candidate.country
    if candidate.subscriber_type is not None:
        asked["subscriber_type"] = candidate.subscriber_type.value
    return asked


def _attributes(candidate: Candidate) -> dict[str, str]:
    attributes = dict(candidate.attributes)
    if candidate.tags:
        attributes["tags"] = "; ".join(candidate.tags)
    if candidate.notes is not None:
        attributes["notes"] = candidate.notes
    if candidate.last_purchase_at is not None:
        attributes["last_purchase_at"] = candidate.last_purchase_at.isoformat()
    return attributes


def _source(candidate: Candidate) -> str:
    source = Source.IMPORT if candidate.source is Source.UNKNOWN else candidate.source
    return source.value


def _address(outcome: RowOutcome) -> Address | None:
    if isinstance(outcome, Rejected):
        return outcome.withdrawal
    return outcome.candidate.email if isinstance(outcome, Repeat) else outcome.email
