"""The questions of `reports` that Postgres and chDB answer as well: the same tables, rows compared, medians set beside.

Each engine holds the tables that the questions need, roll-ups included: DuckDB its file, Postgres tables with the keys
that a sensible engineer would make (by tenant and day or position, with what the questions read), analysed, in memory
where it fits; chDB the same rows in Parquet, by tenant. Ours is the query path of the product in this process: the
tenant enforced, parameters bound, the position read. Questions are asked alone, of each engine by turns, so that a
machine that is busy is so for all of them.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import duckdb
import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from projections.olap.query import run_report
from scripts.benches.facts import LAST_DAY

_REPEATS: Final = 15
_SECONDS: Final = 60.0
"""A question is asked no more once it took so long of all."""

_TABLES: Final[Mapping[str, str]] = {
    "fact_event_daily": "SELECT * FROM fact_event_daily ORDER BY tenant_key, day",
    "fact_contact_change": "SELECT * FROM fact_contact_change",
    "fact_decision": """
        SELECT tenant_key, position, day, workspace_id, verdict, campaign_type, law, rule, reasons FROM fact_decision
    """,
    "fact_cost": "SELECT * FROM fact_cost",
    "fact_period": "SELECT * FROM fact_period",
}
_POSTGRES: Final = """
    CREATE TABLE fact_event_daily (
        tenant_key int, day date, context text, name text, actor_kind text, events bigint
    );
    CREATE TABLE fact_contact_change (
        tenant_key int, position bigint, day date, workspace_id uuid, contact_id uuid, change text, country text,
        subscriber_type text, source text, delta int
    );
    CREATE TABLE fact_decision (
        tenant_key int, position bigint, day date, workspace_id uuid, verdict text, campaign_type text, law text,
        rule text, reasons jsonb
    );
    CREATE TABLE fact_cost (
        tenant_key int, position bigint, day date, cost_id uuid, change text, category text, amount bigint,
        currency text, covers_from date, covers_to date, effective_on date, provider text, assigned text,
        holder_id uuid, pool text, acquires text, approximate boolean
    );
    CREATE TABLE fact_period (
        tenant_key int, position bigint, day date, change text, period text, closed_through text, open_from date,
        reason text
    );
"""
_INDEXES: Final = """
    CREATE INDEX ON fact_event_daily (tenant_key, day) INCLUDE (context, actor_kind, events);
    CREATE INDEX ON fact_event_daily (name, day) INCLUDE (tenant_key, events);
    CREATE INDEX ON fact_contact_change (tenant_key, position) INCLUDE (country, source, delta);
    CREATE INDEX ON fact_decision (tenant_key, day);
    CREATE INDEX ON fact_cost (tenant_key, position);
    CREATE INDEX ON fact_period (tenant_key, position) INCLUDE (open_from);
"""
_SETTINGS: Final = {
    "shared_buffers": "2GB",
    "work_mem": "128MB",
    "maintenance_work_mem": "512MB",
    "jit": "off",
}

Rows: TypeAlias = "list[tuple[Any, ...]]"


@dataclass(frozen=True)
class Question:
    """One question: to us a report and its parameters, or SQL; to the others SQL with `{names}` of values."""

    tenant: str
    report: str | None
    parameters: Mapping[str, object]
    ours: str
    postgres: str
    chdb: str


_ALL_TENANTS: Final = """
    SELECT {month} AS month, name, CAST(sum(events) AS {integer}) AS events
    FROM {fact_event_daily} AS daily
    GROUP BY 1, 2
    ORDER BY 1, 2
"""
_ACTIVITY: Final = """
    SELECT day, context, actor_kind, CAST(sum(events) AS {integer}) AS events
    FROM {fact_event_daily} AS daily
    WHERE tenant_key = {tenant_key} AND day >= '{from}' AND day <= '{to}'
    GROUP BY day, context, actor_kind
    ORDER BY day, context, actor_kind
"""
_CONTACTS: Final = """
    SELECT
        coalesce(country, 'unknown') AS of_country, coalesce(source, 'unknown') AS of_source, NULL AS subscriber_type,
        CAST(sum(delta) AS {integer}) AS contacts
    FROM {fact_contact_change} AS change
    WHERE tenant_key = {tenant_key} AND position <= {at_position}
    GROUP BY of_country, of_source
    HAVING sum(delta) <> 0
    ORDER BY of_country, of_source
"""
_DENIALS_IN_POSTGRES: Final = """
    SELECT verdict, law, rule, missing, count(DISTINCT position) AS decisions
    FROM (
        SELECT
            decision.position,
            decision.verdict,
            coalesce(reason->>'law', 'none') AS law,
            coalesce(reason->>'rule', 'none') AS rule,
            nullif(
                (
                    SELECT string_agg(fact, ', ' ORDER BY n)
                    FROM jsonb_array_elements_text(reason->'missing') WITH ORDINALITY AS told (fact, n)
                ),
                ''
            ) AS missing
        FROM fact_decision AS decision CROSS JOIN LATERAL jsonb_array_elements(reasons) AS reason
        WHERE
            tenant_key = {tenant_key} AND day >= '{from}' AND day <= '{to}' AND decision.verdict <> 'allow'
            AND reason->>'verdict' = decision.verdict
    ) AS stopped
    GROUP BY verdict, law, rule, missing
"""
_DENIALS_IN_CHDB: Final = """
    SELECT verdict, law, rule, missing, CAST(uniqExact(position) AS Int64) AS decisions
    FROM (
        SELECT
            position,
            verdict,
            coalesce(reason.law, 'none') AS law,
            coalesce(reason.rule, 'none') AS rule,
            nullIf(arrayStringConcat(reason.missing, ', '), '') AS missing
        FROM {fact_decision} ARRAY JOIN reasons AS reason
        WHERE
            tenant_key = {tenant_key} AND day >= '{from}' AND day <= '{to}' AND verdict <> 'allow'
            AND reason.verdict = verdict
    )
    GROUP BY verdict, law, rule, missing
"""


def _through(day: str, *, days: str) -> str:
    """What has accrued by the end of a day. `days`: what stands for the days since the cost begins."""
    elapsed = f"least({days.format(day)}, days)"
    return (
        f"CASE WHEN {day} < first_on THEN 0 ELSE {elapsed} * each_day + least({elapsed}, days_with_more) END"
    )


_BY_CATEGORY: Final = """
    SELECT
        month, category, currency, CASE WHEN approximate THEN 'approximate' ELSE 'exact' END AS accuracy,
        CAST(sum(accrued) AS {integer}) AS amount
    FROM accrued
    GROUP BY month, category, currency, accuracy
    HAVING sum(accrued) <> 0
"""
_POSTGRES_DAYS: Final = "{} - covers_from + 1"
_COSTS_IN_POSTGRES: Final = f"""
    WITH
        dated AS (
            SELECT
                cost.*,
                greatest(covers_from, (
                    SELECT open_from FROM fact_period AS period
                    WHERE period.tenant_key = cost.tenant_key AND period.position < cost.position
                    ORDER BY period.position DESC LIMIT 1
                )) AS first_on,
                covers_to - covers_from + 1 AS days
            FROM fact_cost AS cost
            WHERE tenant_key = {{tenant_key}} AND position <= {{at_position}}
        ),
        accruing AS (SELECT *, abs(amount) / days AS each_day, abs(amount) % days AS days_with_more FROM dated),
        months AS (
            SELECT
                accruing.*,
                begins::date AS month,
                greatest(begins::date, '{{from}}'::date) AS since,
                least((begins + INTERVAL '1 month')::date - 1, '{{to}}'::date) AS until
            FROM accruing CROSS JOIN LATERAL generate_series(
                date_trunc('month', first_on::timestamp), greatest(covers_to, first_on)::timestamp, INTERVAL '1 month'
            ) AS begins
        ),
        accrued AS (
            SELECT
                month, category, currency, approximate,
                CASE WHEN amount < 0 THEN -1 ELSE 1 END
                * (({_through("until", days=_POSTGRES_DAYS)}) - ({_through("(since - 1)", days=_POSTGRES_DAYS)}))
                AS accrued
            FROM months
            WHERE since <= until
        )
    {_BY_CATEGORY}
"""  # noqa: S608 - our own SQL
_CHDB_DAYS: Final = "(dateDiff('day', covers_from, {}) + 1)"
_COSTS_IN_CHDB: Final = f"""
    WITH
        dated AS (
            SELECT
                cost.*,
                greatest(covers_from, ifNull(period.open_from, covers_from)) AS first_on,
                dateDiff('day', covers_from, covers_to) + 1 AS days
            FROM (
                SELECT * FROM {{fact_cost}} WHERE tenant_key = {{tenant_key}} AND position <= {{at_position}}
            ) AS cost
            ASOF LEFT JOIN (
                SELECT tenant_key, position, open_from FROM {{fact_period}} WHERE tenant_key = {{tenant_key}}
            ) AS period ON cost.tenant_key = period.tenant_key AND cost.position > period.position
        ),
        accruing AS (
            SELECT *, intDiv(abs(amount), days) AS each_day, abs(amount) % days AS days_with_more FROM dated
        ),
        months AS (
            SELECT
                *,
                addMonths(
                    toStartOfMonth(first_on),
                    arrayJoin(range(toUInt32(dateDiff('month', first_on, greatest(covers_to, first_on)) + 1)))
                ) AS month,
                greatest(toDate32(month), toDate32('{{from}}')) AS since,
                least(toDate32(toLastDayOfMonth(month)), toDate32('{{to}}')) AS until
            FROM accruing
        ),
        accrued AS (
            SELECT
                month, category, currency, approximate,
                if(amount < 0, -1, 1)
                * (({_through("until", days=_CHDB_DAYS)}) - ({_through("(since - 1)", days=_CHDB_DAYS)})) AS accrued
            FROM months
            WHERE since <= until
        )
    {_BY_CATEGORY}
"""  # noqa: S608 - our own SQL

_MONTH: Final = {"from": (LAST_DAY - timedelta(days=29)).isoformat(), "to": LAST_DAY.isoformat()}
_YEAR: Final = {"from": (LAST_DAY - timedelta(days=364)).isoformat(), "to": LAST_DAY.isoformat()}
QUESTIONS: Final[Mapping[str, Question]] = {
    "activity_30_days": Question("large", "activity", _MONTH, "", _ACTIVITY, _ACTIVITY),
    "all_tenants_by_month": Question("platform", None, {}, _ALL_TENANTS, _ALL_TENANTS, _ALL_TENANTS),
    "contacts_as_of": Question("largest", "contacts_by_segment", {}, "", _CONTACTS, _CONTACTS),
    "costs_as_of": Question("largest", "costs_by_category", _YEAR, "", _COSTS_IN_POSTGRES, _COSTS_IN_CHDB),
    "denials_30_days": Question(
        "largest", "denials_by_reason", _MONTH, "", _DENIALS_IN_POSTGRES, _DENIALS_IN_CHDB
    ),
}


def compared(file: Path, folder: Path, tenants: Mapping[str, tuple[UUID, int]]) -> dict[str, float]:
    """The ratios. Raises `ValueError` where a peer's rows are others than ours."""
    import chdb  # noqa: PLC0415 - hundreds of megabytes that no other bench needs

    _export(file, folder)
    took: dict[str, dict[str, float]] = {}
    with (
        duckdb.connect(str(file), config={"memory_limit": "2GB", "threads": 2}) as ours,
        _postgres(folder) as postgres,
        closing(chdb.connect(":memory:")) as columns,  # type: ignore[no-untyped-call]  # chdb ships no types for it
    ):
        keys = dict(ours.execute("SELECT tenant_id, tenant_key FROM dim_tenant").fetchall())
        for name, question in QUESTIONS.items():
            asked = _asking(question, keys, tenants)
            took[name] = _timed(
                name,
                {
                    "ours": partial(_of_us, ours, *asked),
                    "postgres": partial(_of_postgres, postgres, *asked),
                    "chdb": partial(_of_chdb, columns, folder, *asked),
                },
            )
    figures: dict[str, float] = {}
    for peer in ("postgres", "chdb"):
        ratios = {name: times[peer] / times["ours"] for name, times in took.items()}
        figures[f"ratio_vs_{peer}"] = math.exp(statistics.fmean(map(math.log, ratios.values())))
        figures[f"worst_ratio_vs_{peer}"] = min(ratios.values())
        figures |= {f"{name}_ratio_vs_{peer}": ratio for name, ratio in ratios.items()}
    return figures


Asked: TypeAlias = "tuple[Question, UUID, dict[str, object]]"


def _asking(question: Question, keys: Mapping[UUID, int], tenants: Mapping[str, tuple[UUID, int]]) -> Asked:
    """The question, whose it is, and the values that the peers' SQL is filled with."""
    tenant, position = tenants[question.tenant]
    return question, tenant, {**question.parameters, "tenant_key": keys[tenant], "at_position": position // 2}


def _of_us(
    con: duckdb.DuckDBPyConnection, question: Question, tenant: UUID, values: dict[str, object]
) -> Rows:
    if question.report is None:
        month = {
            "month": "date_trunc('month', day)::DATE",
            "integer": "BIGINT",
            "fact_event_daily": "fact_event_daily",
        }
        return con.execute(question.ours.format(**values, **month)).fetchall()
    parameters = dict(question.parameters)
    if "{at_position}" in question.chdb:
        parameters["at_position"] = values["at_position"]
    return list(run_report(con, question.report, tenant, parameters).rows)


def _of_postgres(
    con: psycopg.Connection[Any], question: Question, _: UUID, values: dict[str, object]
) -> Rows:
    names = {name: name for name in _TABLES}
    month = "date_trunc('month', day)::date"
    text = question.postgres.format(**values, **names, month=month, integer="bigint")
    return con.execute(text.encode()).fetchall()


def _of_chdb(con: Any, parquet: Path, question: Question, _: UUID, values: dict[str, object]) -> Rows:
    names = {name: f"file('{parquet / name}.parquet', Parquet)" for name in _TABLES}
    text = question.chdb.format(**values, **names, month="toStartOfMonth(day)", integer="Nullable(Int64)")
    table = con.query(text + " SETTINGS join_use_nulls = 1", "ArrowTable")
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _timed(name: str, asking: Mapping[str, Callable[[], Rows]]) -> dict[str, float]:
    """Medians in milliseconds of each engine, asked by turns. Raises `ValueError` where their rows differ."""
    rows = {engine: sorted(ask(), key=repr) for engine, ask in asking.items()}
    for engine, theirs in rows.items():
        if theirs != rows["ours"]:
            raise ValueError(f"{engine} answers {name} otherwise: {_difference(theirs, rows['ours'])}")
    took: dict[str, list[float]] = {engine: [] for engine in asking}
    until = time.perf_counter() + _SECONDS
    while len(took["ours"]) < _REPEATS and time.perf_counter() < until:
        for engine, ask in asking.items():
            began = time.perf_counter()
            ask()
            took[engine].append((time.perf_counter() - began) * 1000)
    medians = {engine: statistics.median(times) for engine, times in took.items()}
    told = ", ".join(f"{engine} {median:.2f} ms" for engine, median in medians.items())
    print(f"  {name}, {len(rows['ours'])} rows: {told}", file=sys.stderr, flush=True)
    return medians


def _difference(theirs: Rows, ours: Rows) -> str:
    first = next((pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]), None)
    return f"{len(theirs)} rows, ours has {len(ours)}; the first that differ: {first}"


def _export(file: Path, folder: Path) -> None:
    """The tables as Parquet and, for Postgres, as CSV."""
    with duckdb.connect(str(file), read_only=True, config={"memory_limit": "2GB", "threads": 2}) as con:
        for name, rows in _TABLES.items():
            con.execute(f"COPY ({rows}) TO '{folder / name}.parquet' (FORMAT parquet)")
            plain = rows.replace("reasons FROM", "to_json(reasons) AS reasons FROM")
            con.execute(f"COPY ({plain}) TO '{folder / name}.csv' (FORMAT csv, HEADER false)")


@contextmanager
def _postgres(folder: Path) -> Iterator[psycopg.Connection[Any]]:
    """A Postgres with the tables in it, indexed and analysed."""
    with (
        EmbeddedPostgres(folder / "peer", settings=_SETTINGS) as server,
        psycopg.connect(server.admin_dsn, autocommit=True) as con,
    ):
        con.execute(_POSTGRES)
        for name in _TABLES:
            file = folder / f"{name}.csv"
            with con.cursor().copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy, file.open("rb") as lines:
                while part := lines.read(2**20):
                    copy.write(part)
            file.unlink()
        for statement in _INDEXES.strip().splitlines():
            con.execute(statement)
        con.execute("VACUUM ANALYZE")
        yield con
