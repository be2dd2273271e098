"""A contact on its own: changes field by field, and what an import did to it."""

import pytest
from pydantic import ValidationError

from domain.audience.contact import (
    CONTACT,
    Contact,
    ContactAlreadyErased,
    ContactCreated,
    ContactErased,
    ContactGone,
    ContactRemoved,
    ContactUpdated,
    CreateContact,
    GoneContact,
    Segment,
    TooManyAttributes,
    UpdateContact,
    changed,
    merged,
    reverted,
)
from domain.kernel.errors import NotFound
from domain.kernel.ids import AddresseeId, ContactId, ImportId, WorkspaceId
from domain.kernel.personal import ERASED, SEALED
from tests.support.given import given, uid

ID, WORKSPACE, ADDRESSEE = ContactId(uid(20)), WorkspaceId(uid(10)), AddresseeId(uid(30))
IMPORT = ImportId(uid(40))
SEGMENT = Segment(country="DE", source="api")
CREATED = ContactCreated(
    contact_id=ID,
    workspace_id=WORKSPACE,
    addressee_id=ADDRESSEE,
    email="bob@example.org",
    first_name="Bob",
    attributes={"size": "big", "tag": "x"},
    segment=SEGMENT,
)
REMOVED = ContactRemoved(
    contact_id=ID, workspace_id=WORKSPACE, addressee_id=ADDRESSEE, segment=SEGMENT, reason="requested"
)
ERASURE = ContactErased(contact_id=ID, workspace_id=WORKSPACE, addressee_id=ADDRESSEE, segment=SEGMENT)


def updated(**parts: object) -> ContactUpdated:
    whole: dict[str, object] = {
        "segment_before": SEGMENT,
        "segment_after": SEGMENT,
        "before": {},
        "after": {},
    }
    ids = {"contact_id": ID, "workspace_id": WORKSPACE, "addressee_id": ADDRESSEE}
    return ContactUpdated.model_validate({**whole, **ids, **parts})


def contact(*events: ContactCreated | ContactUpdated) -> Contact:
    state = CONTACT.fold(list(events))
    assert isinstance(state, Contact)
    return state


def test_fields_left_out_stay_and_null_clears() -> None:
    state = (
        given(CREATED)
        .when(UpdateContact(first_name=None, title="CFO"), target=ID)
        .then(
            updated(before={"first_name": "Bob", "title": None}, after={"first_name": None, "title": "CFO"})
        )
    )
    assert (state.first_name, state.title, state.attributes) == (None, "CFO", {"size": "big", "tag": "x"})


def test_attributes_change_key_by_key() -> None:
    state = (
        given(CREATED)
        .when(UpdateContact(attributes={"tag": None, "new": "y"}), target=ID)
        .then(
            updated(
                before={"attributes": {"size": "big", "tag": "x"}},
                after={"attributes": {"size": "big", "new": "y"}},
            )
        )
    )
    assert state.attributes == {"size": "big", "new": "y"}
    assert merged({"a": "b"}, None) == {}


def test_plain_fields_change_the_segment() -> None:
    state = (
        given(CREATED)
        .when(UpdateContact(country="fr"), target=ID)
        .then(updated(segment_after=Segment(country="FR", source="api")))
    )
    assert state.segment.country == "FR"


def test_a_source_that_is_cleared_is_unknown() -> None:
    state = given(CREATED).when(UpdateContact(source=None), target=ID).state
    assert state.segment.source == "unknown"


@pytest.mark.parametrize(
    "command", [UpdateContact(), UpdateContact(first_name="Bob", country="DE"), UpdateContact(attributes={})]
)
def test_what_changes_nothing_is_no_event(command: UpdateContact) -> None:
    given(CREATED).when(command, target=ID).then()


def test_at_most_fifty_attributes() -> None:
    many: dict[str, str | None] = {str(n): "x" for n in range(49)}
    given(CREATED).when(UpdateContact(attributes=many), target=ID).then(TooManyAttributes)


def test_what_is_not_there_gone_or_erased_does_not_change() -> None:
    change = UpdateContact(first_name="Rob")
    given().when(change, target=ID).then(NotFound)
    given(CREATED, REMOVED).when(change, target=ID).then(ContactGone)
    given(CREATED, ERASURE).when(change, target=ID).then(ContactAlreadyErased)


def test_a_contact_whose_values_are_erased_does_not_change() -> None:
    shown = CREATED.model_copy(update={"email": ERASED, "first_name": ERASED, "attributes": ERASED})
    given(shown).when(UpdateContact(first_name="Rob"), target=ID).then(ContactAlreadyErased)


@pytest.mark.parametrize("mark", [ERASED, SEALED])
def test_hidden_updates_fold_to_hidden_values(mark: str) -> None:
    state = contact(CREATED, updated(before=mark, after=mark))
    assert (state.first_name, state.title) == (mark, mark)


def test_a_removed_contact_keeps_its_address_for_an_erasure_and_an_erased_one_does_not() -> None:
    removed, erased = CONTACT.fold([CREATED, REMOVED]), CONTACT.fold([CREATED, ERASURE])
    assert isinstance(removed, GoneContact)
    assert isinstance(erased, GoneContact)
    assert (removed.email, removed.erased, erased.email, erased.erased) == (
        "bob@example.org",
        False,
        ERASED,
        True,
    )


def test_marks_are_not_taken_for_values() -> None:
    with pytest.raises(ValidationError, match="leave the field out"):
        UpdateContact(first_name=ERASED)


@pytest.mark.parametrize(
    "body",
    [
        {"email": "bob@example.org", "first_name": "a\nb"},
        {"email": "bob@example.org", "first_name": "x" * 101},
        {"email": "bob@example.org", "first_name": "  "},
        {"email": "bob@example.org", "country": "Germany"},
        {"email": "bob"},
        {"email": "bob@example.org", "unknown": 1},
        {"email": "bob@example.org", "attributes": {str(n): "" for n in range(51)}},
        {"email": "bob@example.org", "attributes": {"a\u202eb": "x"}},
    ],
)
def test_bad_fields_are_refused_before_anything_is_decided(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CreateContact.model_validate({"workspace_id": str(WORKSPACE), **body})


class TestRollingBack:
    imported = CREATED.model_copy(update={"import_id": IMPORT})
    by_import = updated(before={"first_name": "Bob"}, after={"first_name": "Robert"}, import_id=IMPORT)
    by_hand = updated(before={"title": None}, after={"title": "CFO"})

    def test_a_contact_that_the_import_made_is_removed(self) -> None:
        event = reverted(contact(self.imported), IMPORT)
        assert isinstance(event, ContactRemoved)
        assert (event.reason, event.import_id) == ("import_rolled_back", IMPORT)

    def test_also_when_the_import_changed_it_again(self) -> None:
        assert isinstance(reverted(contact(self.imported, self.by_import), IMPORT), ContactRemoved)

    def test_a_contact_that_the_import_changed_is_as_before_the_first_change(self) -> None:
        again = updated(before={"first_name": "Robert"}, after={"first_name": "Rupert"}, import_id=IMPORT)
        state = contact(CREATED, self.by_import, again)
        event = reverted(state, IMPORT)
        assert event == updated(before={"first_name": "Rupert"}, after={"first_name": "Bob"})
        after = CONTACT.evolve(state, event)
        assert isinstance(after, Contact)
        assert after.first_name == "Bob"
        assert reverted(after, IMPORT) is None, "rolling back twice does nothing more"

    def test_a_later_change_is_kept(self) -> None:
        assert reverted(contact(self.imported, self.by_hand), IMPORT) is None
        assert reverted(contact(CREATED, self.by_import, self.by_hand), IMPORT) is None

    def test_an_import_after_somebodys_change_is_undone_to_that_change(self) -> None:
        state = contact(CREATED, self.by_hand, self.by_import)
        event = reverted(state, IMPORT)
        after = CONTACT.evolve(state, event)
        assert isinstance(after, Contact)
        assert after.title == "CFO"

    def test_what_another_import_did_since_is_kept(self) -> None:
        other = updated(before={"title": None}, after={"title": "CFO"}, import_id=ImportId(uid(41)))
        assert reverted(contact(CREATED, self.by_import, other), IMPORT) is None

    def test_gone_and_erased_contacts_are_left_alone(self) -> None:
        assert reverted(CONTACT.fold([self.imported, ERASURE]), IMPORT) is None
        assert reverted(CONTACT.fold([self.imported.model_copy(update={"email": ERASED})]), IMPORT) is None


def test_changes_of_an_import_name_it() -> None:
    (event,) = changed(contact(CREATED), {"first_name": "Rob"}, IMPORT)
    assert event.import_id == IMPORT
