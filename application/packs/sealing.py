"""Sealing a pack: figures, document, archive, and the event that proves them, in this order.

The bytes lie in the archive under their own hashes before the event names them: what is sealed can be read. A crash in
between leaves bytes that nothing names, and the same request makes the pack again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from application.charts import Period
from application.packs.definition import MOST_PAGES, PackDefinition, definition_named, read_definitions
from application.packs.document import document_of
from application.packs.drift import Drift, Drifting
from application.packs.figures import Figuring, PackFigures
from application.ports.blobs import BlobDamaged, BlobMissing
from application.ports.log import recorded_at
from application.ports.positions import Position
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.ids import derived_id, new_id
from domain.kernel.money import CurrenciesMixed, Currency
from domain.kernel.permissions import Permission
from domain.kernel.text import legible
from domain.reporting.pack import Pack, PackSealed, SealPack, period_of
from domain.retention.destroying import stream_of
from domain.retention.kinds import Kind

if TYPE_CHECKING:
    from application.commanding import Commands
    from application.orders import Order, Outcome
    from application.ports.analytics import Analytics
    from application.ports.blobs import BlobStore
    from application.ports.press import Press
    from application.principals import Principal
    from domain.kernel.commands import Command

PDF: Final = "pdf"
FIGURES: Final = "json"


class PackTooLong(Refusal):
    """A board pack has eighteen pages at most: nobody reads a longer one. Shorten its title, or its period."""

    code = "board-pack-too-long"
    kind = RefusalKind.INVALID


class TitleUnprintable(Refusal):
    """A title is printed, and these letters the press does not have. Write it in Latin, Greek or Cyrillic letters."""

    code = "board-pack-title-unprintable"
    kind = RefusalKind.INVALID
    field = "/title"


class CurrenciesInPack(Refusal):
    """Amounts of two currencies are never added. Name the one that the pack is to be of in `currency`."""

    code = "board-pack-mixes-currencies"
    kind = RefusalKind.CONFLICT
    field = "/currency"


class PackNotAsSealed(Refusal):
    """What lies in the archive is not what was sealed, or is gone. Restore the archive from a backup."""

    code = "board-pack-not-as-sealed"
    kind = RefusalKind.CONFLICT


class PackDestroyed(Refusal):
    """The files of this pack were destroyed, since nothing kept them any more. Its seal still says what they were."""

    code = "board-pack-destroyed"
    kind = RefusalKind.NOT_FOUND


class PackAsked(BaseModel):
    """Which pack, of which days. The title stands on its first page for ever: say nobody's name in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    definition: Annotated[
        str, Field(max_length=60, description="Name of the pack, as `GET /v1/packs/definitions` lists them.")
    ]
    first: Annotated[date, Field(alias="from", description="First day (UTC).")]
    to: Annotated[date, Field(description="Last day (UTC), included.")]
    currency: Annotated[
        Currency | None,
        Field(
            description="Currency (ISO 4217) of the amounts; those of others are left out, and named on the "
            "first page. Not needed where all are of one."
        ),
    ] = None
    title: Annotated[
        str | None,
        Field(
            max_length=120,
            description="In place of the pack's own title. It stands on the pack for ever: name nobody in it.",
        ),
    ] = None

    @field_validator("title")
    @classmethod
    def _legible(cls, title: str | None) -> str | None:
        if title is not None and not (title.isprintable() and legible(title)):
            raise ValueError("a title is one line that can be read; leave it out for the pack's own")
        return title


@dataclass(frozen=True, slots=True)
class Sealing:
    """A request to seal. `template` makes the order that enters the seal, with the caller's key and context.

    `pack_id`: what the pack is to be known by, which whoever asks for it again asks with; None: a new one.
    """

    principal: Principal
    asked: PackAsked
    pack_id: UUID | None
    template: Callable[[Command, UUID], Order]


class Packs:
    """Seals packs, gives them back, and tells how far their figures have moved."""

    def __init__(self, commands: Commands, analytics: Analytics, blobs: BlobStore, press: Press) -> None:
        """Keep packs in `blobs`; print with `press`."""
        self._commands = commands
        self._analytics = analytics
        self._blobs = blobs
        self._press = press

    def definitions(self) -> list[PackDefinition]:
        """The packs there are."""
        return [one.checked(self._analytics.reports()) for one in read_definitions().values()]

    async def seal(self, sealing: Sealing) -> tuple[Outcome, PackSealed]:
        """Make the pack, keep it, enter it. The same id gives the same pack, to who may read what is in it.

        Raises an `AnalyticsError`, or a `Refusal`.
        """
        principal, asked = sealing.principal, sealing.asked
        principal.require(SealPack.permission)
        principal.may_write(SealPack.permission)
        tenant_id, now = principal.tenant_id, self._commands.clock()
        pack_id = sealing.pack_id or new_id(now)
        state = await self._commands.state(tenant_id, "board_pack", pack_id)
        if isinstance(state, Pack):
            may_read(principal, state.sealed.needs)
            command = _as_sealed(state.sealed)
        else:
            command = await self._made(principal, asked, pack_id)
        outcome = await self._commands.execute(sealing.template(command, pack_id))
        return outcome, await self.sealed(tenant_id, pack_id)

    async def _made(self, principal: Principal, asked: PackAsked, pack_id: UUID) -> SealPack:
        """The command that enters the pack, whose bytes are kept then."""
        tenant_id, now = principal.tenant_id, self._commands.clock()
        today = now.astimezone(UTC).date()
        period_of(asked.first, asked.to, today)
        infos = self._analytics.reports()
        definition = definition_named(asked.definition, infos)
        needs = sorted({infos[section.report].permission for section in definition.section})
        may_read(principal, needs)
        if asked.title is not None and not await asyncio.to_thread(self._press.shows, asked.title):
            raise TitleUnprintable
        figures = await self._figures(definition, tenant_id, asked, today)
        told = figures.json()
        try:
            document = document_of(figures, asked.title)
        except CurrenciesMixed as mixed:
            raise _in_several(figures.currencies()) from mixed
        printed = await asyncio.to_thread(self._press.printed, document)
        if printed.pages > MOST_PAGES:
            raise PackTooLong(pages=printed.pages)
        digests = {}
        for ending, content in ((PDF, printed.pdf), (FIGURES, told)):
            digests[ending] = hashlib.sha256(content).hexdigest()
            name = f"{digests[ending]}.{ending}"
            await asyncio.to_thread(self._blobs.write, tenant_id, pack_id, name, [content])
        return SealPack(
            definition=definition.name,
            definition_version=definition.version,
            period_from=asked.first,
            period_to=asked.to,
            position=figures.position.token(),
            as_of=figures.as_of,
            pdf_sha256=digests[PDF],
            pdf_size=len(printed.pdf),
            figures_sha256=digests[FIGURES],
            figures=figures.count(),
            needs=needs,
            currency=asked.currency,
        )

    async def _figures(
        self, definition: PackDefinition, tenant_id: UUID, asked: PackAsked, today: date
    ) -> PackFigures:
        """The figures as of the log's present head, and when that was; of days that have come."""
        head = await self._commands.log.head(tenant_id)
        wanted = None if head is None else Position(head.epoch, head.position)
        period = Period(asked.first, asked.to)
        found = await Figuring(self._analytics).figures(
            definition, tenant_id, period, wanted, asked.currency, today=today
        )
        return replace(found, as_of=await recorded_at(self._commands.log, tenant_id, found.position))

    async def sealed(self, tenant_id: UUID, pack_id: UUID) -> PackSealed:
        """The seal. Raises `NotFound`."""
        state = await self._commands.state(tenant_id, "board_pack", pack_id)
        if not isinstance(state, Pack):
            raise NotFound
        return state.sealed

    async def content(self, tenant_id: UUID, seal: PackSealed, ending: str) -> bytes:
        """The sealed bytes, which have the hash in the seal. Raises `PackNotAsSealed`, and `PackDestroyed`."""
        end = await self._commands.state(tenant_id, "retained", stream_of(Kind.BOARD_PACKS, seal.pack_id))
        if end.expired:
            raise PackDestroyed
        digest = seal.pdf_sha256 if ending == PDF else seal.figures_sha256
        return await asyncio.to_thread(self._read, tenant_id, seal.pack_id, f"{digest}.{ending}", digest)

    def _read(self, tenant_id: UUID, pack_id: UUID, name: str, digest: str) -> bytes:
        try:
            content = b"".join(self._blobs.read(tenant_id, pack_id, name))
        except (BlobMissing, BlobDamaged) as error:
            raise PackNotAsSealed from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise PackNotAsSealed
        return content

    async def drift(self, tenant_id: UUID, seal: PackSealed, *, at_seal: bool) -> Drift:
        """How far the figures have moved. Raises `PackNotAsSealed`, an `AnalyticsError`."""
        told = await self.content(tenant_id, seal, FIGURES)
        return await Drifting(self._analytics).drift(tenant_id, told, at_seal=at_seal)


def pack_under(tenant_id: UUID, key: str | None) -> UUID | None:
    """The id of the pack that is asked for under a caller's key."""
    return None if key is None else derived_id(tenant_id, "board_pack", key)


def may_read(principal: Principal, needs: Iterable[str]) -> None:
    """Refuse who lacks a permission that a report of the pack takes. Raises `MissingPermission`."""
    for needed in needs:
        principal.require(Permission(needed))


def _in_several(currencies: list[str]) -> CurrenciesInPack:
    there = f"This pack has amounts in {' and '.join(currencies)}, of this period or the one before it."
    return CurrenciesInPack(f"{there} {CurrenciesInPack.rule()}", currencies=currencies)


def _as_sealed(seal: PackSealed) -> SealPack:
    return SealPack.model_validate(seal.model_dump(include=set(SealPack.model_fields)))
