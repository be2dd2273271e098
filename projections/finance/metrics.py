"""The catalogue of metrics: what is measured, who answers for it, and what it is made of; or what is missing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from application import offered

_FILE: Final = Path(__file__).with_name("metrics.toml")
MONEY: Final = "currency"
"""Unit of a metric that is an amount of money."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(_Entry):
    """What a metric is called, by language."""

    en: str
    de: str
    fr: str


class Metric(_Entry):
    """One metric; `metrics.toml` says what each field means."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    group: Literal["financial", "product", "customer", "growth"]
    owner: Literal["finance", "marketing", "operations", "product", "customer_success", "growth"]
    title: Title
    unit: str
    better: Literal["higher", "lower"]
    nature: Literal["balance", "activity", "ratio"]
    formula: str
    report: str | None = None
    measure: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    profile: bool = False
    platform: bool = False
    missing: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Metric:
        if (self.report is None) is not (self.measure is None):
            raise ValueError(f"{self.id}: a report is named with its measure")
        if (self.numerator is None) is not (self.denominator is None):
            raise ValueError(f"{self.id}: a numerator is named with its denominator")
        if (self.missing is not None) is not (self.report is None and not self.platform):
            raise ValueError(f"{self.id}: says where it is told, or what is missing")
        return self

    @property
    def told(self) -> bool:
        """Whether a tenant's own log tells it."""
        return self.missing is None and not self.platform

    @property
    def because(self) -> str | None:
        """Why it is not told; None where it is."""
        if self.missing is not None:
            return f"not built yet: {self.missing}"
        return "platform-wide: in the platform's scorecard" if self.platform else None


class Catalogue(_Entry):
    """All metrics, under the version of their formulas."""

    version: Annotated[int, Field(ge=1)]
    metrics: tuple[Metric, ...]

    @model_validator(mode="after")
    def _are_told_apart(self) -> Catalogue:
        if len({one.id for one in self.metrics}) < len(self.metrics):
            raise ValueError("two metrics have one id")
        return self


def read_catalogue(text: str) -> Catalogue:
    """The metrics of the text of their file. Raises `ValueError`, naming the field."""
    return Catalogue.model_validate(tomllib.loads(text))


CATALOGUE: Final = read_catalogue(_FILE.read_text("utf-8"))
METRICS: Final = {one.id: one for one in CATALOGUE.metrics}
offered.METRICS.update(METRICS)


def metric_of(report: str, measure: str) -> Metric | None:
    """The metric that a measure of a tenant's report is; None: it is none of the catalogue."""
    found = [one for one in CATALOGUE.metrics if (one.report, one.measure) == (report, measure)]
    return found[0] if len(found) == 1 else None
