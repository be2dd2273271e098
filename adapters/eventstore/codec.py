"""From events to the bytes of the log and back.

Bytes are deterministic JSON: keys sorted, no white space, UTF-8, no floats that matter. Personal values stand in them
sealed (`sealing.py`). `docs/envelope.md` gives the bytes with test vectors.
"""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel

from adapters.eventstore.ring import CIPHERS_KEPT, Ring
from adapters.eventstore.sealing import (
    MARK,
    NONCE,
    OPENING,
    PARTS,
    bound_to,
    commits_to,
    disclose,
    dumps,
    plain,
    seal,
    sealed_parts,
)
from application.ports.codec import Unopened
from application.ports.log import NewEvent
from domain.kernel.events import EVENTS, Event
from domain.kernel.personal import ERASED, SEALED, KeyKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from application.ports.codec import Cause, Sealed
    from application.ports.keys import KeyStore, SubjectKey
    from application.ports.log import Recorded

_OF_ACTOR: Final = ("ip", "reason")
"""What metadata says of the actor that is personal: whence they came, and what they wrote."""
_KINDS: Final = {kind.value: kind for kind in KeyKind}
_SEALED_KEPT: Final = 2_000
"""Sealed forms of what actors say of themselves: addresses come again by the thousand, reasons are of any length."""

_AS_STORED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


class JsonCodec:
    """The one codec of the product's logs; implements `EventCodec`."""

    def __init__(self, keys: KeyStore, *, ciphers: int = CIPHERS_KEPT) -> None:
        """Seal and open with the keys of `keys`, keeping `ciphers` of them at hand (2.5 kB each)."""
        self.ring = Ring(keys, ciphers)
        self._sealed_of_actor: OrderedDict[tuple[UUID, UUID, str, str], dict[str, str]] = OrderedDict()

    def keys_of(
        self, tenant_id: UUID, events: Iterable[Event], cause: Cause | None = None
    ) -> list[SubjectKey]:
        """See `EventCodec.keys_of`. What an actor says whose sealed form is at hand needs none."""
        needed: dict[tuple[str, KeyKind], None] = {}
        for event in events:
            if event.personal:
                subject = _subject_of(event)
                values = event.__dict__
                for field, kind, _ in _places(type(event)):
                    if values[field] is not None:
                        needed[subject, kind] = None
        if cause is not None:
            actor = cause.actor.id
            for field, value in (("ip", cause.ip), ("reason", cause.reason)):
                if value is not None and (tenant_id, actor, field, value) not in self._sealed_of_actor:
                    needed[str(actor), KeyKind.EVIDENCE] = None
        return [(tenant_id, subject, kind) for subject, kind in needed]

    def encode(
        self,
        tenant_id: UUID,
        events: Sequence[tuple[str, Event]],
        cause: Cause,
        keys: Sequence[SubjectKey] | None = None,
    ) -> list[NewEvent]:
        """The stored form of `(stream, event)` pairs of one command. Raises `SubjectErased`."""
        metadata = self.encode_cause(tenant_id, cause)
        return [
            NewEvent(stream, event.name, event.schema_version, payload, metadata, event.changes_access)
            for (stream, event), payload in zip(events, self._sealed(tenant_id, events, keys), strict=True)
        ]

    def _sealed(
        self, tenant_id: UUID, events: Sequence[tuple[str, Event]], keys: Sequence[SubjectKey] | None
    ) -> list[bytes]:
        values = sum([len(event.personal) for _, event in events])
        if not values:
            return [_written(event.__dict__) for _, event in events]
        made = self.ring.make(
            self.keys_of(tenant_id, (event for _, event in events)) if keys is None else keys
        )
        ciphers = {(subject, kind): cipher for (_, subject, kind), cipher in made.items()}
        random, tenant = _random(values), f"{tenant_id}|".encode()
        return [
            _payload(tenant, event, ciphers, random) if event.personal else _written(event.__dict__)
            for _, event in events
        ]

    def encode_cause(self, tenant_id: UUID, cause: Cause) -> bytes:
        """The metadata of every event of one command."""
        actor = cause.actor
        return dumps(
            {
                "actor": {
                    "kind": actor.kind.value,
                    "id": actor.id,
                    "member": actor.member,
                    "grant": actor.grant,
                },
                "command": cause.command_id,
                "command_name": cause.command_name,
                "correlation": cause.correlation,
                "causation": cause.causation,
                "request": cause.request,
                "channel": cause.channel,
                "ip": self._seal_of_actor(tenant_id, actor.id, "ip", cause.ip),
                "reason": self._seal_of_actor(tenant_id, actor.id, "reason", cause.reason),
                "workspace": cause.workspace,
            }
        )

    def _seal_of_actor(
        self, tenant_id: UUID, actor: UUID, field: str, value: str | None
    ) -> dict[str, str] | None:
        """One sealed form per actor and value: an actor's requests come by the thousand from one place."""
        if value is None:
            return None
        known = self._sealed_of_actor.get((tenant_id, actor, field, value))
        if known is None:
            subject, kind = str(actor), KeyKind.EVIDENCE
            cipher = self.ring.make([(tenant_id, subject, kind)])[tenant_id, subject, kind]
            known = seal(cipher, tenant_id, subject, kind, field, value)
            self._sealed_of_actor[tenant_id, actor, field, value] = known
            if len(self._sealed_of_actor) > _SEALED_KEPT:
                self._sealed_of_actor.popitem(last=False)
        return known

    def decode(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool | None = None
    ) -> list[Event]:
        """The events, upcast to their current shape. Raises `UnknownEvent`."""
        shown = reveal if evidence is None else evidence
        result: list[Event] = []
        for row, payload in zip(
            recorded, self.payloads(recorded, reveal=reveal, evidence=shown), strict=True
        ):
            cls, current = EVENTS.upcast(row.name, row.schema_version, payload)
            result.append(cls.model_validate(current))
        return result

    def payloads(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool = False
    ) -> list[dict[str, Any]]:
        """The payloads as stored with personal values shown as far as keys, `reveal` and `evidence` allow."""
        parsed = [orjson.loads(row.payload) for row in recorded]
        shapes = [(row.name, row.schema_version) for row in recorded]
        known = {shape: EVENTS.sealed_fields(*shape) for shape in set(shapes)}
        fields = [_or_all(known[shape], content) for shape, content in zip(shapes, parsed, strict=True)]
        return self._reveal(recorded, parsed, fields, reveal=reveal, evidence=evidence)

    def metadata(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool = False
    ) -> list[dict[str, Any]]:
        """The metadata with what the actor wrote (`reveal`) and their address (`evidence`) shown or sealed."""
        parsed = [orjson.loads(row.metadata) if row.metadata else {} for row in recorded]
        for shown, field in ((evidence, "ip"), (reveal, "reason")):
            if not shown:
                # Whatever stands there: reasons were plain words before they were sealed.
                for content in parsed:
                    if content.get(field) is not None:
                        content[field] = SEALED
        if reveal or evidence:
            self._reveal(recorded, parsed, [_OF_ACTOR] * len(parsed), reveal=True, evidence=True)
        return parsed

    def openings(self, tenant_id: UUID, values: Sequence[Sealed]) -> list[tuple[bytes, bytes] | Unopened]:
        """See `EventCodec.openings`."""
        ciphers = self.ring.open((tenant_id, value.subject, value.kind) for value in values)
        return [_opening(ciphers[tenant_id, value.subject, value.kind], tenant_id, value) for value in values]

    def _reveal(
        self,
        recorded: Sequence[Recorded],
        parsed: list[dict[str, Any]],
        places: Sequence[Collection[str]],
        *,
        reveal: bool,
        evidence: bool,
    ) -> list[dict[str, Any]]:
        """Open every personal value in place. Only `places` hold any: a caller's own object may look like one."""
        # Nearly always one key an event: it is looked up, and what a value is bound to is written out, once for all.
        groups: list[tuple[SubjectKey, dict[str, Any], list[str]]] = []
        for row, content, own in zip(recorded, parsed, places, strict=True):
            by_key: dict[tuple[str, str], list[str]] = {}
            for field in own:
                value = content.get(field)
                if type(value) is dict and value.keys() == PARTS:
                    by_key.setdefault((value["s"], value[MARK]), []).append(field)
            for (subject, mark), fields in by_key.items():
                groups.append(((row.tenant_id, subject, _KINDS[mark]), content, fields))
        if not reveal:
            for _, content, fields in groups:
                content.update(dict.fromkeys(fields, SEALED))
            return parsed
        ciphers = self.ring.open([key for key, _, _ in groups])
        for key, content, fields in groups:
            cipher = ciphers[key]
            if cipher is None or (key[2] is KeyKind.EVIDENCE and not evidence):
                content.update(dict.fromkeys(fields, ERASED if cipher is None else SEALED))
                continue
            bound = bound_to(*key, "")
            opened = [plain(cipher, bound + field.encode(), content[field])[OPENING:] for field in fields]
            # One document of all values is read in half the time of one after the other.
            content.update(zip(fields, orjson.loads(b"[%b]" % b",".join(opened)), strict=True))
        return parsed


def _opening(cipher: AESGCM | None, tenant_id: UUID, value: Sealed) -> tuple[bytes, bytes] | Unopened:
    if cipher is None:
        return Unopened.ERASED
    sealed = {MARK: value.kind, "s": value.subject, "c": value.ciphertext, "h": value.commitment}
    try:
        opened = disclose(cipher, tenant_id, value.field, sealed)
        return opened if commits_to(sealed, *opened) else Unopened.DAMAGED
    except (InvalidTag, ValueError, TypeError):  # somebody altered what was stored
        return Unopened.DAMAGED


def _random(values: int) -> Iterator[tuple[bytes, bytes]]:
    """An opening and a nonce for each of a number of values; drawn at once, since a draw costs more than its bytes."""
    if not values:
        return iter(())
    return struct.iter_unpack(f"{OPENING}s{NONCE}s", os.urandom(values * (OPENING + NONCE)))


def _payload(
    tenant: bytes,
    event: Event,
    ciphers: dict[tuple[str, KeyKind], AESGCM],
    random: Iterator[tuple[bytes, bytes]],
) -> bytes:
    """An event's fields with the personal ones sealed; `tenant` as it begins what ciphertexts are bound to."""
    subject = _subject_of(event)
    payload = event.__dict__.copy()
    told = subject.encode()
    owner = tenant + told
    for field, kind, bound in _places(type(event)):
        value = payload[field]
        if value is not None:
            opening, nonce = next(random)
            sealed, commitment = sealed_parts(
                ciphers[subject, kind], owner + bound, _written(value), opening, nonce
            )
            payload[field] = orjson.Fragment(
                b'{"c":"%b","h":"%b","s":"%b","~":"%b"}' % (sealed, commitment, told, kind.encode())
            )
    return _written(payload)


def _written(content: object) -> bytes:
    """`dumps` of what an event holds: ids, moments and models of its own among it."""
    try:
        return orjson.dumps(content, option=_AS_STORED, default=_model)
    except TypeError:  # ids as keys: few events have them, and the option for them slows all others down
        return orjson.dumps(content, option=_AS_STORED | orjson.OPT_NON_STR_KEYS, default=_model)


def _model(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):  # orjson would write its fields in the order of their declaration
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    raise TypeError(f"events hold no {type(value).__name__}")


def _or_all(places: Collection[str] | None, content: dict[str, Any]) -> Collection[str]:
    """Where an event may hold sealed values: anywhere, in one that only a newer product knows."""
    if places is not None:
        return places
    return [
        name
        for name, value in content.items()
        if type(value) is dict and type(value.get(MARK)) is str and value[MARK] in _KINDS
    ]


def _subject_of(event: Event) -> str:
    subject = None if event.subject is None else getattr(event, event.subject)
    if subject is None:
        msg = f"{event.name} has personal fields and no subject"
        raise TypeError(msg)
    return orjson.dumps(subject)[1:-1].decode()  # str() of an id takes three times as long


@cache
def _places(cls: type[Event]) -> tuple[tuple[str, KeyKind, bytes], ...]:
    """The personal fields of an event: name, kind of key, and the end of what their ciphertext is bound to."""
    return tuple((field, kind, f"|{kind}|{field}".encode()) for field, kind in cls.personal.items())


def envelope(recorded: Recorded) -> bytes:
    """The bytes of a stored event that proofs are made over: one JSON object, keys sorted, parts as stored."""
    moment = recorded.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return b"".join(
        (
            b'{"metadata":',
            recorded.metadata,
            b',"name":',
            orjson.dumps(recorded.name),
            b',"payload":',
            recorded.payload,
            b',"position":%d,"recorded_at":"%s","schema_version":%d,"stream":'
            % (recorded.position, moment.encode(), recorded.schema_version),
            orjson.dumps(recorded.stream),
            b',"tenant":"%s","version":%d}' % (str(recorded.tenant_id).encode(), recorded.version),
        )
    )
