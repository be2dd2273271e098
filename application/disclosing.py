"""What is held of one person, whole: for whoever answers a request for access or portability.

It is made from the log itself, with every value of the person opened: their contacts, removed ones too, what they
said, what was decided about them, what they asked. What is kept of who had their address before and was erased stands
apart, and shut, as a mailbox may have changed hands; so does what was asked from it before anybody was known, and what
is kept of somebody erased where the mailbox alone shows that it is they who ask. Of erased contacts nothing is told, as
nothing of them opens. Beside that stand the lists they are on and the record of processing activities, as they are now.
Who read their data is in the access log, and not in here; nor are the reasons of legal holds. Its position is that of
the last thing told in it, not of the log's head: what happens to others, and that it was looked at, changes nothing. So
the same person at the same position gives the same document, to the byte, while lists and record stay.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import orjson

from application.comparing import algorithms_of
from application.disclosable import (
    KEPT_OF_ANOTHER,
    KEPT_OF_MAILBOX,
    KEPT_WITH_PROOF,
    KEPT_WITHOUT_PROOF,
    OF_ACTIVITY,
    PROVIDED,
    RIGHTS,
    with_names,
    without_ids,
    without_names,
    workspaces_in,
)
from application.disclosed import (
    Holder,
    Kept,
    clients_among,
    in_words,
    is_proven,
    is_told,
    kept_of,
    names_the_id,
    standing,
)
from application.ports.positions import Position
from domain.audience.addressee_events import address_in
from domain.audience.addressee_state import Addressee
from domain.audience.contact import PERSONAL, Contact, ContactCreated
from domain.audience.email import match_form
from domain.audience.email_claim import EmailBarred, EmailClaimed, EmailUnbarred
from domain.audience.hashed import ADDRESS_HASH
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.errors import NotFound
from domain.kernel.personal import is_hidden
from domain.rights.events import RequestReceived
from domain.rights.kinds import RequestKind
from domain.rights.request import to_be_done
from domain.tenancy.tenant import Tenant
from domain.tenancy.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.disclosed import Besides
    from application.ports.codec import EventCodec
    from application.ports.log import Head, Recorded, TenantLog
    from application.unit import Streams
    from domain.audience.email_claim import EmailClaimEvent
    from domain.kernel.ids import AddresseeId
    from domain.rights.state import RequestState

_AT_ONCE: Final = 500
"""Requests that are opened at a time, to see who asked."""
_OF_NOBODY: Final = (EmailBarred, EmailUnbarred)


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
        asking = await self._received(head, request_id)
        person, before = await self._people(head, asking, subject)
        erased = person.state.erased
        shown = not erased or request.surely or names_the_id(asking)
        contacts = [] if erased else await self._contacts(head, person)
        asked = await self._before_known(head, person.email)
        # Whoever was the first to have the address may have asked before: of nobody later is that likely.
        own = asked if shown and not before else []
        requests = dict.fromkeys(
            (*person.state.requests, *own) if not erased else own if shown else [request_id]
        )
        tenant = await self._state(head, "tenant", tenant_id)
        by_hash = [] if erased else await self._by_hash(head, tenant, person.email or asking.email)
        rows = [
            *([] if erased else person.own),
            *by_hash,
            *await self._read(head, [stream_name("contact", one) for one in contacts]),
            *await self._read(head, [stream_name("subject_request", one) for one in requests]),
        ]
        shut = [] if own else asked
        parts = [] if portable else await self._apart(head, person, before, shut, shown=shown)
        opened = [*rows, *(row for one in parts if one.opened for row in one.rows)]
        named = await self._workspaces(head, opened)
        told = [row for part in (rows, *(kept.rows for kept in parts)) for row in part if is_told(row)]
        last = max(told or person.own, key=lambda row: row.position)
        position = Position(head.epoch, last.position).token()
        lists = await self._besides.lists(tenant_id, contacts)
        document: dict[str, Any] = {
            "about": {
                "kind": request.kind.value,
                "controller": tenant.name if isinstance(tenant, Tenant) else None,
                "clients": clients_among(tenant, named),
                "email": person.email,
                "position": position,
                "as_of": last.recorded_at,
                "rights": list(RIGHTS),
            },
            "contacts": [await self._contact(head, one, lists.get(one, [])) for one in contacts],
            "history": self._history(rows, named, portable=portable),
        }
        if not portable:
            if not erased:
                stands = standing(person.state, self._codec.decode(by_hash))
                document["standing"] = with_names(stands, named)
            document["kept_after_erasure"] = [
                _named(kept_of(one), named, opened=one.opened)
                | {"history": self._history(one.rows, named, opened=one.opened)}
                for one in parts
            ]
            document["processing"] = [
                {name: one[name] for name in OF_ACTIVITY} for one in await self._besides.activities(tenant_id)
            ]
        ids = [subject, *(one.person.state.addressee_id for one in parts if one.person is not person)]
        return Disclosure(document, position, (*ids, *contacts))

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
            {"at": row.recorded_at, "told": in_words(row.name), name: getattr(event, name)}
            for row, event in zip(rows[1:], events[1:], strict=True)
            for name in event.personal
            if getattr(event, name) is not None
        ]
        first = events[0]
        asks = {"email": first.email, "requester": first.requester, "words": first.words}
        return {**asks, "said": said}, Position(head.epoch, head.position).token()

    async def _received(self, head: Head, request_id: UUID) -> RequestReceived:
        """How a request came, opened."""
        first = await self._read(head, [stream_name("subject_request", request_id)])
        return cast("RequestReceived", self._codec.decode(first[:1], reveal=True)[0])

    async def _people(
        self, head: Head, asking: RequestReceived, subject: AddresseeId
    ) -> tuple[Holder, list[Holder]]:
        """The one a request is about, and who had their address before, in that order; nobody who has it since.

        The address stands in their own stream. Of who was erased it opens no more: then it is the one the request
        gives, if it was theirs.
        """
        person = await self._person(head, subject)
        email = person.email
        ids: list[AddresseeId] = []
        if email is None and not is_hidden(asking.email):
            email = asking.email
        if email is not None:
            claimed = await self._claimed(head, email)
            ids = list(dict.fromkeys(one.addressee_id for one in claimed if not isinstance(one, _OF_NOBODY)))
        if subject not in ids:
            email, ids = person.email, []
        before = [await self._person(head, one) for one in takewhile(lambda one: one != subject, ids)]
        return replace(person, email=email), before

    async def _person(self, head: Head, addressee_id: AddresseeId) -> Holder:
        own = await self._read(head, [stream_name("addressee", addressee_id)])
        state = DECIDERS["addressee"].fold(self._codec.decode(own))
        known = state if isinstance(state, Addressee) else Addressee(addressee_id)
        return Holder(known, own, address_in(self._codec.decode(own, reveal=True)))

    async def _apart(
        self, head: Head, person: Holder, before: Sequence[Holder], shut: Sequence[UUID], *, shown: bool
    ) -> list[Kept]:
        """What is kept of the erased, with its words where they are the one who asks, as far as that is `shown`.

        What was asked before anybody was known, and stays `shut`, stands with who had the address first.
        """
        found = [Kept(one, list(one.own), KEPT_OF_ANOTHER) for one in before]
        if person.state.erased and shown:
            about = KEPT_WITH_PROOF if is_proven(person) else KEPT_WITHOUT_PROOF
            found.append(Kept(person, await self._left_of(head, person), about, opened=True))
        elif person.state.erased:
            found.append(Kept(person, list(person.own), KEPT_OF_MAILBOX))
        if shut:
            requests = [stream_name("subject_request", one) for one in shut]
            found[0].rows.extend(await self._read(head, requests))
        return found

    async def _left_of(self, head: Head, person: Holder) -> list[Recorded]:
        """What is left of somebody who was erased: their own stream, and what they asked."""
        streams = [stream_name("subject_request", one) for one in person.state.requests]
        return [*person.own, *await self._read(head, streams)]

    async def _before_known(self, head: Head, email: str | None) -> list[UUID]:
        """What was asked from the address while nobody was known by it: each is looked at, as none says whose it is."""
        if email is None:
            return []
        asked = await self._besides.of_nobody(head.tenant_id)
        found: list[UUID] = []
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            streams = [(stream_name("subject_request", one), 0) for one in some]
            read = await self._log.read_streams(
                head.tenant_id, streams, up_to_position=head.position, limit=1
            )
            known = [(one, rows[0]) for one, rows in zip(some, read, strict=True) if rows]
            events = self._codec.decode([row for _, row in known], reveal=True)
            for (request_id, _), event in zip(known, events, strict=True):
                given = event.email if isinstance(event, RequestReceived) else None
                if given is not None and not is_hidden(given) and match_form(given) == match_form(email):
                    found.append(request_id)
        return found

    async def _by_hash(self, head: Head, tenant: object, email: str | None) -> list[Recorded]:
        """What the tenant's list has against the address by its hashes."""
        algorithms = algorithms_of(tenant)
        if email is None or is_hidden(email) or not algorithms:
            return []
        keys = self._streams.addresses.keys_by_hash(head.tenant_id, email, match_form(email), algorithms)
        return await self._read(head, [stream_name(ADDRESS_HASH.category, key) for key in keys])

    async def _claimed(self, head: Head, email: str) -> list[EmailClaimEvent]:
        """What happened to the reservation of an address."""
        claims = self._streams.pseudonyms(head.tenant_id, "email_claim", match_form(email))
        claimed = await self._read(head, [stream_name("email_claim", one) for one in claims])
        return cast("list[EmailClaimEvent]", self._codec.decode(claimed))

    async def _contacts(self, head: Head, person: Holder) -> list[UUID]:
        """Every contact of theirs that ever had the address, removed ones too."""
        claimed = [] if person.email is None else await self._claimed(head, person.email)
        theirs = (
            one.contact_id
            for one in claimed
            if isinstance(one, EmailClaimed) and one.addressee_id == person.state.addressee_id
        )
        return list(dict.fromkeys(theirs))

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

    async def _workspaces(self, head: Head, rows: Sequence[Recorded]) -> dict[str, str]:
        """The names of the workspaces that are named in these: to which something was given, whose mail it is."""
        ids = dict.fromkeys(one for values in self._codec.payloads(rows) for one in workspaces_in(values))
        states = {one: await self._state(head, "workspace", UUID(one)) for one in ids}
        return {one: state.name for one, state in states.items() if isinstance(state, Workspace)}

    def _history(
        self,
        rows: Sequence[Recorded],
        named: Mapping[str, str],
        *,
        portable: bool = False,
        opened: bool = True,
    ) -> list[dict[str, Any]]:
        """What was entered, in its order, with the words that stand in the log where they are `opened`."""
        told = sorted(filter(is_told, rows), key=lambda row: row.position)
        kept = [row for row in told if not portable or row.name in PROVIDED]
        shown = self._codec.payloads(kept, reveal=opened, evidence=opened)
        return [
            {
                "at": row.recorded_at,
                "what": row.name,
                "told": in_words(row.name),
                "values": _named(without_ids(row.name, values), named, opened=opened),
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


def _named(values: dict[str, Any], named: Mapping[str, str], *, opened: bool) -> dict[str, Any]:
    """With the names of the workspaces; of somebody whose words stay shut it is not told with whom they dealt."""
    told: dict[str, Any] = with_names(values, named) if opened else without_names(values)
    return told
