"""How long the proof of a consent is kept after its person was erased: by law, as data, with sources.

GDPR Art. 17(3)(e) lets what is needed "for the establishment, exercise or defence of legal claims" outlive an erasure,
and Art. 7(1), CASL s.13 and their kin put the proof on the sender. None of the laws names a period for it, so each line
is a policy that follows the time in which a claim can be brought. Lawyers change lines here, not code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.law.packs import zones_of
from domain.law.periods import Period, latest_day, over

if TYPE_CHECKING:
    from collections.abc import Iterable


class Since(StrEnum):
    """What a period is counted from."""

    RELIANCE = "reliance"
    """The last day on which somebody relied on a consent or could: of the last message, of a relation or its end, of a
    consent's withdrawal; of a consent that stands, or a relation that goes on, the erasure."""
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class EvidencePeriod:
    """One line. `law`: a country, None for all others. `year_end`: counted from the end of that year.

    Its days are those of the country's rules of who may be mailed; of anywhere on earth, where none are loaded.

    `confidence` as in the rule packs (T text, G guidance, S secondary, N not found), of the limitation, not the policy.
    """

    law: str | None
    period: Period
    since: Since
    source: str
    confidence: str
    checked: date
    year_end: bool = False

    @property
    def zones(self) -> tuple[str, ...]:
        """Where its days begin."""
        return () if self.law is None else zones_of(self.law)

    def ends(self, start: date) -> datetime:
        """When the proof is kept no more: the last day on which a claim can be brought is over in every zone.

        A claim can be brought on the anniversary, to its end: proof is never destroyed on the day that it is needed.
        """
        first = date(start.year, 12, 31) if self.year_end else start
        return over(self.period.after(first), self.zones)

    def began(self, at: datetime) -> date:
        """The day on which something is that happened at a moment: the latest that it is in any zone."""
        return latest_day(at, self.zones)


_CHECKED: Final = date(2026, 11, 26)

PERIODS: Final = (
    EvidencePeriod(
        "CA",
        Period(years=3),
        Since.RELIANCE,
        "CASL s.13 puts the proof on the sender; s.23(1): an action is brought within three years",
        "T",
        _CHECKED,
    ),
    EvidencePeriod(
        "JP",
        Period(years=3),
        Since.RELIANCE,
        "Act 26/2002: keeping a record of consent is a duty; the period's text was not found: three years from the "
        "last mailing",
        "N",
        _CHECKED,
    ),
    EvidencePeriod(
        "DE",
        Period(years=3),
        Since.ERASURE,
        "GDPR Art. 7(1), 17(3)(e); the usual limitation of three years from the end of the year (BGB s.195, 199)",
        "S",
        _CHECKED,
        year_end=True,
    ),
    EvidencePeriod(
        "FR",
        Period(years=5),
        Since.ERASURE,
        "GDPR Art. 7(1), 17(3)(e); limitation of five years (Code civil, art. 2224)",
        "S",
        _CHECKED,
    ),
    EvidencePeriod(
        "GB",
        Period(years=6),
        Since.ERASURE,
        "UK GDPR Art. 7(1), 17(3)(e); limitation of six years (Limitation Act 1980 s.2, 9)",
        "S",
        _CHECKED,
    ),
    EvidencePeriod(
        None,
        Period(years=6),
        Since.ERASURE,
        "GDPR Art. 7(1), 17(3)(e) or its like; the country's limitation is not loaded: the longest that is",
        "N",
        _CHECKED,
    ),
)


def periods_for(countries: Iterable[str | None]) -> tuple[EvidencePeriod, ...]:
    """The lines for a person's country and a sender's; what is not known, or not loaded, is under the general line."""
    loaded = {line.law: line for line in PERIODS}
    wanted = {country if country in loaded else None for country in countries}
    return tuple(line for line in PERIODS if line.law in wanted)
