"""A catalogue: the plans, add-ons, prices and coupons that are sold from a day on, as data.

A catalogue is never edited once something was sold from it; what changes is another version. Who subscribed keeps the
prices of the version they subscribed under, because their subscription names them with their amounts.
"""

from __future__ import annotations

import tomllib
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.billing.terms import Discount, Duration, Interval, Item, ItemKind
from domain.kernel.money import Currency, Price
from domain.tenancy.plans import Plan

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
Feature = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$", max_length=60)]
Line = Annotated[str, Field(min_length=1, max_length=100)]
Whole = Annotated[int, Field(ge=0)]


class CatalogueUnusable(ValueError):
    """A catalogue cannot be sold from. The message says what to mend in its file."""


class Meter(StrEnum):
    """What is counted against a limit of a plan."""

    USERS = "users"
    WORKSPACES = "workspaces"
    DOMAINS = "domains"
    EMAILS = "emails"
    """Messages handed over in a calendar month, UTC."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SoldPlan(_Data):
    """A plan. `limits`: the most of each meter, none for what has no limit. `month`, `year`: minor units, if sold so.

    A plan without a price is free where it is `free`, and by agreement otherwise.
    """

    id: Plan
    name: Line
    limits: dict[Meter, Whole]
    commands_a_minute: Annotated[int, Field(ge=1)]
    features: tuple[Feature, ...] = ()
    month: Price | None = None
    year: Price | None = None


class AddOn(_Data):
    """Something bought besides, any number of times. `adds`: how much more of `meter` each one gives."""

    id: Word
    name: Line
    meter: Meter | None = None
    adds: Whole = 0
    month: Price
    year: Price


class Coupon(_Data):
    """A rebate, by percent, or by an amount in one currency."""

    id: Word
    name: Line
    percent_off: Annotated[int, Field(ge=1, le=100)] | None = None
    amount_off: Price | None = None
    currency: Currency | None = None
    duration: Duration
    months: Annotated[int, Field(ge=1, le=60)] | None = None
    redeem_by: date | None = None
    by_agreement: bool = False
    """Whether staff alone give it: nobody can redeem it by themselves, nor is it listed."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.percent_off is None) is (self.amount_off is None):
            raise ValueError("a coupon is of a percentage or of an amount, not of both")
        if (self.amount_off is None) is not (self.currency is None):
            raise ValueError("an amount has a currency, a percentage has none")
        if (self.duration is Duration.REPEATING) is (self.months is None):
            raise ValueError("a coupon that repeats says for how many months, and no other does")
        return self

    def applied(self, ends_on: date | None) -> Discount:
        """The discount of it on a subscription; `ends_on`: its last day, of one that ends."""
        return Discount(
            coupon=self.id,
            percent_off=None if self.percent_off is None else self.percent_off * 100,
            amount_off=self.amount_off,
            duration=self.duration,
            ends_on=ends_on,
        )


class ListPrice(_Data):
    """One price: what one of a plan or add-on costs an interval, in a currency. `of`: the plan's or add-on's id."""

    id: str
    kind: ItemKind
    of: str
    interval: Interval
    currency: Currency
    unit_amount: Price

    def item(self, quantity: int = 1) -> Item:
        """So many of it in a subscription."""
        return Item(
            price=self.id,
            kind=self.kind,
            of=self.of,
            unit_amount=self.unit_amount,
            quantity=quantity,
            interval=self.interval,
        )


class Tariff(_Data):
    """What use beyond a limit costs where it is bought, from a day on: each `per` units that are begun, every month.

    `of`: what its items are of, and the name of what the payment provider counts. `unit_amounts`: by currency.
    """

    version: Word
    sold_from: date
    meter: Meter
    of: Word
    name: Line
    per: Annotated[int, Field(ge=1)]
    unit_amounts: Annotated[dict[Currency, Annotated[int, Field(ge=1)]], Field(min_length=1)]

    @property
    def prices(self) -> tuple[ListPrice, ...]:
        """Its price in each currency, in the order of the file."""
        return tuple(
            ListPrice(
                id=f"{self.version}/{self.of}/{Interval.MONTH}/{currency.lower()}",
                kind=ItemKind.METERED,
                of=self.of,
                interval=Interval.MONTH,
                currency=currency,
                unit_amount=amount,
            )
            for currency, amount in self.unit_amounts.items()
        )

    def price(self, currency: str) -> ListPrice | None:
        """Its price in a currency, if it is sold in that."""
        return next((one for one in self.prices if one.currency == currency), None)

    def begun(self, used: int) -> int:
        """How many units of the price so much use is: each is paid for whole once it is begun."""
        return -(-used // self.per)


class Catalogue(_Data):
    """All that is sold from a day on."""

    version: Word
    sold_from: date
    trial_days: Annotated[int, Field(ge=1, le=90)]
    currencies: tuple[Currency, ...]
    plans: tuple[SoldPlan, ...]
    add_ons: tuple[AddOn, ...]
    coupons: tuple[Coupon, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if {plan.id for plan in self.plans} != set(Plan) or len(self.plans) != len(Plan):
            raise ValueError("a catalogue has each plan once")
        for what in (self.add_ons, self.coupons):
            if len({one.id for one in what}) < len(what):
                raise ValueError("add-ons and coupons have ids of their own")
        if not self.currencies or len(set(self.currencies)) < len(self.currencies):
            raise ValueError("a catalogue names its currencies, each once")
        return self

    @property
    def prices(self) -> tuple[ListPrice, ...]:
        """Every price, in the order of the file."""
        return tuple(
            ListPrice(
                id=f"{self.version}/{of}/{interval}/{currency.lower()}",
                kind=kind,
                of=of,
                interval=interval,
                currency=currency,
                unit_amount=amount,
            )
            for kind, of, month, year in (
                *((ItemKind.PLAN, plan.id.value, plan.month, plan.year) for plan in self.plans),
                *((ItemKind.ADD_ON, add_on.id, add_on.month, add_on.year) for add_on in self.add_ons),
            )
            for interval, amount in ((Interval.MONTH, month), (Interval.YEAR, year))
            if amount is not None
            for currency in self.currencies
        )

    def plan(self, plan: Plan) -> SoldPlan:
        """A plan of it."""
        return next(one for one in self.plans if one.id is plan)

    def add_on(self, add_on: str) -> AddOn | None:
        """An add-on of it, if there is one of this id."""
        return next((one for one in self.add_ons if one.id == add_on), None)

    def coupon(self, coupon: str) -> Coupon | None:
        """A coupon of it, if there is one of this id."""
        return next((one for one in self.coupons if one.id == coupon), None)

    def price(self, of: str, interval: Interval, currency: str) -> ListPrice | None:
        """What a plan or add-on costs, if it is sold so."""
        wanted = (of, interval, currency)
        return next((one for one in self.prices if (one.of, one.interval, one.currency) == wanted), None)


_Read = TypeVar("_Read", bound=_Data)
_SOURCE: Final = "catalogue {name}: {problem}"


def read_catalogue(text: str, name: str) -> Catalogue:
    """A catalogue of the text of its file. Raises `CatalogueUnusable`, naming the file and the field."""
    return _read(Catalogue, text, name)


def read_tariff(text: str, name: str) -> Tariff:
    """A tariff of the text of its file. Raises `CatalogueUnusable`, naming the file and the field."""
    return _read(Tariff, text, name)


def _read(model: type[_Read], text: str, name: str) -> _Read:
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueUnusable(_SOURCE.format(name=name, problem=error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise CatalogueUnusable(_SOURCE.format(name=name, problem=f"{where}: {first['msg']}")) from None
