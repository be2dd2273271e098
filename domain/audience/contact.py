"""A contact: one person's address in one workspace, with what the tenant knows of them.

It refers to the tenant's *addressee* of that address, who holds consents and opt-outs and whose keys seal the
personal values here. The address never changes: another address is another contact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.email import EmailText
from domain.audience.erasure_events import told
from domain.audience.intake.vocabularies import Source, SubscriberType
from domain.kernel import limits
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, ImportId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.personal import ERASED, Profile, is_hidden
from domain.kernel.places import CountryCode
from domain.kernel.text import AttributeKey, AttributeText, LineText, PhoneText, ShortText

if TYPE_CHECKING:
    from collections.abc import Sequence

PERSONAL: Final = ("first_name", "last_name", "company", "title", "phone", "attributes")
PLAIN: Final = ("country", "subscriber_type", "source")


class Segment(BaseModel):
    """What is known of a contact that names nobody: it outlives erasure, so that counts stay right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str | None = None
    subscriber_type: str | None = None
    source: str = Source.UNKNOWN.value


class ContactCreated(Event, name="audience.contact_created", version=1, subject="addressee_id"):
    """A contact entered a workspace."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    email: Profile[str]
    first_name: Profile[str | None] = None
    last_name: Profile[str | None] = None
    company: Profile[str | None] = None
    title: Profile[str | None] = None
    phone: Profile[str | None] = None
    attributes: Profile[dict[str, str]] = Field(default_factory=dict)
    segment: Segment
    import_id: ImportId | None = None


class ContactUpdated(Event, name="audience.contact_updated", version=1, subject="addressee_id"):
    """What is known of a contact changed. `before` and `after` hold the changed personal fields alone."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    before: Profile[dict[str, Any]]
    after: Profile[dict[str, Any]]
    segment_before: Segment
    segment_after: Segment
    import_id: ImportId | None = None


class ContactRemoved(Event, name="audience.contact_removed", version=1, subject="addressee_id"):
    """A contact left its workspace; the addressee stays. `reason`: `requested` or `import_rolled_back`."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    segment: Segment
    reason: str
    import_id: ImportId | None = None


class ContactErased(Event, name="audience.contact_erased", version=1, subject="addressee_id"):
    """A contact's person was erased: nothing personal of them can be read again."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    segment: Segment


ContactEvent: TypeAlias = ContactCreated | ContactUpdated | ContactRemoved | ContactErased


@dataclass(frozen=True, slots=True)
class NoContact:
    """Nothing has happened here yet."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it stands. Personal values are `[erased]` once the person is.

    `import_id` made it. `last_import_id` made its latest change, and `before_import` is how it was before
    that import first touched it (None: it was not there).
    """

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    email: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    phone: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    segment: Segment = field(default_factory=Segment)
    import_id: ImportId | None = None
    last_import_id: ImportId | None = None
    before_import: Contact | None = None


@dataclass(frozen=True, slots=True)
class GoneContact:
    """A contact that was removed, or `erased`. Its id is never used again."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    addressee_id: AddresseeId
    email: str
    segment: Segment
    erased: bool


ContactState: TypeAlias = NoContact | Contact | GoneContact


def evolve(state: ContactState, event: ContactEvent) -> ContactState:
    """The contact after `event`."""
    match event:
        case ContactCreated():
            values = {name: getattr(event, name) for name in PERSONAL}
            return Contact(
                contact_id=event.contact_id,
                workspace_id=event.workspace_id,
                addressee_id=event.addressee_id,
                email=event.email,
                segment=event.segment,
                import_id=event.import_id,
                last_import_id=event.import_id,
                **values,
            )
        case ContactUpdated():
            return state if not isinstance(state, Contact) else _updated(state, event)
        case ContactRemoved() | ContactErased():
            is_erased = isinstance(event, ContactErased)
            email = state.email if isinstance(state, Contact) and not is_erased else ERASED
            return GoneContact(
                contact_id=event.contact_id,
                workspace_id=event.workspace_id,
                addressee_id=event.addressee_id,
                email=email,
                segment=event.segment,
                erased=is_erased,
            )
        case _:
            assert_never(event)


def _updated(state: Contact, event: ContactUpdated) -> Contact:
    after: dict[str, Any] = dict.fromkeys(PERSONAL, event.after) if is_hidden(event.after) else event.after
    before = (
        state.before_import if event.import_id == state.last_import_id else replace(state, before_import=None)
    )
    return replace(
        state,
        **after,
        segment=event.segment_after,
        last_import_id=event.import_id,
        before_import=before if event.import_id is not None else None,
    )


class ContactIdTaken(Refusal):
    """A contact's id is used once, also after its removal. Take a new id."""

    code = "contact-id-taken"


class ContactGone(Refusal):
    """A removed contact does not change any more. Create it anew if the person is to be written to."""

    code = "contact-gone"


class ContactAlreadyErased(Refusal):
    """An erased person's values cannot be read, compared or changed. Create a contact anew if the person comes back.

    Where the person was to be erased again: what became of each store is in the certificate under `addressee_id`.
    """

    code = "contact-erased"


class TooManyAttributes(Refusal):
    """A contact has at most 50 attributes of its own. Clear some (set them to null) first."""

    code = "too-many-attributes"
    kind = RefusalKind.INVALID
    field = "/attributes"


class CreateContact(Command, context="audience", stream="contact", permission=Permission.CONTACTS_WRITE):
    """Add a person to a workspace."""

    workspace_id: WorkspaceId
    email: Profile[EmailText]
    first_name: Profile[ShortText | None] = None
    last_name: Profile[ShortText | None] = None
    company: Profile[LineText | None] = None
    title: Profile[LineText | None] = None
    phone: Profile[PhoneText | None] = None
    attributes: Profile[dict[AttributeKey, AttributeText]] = Field(
        default_factory=dict, max_length=limits.ATTRIBUTES
    )
    country: CountryCode | None = None
    subscriber_type: SubscriberType | None = None
    source: Source = Source.API


class UpdateContact(Command, context="audience", stream="contact", permission=Permission.CONTACTS_WRITE):
    """Change what is known of a contact: fields left out stay, null clears; attributes change key by key."""

    first_name: Profile[ShortText | None] = None
    last_name: Profile[ShortText | None] = None
    company: Profile[LineText | None] = None
    title: Profile[LineText | None] = None
    phone: Profile[PhoneText | None] = None
    attributes: Profile[
        Annotated[dict[AttributeKey, AttributeText | None], Field(max_length=limits.ATTRIBUTES)] | None
    ] = None
    country: CountryCode | None = None
    subscriber_type: SubscriberType | None = None
    source: Source | None = None


class RemoveContact(Command, context="audience", stream="contact", permission=Permission.CONTACTS_WRITE):
    """Take a contact out of its workspace, with what it says of country and subscriber; consents and opt-outs stay."""


class EraseContact(Command, context="audience", stream="contact", permission=Permission.CONTACTS_ERASE):
    """Erase a person in the whole tenant for good; their opt-out goes on holding."""

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """Whose certificate to look for, and until when the proof is kept."""
        return told(events)


class RevertContact(
    Command, context="audience", stream="contact", permission=Permission.INTERNAL, internal=True
):
    """Undo what an import did to a contact, unless somebody changed it since."""

    import_id: ImportId


def existing(state: ContactState) -> Contact:
    """The contact, if it is there and can be changed."""
    match state:
        case NoContact():
            raise NotFound
        case GoneContact(erased=True):
            raise ContactAlreadyErased
        case GoneContact():
            raise ContactGone
        case Contact():
            if is_hidden(state.email):
                raise ContactAlreadyErased
            return state
        case _:
            assert_never(state)


def unused(state: ContactState) -> None:
    """An id under which nothing has been yet."""
    if not isinstance(state, NoContact):
        raise ContactIdTaken


def changed(
    state: Contact, wanted: dict[str, Any], import_id: ImportId | None = None
) -> tuple[ContactUpdated, ...]:
    """The event that gives `state` the values `wanted` (attributes whole), or none if it has them."""
    new = {
        name: value for name, value in wanted.items() if name in PERSONAL and value != getattr(state, name)
    }
    segment = state.segment.model_copy(update={name: wanted[name] for name in PLAIN if name in wanted})
    if not new and segment == state.segment:
        return ()
    if len(new.get("attributes", ())) > limits.ATTRIBUTES:
        raise TooManyAttributes
    return (
        ContactUpdated(
            contact_id=state.contact_id,
            workspace_id=state.workspace_id,
            addressee_id=state.addressee_id,
            before={name: getattr(state, name) for name in new},
            after=new,
            segment_before=state.segment,
            segment_after=segment,
            import_id=import_id,
        ),
    )


def removed(state: Contact, *, reason: str, import_id: ImportId | None = None) -> ContactRemoved:
    """The event that takes a contact out of its workspace."""
    return ContactRemoved(
        contact_id=state.contact_id,
        workspace_id=state.workspace_id,
        addressee_id=state.addressee_id,
        segment=state.segment,
        reason=reason,
        import_id=import_id,
    )


def erased(state: Contact | GoneContact) -> ContactErased:
    """The event that says the contact's person was erased."""
    return ContactErased(
        contact_id=state.contact_id,
        workspace_id=state.workspace_id,
        addressee_id=state.addressee_id,
        segment=state.segment,
    )


def merged(known: dict[str, str], asked: dict[str, str | None] | None) -> dict[str, str]:
    """Attributes after a change key by key: null removes one, null for all of them removes all."""
    if asked is None:
        return {}
    return {name: value for name, value in {**known, **asked}.items() if value is not None}


def decide(command: UpdateContact, state: ContactState) -> tuple[Event, ...]:
    """What a command on a contact alone does; the others touch its address too (see the handlers)."""
    contact = existing(state)
    wanted: dict[str, Any] = {name: getattr(command, name) for name in command.model_fields_set}
    if "attributes" in wanted:
        wanted["attributes"] = merged(contact.attributes, wanted["attributes"])
    if "source" in wanted and wanted["source"] is None:
        wanted["source"] = Source.UNKNOWN
    return changed(contact, wanted)


def reverted(state: ContactState, import_id: ImportId) -> ContactUpdated | ContactRemoved | None:
    """What undoes an import on a contact: nothing where somebody removed, erased or changed it since."""
    if not isinstance(state, Contact) or state.last_import_id != import_id or is_hidden(state.email):
        return None
    if state.before_import is None:
        return removed(state, reason="import_rolled_back", import_id=import_id)
    before = state.before_import
    wanted = {name: getattr(before, name) for name in PERSONAL} | before.segment.model_dump()
    # The change back counts as nobody's import: rolling back again must find nothing to do.
    return next(iter(changed(state, wanted)), None)


CONTACT: Final[Decider[ContactState]] = Decider(
    category="contact", initial=NoContact(), evolve=evolve, decide=decide, reveals=True
)
