"""What happens in the logs of `facts`, as DuckDB's SQL; all chance is a hash of the seed, the tenant and the position.

A tenant's log begins with its workspaces (the platform's: with its customers) and three rules for shared costs. From
there on it is a row of blocks of 40 events. Slots 0 to 11: four people are met, each addressee_registered,
email_claimed and contact_created. 12: the contact of five blocks before moves to another country. 13: another, of nine
before, goes. 18 to 35: nine messages are decided on, and handed over in the next slot if that is allowed. 36: an
opt-out. 37: a permission ends, or will. 39: something rare: costs, their invoices and reversals, targets, exchange
rates, requests of people, what is told of subscriptions, invoices and payments, months that are locked in order and now
and then reopened. The rest, and what would refer to before the beginning, are consents. The platform's log has rare
events alone.
"""

from __future__ import annotations

from typing import Final

MACROS: Final = """
    CREATE TEMP MACRO chance(salt, tenant, n, among) AS (hash({seed}, salt, tenant, n) % among)::BIGINT;
    CREATE TEMP MACRO id(salt, tenant, n) AS md5_number(concat_ws('/', {seed}, salt, tenant, n))::UUID;
    CREATE TEMP MACRO pick(among, n) AS among[1 + (n % len(among))::BIGINT];
    CREATE TEMP MACRO workspace(tenant, holders, n) AS
        id('workspace', tenant, 1 + (chance('of', tenant, n, holders) * chance('of2', tenant, n, holders)) // holders);
    CREATE TEMP MACRO country(tenant, n) AS pick(
        ['DE', 'US', 'DE', 'FR', 'US', 'DE', 'GB', 'CA', 'NL', 'ES', 'IT', 'PL', 'SE', 'AT', 'CH', 'BE', 'AU', 'JP'],
        chance('country', tenant, n, 18) * chance('country2', tenant, n, 18) // 18
    );
    CREATE TEMP MACRO verdict(tenant, n) AS CASE
        WHEN chance('verdict', tenant, n, 100) < 80 THEN 'allow'
        WHEN chance('verdict', tenant, n, 100) < 92 THEN 'deny'
        ELSE 'hold'
    END;
    CREATE TEMP MACRO law_of(tenant, n) AS pick(
        getvariable('laws'), chance('law', tenant, n, len(getvariable('laws'))) * chance('law2', tenant, n, 3) // 3
    );
    CREATE TEMP MACRO rule_of(told, verdict, n) AS
        pick(CASE verdict WHEN 'allow' THEN told.allow WHEN 'deny' THEN told.deny ELSE told.hold END, n);
"""
"""`chance` is a number below `among`; the product of two is more often a small one. `{seed}` is put in."""

TENANTS: Final = """
    CREATE TEMP TABLE planned AS
    WITH ranked AS (
        SELECT rank, greatest(60, ($events / rank / total)::BIGINT) AS size
        FROM range(1, $tenants + 1) AS told (rank)
        CROSS JOIN (SELECT sum(1 / rank) AS total FROM range(1, $tenants + 1) AS told (rank))
    ),
    everybody AS (
        SELECT
            row_number() OVER (ORDER BY chance('key', 0, rank, 1000000000), rank)::INTEGER AS tenant_key,
            id('tenant', 0, rank) AS tenant_id,
            rank,
            size,
            least(40, 1 + (sqrt(size) / 20)::BIGINT) AS holders,
            CASE WHEN chance('start', 0, rank, 10) < 6 THEN 0 ELSE chance('begin', 0, rank, 540) END AS begins
        FROM ranked
    )
    SELECT *, false AS platform FROM everybody
    UNION ALL
    SELECT $tenants + 1, $platform::UUID, 0, $platform_events, $tenants, 0, true
"""
"""Who there is. The largest tenant has as many events as the second and the third and so on by their ranks."""

SEASON: Final = """
    CREATE TEMP TABLE season AS
    SELECT
        day,
        number,
        sum(
            pick([1.0, 1.05, 1.05, 1.0, 0.8, 0.3, 0.25], isodow(day) - 1)
            * (1 + 0.25 * cos(2 * pi() * (dayofyear(day) - 320) / 365))
            * CASE WHEN month(day) = 8 THEN 0.8 ELSE 1 END
            * exp(0.0008 * number)
        ) OVER (ORDER BY day) AS through
    FROM (
        SELECT day::DATE AS day, row_number() OVER (ORDER BY day) - 1 AS number
        FROM generate_series($first::TIMESTAMP, $last::TIMESTAMP, INTERVAL 1 DAY) AS told (day)
    )
"""
"""Which part of all work was done by the end of each day."""

SPANS: Final = """
    CREATE TEMP TABLE spans AS
    SELECT tenant_key, holders, platform, day, through_before + 1 AS first, through AS last
    FROM (
        SELECT
            *, lag(through, 1, 0) OVER (PARTITION BY tenant_key ORDER BY day) AS through_before
        FROM (
            SELECT
                tenant_key,
                holders,
                platform,
                day,
                (size * (through - before) / (total - before))::BIGINT AS through
            FROM planned
            JOIN (SELECT number, coalesce(lag(through) OVER (ORDER BY number), 0) AS before FROM season) AS start
                ON start.number = begins
            CROSS JOIN (SELECT max(through) AS total FROM season)
            JOIN season ON season.number >= begins
        )
    )
    WHERE through > through_before
    ORDER BY tenant_key, day
"""
"""The positions that each tenant's log got on each day."""

_WHERE_IN_THE_DAY: Final = (
    "day + to_microseconds(((position - first) * 2 + 1) * 43200000000 // (last - first + 1))"
)
LOG: Final = f"""
    SELECT *, {_WHERE_IN_THE_DAY} AS recorded_at, position // 40 AS block, position % 40 AS slot, holders + 3 AS head
    FROM (SELECT *, unnest(range(first, last + 1)) AS position FROM spans)
"""  # noqa: S608 - our own SQL
ORDINARY: Final = f"SELECT * FROM ({LOG}) WHERE position > head AND NOT platform AND slot <> 39"  # noqa: S608 - our own SQL

RARE: Final = f"""
    CREATE TEMP TABLE rare AS
    WITH
        told AS (
            SELECT
                tenant_key, holders, platform, day, recorded_at, position,
                chance('rare', tenant_key, position, 1000) AS chance,
                date_trunc('month', day)::DATE AS month,
                is_first,
                row_number() OVER (
                    PARTITION BY tenant_key, date_trunc('month', day), dayofmonth(day) >= 10 AND NOT is_first
                    ORDER BY position
                ) AS nth
            FROM (
                SELECT *, row_number() OVER (PARTITION BY tenant_key ORDER BY position) = 1 AS is_first
                FROM ({LOG})
                WHERE position > head AND (platform OR slot = 39)
            )
        ),
        -- The first rare event after the ninth of a month locks the month after the one that was locked last; now and
        -- then that is reopened, and locked again.
        locks AS (
            SELECT
                tenant_key, position, nth,
                (
                    min(month) OVER (PARTITION BY tenant_key)
                    + to_months((dense_rank() OVER (PARTITION BY tenant_key ORDER BY month))::INTEGER - 2)
                )::DATE AS period,
                dense_rank() OVER (PARTITION BY tenant_key ORDER BY month) > 1
                    AND chance('reopened', tenant_key, month, 30) = 0 AS reopened,
                count(*) OVER (PARTITION BY tenant_key, month) >= 3 AS room
            FROM told
            WHERE dayofmonth(day) >= 10 AND NOT is_first AND nth <= 3
        ),
        named AS (
            SELECT
                told.* EXCLUDE (nth, is_first),
                period,
                CASE
                    WHEN locks.nth = 1 OR (locks.nth = 3 AND reopened AND room) THEN 'locked'
                    WHEN locks.nth = 2 AND reopened AND room THEN 'reopened'
                    WHEN (is_first OR chance >= 960) AND NOT platform THEN 'told'
                    WHEN chance < 500 THEN 'entered'
                    WHEN chance < 600 THEN 'confirm'
                    WHEN chance < 650 THEN 'reverse'
                    WHEN chance < 680 THEN 'target'
                    WHEN chance < 700 THEN 'rated'
                    WHEN chance < 800 AND NOT platform THEN 'received'
                    WHEN chance < 900 AND NOT platform THEN 'end'
                    WHEN chance < 930 AND NOT platform THEN 'invoiced'
                    WHEN chance < 945 AND NOT platform THEN 'paid'
                    WHEN chance < 960 AND NOT platform THEN 'try'
                    ELSE 'nothing'
                END AS wanted
            FROM told LEFT JOIN locks USING (tenant_key, position)
        ),
        placed AS (
            SELECT
                *,
                row_number() OVER (PARTITION BY tenant_key, wanted ORDER BY position) AS nth_wanted,
                lag(wanted) OVER log AS wanted_before,
                lag(wanted, 2) OVER log AS wanted_2_before,
                lag(position) OVER log AS position_before,
                lag(position, 2) OVER log AS position_2_before,
                lag(day) OVER log AS day_before,
                lag(day, 2) OVER log AS day_2_before,
                lag(recorded_at) OVER log AS recorded_before
            FROM named
            WINDOW log AS (PARTITION BY tenant_key ORDER BY position)
        ),
        kinds AS (
            SELECT
                *,
                CASE wanted
                    WHEN 'confirm' THEN CASE WHEN wanted_before = 'entered' THEN 'confirmed' ELSE 'nothing' END
                    WHEN 'reverse' THEN CASE
                        WHEN wanted_2_before = 'entered' AND wanted_before <> 'confirm' THEN 'reversed' ELSE 'nothing'
                    END
                    WHEN 'end' THEN CASE WHEN wanted_before = 'received' THEN 'ended' ELSE 'nothing' END
                    WHEN 'try' THEN CASE nth_wanted WHEN 1 THEN 'tried' WHEN 2 THEN 'tried_out' ELSE 'nothing' END
                    ELSE wanted
                END AS kind
            FROM placed
        )
    SELECT
        *,
        CASE kind WHEN 'confirmed' THEN position_before WHEN 'reversed' THEN position_2_before ELSE position END
            AS entry,
        CASE kind WHEN 'confirmed' THEN day_before WHEN 'reversed' THEN day_2_before ELSE day END AS entry_day,
        CASE kind
            WHEN 'locked' THEN 'finance.period_locked'
            WHEN 'reopened' THEN 'finance.period_reopened'
            WHEN 'entered' THEN 'costs.cost_entered'
            WHEN 'invoiced' THEN 'billing.invoice_finalised'
            WHEN 'paid' THEN 'billing.payment_received'
            WHEN 'tried' THEN 'billing.trial_started'
            WHEN 'tried_out' THEN 'billing.trial_ended'
            WHEN 'confirmed' THEN 'costs.cost_confirmed'
            WHEN 'reversed' THEN 'costs.cost_reversed'
            WHEN 'target' THEN 'finance.target_set'
            WHEN 'rated' THEN 'finance.exchange_rate_recorded'
            WHEN 'told' THEN 'billing.subscription_reported'
            WHEN 'received' THEN 'rights.request_received'
            WHEN 'ended' THEN 'rights.request_completed'
            ELSE CASE WHEN platform THEN 'platform.staff_role_changed' ELSE 'audience.consent_recorded' END
        END AS name
    FROM kinds
    ORDER BY tenant_key, position
"""  # noqa: S608 - our own SQL
"""The last slot of each block. A cost is confirmed by the next rare event or reversed by the one after, never both."""

UPDATED: Final = "slot = 12 AND position - 210 > head"
GONE: Final = "slot = 13 AND position - 368 > head"
DISPATCHED: Final = """
    slot BETWEEN 19 AND 35 AND slot % 2 = 1 AND position - 1 > head AND verdict(tenant_key, position - 1) = 'allow'
"""
DECIDED: Final = "slot BETWEEN 18 AND 34 AND slot % 2 = 0"
LAPSED: Final = "chance('lapse', tenant_key, position, 3) = 0"
ERASED: Final = "chance('erased', tenant_key, position, 12) = 0"
