"""Contacts with their addresses and addressees under any sequence of commands, imports and roll-backs included."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.contact import (
    Contact,
    ContactState,
    CreateContact,
    EraseContact,
    GoneContact,
    RemoveContact,
    RevertContact,
    UpdateContact,
    changed,
)
from domain.audience.email import match_form
from domain.audience.intake.vocabularies import Source
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import ContactId, ImportId, WorkspaceId
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import uid
from tests.support.unit import World

WORKSPACES = tuple(WorkspaceId(uid(n)) for n in (10, 11))
ADDRESSES = st.sampled_from(
    ["a@x.example", "A@X.example", "b@x.example", "b@Bücher.example", "b@xn--bcher-kva.example"]
)
IMPORTS = st.sampled_from([ImportId(uid(40)), ImportId(uid(41))])
NAMES = st.none() | st.sampled_from(["Ann", "Ben"])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "first_name": NAMES,
        "title": NAMES,
        "country": st.sampled_from([None, "DE", "FR"]),
        "attributes": st.none()
        | st.dictionaries(st.sampled_from("ab"), st.none() | st.just("x"), max_size=2),
    },
)


class ContactMachine(RuleBasedStateMachine):
    contacts: Bundle[ContactId] = Bundle("contacts")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.made = 100
        self.forms: dict[ContactId, str] = {}
        self.said_stop: set[str] = set()
        """Match forms of addresses whose opt-out nobody has lifted."""

    @initialize()
    def workspaces(self) -> None:
        for workspace in WORKSPACES:
            self.world.run(CreateWorkspace(name="W"), workspace)

    def ask(self, command: Command, target: Any) -> bool:
        before = len(self.world.log)
        try:
            self.world.run(command, target)
        except Refusal:
            assert len(self.world.log) == before
            return False
        return True

    def contact(self, contact_id: ContactId) -> ContactState:
        state: ContactState = self.world.state("contact", contact_id)
        return state

    @rule(target=contacts, workspace=st.sampled_from(WORKSPACES), email=ADDRESSES)
    def create(self, workspace: WorkspaceId, email: str) -> Any:
        self.made += 1
        contact_id = ContactId(uid(self.made))
        taken = any(
            isinstance(state, Contact)
            and state.workspace_id == workspace
            and match_form(state.email) == match_form(email)
            for state in self.world.of("contact").values()
        )
        accepted = self.ask(CreateContact(workspace_id=workspace, email=email), contact_id)
        assert accepted is not taken
        self.forms[contact_id] = match_form(email)
        return contact_id if accepted else multiple()

    @rule(contact_id=contacts, changes=CHANGES)
    def update(self, contact_id: ContactId, changes: dict[str, Any]) -> None:
        there = isinstance(self.contact(contact_id), Contact)
        assert self.ask(UpdateContact.model_validate(changes), contact_id) is there

    @rule(contact_id=contacts, changes=CHANGES, import_id=IMPORTS)
    def update_by_import(self, contact_id: ContactId, changes: dict[str, Any], import_id: ImportId) -> None:
        state = self.contact(contact_id)
        if isinstance(state, Contact):
            wanted = {name: value for name, value in changes.items() if name != "attributes"}
            self.world.happened("contact", contact_id, *changed(state, wanted, import_id))

    @rule(contact_id=contacts, import_id=IMPORTS)
    def roll_back(self, contact_id: ContactId, import_id: ImportId) -> None:
        before = self.contact(contact_id)
        assert self.ask(RevertContact(import_id=import_id), contact_id)
        if isinstance(before, Contact) and before.last_import_id != import_id:
            assert self.contact(contact_id) == before

    @rule(contact_id=contacts)
    def remove(self, contact_id: ContactId) -> None:
        there = isinstance(self.contact(contact_id), Contact)
        assert self.ask(RemoveContact(), contact_id) is there

    @rule(contact_id=contacts)
    def erase(self, contact_id: ContactId) -> None:
        self.ask(EraseContact(), contact_id)
        gone = self.contact(contact_id)
        assert isinstance(gone, GoneContact)
        assert self.world.state("addressee", gone.addressee_id).erased

    @rule(contact_id=contacts)
    def say_stop(self, contact_id: ContactId) -> None:
        state = self.contact(contact_id)
        assert isinstance(state, Contact | GoneContact)
        assert self.ask(RecordOptOut(channel=OptOutChannel.REPLY), state.addressee_id)
        self.said_stop.add(self.forms[contact_id])

    @rule(contact_id=contacts, days=st.integers(0, 2), explicit=st.booleans())
    def consent(self, contact_id: ContactId, days: int, *, explicit: bool) -> None:
        state = self.contact(contact_id)
        assert isinstance(state, Contact | GoneContact)
        addressee_id = state.addressee_id
        command = RecordConsent(
            occurred_on=(self.world.now - timedelta(days=days)).date(),
            source=Source.EVENT,
            explicit=explicit,
            wording="Yes." if explicit else None,
        )
        before = self.world.state("addressee", addressee_id)
        self.ask(command, addressee_id)
        after = self.world.state("addressee", addressee_id)
        if after.contactable and not before.contactable:
            assert explicit
            assert command.occurred_on > before.opted_out_at.date()
            self.said_stop.discard(self.forms[contact_id])

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self.world.later(timedelta(days=days))

    @invariant()
    def one_contact_per_workspace_and_address(self) -> None:
        held = [
            (state.workspace_id, match_form(state.email), contact_id)
            for contact_id, state in self.world.of("contact").items()
            if isinstance(state, Contact)
        ]
        assert len({(workspace, form) for workspace, form, _ in held}) == len(held)
        claims = [
            (workspace, str(contact))
            for claim in self.world.of("email_claim").values()
            for workspace, contact in claim.contacts.items()
        ]
        assert sorted(claims) == sorted((workspace, contact) for workspace, _, contact in held)

    @invariant()
    def one_living_addressee_per_address(self) -> None:
        by_form: dict[str, set[Any]] = {}
        for state in self.world.of("contact").values():
            if isinstance(state, Contact):
                by_form.setdefault(match_form(state.email), set()).add(state.addressee_id)
                assert not self.world.state("addressee", state.addressee_id).erased
        assert all(len(addressees) == 1 for addressees in by_form.values())

    @invariant()
    def nobody_who_said_stop_is_contactable(self) -> None:
        for state in self.world.of("contact").values():
            if isinstance(state, Contact) and match_form(state.email) in self.said_stop:
                addressee = self.world.state("addressee", state.addressee_id)
                assert isinstance(addressee, Addressee)
                assert not addressee.contactable

    @invariant()
    def replay_is_deterministic(self) -> None:
        self.world.assert_replays()


TestContact = ContactMachine.TestCase
TestContact.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
