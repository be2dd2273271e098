"""Citations of figures: a short text that names one figure exactly, and what it comes to when it is computed anew.

`pm1:` is followed by base64url of: whose it is (8 bytes), the hash of the value (8), what is cited (deflated JSON),
and a CRC-32 of all that (4). What is cited names the report and the version of its definition, all parameters, the row,
the measure and the position. The value itself is not in it, and both hashes are made with the tenant's id: so the text
tells nobody else what the figure was, and means nothing in another tenant.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ConfigDict, TypeAdapter

from application.as_of import AT
from application.beside import by_itself
from application.figures import plain, used_by
from application.ports.analytics import (
    Analytics,
    Column,
    InvalidParameters,
    Report,
    ReportInfo,
    ReportTooLarge,
    UnknownReport,
)
from application.ports.positions import Position
from application.variance import compares
from domain.kernel.errors import NotFound, Refusal, RefusalKind

MARK: Final = "pm1:"
LONGEST: Final = 2_000
_SHAPE: Final = TypeAdapter(
    tuple[str, int, dict[str, str], dict[str, str | int | float | None], str, int, int],
    config=ConfigDict(strict=True),
)
_HASH: Final = 8
_CHECK: Final = 4
_LARGEST: Final = 8_192
# What citations have in common, so that deflating leaves little of it. It belongs to `pm1:` and never changes.
_COMMON: Final = (
    b'"customers","arpa","ltv","cac","numerator","denominator","actual","variance","weight","amount","events",'
    b'"dating":"posting""dating":"effective","grain":"week""grain":"quarter""grain":"month","from":"2026-01-01",'
    b'"to":"2026-12-31","profile":"maxio-1""profile":"profitwell-1""profile":"chartmogul-1""profile":"stripe-1"'
    b'"expansion","reactivation","contraction","churn","gross_churn","nrr","grr","arr","new","start_mrr","end_mrr",'
    b'["unit_economics",1,{["cohorts",1,{["churn_rates",1,{["scorecard",1,{["margin",1,{["arr",1,{["mrr",1,{'
    b'"currency":"EUR","currency":"USD","period":"2025-01-01"},"period":"2026-01-01"},'
)


class CitationMistyped(Refusal):
    """A character of the citation is missing, or is another one. Copy it whole, from `pm1:` to its end."""

    code = "citation-mistyped"
    kind = RefusalKind.INVALID


class Otherwise(StrEnum):
    """Why a figure that is computed anew is another than the one that was cited."""

    DEFINITION_CHANGED = "definition_changed"
    """The report's definition is of another version today."""
    LOG_RESTORED = "log_restored"
    """The log was restored since, and is another from a position before the cited one on."""
    MADE_OTHERWISE = "made_otherwise"
    """The same definition, over the same events, comes to something else: a fault of ours. Tell us."""


@dataclass(frozen=True, slots=True)
class Cited:
    """What a citation names. `cell` holds the dimensions that name the row; of several of one name, all dimensions."""

    report: str
    version: int
    parameters: Mapping[str, str]
    cell: Mapping[str, Any]
    measure: str
    position: Position

    def json(self) -> bytes:
        """Its one form."""
        told = [
            self.report,
            self.version,
            dict(self.parameters),
            dict(self.cell),
            self.measure,
            self.position.epoch,
            self.position.n,
        ]
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with where it stands. None: there is no such row, or nothing in it."""

    value: str | int | float | bool | None
    position: Position


@dataclass(frozen=True, slots=True)
class Made:
    """A citation with the figure that it names."""

    citation: str
    cited: Cited
    figure: Figure


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a cited figure. `otherwise` None: computed anew as of its position it is the same.

    `then` is the figure as of its position, `now` that of now; `info` None: there is no such report any more.
    """

    cited: Cited
    info: ReportInfo | None
    otherwise: Otherwise | None
    then: Figure | None
    now: Figure | None

    @property
    def difference(self) -> float | None:
        """By how much the figure of now is another than that of its position."""
        if self.then is None or self.now is None:
            return None
        before, after = self.then.value or 0, self.now.value or 0
        return None if isinstance(before, str) or isinstance(after, str) else after - before


class Citing:
    """Makes citations, and computes anew what they name."""

    def __init__(self, analytics: Analytics) -> None:
        """Ask `analytics`."""
        self._analytics = analytics

    async def cite(
        self,
        tenant_id: UUID,
        report: str,
        parameters: Mapping[str, str],
        cell: Mapping[str, Any],
        measure: str,
        *,
        min_position: Position | None = None,
    ) -> Made:
        """A citation of one figure, as of `at_position` or of now. Raises an `AnalyticsError`.

        One of a period that another is compared with is cited as what it is in that period's report by itself.
        """
        info = self._analytics.reports().get(report)
        if info is None:
            raise UnknownReport(UnknownReport.__doc__)
        parameters, cell, measure = _by_itself(info, parameters, cell, measure)
        named = _named(info, cell, measure)
        given = used_by(info, parameters)
        try:
            found = await self._analytics.report(report, tenant_id, given, min_position=min_position)
        except InvalidParameters as error:
            raise _of_parameters(error) from None
        given.pop(AT, None)
        rows = _rows(info, found, named, cell)
        if not rows:
            wider = " It may be among those that were left out: narrow the dates." if found.truncated else ""
            raise InvalidParameters(
                (("/cell", f"there is no such row; give it as the report shows it.{wider}"),)
            )
        row, *others = rows
        if others:
            named = {
                one.name: plain(row[at]) for at, one in enumerate(info.columns) if one.kind == "dimension"
            }
        cited = Cited(report, info.definition.version, given, named, measure, found.position)
        value = plain(row[found.columns.index(measure)])
        return Made(encode(tenant_id, cited, value), cited, Figure(value, found.position))

    async def of_opened(
        self,
        tenant_id: UUID,
        info: ReportInfo,
        parameters: Mapping[str, str],
        opened: Mapping[str, Any],
        position: Position,
    ) -> Made | None:
        """A citation of the figure whose events are shown, as of `at_position` or of `position`; None: there is none.

        `opened` holds what its row shows and its measure; what is empty may be left out, and the first measure too.
        """
        cell = {one.name: opened.get(one.name) for one in info.columns if one.kind == "dimension"}
        first = next(one.name for one in info.columns if one.kind == "measure" and not one.parts)
        given = {AT: str(position.n), **parameters}
        measure = opened.get("measure", first)
        try:
            return await self.cite(tenant_id, info.name, given, cell, measure, min_position=position)
        except (InvalidParameters, ReportTooLarge):
            return None  # no row shows it, or it was left out of a long report

    def read(self, tenant_id: UUID, citation: str) -> Cited:
        """What a citation names. Raises `CitationMistyped`, `NotFound` for another tenant's."""
        return decode(tenant_id, citation)[0]

    async def resolve(
        self, tenant_id: UUID, citation: str, *, min_position: Position | None = None
    ) -> Resolved:
        """What became of it, as of now: of `min_position` at least.

        Raises `CitationMistyped`, `NotFound` for another tenant's, an `AnalyticsError`.
        """
        cited, seal = decode(tenant_id, citation)
        info = self._analytics.reports().get(cited.report)
        if info is None or not _fits(info, cited):
            return Resolved(cited, info, Otherwise.DEFINITION_CHANGED, None, None)
        known = (await self._analytics.standing(tenant_id)).position
        reached = max(known, cited.position, min_position or known)
        now = await self._figure(tenant_id, info, cited, reached=reached)
        restored = now.position.epoch != cited.position.epoch
        if restored and cited.position.n > now.position.n:
            return Resolved(cited, info, Otherwise.LOG_RESTORED, None, now)
        then = await self._figure(tenant_id, info, cited, at=cited.position.n)
        if _hash(tenant_id, cited, then.value) == seal:
            return Resolved(cited, info, None, then, now)
        if restored:
            return Resolved(cited, info, Otherwise.LOG_RESTORED, then, now)
        same_version = info.definition.version == cited.version
        why = Otherwise.MADE_OTHERWISE if same_version else Otherwise.DEFINITION_CHANGED
        return Resolved(cited, info, why, then, now)

    async def _figure(
        self,
        tenant_id: UUID,
        info: ReportInfo,
        cited: Cited,
        *,
        at: int | None = None,
        reached: Position | None = None,
    ) -> Figure:
        """The figure as of `at`, or of now. `reached`: a now that is no earlier than this; else than the citation."""
        wanted = reached or cited.position
        given = {**cited.parameters} if at is None else {**cited.parameters, AT: str(at)}
        found = await self._analytics.report(info.name, tenant_id, given, min_position=wanted)
        named = {one.name: cited.cell[one.name] for one in naming(info)}
        row = next(iter(_rows(info, found, named, cited.cell)), None)
        if row is None and found.truncated:
            raise ReportTooLarge(ReportTooLarge.__doc__)
        value = None if row is None else plain(row[found.columns.index(cited.measure)])
        return Figure(value, found.position)


def _by_itself(
    info: ReportInfo, parameters: Mapping[str, str], cell: Mapping[str, Any], measure: str
) -> tuple[Mapping[str, str], Mapping[str, Any], str]:
    if not compares(info):
        return parameters, cell, measure
    try:
        return by_itself(info, parameters, cell, measure)
    except InvalidParameters as error:
        raise _of_parameters(error) from None


def _of_parameters(error: InvalidParameters) -> InvalidParameters:
    """The same, as what is asked holds it: parameters apart from the row and its measure."""
    return InvalidParameters(
        tuple(
            (pointer if pointer in ("/cell", "/measure") else f"/parameters{pointer}", problem)
            for pointer, problem in error.problems
        )
    )


def naming(info: ReportInfo) -> tuple[Column, ...]:
    """The dimensions that name a row; others tell of it, and may say something else tomorrow."""
    return tuple(one for one in info.columns if one.kind == "dimension" and not one.tells)


def _named(info: ReportInfo, cell: Mapping[str, Any], measure: str) -> dict[str, Any]:
    dimensions = {one.name for one in info.columns if one.kind == "dimension"}
    if measure not in {one.name for one in info.columns if one.kind == "measure"}:
        offered = ", ".join(one.name for one in info.columns if one.kind == "measure")
        raise InvalidParameters((("/measure", f"name one of {offered}"),))
    names = [one.name for one in naming(info)]
    if not set(names) <= cell.keys() <= dimensions:
        raise InvalidParameters((("/cell", f"give each of {', '.join(names)}, as the row shows it"),))
    return {name: cell[name] for name in names}


def _rows(
    info: ReportInfo, found: Report, named: Mapping[str, Any], told: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of that name; first the one that tells most of what was told of it too."""
    at = {one.name: number for number, one in enumerate(info.columns)}
    rows = [row for row in found.rows if all(plain(row[at[name]]) == named[name] for name in named)]
    return sorted(rows, key=lambda row: -sum(plain(row[at[name]]) == told[name] for name in told))


def _fits(info: ReportInfo, cited: Cited) -> bool:
    """Whether the report still has the row's dimensions, the measure and the parameters.

    A citation may name more than a row's name: one that was made when more dimensions were part of it does.
    """
    dimensions = {one.name for one in info.columns if one.kind == "dimension"}
    return (
        {one.name for one in naming(info)} <= cited.cell.keys() <= dimensions
        and cited.measure in {one.name for one in info.columns}
        and cited.parameters.keys() <= info.parameters["properties"].keys()
    )


def encode(tenant_id: UUID, cited: Cited, value: object) -> str:
    """The text of a citation."""
    deflating = zlib.compressobj(9, wbits=-15, zdict=_COMMON)
    body = deflating.compress(cited.json()) + deflating.flush()
    told = _whose(tenant_id, cited) + _hash(tenant_id, cited, value) + body
    return _text(told + zlib.crc32(told).to_bytes(_CHECK))


def _text(checked: bytes) -> str:
    return MARK + base64.urlsafe_b64encode(checked).decode().rstrip("=")


def decode(tenant_id: UUID, citation: str) -> tuple[Cited, bytes]:
    """What it names, with the hash of the value. Raises `CitationMistyped`, `NotFound` for another tenant's."""
    text = citation.removeprefix(MARK)
    if text == citation or len(citation) > LONGEST:
        raise CitationMistyped
    try:
        checked = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        told, check = checked[:-_CHECK], checked[-_CHECK:]
        if zlib.crc32(told).to_bytes(_CHECK) != check or _text(checked) != citation:
            raise CitationMistyped
        inflating = zlib.decompressobj(wbits=-15, zdict=_COMMON)
        body = inflating.decompress(told[2 * _HASH :], _LARGEST)
        report, version, parameters, cell, measure, epoch, n = _SHAPE.validate_json(body)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise CitationMistyped from error
    cited = Cited(report, version, parameters, cell, measure, Position(epoch, n))
    if _whose(tenant_id, cited) != told[:_HASH]:
        raise NotFound
    return cited, told[_HASH : 2 * _HASH]


def _whose(tenant_id: UUID, cited: Cited) -> bytes:
    return hashlib.sha256(b"pm1 whose" + tenant_id.bytes + cited.json()).digest()[:_HASH]


def _hash(tenant_id: UUID, cited: Cited, value: object) -> bytes:
    # Of a fraction as many digits as are the same whichever build divides.
    told = f"{value:.12g}" if isinstance(value, float) else value
    return hashlib.sha256(b"pm1 value" + tenant_id.bytes + cited.json() + orjson.dumps(told)).digest()[:_HASH]
