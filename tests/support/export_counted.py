"""An export counted without a line of the product's own code: who is in it, what they said, and so who may be mailed.

It reads the file by Python's `csv`, and knows by heart what each law wants: a second opinion, not a second copy.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTRIES: Final = {
    **{name: code for code, name in (("US", "united states"), ("DE", "germany"), ("GB", "united kingdom"))},
    **{
        name: code
        for code, name in (("FR", "france"), ("CA", "canada"), ("BR", "brazil"), ("AU", "australia"))
    },
    **{name: code for code, name in (("ES", "spain"), ("PL", "poland"), ("JP", "japan"))},
}
_ADDRESS: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@([\w-]+\.)+[a-z][\w-]*")
_YES: Final = {"yes", "true"}
_WORDING_KEPT: Final = {
    "DE": ("de", "deny"),
    "ES": ("es", "deny"),
    "PL": ("eu", "deny"),
}
"""Laws that want a consent of which there is proof, which an export never has; and what they say without one."""
_PROOF_WANTED: Final = {
    "GB": ("gb.consent", "deny"),
    "CA": ("ca.express", "deny"),
    "BR": ("br.consent", "hold"),
    "AU": ("au.express", "deny"),
    "JP": ("jp.consent", "deny"),
}
"""Laws by which a consent without proof waits for it; and what they say where there is none at all."""
_BY_THEN: Final = 3
"""Years after which a consent is over in France (a recommendation of the CNIL)."""


@dataclass
class Somebody:
    """One address of the file. `there`: in a row that could be taken."""

    country: str | None = None
    consents: set[date] = field(default_factory=set)
    stopped: bool = False
    there: bool = False


@dataclass
class Count:
    """What a preview of the audience has to say, for a sender in the United States.

    `unproven`: by law, of those to whom it says `otherwise`, whoever consented without proof.
    """

    people: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    laws: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    unproven: Counter[str] = field(default_factory=Counter)


def counted(content: bytes, at: datetime) -> Count:
    """The count of a file at a moment; its dates with slashes are day first, and a later row adds to an earlier one."""
    count = Count()
    for one in _people(content, at.date()).values():
        if one.there:
            count.people += 1
            _judge(one, at, count)
    return count


def _people(content: bytes, today: date) -> dict[str, Somebody]:
    people: dict[str, Somebody] = {}
    for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        address = _address(row["Email"])
        if address is None:
            continue
        one = people.setdefault(address, Somebody())
        one.stopped |= row["Unsubscribed"].strip().lower() in _YES
        try:
            opted_in = _day(row["Opted in at"].strip(), today)
        except ValueError:
            continue  # a row that is not taken; but who said stop has said so
        one.there = True
        one.country = _country(row["Country"]) or one.country
        one.consents |= {opted_in} - {None}  # type: ignore[arg-type]
    return people


def _address(cell: str) -> str | None:
    text = re.sub(r"^.*<(.*)>$", r"\1", cell.strip(), flags=re.DOTALL).strip().lower()
    if not _ADDRESS.fullmatch(text):
        return None
    name, _, domain = text.partition("@")
    return f"{name}@{domain.encode('idna').decode()}"


def _day(text: str, today: date) -> date | None:
    """The civil day. Raises `ValueError` for what is no day, or none yet."""
    if not text:
        return None
    day = text.replace("T", " ").split(" ")[0]
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            found = datetime.strptime(day, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
        if found <= today:
            return found
    raise ValueError(text)


def _country(cell: str) -> str | None:
    name = cell.strip().lower()
    return _COUNTRIES.get(name) or next((code for code in _COUNTRIES.values() if code.lower() == name), None)


def _judge(one: Somebody, at: datetime, count: Count) -> None:
    told = [("allow", "us", "us.can-spam"), *_abroad(one, at)]
    for verdict, law, _ in told:
        if law is not None:
            count.laws.setdefault(law, Counter())[verdict] += 1
    if one.stopped:
        told.append(("deny", None, "suppressed-unsubscribe"))
    order = ("deny", "hold", "allow")
    first = min(told, key=lambda reason: (order.index(reason[0]), reason[1] or ""))
    count.verdicts[first[0]] += 1
    count.reasons[first] += 1
    if first[1] is not None and first[2] == "otherwise" and one.country in _WORDING_KEPT and one.consents:
        count.unproven[first[1]] += 1


def _abroad(one: Somebody, at: datetime) -> Iterator[tuple[str, str | None, str]]:
    """What the law of the recipient says, where it is another than the sender's."""
    match one.country:
        case "US":
            return
        case None:
            yield "hold", None, "country-unknown"
        case "FR":
            today = at.astimezone(ZoneInfo("Europe/Paris")).date()
            known = [day for day in one.consents if day <= today < _years_on(day, _BY_THEN)]
            yield ("hold", "fr", "fr.consent") if known else ("deny", "fr", "otherwise")
        case country if country in _PROOF_WANTED:
            rule, without = _PROOF_WANTED[country]
            law = country.lower()
            yield ("hold", law, rule) if one.consents else (without, law, "otherwise")
        case country:
            law, verdict = _WORDING_KEPT[country]
            yield verdict, law, "otherwise"


def _years_on(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
