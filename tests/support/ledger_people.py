"""Rules of a state machine of people's ledgers: whoever comes, goes and comes back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from domain.audience.addressee_state import Addressee
from domain.audience.contact import Contact, CreateContact, EraseContact, GoneContact
from domain.audience.email import match_form
from domain.audience.intake.vocabularies import SubscriberType
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, TenantId, WorkspaceId
from domain.tenancy.tenant import TenantOpened
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import TENANT, uid
from tests.support.ledger_model import OF_THE_ADDRESS, Person, Words
from tests.support.ledger_values import ADDRESSES, COUNTRIES, HERE, KINDS, WORKSPACES
from tests.support.unit import World


class PeopleOfALedger(RuleBasedStateMachine):
    """Who is there; `known` is what should be known of them."""

    people: Bundle[AddresseeId] = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.made = 100
        self.known: dict[AddresseeId, Person] = {}
        self.words: dict[str, Words] = {}
        self.sender = "GB"

    @initialize(target=people, sender=st.sampled_from(["GB", "DE", "US"]), country=COUNTRIES)
    def open(self, sender: str, country: str | None) -> Any:
        opened = TenantOpened(
            tenant_id=TenantId(TENANT), tenant_name="T", slug="t", plan="business", country=sender
        )
        self.sender = sender
        self.world.happened("tenant", TENANT, opened)
        for workspace in WORKSPACES:
            self.world.run(CreateWorkspace(name="W"), workspace)
        first = self.newcomer(WORKSPACES[0], "a@x.example", country, SubscriberType.CORPORATE)
        second = self.newcomer(WORKSPACES[1], "b@x.example", "DE", SubscriberType.INDIVIDUAL)
        return multiple(first, second)

    def fresh(self) -> UUID:
        self.made += 1
        return uid(self.made)

    def ask(self, command: Command, target: Any) -> list[Event] | None:
        before = len(self.world.log)
        try:
            return self.world.run(command, target)
        except Refusal:
            assert len(self.world.log) == before
            return None

    def version(self, who: AddresseeId) -> int:
        return self.world.states[f"addressee:{who}"][0]

    def person(self, who: AddresseeId) -> Addressee:
        state: Addressee = self.world.state("addressee", who)
        return state

    def newcomer(
        self, workspace: WorkspaceId, email: str, country: str | None, kind: SubscriberType | None
    ) -> AddresseeId | None:
        """Whoever a contact is new of; None where they were there before, or the contact was."""
        contact_id = ContactId(self.fresh())
        command = CreateContact(workspace_id=workspace, email=email, country=country, subscriber_type=kind)
        if self.ask(command, contact_id) is None:
            return None
        who: AddresseeId = self.world.state("contact", contact_id).addressee_id
        if who in self.known:
            return None
        form = match_form(email)
        former = [one for one in self.known.values() if one.words is self.words.get(form)]
        said = self.words.setdefault(form, Words())
        said.come_back()
        self.known[who] = new = Person(said)
        bounced = {
            (kind, place)
            for one in former[-1:]
            for kind, place in one.suppressed.values()
            if kind in OF_THE_ADDRESS
        }
        held = [one for one in self.person(who).suppressions if one.kind in OF_THE_ADDRESS]
        new.suppressed = {one.position: (one.kind, (one.scope, one.within)) for one in held}
        assert set(new.suppressed.values()) == bounced, "an address bounces whoever has it"
        return who

    @rule(target=people, workspace=HERE, email=ADDRESSES, country=COUNTRIES, kind=KINDS)
    def come(
        self, workspace: WorkspaceId, email: str, country: str | None, kind: SubscriberType | None
    ) -> Any:
        who = self.newcomer(workspace, email, country, kind)
        return multiple() if who is None else who

    @rule(target=people, who=people, back=st.booleans())
    def erase(self, who: AddresseeId, *, back: bool) -> Any:
        """Where they have a contact; and they may come back at once, by the same address."""
        for contact in self.world.of("contact").values():
            if isinstance(contact, Contact) and contact.addressee_id == who:
                assert self.ask(EraseContact(), contact.contact_id) is not None
                assert isinstance(self.world.state("contact", contact.contact_id), GoneContact)
                self.known[who].erased = True
                self.known[who].words.forget(self.world.now)
                new = None
                if back:
                    new = self.newcomer(contact.workspace_id, contact.email, "DE", SubscriberType.INDIVIDUAL)
                    assert new is not None
                return multiple() if new is None else new
        return multiple()
