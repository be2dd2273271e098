"""Models made of other models: kept as tables, and made anew for one tenant where another history is asked for.

One text of SQL does both. It names its sources plainly; what stands in front of it says which rows of them it sees.
Facts that many others outnumber are cheap to look at again, so a batch makes the rows of its tenants anew, whole: what
comes late, doubled or in another order needs no way of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import duckdb

from projections.finance.profiles import PROFILES, Profile
from projections.olap.parsed import run
from projections.olap.sql import FACTS, MODELS, PROFILE, Model, insert, names, profile_rows

_BY_NAME: Final[Mapping[str, Model]] = {model.name: model for model in MODELS}


def _in_order(models: Iterable[Model]) -> tuple[Model, ...]:
    """Each after those that it is made of. Raises `ValueError` for models that are made of one another."""
    waiting, placed = {model.name: model for model in models}, list[Model]()
    while waiting:
        ready = [model for model in waiting.values() if not waiting.keys() & set(model.sources)]
        if not ready:
            raise ValueError(f"models made of one another: {', '.join(waiting)}")
        placed += ready
        for model in ready:
            del waiting[model.name]
    return tuple(placed)


DERIVED: Final = _in_order(model for model in MODELS if "derive" in model.sections)
PROFILED: Final = frozenset(model.name for model in DERIVED if "profile VARCHAR" in model.sections["table"])
"""Those that have rows under each definition profile."""

OF_TENANTS: Final = (*FACTS, *(model.name for model in DERIVED))
"""The tables that carry tenant_key and hold nothing but what follows from the logs."""


def _events(model: Model) -> dict[str, int]:
    """The events that change a model's rows."""
    return model.handles | {
        event: version for source in model.sources for event, version in _events(_BY_NAME[source]).items()
    }


EVENTS_OF: Final[Mapping[str, Mapping[str, int]]] = {model.name: _events(model) for model in MODELS}
"""By model, the events that change its rows, of its sources too; none for those that every event has a row in."""

_CHANGING: Final = {model.name: names(_events(model)) for model in DERIVED}


def _facts(model: Model) -> frozenset[str]:
    """What a model is made of in the end."""
    made_of = (_facts(_BY_NAME[name]) if name not in FACTS else {name} for name in model.sources)
    return frozenset().union(*made_of)


UNDERIVED: Final[Mapping[str, frozenset[str]]] = {model.name: _facts(model) for model in DERIVED}
"""By derived model, the facts that it is made of in the end."""


def derived(model: Model, sources: Mapping[str, str], profiles: Iterable[Profile]) -> str:
    """The query that makes a model's rows; `sources`: by name, the query that gives the rows of each source."""
    told = {**{name: sources[name] for name in model.sources}, PROFILE: profile_rows(profiles)}
    seen = ", ".join(f"{name} AS ({rows})" for name, rows in told.items())
    return f"WITH {seen} SELECT * FROM ({model.sections['derive']})"  # noqa: S608 - our own models


def refresh(con: duckdb.DuckDBPyConnection) -> None:
    """Make the rows of the tenants anew of whose sources the batch has events. In the transaction of the batch."""
    for model in DERIVED:
        touched = run(
            con,
            f"SELECT DISTINCT tenant_key FROM batch WHERE name IN ({_CHANGING[model.name]})",  # noqa: S608 - our own models
        ).fetchall()
        if not touched:
            continue
        theirs = f"WHERE tenant_key IN ({', '.join(str(key) for (key,) in touched)})"
        sources = {name: f"SELECT * FROM main.{name} {theirs}" for name in model.sources}  # noqa: S608 - our own models
        con.execute(f"DELETE FROM {model.name} {theirs}")  # noqa: S608 - our own models
        con.execute(insert(model.name, derived(model, sources, PROFILES.values())))


def fill(con: duckdb.DuckDBPyConnection) -> None:
    """Make the rows of all tenants, in tables that have none."""
    here = {name for (name,) in con.execute("SELECT DISTINCT name FROM fact_event").fetchall()}
    for model in DERIVED:
        if not EVENTS_OF[model.name].keys() & here:
            continue  # its sources have no rows, and to plan that costs more than to read them
        sources = {name: f"SELECT * FROM main.{name}" for name in model.sources}  # noqa: S608 - our own models
        con.execute(insert(model.name, derived(model, sources, PROFILES.values())))


def of_tenant(model: Model, profiles: Iterable[Profile], *, at_position: bool) -> str:
    """The query that makes one tenant's rows of a model under other profiles, or as of `$at_position`."""
    profiles = tuple(profiles)
    sources = {}
    for name in model.sources:
        source = _BY_NAME[name]
        if "derive" in source.sections:
            sources[name] = of_tenant(source, profiles, at_position=at_position)
            continue
        known = "AND position <= $at_position" if at_position else ""
        sources[name] = f"SELECT * FROM main.{name} WHERE tenant_key = $tenant_key {known}"  # noqa: S608 - our own models
    return derived(model, sources, profiles)
