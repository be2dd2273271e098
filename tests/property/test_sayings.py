"""Whatever workspaces do with their contacts of an address: of its person is known what those that are left say."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.audience.addressee_state import Addressee
from domain.audience.contact import (
    Contact,
    CreateContact,
    RemoveContact,
    RevertContact,
    UpdateContact,
    changed,
)
from domain.audience.intake.vocabularies import SubscriberType
from domain.audience.saying import said_of
from domain.kernel.ids import ImportId, WorkspaceId
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import uid
from tests.support.unit import World

WORKSPACES = [WorkspaceId(uid(10 + number)) for number in range(3)]
COUNTRIES = st.sampled_from([None, "DE", "FR"])
KINDS = st.sampled_from([None, SubscriberType.CORPORATE, SubscriberType.INDIVIDUAL])
WHERE = st.sampled_from(WORKSPACES)


class Sayings(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.made = self.imports = 0
        self.here: dict[WorkspaceId, Contact] = {}
        self.of_import: dict[WorkspaceId, ImportId] = {}
        for workspace in WORKSPACES:
            self.world.run(CreateWorkspace(name="W"), workspace)

    def look(self, workspace: WorkspaceId, contact: Contact) -> None:
        known = self.world.state("contact", contact.contact_id)
        self.here.pop(workspace, None)
        if isinstance(known, Contact):
            self.here[workspace] = known

    @rule(workspace=WHERE, country=COUNTRIES, kind=KINDS)
    def come(self, workspace: WorkspaceId, country: str | None, kind: SubscriberType | None) -> None:
        if workspace in self.here:
            return
        self.made += 1
        command = CreateContact(
            workspace_id=workspace, email="bob@example.org", country=country, subscriber_type=kind
        )
        self.world.run(command, uid(100 + self.made))
        self.look(workspace, self.world.state("contact", uid(100 + self.made)))

    @rule(workspace=WHERE, country=COUNTRIES, kind=KINDS, told=st.sets(st.sampled_from(["country", "kind"])))
    def change(
        self, workspace: WorkspaceId, country: str | None, kind: SubscriberType | None, told: set[str]
    ) -> None:
        contact = self.here.get(workspace)
        if contact is None:
            return
        asked = {"country": country} if "country" in told else {}
        asked |= {"subscriber_type": kind} if "kind" in told else {}
        self.world.run(UpdateContact.model_validate({"first_name": "Bob", **asked}), contact.contact_id)
        self.look(workspace, contact)

    @rule(workspace=WHERE, country=COUNTRIES, kind=KINDS)
    def imported(self, workspace: WorkspaceId, country: str | None, kind: SubscriberType | None) -> None:
        """What a chunk enters: an empty cell says nothing."""
        contact = self.here.get(workspace)
        if contact is None:
            return
        self.imports += 1
        self.of_import[workspace] = ImportId(uid(900 + self.imports))
        wanted = {"country": country, "subscriber_type": kind, "first_name": f"Bob {self.imports}"}
        told = {name: value for name, value in wanted.items() if value is not None}
        self.world.happened("contact", contact.contact_id, *changed(contact, told, self.of_import[workspace]))
        addressee = self.world.state("addressee", contact.addressee_id)
        said = said_of(addressee, contact.addressee_id, workspace, country, kind)
        self.world.happened("addressee", contact.addressee_id, *said)
        self.look(workspace, contact)

    @rule(workspace=WHERE)
    def undone(self, workspace: WorkspaceId) -> None:
        contact = self.here.get(workspace)
        if contact is not None and workspace in self.of_import:
            self.world.run(RevertContact(import_id=self.of_import[workspace]), contact.contact_id)
            self.look(workspace, contact)

    @rule(workspace=WHERE)
    def leave(self, workspace: WorkspaceId) -> None:
        contact = self.here.get(workspace)
        if contact is not None:
            self.world.run(RemoveContact(), contact.contact_id)
            self.look(workspace, contact)

    @invariant()
    def what_is_known_is_what_the_contacts_that_are_there_say(self) -> None:
        for state in self.world.of("addressee").values():
            assert isinstance(state, Addressee)
            segments = [contact.segment for contact in self.here.values()]
            countries = {one.country for one in segments} - {None}
            kinds = {one.subscriber_type for one in segments} - {None}
            person = state.person
            assert person.country == (countries.pop() if len(countries) == 1 else None)
            assert person.subscriber == (kinds.pop() if len(kinds) == 1 else None)
            assert ("country" in person.contradicted) is (len(countries) > 1)
            assert ("subscriber" in person.contradicted) is (len(kinds) > 1)

    def teardown(self) -> None:
        self.world.assert_replays()


TestSayings = Sayings.TestCase
TestSayings.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
