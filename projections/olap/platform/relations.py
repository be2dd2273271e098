"""What platform SQL is put together over: roll-ups and facts of all tenants, as of now or of a moment.

As of a moment each log counts up to the last event that was recorded by then. The rows of tenants who have told nothing
since are those that are kept; only the others' are made anew, so that yesterday costs little and any day is exact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import duckdb

from domain.kernel.ids import PLATFORM
from projections.finance.profiles import PROFILES, Profile
from projections.olap.derived import DERIVED, PROFILED, derived
from projections.olap.sql import MODELS, Model, quoted

_BY_NAME: Final = {model.name: model for model in MODELS}
_OWN: Final = ("fact_cost", "fact_target", "fact_exchange_rate")
"""The platform's own books: costs, targets and rates of its log alone; what customers enter is theirs."""
_OF_ALL: Final = ("fact_trial", "fact_event")
_MADE: Final = {
    "mrr_movement": "subscriptions",
    "customer_period": "subscriptions",
    "revenue_entry": "moneys",
    "revenue_month": "moneys",
}
"""Derived models, and by whose changes they change. Months that customers closed in books of their own are of no
concern here: by effective days they change nothing."""
_FACTS: Final = {"subscriptions": ("fact_subscription",), "moneys": ("fact_invoice", "fact_payment")}
_DAILY: Final = "fact_event_daily"
RELATIONS: Final = (*_OWN, *_OF_ALL, *_MADE, _DAILY)
"""What platform SQL may name; each carries tenant_key."""

_VECTOR: Final = """
    SELECT tenant_key, sum(events)::BIGINT AS position
    FROM (
        SELECT tenant_key, sum(events) AS events FROM main.fact_event_daily WHERE day < $day GROUP BY tenant_key
        UNION ALL
        SELECT tenant_key, count(*) FROM main.fact_event WHERE day = $day AND recorded_at <= $at GROUP BY tenant_key
    )
    GROUP BY tenant_key
"""
"""Positions have no gaps: so many events of a log that were recorded by then are its position then."""

_LAST: Final = """
    SELECT max(recorded_at)
    FROM main.fact_event
    WHERE
        recorded_at <= $at
        AND day = (
            SELECT max(day)
            FROM (
                SELECT day FROM main.fact_event_daily WHERE day < $day
                UNION ALL
                SELECT day FROM main.fact_event WHERE day = $day AND recorded_at <= $at
            )
        )
"""
_STANDING: Final = """
    SELECT
        count(*),
        coalesce(
            sha256(string_agg(
                tenant_id::VARCHAR || ' ' || epoch || '.' || vector.position, chr(10) ORDER BY tenant_id::VARCHAR
            )),
            sha256('')
        ),
        count(*) FILTER (state = 'poisoned')
    FROM temp.{vector} AS vector JOIN main.positions USING (tenant_key)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer is made from. `digest`: SHA-256 of a line `tenant epoch.position` each, in order of tenants.

    `as_of`: when the last of the events was recorded. `stopped`: tenants whose facts stopped at an event. `mark`: what
    the names of its temporary tables end in, where a transaction looks at several moments.
    """

    as_of: datetime | None
    tenants: int
    digest: str
    stopped: int
    at: datetime | None = None
    mark: str = ""

    @property
    def vector(self) -> str:
        """The temporary table of where each log stood."""
        return f"vector{self.mark}"

    def then(self, name: str) -> str:
        """The temporary table of a model as it stood."""
        return f"then_{name}{self.mark}"

    @property
    def last_day(self) -> date | None:
        """The day of the last event."""
        return None if self.as_of is None else self.as_of.date()


def stand(con: duckdb.DuckDBPyConnection, at: datetime | None, mark: str = "") -> Standing:
    """Find where every log stood at a moment (None: now), until the transaction ends."""
    moment = None if at is None else at.astimezone(UTC).replace(tzinfo=None)
    made = f"CREATE TEMP TABLE vector{mark} AS"
    if moment is None:
        con.execute(f"{made} SELECT tenant_key, position FROM main.positions WHERE position > 0")  # noqa: S608 - our own names
        last = con.execute("SELECT max(recorded_at) FROM main.positions").fetchone()
    else:
        bound = {"at": moment, "day": moment.date()}
        con.execute(f"{made} {_VECTOR}", bound)
        last = con.execute(_LAST, bound).fetchone()
    as_of = last[0].replace(tzinfo=UTC) if last and last[0] else None
    row = con.execute(_STANDING.format(vector=f"vector{mark}")).fetchone()
    tenants, digest, stopped = row or (0, "", 0)
    return Standing(as_of, tenants, digest, stopped, moment, mark)


def scoped(
    con: duckdb.DuckDBPyConnection,
    statement: str,
    standing: Standing,
    profile: str | None,
    others: tuple[Profile, ...] | None = None,
) -> str:
    """The statement over the relations that it names, as they stood.

    `profile`: the kept one that movements are of; None: all. `others`: those under which they are made, kept nowhere.
    """
    return over(statement, relations(con, statement, standing, profile, others))


def over(statement: str, told: Mapping[str, str]) -> str:
    """The statement over those of the relations that it names."""
    named = ", ".join(f"{name} AS ({rows})" for name, rows in told.items() if _names(statement, name))
    return f"WITH {named} {statement}" if named else statement


def _names(statement: str, relation: str) -> bool:
    return re.search(rf"\b{relation}\b", statement) is not None


def relations(
    con: duckdb.DuckDBPyConnection,
    statement: str,
    standing: Standing,
    profile: str | None,
    others: tuple[Profile, ...] | None = None,
) -> dict[str, str]:
    """The relations that a statement names, as they stood: by name, the query that gives the rows of each."""
    named = [name for name in RELATIONS if _names(statement, name)]
    made: set[str] = set()
    if standing.at is not None or others is not None:
        for facts in dict.fromkeys(_MADE[name] for name in named if name in _MADE):
            wanted = _with_sources(name for name in named if _MADE.get(name) == facts)
            profiles = [PROFILES[profile]] if profile else PROFILES.values()
            made |= _make(con, facts, wanted, standing, profiles, others)
    return {name: _rows(name, standing, made) for name in named}


def _rows(name: str, standing: Standing, made: Collection[str]) -> str:
    own = f"tenant_key = (SELECT tenant_key FROM main.dim_tenant WHERE tenant_id = '{PLATFORM}')"  # noqa: S608 - our own id
    if name in made:
        return f"SELECT * FROM temp.{standing.then(name)}"  # noqa: S608 - our own names
    if standing.at is None:
        return f"SELECT * FROM main.{name}" + (f" WHERE {own}" if name in _OWN else "")  # noqa: S608 - our own names
    day, at = f"DATE '{standing.at.date()}'", f"TIMESTAMP '{standing.at}'"
    if name == _DAILY:
        that_day = _BY_NAME[_DAILY].sections["fill"]
        of_events = f"SELECT * FROM main.fact_event WHERE day = {day} AND recorded_at <= {at}"  # noqa: S608 - a moment
        return f"""
            SELECT * FROM main.{_DAILY} WHERE day < {day}
            UNION ALL BY NAME
            SELECT * FROM (WITH fact_event AS ({of_events}) {that_day})
        """  # noqa: S608 - our own names and a moment
    if name == "fact_event":
        return f"SELECT * FROM main.fact_event WHERE recorded_at <= {at}"  # noqa: S608 - a moment
    return f"""
        SELECT fact.*
        FROM main.{name} AS fact
        JOIN temp.{standing.vector} AS vector USING (tenant_key)
        WHERE fact.position <= vector.position {f"AND fact.{own}" if name in _OWN else ""}
    """  # noqa: S608 - our own names


def _make(
    con: duckdb.DuckDBPyConnection,
    facts: str,
    wanted: Collection[str],
    standing: Standing,
    profiles: Collection[Profile],
    others: tuple[Profile, ...] | None,
) -> set[str]:
    """Make the models of some facts as they stood: kept rows of who told nothing since, new ones of the others.

    Under other profiles there are no kept rows. Gives the names of what was made.
    """
    then = standing.at is not None
    if others is None:
        later = " UNION ALL ".join(
            f"""
            SELECT fact.tenant_key FROM main.{name} AS fact
            LEFT JOIN temp.{standing.vector} AS vector USING (tenant_key)
            WHERE fact.position > coalesce(vector.position, 0)
            """  # noqa: S608 - our own names
            for name in _FACTS[facts]
        )
        con.execute(f"CREATE TEMP TABLE changed AS SELECT DISTINCT tenant_key FROM ({later})")  # noqa: S608 - our own names
    changed = "tenant_key IN (FROM temp.changed)" if others is None else "true"
    known = "fact.position <= vector.position" if then else "true"
    sources = {
        name: f"SELECT fact.* FROM main.{name} AS fact JOIN temp.{standing.vector} AS vector USING (tenant_key) "  # noqa: S608 - our own names
        f"WHERE {known} AND {changed}"
        for name in _FACTS[facts]
    } | {"fact_period": "SELECT * FROM main.fact_period WHERE false"}
    made = set[str]()
    for model in DERIVED:
        if model.name not in wanted:
            continue
        rows = derived(model, sources, profiles if others is None else others)
        if model.name in _MADE and others is None:
            rows = f"{_kept(model, profiles)} UNION ALL BY NAME ({rows})"
        con.execute(f"CREATE TEMP TABLE {standing.then(model.name)} AS {rows}")
        sources[model.name] = f"SELECT * FROM temp.{standing.then(model.name)} WHERE {changed}"  # noqa: S608 - our own names
        made.add(model.name)
    con.execute("DROP TABLE IF EXISTS temp.changed")
    return made


def _with_sources(names: Iterable[str]) -> set[str]:
    """Derived models, and those that they are made of."""
    found = set(names)
    for model in reversed(DERIVED):
        if model.name in found:
            found |= {source for source in model.sources if "derive" in _BY_NAME[source].sections}
    return found


def _kept(model: Model, profiles: Collection[Profile]) -> str:
    ids = ", ".join(quoted(profile.id) for profile in profiles)
    ours = f"AND profile IN ({ids})" if model.name in PROFILED else ""
    return f"SELECT * FROM main.{model.name} WHERE tenant_key NOT IN (FROM temp.changed) {ours}"  # noqa: S608 - our own names
