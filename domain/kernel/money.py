"""Money: whole minor units of one currency. Amounts of two currencies are never added; a rate is always said.

Minor units and codes are those of ISO 4217 (list one of 2026, without funds, metals and testing codes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from collections.abc import Sequence


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WITHOUT_MINOR: Final = _codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF")
_IN_THOUSANDTHS: Final = _codes("BHD IQD JOD KWD LYD OMR TND")
_IN_HUNDREDTHS: Final = _codes(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
    KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
    NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
    TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
    """
)
CURRENCIES: Final[dict[str, int]] = {
    **dict.fromkeys(_IN_HUNDREDTHS, 2),
    **dict.fromkeys(_WITHOUT_MINOR, 0),
    **dict.fromkeys(_IN_THOUSANDTHS, 3),
}
"""Code to how many digits its minor unit has."""

MOST: Final = 10**15
"""No amount is larger: ten trillion in a currency of cents. What is, is a slip of the pen."""


def _known(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("not a currency of ISO 4217; give its three capital letters, such as USD or EUR")
    return code


Currency = Annotated[str, AfterValidator(_known)]
"""A currency's code, three capital letters."""
CurrencyCode = Annotated[Currency, Field(json_schema_extra={"enum": sorted(CURRENCIES)})]
"""The same for doors, which tell all there are."""

Amount = Annotated[int, Field(strict=True, ge=-MOST, le=MOST)]
"""Minor units, with a sign."""

Price = Annotated[int, Field(strict=True, ge=0, le=MOST)]
"""Minor units, not below zero."""


class CurrenciesMixed(ArithmeticError):
    """Amounts of two currencies were added. A rate has to be said first."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of a currency."""

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        """The sum. Raises `CurrenciesMixed`."""
        return Money(self.amount + self._alike(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """The difference. Raises `CurrenciesMixed`."""
        return Money(self.amount - self._alike(other), self.currency)

    def __neg__(self) -> Money:
        """The same with the other sign."""
        return Money(-self.amount, self.currency)

    def _alike(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrenciesMixed(f"{self.currency} and {other.currency}")
        return other.amount


def rounded(numerator: int, denominator: int) -> int:
    """The quotient in whole minor units, halves away from zero, as invoices round: 200000 / 12 is 16667.

    `denominator` is positive.
    """
    quotient, rest = divmod(abs(numerator), denominator)
    up = quotient + (2 * rest >= denominator)
    return up if numerator >= 0 else -up


def allotted(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`amount` in parts as large as `weights`, to the minor unit: the parts sum to it (largest remainders).

    Equal remainders go to the earlier part; where all weights are zero, each counts the same. Raises `ValueError` for
    no weights or one below zero.
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights are needed, none below zero")
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    sign = -1 if amount < 0 else 1
    shares = [divmod(abs(amount) * weight, whole) for weight in weights]
    left = abs(amount) - sum(share for share, _ in shares)
    first = sorted(range(len(shares)), key=lambda at: (-shares[at][1], at))[:left]
    given = set(first)
    return tuple(sign * (share + (at in given)) for at, (share, _) in enumerate(shares))
