"""What is held of one person, whole: for whoever answers a request for access or portability.

It is made from the log itself, with every value of the person opened: their contacts, removed ones too, what they
said, what was decided about them, what they asked. Beside that stand the lists they are on and the record of processing
activities, as they are now. Who read their data is in the access log, and not in here; nor are the reasons of legal
holds. Its position is that of the last thing told in it, not of the log's head: what happens to others, and that it was
looked at, changes nothing. So the same person at the same position gives the same document, to the byte, while lists
and record stay.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from application.ports.positions import Position
from domain.audience.addressee_events import address_in
from domain.audience.addressee_state import Addressee
from domain.audience.contact import PERSONAL, Contact, ContactCreated
from domain.audience.email import match_form
from domain.audience.email_claim import EmailClaimed
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS
from domain.rights.events import RequestReceived
from domain.rights.kinds import RequestKind
from domain.rights.request import to_be_done
from domain.tenancy.tenant import Tenant
from domain.tenancy.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.log import Head, Recorded, TenantLog
    from application.unit import Streams
    from domain.rights.state import RequestState

_OF_ACTIVITY: Final = (
    "title",
    "purposes",
    "legal_bases",
    "categories_of_data",
    "recipients",
    "transfers",
    "kept_for",
)
"""What a person is told of each activity (GDPR Art. 15(1)(a) to (d), 15(2))."""
PROVIDED: Final = frozenset(
    {
        "audience.confirmation_requested",
        "audience.consent_recorded",
        "audience.consent_confirmed",
        "audience.consent_withdrawn",
        "audience.opted_out",
        "audience.opt_out_told_late",
        "audience.opt_out_narrowed",
        "audience.sale_opted_out",
        "audience.contact_created",
        "audience.contact_updated",
        "rights.request_received",
    }
)
"""What somebody provided about themselves, as far as a log can tell: that is what is portable (GDPR Art. 20(1))."""
NOT_PROVIDED: Final = {
    "audience.addressee_registered": "the address, which stands at the top",
    "audience.addressee_suppressed": "our decision, and why we took it",
    "audience.suppression_lifted": "our decision, and why we took it",
    "audience.entry_retracted": "our correction of what we entered ourselves",
    "audience.relation_recorded": "our note of what is between us",
    "audience.legal_hold_placed": "withheld of access too",
    "audience.legal_hold_released": "withheld of access too",
    "rights.identity_asked": "our question",
    "rights.identity_checked": "our finding",
    "rights.request_extended": "our answer",
    "rights.request_refused": "our answer",
}
"""What is personal of theirs and not portable, and why: it is somebody else's word about them."""
_WITHHELD: Final = frozenset(
    {"audience.legal_hold_placed", "audience.legal_hold_released", "rights.disclosure_made"}
)
"""What a claim is prepared by is not told to who makes it (GDPR Art. 15(4)); nor is how often this was looked at."""
_INNER: Final = frozenset({"addressee_id", "contact_id", "workspace_id", "request_id", "import_id"})
"""Ids of ours, which say nothing of the person and stand once at the top."""
RIGHTS: Final = (
    "You may ask for correction, for erasure, for restriction of processing, and object to it.",
    "Where processing rests on your consent, you may withdraw it at any time.",
    "You may complain to a supervisory authority.",
)
"""GDPR Art. 15(1)(e) and (f)."""


class Besides(Protocol):
    """What no stream of the person's tells of them. Raises `ViewNotReady`, both."""

    async def activities(self, tenant_id: UUID) -> list[dict[str, Any]]:
        """The records of the activities that go on, as `ActivityRecord` has them."""

    async def lists(self, tenant_id: UUID, contacts: Sequence[UUID]) -> dict[UUID, list[str]]:
        """The names of the lists that these contacts are on."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The document, the position of the last thing told in it, and whose data they are.

    `people`: all ids of the person here.
    """

    document: dict[str, Any]
    position: str
    people: tuple[UUID, ...]

    def as_json(self) -> bytes:
        """Machine-readable: JSON, UTF-8, sorted keys."""
        return orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def digest(content: bytes) -> str:
    """SHA-256, hex, as a request's command wants it."""
    return hashlib.sha256(content).hexdigest()


class Disclosing:
    """Opens what is held of a person, for a request whose identity check is done."""

    def __init__(self, log: TenantLog, codec: EventCodec, streams: Streams, besides: Besides) -> None:
        """Read the person from `log`, and lists and what is done with their data from `besides`."""
        self._besides = besides
        self._log = log
        self._codec = codec
        self._streams = streams

    async def of(self, tenant_id: UUID, request_id: UUID) -> Disclosure:
        """What is held of the person a request is about.

        Raises `NotFound`, and what forbids to fulfil the request (`to_be_done`).
        """
        head = await self._log.head(tenant_id)
        if head is None:
            raise NotFound
        state: RequestState = await self._state(head, "subject_request", request_id)
        request, subject = to_be_done(state, RequestKind.ACCESS, RequestKind.PORTABILITY)
        portable = request.kind is RequestKind.PORTABILITY
        own = await self._read(head, [stream_name("addressee", subject)])
        email = address_in(self._codec.decode(own, reveal=True))
        addressee = DECIDERS["addressee"].fold(self._codec.decode(own))
        contacts = await self._contacts(head, email)
        requests = [] if not isinstance(addressee, Addressee) else list(addressee.requests)
        rows = [
            *own,
            *await self._read(head, [stream_name("contact", one) for one in contacts]),
            *await self._read(head, [stream_name("subject_request", one) for one in requests]),
        ]
        rows = sorted((row for row in rows if row.name not in _WITHHELD), key=lambda row: row.position)
        position = Position(head.epoch, rows[-1].position).token()
        tenant = await self._state(head, "tenant", tenant_id)
        lists = await self._besides.lists(tenant_id, contacts)
        document: dict[str, Any] = {
            "about": {
                "kind": request.kind.value,
                "controller": tenant.name if isinstance(tenant, Tenant) else None,
                "email": email,
                "position": position,
                "as_of": rows[-1].recorded_at,
                "rights": list(RIGHTS),
            },
            "contacts": [await self._contact(head, one, lists.get(one, [])) for one in contacts],
            "history": self._history(rows, portable=portable),
        }
        if not portable and isinstance(addressee, Addressee):
            document["standing"] = _standing(addressee)
            document["processing"] = [
                {name: one[name] for name in _OF_ACTIVITY}
                for one in await self._besides.activities(tenant_id)
            ]
        return Disclosure(document, position, (subject, *contacts))

    async def asked(self, tenant_id: UUID, request_id: UUID) -> tuple[dict[str, Any], str]:
        """Who asks and in which words, and what was said of it, as far as it is not forgotten; and the position.

        Raises `NotFound`.
        """
        head = await self._log.head(tenant_id)
        rows = [] if head is None else await self._read(head, [stream_name("subject_request", request_id)])
        events = self._codec.decode(rows, reveal=True)
        if head is None or not events or not isinstance(events[0], RequestReceived):
            raise NotFound
        said = [
            {"at": row.recorded_at, "told": _in_words(row.name), name: getattr(event, name)}
            for row, event in zip(rows[1:], events[1:], strict=True)
            for name in event.personal
            if getattr(event, name) is not None
        ]
        first = events[0]
        asks = {"email": first.email, "requester": first.requester, "words": first.words}
        return {**asks, "said": said}, Position(head.epoch, head.position).token()

    async def _contacts(self, head: Head, email: str | None) -> list[UUID]:
        """Every contact that ever had the address, removed ones too."""
        if email is None:
            return []
        claims = self._streams.pseudonyms(head.tenant_id, "email_claim", match_form(email))
        claimed = await self._read(head, [stream_name("email_claim", one) for one in claims])
        events = self._codec.decode(claimed)
        return list(dict.fromkeys(one.contact_id for one in events if isinstance(one, EmailClaimed)))

    async def _contact(self, head: Head, contact_id: UUID, lists: list[str]) -> dict[str, Any]:
        """A contact as it stands, or as it was entered where it is gone."""
        events = self._codec.decode(await self._read(head, [stream_name("contact", contact_id)]), reveal=True)
        state = DECIDERS["contact"].fold(events)
        created = next(one for one in events if isinstance(one, ContactCreated))
        workspace = await self._state(head, "workspace", created.workspace_id)
        told: dict[str, Any] = {
            "workspace": workspace.name if isinstance(workspace, Workspace) else None,
            "present": isinstance(state, Contact),
            "source": created.segment.source,
            "by_import": created.import_id is not None,
            "lists": lists,
        }
        if isinstance(state, Contact):
            told |= {"email": state.email, **{name: getattr(state, name) for name in PERSONAL}}
            told |= {"country": state.segment.country, "subscriber_type": state.segment.subscriber_type}
        return told

    def _history(self, rows: Sequence[Recorded], *, portable: bool) -> list[dict[str, Any]]:
        """What was entered, in its order, with the words that stand in the log."""
        kept = [row for row in rows if not portable or row.name in PROVIDED]
        shown = self._codec.payloads(kept, reveal=True, evidence=True)
        return [
            {
                "at": row.recorded_at,
                "what": row.name,
                "told": _in_words(row.name),
                "values": {name: value for name, value in values.items() if name not in _INNER},
            }
            for row, values in zip(kept, shown, strict=True)
        ]

    async def _read(self, head: Head, streams: Sequence[str]) -> list[Recorded]:
        if not streams:
            return []
        found = await self._log.read_streams(
            head.tenant_id, [(one, 0) for one in streams], up_to_position=head.position
        )
        return [row for rows in found for row in rows]

    async def _state(self, head: Head, category: str, key: UUID) -> Any:
        decider = DECIDERS[category]
        rows = await self._read(head, [stream_name(category, key)])
        return decider.fold(self._codec.decode(rows))


def _in_words(name: str) -> str:
    """What kind of thing happened: the first sentence of what the event says of itself."""
    known = EVENTS.classes.get(name)
    words = "" if known is None else inspect.getdoc(known) or ""
    return " ".join(words.split()).partition(". ")[0].rstrip(".")


def _standing(addressee: Addressee) -> dict[str, Any]:
    """What holds for the person now."""
    person = addressee.person
    return {
        "country": person.country,
        "subscriber_type": person.subscriber,
        "opted_out_at": addressee.opted_out_at,
        "consents": [_fact(one, "on", "at", "kind", "documented", "withdrawn_at") for one in person.consents],
        "relations": [
            _fact(one, "kind", "on", "ended_on", "refused", "in_writing") for one in person.relations
        ],
        "suppressions": [_fact(one, "kind", "scope", "since", "ended_at") for one in person.suppressions],
        "data_not_sold_since": addressee.sale_opted_out_at,
        "messages_sent": len(addressee.dispatched),
    }


def _fact(one: object, *names: str) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}
