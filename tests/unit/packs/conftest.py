"""A tenant's history with everything that packs tell of, and analytics over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from application.charts import Period
from application.packs.definition import definition_named
from application.packs.figures import Figuring, PackFigures
from tests.support import decided
from tests.support.events import BEGIN, History, segment

PERIOD = Period(date(2026, 3, 1), date(2026, 3, 31))


@dataclass
class Office:
    """Analytics, and the history that they read."""

    analytics: LocalAnalytics
    source: EventsInMemory
    history: History

    def live(self, rounds: int) -> None:
        """Something of everything, so many times."""
        for number in range(rounds):
            country = ("DE", "FR", None)[number % 3]
            self.history.contact("created", segment=segment(country, ("import", "form")[number % 2]))
            decided.decide(self.history, (decided.CONSENT, decided.NO_CONSENT, decided.UNKNOWN)[number % 3])
            decided.dispatch(self.history)
            decided.opt_out(self.history, timedelta(hours=number))
            decided.lapse(self.history, BEGIN.isoformat(), stage=("lapsing", "lapsed")[number % 2])
        self.source.events = self.history.events

    async def figures(self, period: Period = PERIOD) -> PackFigures:
        """The compliance pack's figures, as of now."""
        definition = definition_named("compliance", self.analytics.reports())
        history = self.history
        return await Figuring(self.analytics).figures(definition, history.tenant_id, period, history.position)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    history, source = History(), EventsInMemory()
    made = Office(LocalAnalytics(source, OlapSettings(folder=Path(), database_url="")), source, history)
    made.live(30)
    yield made
    await made.analytics.close()
