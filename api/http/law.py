"""The time machine of law over HTTP: past decisions judged again, as JSON lines; and the packs to judge them by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.kinds import INTERNAL
from api.http.problems import problem_of
from api.http.received import file_name
from api.http.replies import ALWAYS, NDJSON, dumps
from api.http.request import must_be, read_body
from application.law_archive import UnknownPack
from application.ports.positions import Position
from application.queries import Params
from application.rejudging import Flip, PackRefused, Question, Tally, instead, usable
from domain.access.reads import ReadKind
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.law.wanted import ENTERED, TO_SETTLE, wanted_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from application.law_archive import Adopted
    from domain.law.pack import Pack

TOML: Final = b"application/toml"
BYTES: Final = b"application/octet-stream"
ACCEPTED: Final = (TOML, b"text/plain", BYTES)
LARGEST: Final = 100_000
"""Bytes of a pack that is sent: ten times the largest there is."""
_UNNAMED: Final = "pack.toml"
_NAME: Final = "law.rejudge"


class Again(Params):
    """Which decisions, by which rules, as known when. Every part that is left out is as it was at each decision."""

    after: Moment | None = Field(default=None, description="Decisions from this moment on.")
    before: Moment | None = Field(default=None, description="Decisions until before this moment.")
    in_force: Moment | None = Field(default=None, description="By the rules in force at this moment.")
    known: Moment | None = Field(default=None, description="By the rules as they were known at this moment.")
    hindsight: bool = Field(
        default=False, description="With what is known of the people now, not what was then."
    )
    today: bool = Field(
        default=False, description="By the packs of today, not the versions of each decision."
    )
    pack: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="By the packs of today, with these versions in place of those of their laws: `law:version`.",
    )


class Law(Desk):
    """Answers from past decisions, and from the packs that they were made by."""

    def routes(self) -> list[Route]:
        """Two."""
        return [
            Route("/v1/law/rejudge", self.rejudge, methods=["GET", "POST"]),
            Route("/v1/law/packs", self.packs, methods=["GET"]),
        ]

    async def rejudge(self, request: Request) -> Response:
        """Lines with how far it is, one for each decision that would be another, and at last what came of it."""
        asked = await self.asked(request, _NAME, (*Again.model_fields, "start"))
        principal = asked.principal
        principal.require(Permission.HISTORY_READ)
        start = await self.reachable(asked, asked.position("start"))
        wanted: Again = asked.read_as(Again, ("pack",))
        sent = await self._sent(request, asked) if request.method == "POST" else []
        packs = await self._packs(wanted, sent)
        question = Question(wanted.after, wanted.before, wanted.in_force, wanted.known, wanted.hindsight)
        head = await self.parts.log.head(principal.tenant_id)
        answers = self.parts.rejudging.answers(
            principal.tenant_id, question, packs, 0 if start is None else start.n
        )
        first = await anext(answers)  # what is wrong with the question is told before an answer begins
        if not isinstance(first, Tally):
            raise TypeError("an answer begins with how far it is")
        epoch = 1 if head is None else head.epoch
        position = Position(epoch, first.until if head is None else head.position).token()
        told = wanted.model_dump(mode="json", exclude_defaults=True)
        if sent:
            told["sent"] = [f"{one.law}:{one.version}" for one in sent]
        await self.trace(asked, _NAME, ReadKind.REPLAY, position=position, rows=0, filters=told)
        headers = {
            **self.headers(asked, position),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        closing = {"position": position, "as_of": self.parts.clock().isoformat()}
        lines = _lines(first, answers, epoch, closing, asked.call.request_id)
        return StreamingResponse(lines, headers=headers, media_type=NDJSON)

    async def _sent(self, request: Request, asked: Asked) -> list[Pack]:
        """The pack in the body."""
        must_be(asked.call, *ACCEPTED)
        body = await read_body(asked.call, request.receive, LARGEST)
        name = file_name(asked.call) or _UNNAMED
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise PackRefused(f"{name}: it is not text in UTF-8. Save it as that.") from None
        return [await asyncio.to_thread(usable, text, name)]

    async def _packs(self, wanted: Again, sent: Sequence[Pack]) -> tuple[Pack, ...] | None:
        """What to judge by; None: by the versions of each decision. Raises `UnknownPack`."""
        named = await self.parts.law_archive.named(wanted.pack)
        for one in sent:
            if any(one.law == other.law for other in named):
                raise UnknownPack(f"The body has {one.law}, and `pack` names it too. A law is judged by one.")
        return instead([*named, *sent]) if wanted.today or named or sent else None

    async def packs(self, request: Request) -> Response:
        """Each version of each law's pack that decisions were ever made by."""
        asked = await self.asked(request, "law.packs")
        principal = asked.principal
        position = await self.parts.position_of(principal.tenant_id)
        found = await self.parts.law_archive.adopted()
        if principal.staff:
            await self.trace(asked, "law.packs", ReadKind.STAFF, position=position, rows=len(found))
        current = {one.pack.law: one.pack.version for one in found}
        content = {
            "data": [_pack(one, current=one.pack.version == current[one.pack.law]) for one in found],
            "next": None,
            "position": position,
            "as_of": None,
        }
        return self.answer(asked, content, position)


def _pack(adopted: Adopted, *, current: bool) -> dict[str, Any]:
    pack = adopted.pack
    counts = {
        "rules": len(pack.rules),
        "deadlines": len(pack.deadlines),
        "content": len(pack.content),
        "also": len(pack.also),
    }
    return {
        "law": pack.law,
        "title": pack.title,
        "countries": pack.countries,
        "version": pack.version,
        "adopted_at": adopted.at,
        "current": current,
        "statements": sum(counts.values()),
        **counts,
        "missing": [_missing(name) for name in wanted_by(pack)],
    }


def _missing(name: str) -> dict[str, str | None]:
    """Which command takes it, or what a lawyer has to settle; neither of names that packs of before have alone."""
    entered = ENTERED.get(name)
    return {
        "name": name,
        "command": entered.command if entered else None,
        "field": entered.field if entered else None,
        "value": entered.value if entered else None,
        "to_settle": TO_SETTLE.get(name),
    }


async def _lines(
    first: Tally, more: AsyncIterator[Flip | Tally], epoch: int, closing: dict[str, Any], request_id: str
) -> AsyncIterator[bytes]:
    """Some lines together; where it breaks off, the last one says why."""
    tally, flips = first, list[bytes]()
    yield _far(tally, epoch)
    try:
        async for one in more:
            if isinstance(one, Flip):
                flips.append(dumps({"flip": one.told()}) + b"\n")
            else:
                tally = one
                yield b"".join(flips) + _far(tally, epoch)
                flips.clear()
    except Exception as error:
        problem = problem_of(error)
        yield dumps({"problem": problem.document(request_id), **closing}) + b"\n"
        if problem.kind is INTERNAL:
            raise
        return
    yield dumps({"summary": tally.told(), **closing}) + b"\n"


def _far(tally: Tally, epoch: int) -> bytes:
    told = {
        "position": Position(epoch, tally.position).token(),
        "until": Position(epoch, tally.until).token(),
        **tally.told(),
    }
    return dumps({"progress": told}) + b"\n"
