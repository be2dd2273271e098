"""What every door for questions does first and last: find out who asks, count it, leave a trace, answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from api.http.auditing import must_be_open
from api.http.numbers import whole
from api.http.problems import bad_parameter, invalid_parameters
from api.http.replies import Answer, rate_headers
from api.http.request import Call, parameters
from api.http.versions import deprecation_of
from application.as_of import AT, AT_TIME, must_have_come, position_at
from application.completeness import HEADER, Checkpoints
from application.ports.analytics import InvalidParameters
from application.ports.log import recorded_at
from application.ports.positions import MalformedPosition, Position
from application.rate_limits import READS_BUCKET, READS_PER_COMMAND
from application.reading import Read
from application.replay import BeyondTheLog
from domain.access.reads import ReadKind
from domain.audit.origins import LogKind
from domain.kernel.moments import Moment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from pydantic import BaseModel
    from starlette.requests import Request

    from api.parts import Composition
    from application.completeness import Completeness, Signed
    from application.principals import Principal
    from application.rate_limits import Allowance

MOST: int = 100
USUAL: int = 50
_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(Moment)
_NO_MOMENT: Final = (
    "not a moment from 2000 to 2099; write it with its offset, as 2026-11-30T23:59:59.123456Z, or with +01:00 "
    "(%2B01:00 in an address) in the place of Z"
)


@dataclass(slots=True)
class Asked:
    """A question: from whom, with which parameters, and where the asker stands in their minute."""

    call: Call
    principal: Principal
    allowance: Allowance
    given: dict[str, str]

    def taken(self, *names: str) -> dict[str, str]:
        """These parameters, taken out of those that are left."""
        return {name: self.given.pop(name) for name in names if name in self.given}

    def limit(self) -> int:
        """How many rows are wanted: `limit`, 1 to 100."""
        limit = whole(self.given.pop("limit", str(USUAL)))
        if limit is None or not 1 <= limit <= MOST:
            raise bad_parameter("limit", f"Give a number from 1 to {MOST}.")
        return limit

    def position(self, name: str = "min_position") -> Position | None:
        """A position token among the parameters."""
        text = self.given.pop(name, None)
        return None if text is None else position_of(name, text)

    def read_as(self, model: type[BaseModel], lists: Collection[str] = ()) -> Any:
        """What is left of the parameters, as `model`; those in `lists` hold several values, separated by commas."""
        given: dict[str, Any] = dict(self.given)
        for name in lists:
            if name in given:
                given[name] = given[name].split(",")
        try:
            return model.model_validate_strings(given) if not lists else model.model_validate(given)
        except ValidationError as error:
            raise invalid_parameters(error) from None


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier moment that was asked for. `moment`: by which clock it is judged; None before the first event."""

    position: Position
    moment: datetime | None


def position_of(name: str, text: str) -> Position:
    """Read a position token. Raises a `Problem` that names the parameter."""
    try:
        return Position.parse(text)
    except MalformedPosition as error:
        raise bad_parameter(name, str(error)) from None


def _is_position(text: str) -> bool:
    try:
        Position.parse(text)
    except MalformedPosition:
        return False
    return True


def latest(*positions: Position | None) -> Position | None:
    """The position to wait for where several are asked for."""
    return max((one for one in positions if one is not None), default=None)


class Desk:
    """Base of the doors for questions."""

    def __init__(self, parts: Composition) -> None:
        """Answer with `parts`."""
        self.parts = parts

    async def asked(
        self,
        request: Request,
        name: str,
        known: Collection[str] = (),
        *,
        now: bool = True,
        repeated: Collection[str] = (),
    ) -> Asked:
        """Who asks what. `now`: as the log knows them at this moment; else the door checks that itself.

        `repeated`: parameters that may be given several times; they become one, with commas.
        """
        request.scope["penguin.command"] = name
        call = Call(request.scope)
        callers = self.parts.callers
        principal = await (callers.identify_now(call) if now else callers.identify(call))
        must_be_open(principal, name)
        limit = principal.rate_per_minute * READS_PER_COMMAND
        allowance = await self.parts.rates.take(principal.tenant_id, limit, READS_BUCKET)
        return Asked(call, principal, allowance, parameters(request.scope, frozenset(known), repeated))

    async def reachable(self, asked: Asked, position: Position | None) -> Position | None:
        """A position to wait for. Raises `BeyondTheLog` for one that the log itself has not reached."""
        if position is not None:
            head = await self.parts.log.head(asked.principal.tenant_id)
            if head is None or position > Position(head.epoch, head.position):
                raise BeyondTheLog
        return position

    async def look_back(self, tenant_id: UUID, given: dict[str, str]) -> Position | None:
        """The position that `at_position` or `at_time` names, where one is given: as a number in `given` it stays.

        Raises as `place_named`.
        """
        place = await self.place_named(tenant_id, given, AT, AT_TIME)
        if place is not None:
            given[AT] = str(place.n)
        return place

    async def place_named(
        self, tenant_id: UUID, given: dict[str, str], position: str, moment: str
    ) -> Position | None:
        """The position that one of two parameters names, itself or by a moment; both are taken out of `given`.

        Raises as `place_of`, and `InvalidParameters` for what is no moment or to come, and where both are given.
        """
        place, at = given.pop(position, None), given.pop(moment, None)
        if at is None:
            return None if place is None else await self.place_of(tenant_id, position, place)
        if place is not None:
            words = f"{position} and {moment} are two answers to one question; leave one of them out"
            raise InvalidParameters(((f"/{position}", words), (f"/{moment}", words)))
        try:
            told = _MOMENT.validate_python(at)
        except ValidationError:
            raise InvalidParameters(((f"/{moment}", _NO_MOMENT),)) from None
        head = await self.parts.log.head(tenant_id)
        if head is None:
            raise BeyondTheLog
        must_have_come(moment, told, head, self.parts.clock())
        return await position_at(self.parts.log, head, told)

    async def past(self, tenant_id: UUID, given: dict[str, str], name: str) -> Past | None:
        """The earlier moment that a parameter names, where it is given: by a position or by a time. It is taken out.

        Raises as `place_of`, and `InvalidParameters` for a time to come and for what is neither.
        """
        text = given.pop(name, None)
        if text is None:
            return None
        if not text.isdigit() and not _is_position(text):
            try:
                told = _MOMENT.validate_python(text)
            except ValidationError:
                raise InvalidParameters(((f"/{name}", f"no position, and {_NO_MOMENT}"),)) from None
            head = await self.parts.log.head(tenant_id)
            if head is None:
                raise BeyondTheLog
            must_have_come(name, told, head, self.parts.clock())
            return Past(await position_at(self.parts.log, head, told), told)
        place = await self.place_of(tenant_id, name, text)
        return Past(place, await recorded_at(self.parts.log, tenant_id, place))

    async def place_of(self, tenant_id: UUID, name: str, text: str) -> Position:
        """A position that is given by its number, or by a token of the log as it is.

        Raises `InvalidParameters`, and `BeyondTheLog` for one that the log has not reached.
        """
        head = await self.parts.log.head(tenant_id)
        if head is None:
            raise BeyondTheLog
        if text.isascii() and text.isdigit():
            number = whole(text)
            if number is None:
                raise BeyondTheLog
            told = Position(head.epoch, number)
        else:
            try:
                told = Position.parse(text)
            except MalformedPosition:
                words = "not a position; give its number, or the token that an answer gave, as it was given"
                raise InvalidParameters(((f"/{name}", words),)) from None
        if told.epoch < head.epoch:
            words = "it is of the log before a restore; give the number of a position"
            raise InvalidParameters(((f"/{name}", words),))
        if told > Position(head.epoch, head.position):
            raise BeyondTheLog
        return told

    async def as_of(self, tenant_id: UUID, position: Position) -> str | None:
        """When the event at a position was recorded; None at the beginning."""
        moment = await recorded_at(self.parts.log, tenant_id, position)
        return None if moment is None else moment.isoformat()

    async def trace(
        self,
        asked: Asked,
        query: str,
        kind: ReadKind,
        *,
        position: str | None,
        rows: int | None,
        subjects: Collection[UUID] = (),
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a read, durably, before it is answered. What staff read is always recorded, as theirs."""
        call = asked.call
        read = Read(
            principal=asked.principal,
            query=query,
            kind=ReadKind.STAFF if asked.principal.staff else kind,
            position=position,
            rows=rows,
            subjects=tuple(dict.fromkeys(subjects)),
            filters=orjson.dumps(filters).decode() if filters else None,
            request_id=call.request_id,
            ip=call.ip,
            reason=call.reason,
        )
        await self.parts.access.record(read)

    async def signed(self, asked: Asked, position: Position, log: LogKind = LogKind.EVENTS) -> Signed | None:
        """The checkpoint that what is made from a position can be checked against."""
        return await Checkpoints(self.parts.ledger).of(asked.principal.tenant_id, position, log)

    async def exported(
        self,
        asked: Asked,
        query: str,
        made: Completeness,
        *,
        position: str | None = None,
        filters: Mapping[str, Any] | None = None,
        subjects: Collection[UUID] = (),
    ) -> dict[str, str]:
        """Record an export, durably, and give the headers of its answer: none leaves without its certificate.

        `position`: that of the tenant's log, where the certificate is of the other log.
        """
        await self.trace(
            asked,
            query,
            ReadKind.EXPORT,
            position=position or made.position,
            rows=made.rows,
            subjects=subjects,
            filters=filters,
        )
        return self.certified(asked, made, position)

    def certified(self, asked: Asked, made: Completeness, position: str | None = None) -> dict[str, str]:
        """The headers that all answers have, and the certificate; `position` where it is another log's."""
        return {**self.headers(asked, position or made.position), HEADER: made.header()}

    def answer(
        self,
        asked: Asked,
        content: object,
        position: str | None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer with the headers that all have."""
        return Answer(content, status, {**self.headers(asked, position), **(headers or {})})

    def headers(self, asked: Asked, position: str | None) -> dict[str, str]:
        """The headers that all answers have."""
        told = {"request-id": asked.call.request_id, "penguin-version": asked.call.version}
        if position is not None:
            told["penguin-position"] = position
        told |= deprecation_of(asked.call.scope["penguin.command"])
        return {**told, **rate_headers(asked.allowance)}
