"""What an ingest makes of the logs of `facts_plan`: the rows of each model, as DuckDB's SQL."""

from __future__ import annotations

from typing import Final

from scripts.benches.facts_plan import (
    DECIDED,
    DISPATCHED,
    ERASED,
    GONE,
    LAPSED,
    LOG,
    ORDINARY,
    UPDATED,
)

_MOVED_TO: Final = """
    CASE
        WHEN country(tenant_key, position) = country(tenant_key, position - 210) THEN 'NO'
        ELSE country(tenant_key, position)
    END
"""
_SEGMENTS: Final = """
    pick(['business', 'individual', 'business'], chance('type', tenant_key, came, 3)) AS subscriber_type,
    pick(['import', 'form', 'import', 'crm', 'api'], chance('source', tenant_key, came, 5)) AS source
"""
_CONTACTS: Final = f"""
    SELECT
        tenant_key,
        position,
        day,
        workspace(tenant_key, holders, came) AS workspace_id,
        id('contact', tenant_key, came) AS contact_id,
        told.change,
        told.country,
        {_SEGMENTS},
        told.delta::INTEGER AS delta
    FROM (
        SELECT
            *,
            CASE slot WHEN 12 THEN position - 210 WHEN 13 THEN position - 368 ELSE position END AS came,
            unnest(CASE slot
                WHEN 12 THEN [
                    {{'change': 'updated', 'country': {_MOVED_TO}, 'delta': 1}},
                    {{'change': 'updated', 'country': country(tenant_key, position - 210), 'delta': -1}}
                ]
                WHEN 13 THEN [{{
                    'change': CASE WHEN {ERASED} THEN 'erased' ELSE 'removed' END,
                    'country': country(tenant_key, position - 368),
                    'delta': -1
                }}]
                ELSE [{{'change': 'created', 'country': country(tenant_key, position), 'delta': 1}}]
            END) AS told
        FROM ({ORDINARY})
        WHERE (slot < 12 AND slot % 3 = 2) OR ({UPDATED}) OR ({GONE})
    )
"""  # noqa: S608 - our own SQL

_DECISIONS: Final = f"""
    SELECT
        tenant_key,
        position,
        day,
        workspace(tenant_key, holders, position) AS workspace_id,
        verdict,
        CASE WHEN chance('purpose', tenant_key, position, 10) < 8 THEN 'marketing' ELSE 'transactional' END AS purpose,
        pick(['newsletter', 'offer', 'event', NULL], chance('type', tenant_key, position, 4)) AS campaign_type,
        'DE' AS sender_country,
        reasons[1].law AS law,
        reasons[1].rule AS rule,
        told.pack,
        len(reasons)::INTEGER AS reason_count,
        reasons,
        CASE WHEN verdict = 'hold' THEN reasons[1].missing ELSE [] END AS missing,
        recorded_at AS decided_at,
        CASE WHEN verdict = 'allow' THEN recorded_at + INTERVAL 10 MINUTE END AS expires_at
    FROM (
        SELECT
            *,
            [
                {{
                    'verdict': verdict,
                    'law': told.law,
                    'rule': rule_of(told, verdict, chance('rule', tenant_key, position, 5)),
                    'missing': CASE
                        WHEN verdict = 'hold'
                            THEN [pick(['consent', 'relation', 'country'], chance('missing', tenant_key, position, 3))]
                        ELSE []
                    END
                }},
                {{
                    'verdict': 'allow',
                    'law': other.law,
                    'rule': rule_of(other, 'allow', chance('rule2', tenant_key, position, 3)),
                    'missing': []::VARCHAR[]
                }}
            ][:1 + (chance('second', tenant_key, position, 4) = 0 AND told.law <> other.law)::INTEGER] AS reasons
        FROM (
            SELECT
                *,
                verdict(tenant_key, position) AS verdict,
                law_of(tenant_key, position) AS told,
                law_of(tenant_key, -position) AS other
            FROM ({ORDINARY})
            WHERE {DECIDED}
        )
    )
"""  # noqa: S608 - our own SQL

_DISPATCHES: Final = f"""
    SELECT
        tenant_key, position, day, workspace(tenant_key, holders, position - 1) AS workspace_id,
        recorded_at - INTERVAL 1 SECOND AS occurred_at
    FROM ({ORDINARY})
    WHERE {DISPATCHED}
"""  # noqa: S608 - our own SQL

_OPT_OUTS: Final = f"""
    SELECT
        * EXCLUDE (recorded_at),
        CASE WHEN channel NOT IN ('import') THEN epoch_us(recorded_at) - epoch_us(occurred_at) END AS latency_us,
        CASE WHEN channel NOT IN ('import') THEN 'us' END AS due_law,
        CASE WHEN channel NOT IN ('import') THEN occurred_at + INTERVAL 10 DAY END AS due_before,
        CASE WHEN channel NOT IN ('import') THEN recorded_at < occurred_at + INTERVAL 10 DAY END AS in_time
    FROM (
        SELECT
            tenant_key,
            position,
            day,
            recorded_at,
            CASE WHEN chance('complaint', tenant_key, position, 20) = 0 THEN 'complaint' ELSE 'unsubscribe' END AS kind,
            pick(['one_click', 'page', 'one_click', 'reply', 'api', 'import'], chance('way', tenant_key, position, 6))
                AS channel,
            pick(['tenant', 'tenant', 'workspace', 'campaign_type'], chance('scope', tenant_key, position, 4)) AS scope,
            recorded_at - to_microseconds(
                1000 * chance('after', tenant_key, position, 1000) * chance('after2', tenant_key, position, 1000)
            ) AS occurred_at
        FROM ({ORDINARY})
        WHERE slot = 36
    )
"""  # noqa: S608 - our own SQL

_LAPSES: Final = f"""
    SELECT
        tenant_key,
        position,
        day,
        CASE WHEN {LAPSED} THEN 'lapsed' ELSE 'announced' END AS stage,
        told.law,
        pick(told.allow, chance('rule', tenant_key, position, 5)) AS rule,
        pick(['consent', 'business relationship', NULL], chance('basis', tenant_key, position, 3)) AS basis,
        date_trunc('day', recorded_at)
        + to_days(CASE WHEN {LAPSED} THEN 0 ELSE 30 END::INTEGER) AS ends_at,
        CASE WHEN {LAPSED} THEN 'deny' END AS verdict,
        CASE WHEN {LAPSED} THEN pick(told.deny, chance('since', tenant_key, position, 5)) END AS rule_since,
        CASE WHEN chance('client', tenant_key, position, 2) = 0 THEN workspace(tenant_key, holders, position) END
            AS workspace_id
    FROM (SELECT *, law_of(tenant_key, position) AS told FROM ({ORDINARY}) WHERE slot = 37)
"""  # noqa: S608 - our own SQL

_COSTS: Final = """
    SELECT
        tenant_key,
        position,
        day,
        id('cost', tenant_key, entry) AS cost_id,
        told.change,
        pick(['server', 'ip', 'domain', 'mailbox', 'staff_time', 'marketing', 'payment_fee'], kind_of) AS category,
        (told.sign * (500 + chance('amount', tenant_key, entry, 200000) + told.more))::BIGINT AS amount,
        pick(['USD', 'USD', 'USD', 'EUR', 'USD', 'EUR', 'JPY'], chance('currency', tenant_key, entry, 7)) AS currency,
        covers_from,
        covers_to,
        covers_from AS effective_on,
        pick(['Hostwinds', 'Stripe', 'Registrar', 'Agency', 'Payroll'], kind_of) AS provider,
        CASE
            WHEN of < 3 AND platform THEN 'customer' WHEN of < 3 THEN 'workspace' WHEN of < 8 THEN 'pool' ELSE 'tenant'
        END AS assigned,
        CASE
            WHEN of < 3 AND platform THEN id('tenant', 0, 1 + chance('of', tenant_key, entry, holders))
            WHEN of < 3 THEN workspace(tenant_key, holders, entry)
        END AS holder_id,
        CASE WHEN of BETWEEN 3 AND 7 THEN pick(['servers', 'ips', 'tools'], of) END AS pool,
        CASE WHEN kind_of = 5 THEN 'new' END AS acquires,
        told.change <> 'confirmed' AND chance('approximate', tenant_key, entry, 10) < 4 AS approximate
    FROM (
        SELECT
            *,
            chance('category', tenant_key, entry, 7) AS kind_of,
            chance('assigned', tenant_key, entry, 10) AS of,
            date_trunc('month', entry_day)::DATE - 31 * (chance('late', tenant_key, entry, 5) = 0)::INTEGER
                AS covers_from,
            (covers_from + pick([0, 29, 29, 29, 89, 364], chance('long', tenant_key, entry, 6)))::DATE AS covers_to,
            unnest(CASE kind
                WHEN 'entered' THEN [{'change': 'entered', 'sign': 1, 'more': 0}]
                WHEN 'reversed' THEN [{'change': 'reversed', 'sign': -1, 'more': 0}]
                ELSE [
                    {'change': 'estimated', 'sign': -1, 'more': 0},
                    {'change': 'confirmed', 'sign': 1, 'more': chance('invoice', tenant_key, entry, 900) - 400}
                ]
            END) AS told
        FROM rare
        WHERE kind IN ('entered', 'confirmed', 'reversed')
    )
"""

_SUBSCRIPTIONS: Final = """
    SELECT
        tenant_key,
        position,
        day,
        id('subscription', tenant_key, subscription) AS subscription_id,
        'stripe' AS teller,
        'told/' || position AS told_as,
        effective_at,
        1 AS rank,
        status,
        pick(['USD', 'USD', 'EUR', 'USD', 'JPY'], chance('currency', tenant_key, subscription, 5)) AS currency,
        plan,
        [{
            'price': 'price_' || plan,
            'kind': 'plan',
            'of': plan,
            'unit_amount': pick([1900, 4900, 9900, 19900], chance('plan', tenant_key, position // 400, 4)),
            'quantity': 1 + chance('seats', tenant_key, position // 160, 4),
            'interval': CASE WHEN chance('yearly', tenant_key, subscription, 5) = 0 THEN 'year' ELSE 'month' END,
            'interval_count': 1
        }] AS items,
        CASE WHEN chance('coupon', tenant_key, subscription, 4) = 0 THEN [{
            'coupon': 'launch', 'percent_off': 2000, 'amount_off': NULL, 'duration': 'repeating',
            'ends_on': (effective_at + INTERVAL 90 DAY)::DATE
        }] ELSE [] END AS discounts,
        effective_at AS period_start,
        effective_at + INTERVAL 30 DAY AS period_end,
        CASE WHEN status = 'trialing' THEN effective_at + INTERVAL 14 DAY END AS trial_ends_at,
        CASE WHEN status = 'canceled' THEN effective_at END AS ended_at
    FROM (
        SELECT
            *,
            recorded_at - to_minutes(
                chance('late', tenant_key, position, 60)
                * (1 + 72 * (chance('later', tenant_key, position, 20) = 0)::INTEGER)
            ) AS effective_at,
            pick(['starter', 'growth', 'scale', 'scale'], chance('plan', tenant_key, position // 400, 4)) AS plan,
            CASE
                WHEN nth = 1 THEN pick(['active', 'trialing', 'active'], chance('trial', tenant_key, subscription, 3))
                WHEN chance('status', tenant_key, position, 100) < 80 THEN 'active'
                WHEN chance('status', tenant_key, position, 100) < 88 THEN 'past_due'
                ELSE 'canceled'
            END AS status
        FROM (
            SELECT *, row_number() OVER (PARTITION BY tenant_key, subscription ORDER BY position) AS nth
            FROM (
                SELECT
                    *,
                    chance('which', tenant_key, position, 1 + (count(*) OVER (PARTITION BY tenant_key)) // 12)
                        AS subscription
                FROM rare
                WHERE kind = 'told'
            )
        )
    )
    ORDER BY tenant_key, position
"""

TYPED: Final = {
    "fact_holder": f"""
        SELECT
            tenant_key, position, day, 'came' AS change,
            CASE WHEN platform THEN id('tenant', 0, position) ELSE id('workspace', tenant_key, position) END
                AS holder_id
        FROM ({LOG}) WHERE position <= holders
    """,  # noqa: S608 - our own SQL
    "fact_allocation_rule": f"""
        SELECT
            tenant_key, position, day, pick(['servers', 'ips', 'tools'], position - holders - 1) AS pool,
            pick(['messages_sent', 'equal', 'weights'], position - holders - 1) AS allocated_by,
            date_trunc('year', day)::DATE AS from_day,
            CASE WHEN weight IS NOT NULL THEN CASE
                WHEN platform THEN id('tenant', 0, weight) ELSE id('workspace', tenant_key, weight)
            END END AS holder_id,
            weight
        FROM (
            SELECT *, unnest(CASE WHEN position = head THEN range(1, 1 + least(holders, 20)) ELSE [NULL] END) AS weight
            FROM ({LOG}) WHERE position > holders AND position <= head
        )
    """,  # noqa: S608 - our own SQL
    "fact_contact_change": _CONTACTS,
    "fact_decision": _DECISIONS,
    "fact_dispatch": _DISPATCHES,
    "fact_opt_out": _OPT_OUTS,
    "fact_lapse": _LAPSES,
    "fact_cost": _COSTS,
    "fact_subscription": _SUBSCRIPTIONS,
    "fact_usage": f"""
        SELECT
            tenant_key, position, day, date_trunc('month', recorded_at - INTERVAL 1 SECOND)::DATE AS month,
            CASE WHEN position <= holders THEN 'workspaces' ELSE 'emails' END AS meter,
            1 AS delta
        FROM ({LOG})
        WHERE NOT platform AND (position <= holders OR (position > head AND {DISPATCHED}))
    """,  # noqa: S608 - our own SQL
    "fact_period": """
        SELECT
            tenant_key, position, day, kind AS change, strftime(period, '%Y-%m') AS period,
            strftime(open_from - INTERVAL 1 MONTH, '%Y-%m') AS closed_through, open_from,
            CASE WHEN kind = 'reopened' THEN 'an invoice came late' END AS reason
        FROM (
            SELECT *, (CASE kind WHEN 'locked' THEN period + INTERVAL 1 MONTH ELSE period END)::DATE AS open_from
            FROM rare WHERE kind IN ('locked', 'reopened')
        )
    """,
    "fact_subject_request": """
        SELECT
            tenant_key, position, day, pick(['access', 'erasure', 'rectification'], asked) AS kind, 'eu' AS law,
            CASE kind WHEN 'received' THEN 'received' ELSE 'fulfilled' END AS step,
            CASE WHEN kind = 'ended' THEN recorded_at < recorded_before + INTERVAL 30 DAY END AS in_time,
            CASE WHEN kind = 'ended' AND recorded_at < recorded_before + INTERVAL 30 DAY THEN false END AS entered_late,
            CASE WHEN kind = 'ended' THEN epoch_us(recorded_at) - epoch_us(recorded_before) END AS taken_us
        FROM (
            SELECT
                * EXCLUDE (kind), kind,
                chance('asked', tenant_key, CASE kind WHEN 'ended' THEN position_before ELSE position END, 3) AS asked
            FROM rare WHERE kind IN ('received', 'ended')
        ) AS told
    """,
    "fact_target": """
        SELECT
            tenant_key, position, day, id('target', tenant_key, metric || quarter) AS target_id, 'set' AS change,
            metric, 'quarter' AS period_kind, quarter AS period, 'at_least' AS comparison,
            value::DECIMAL(21, 6) AS value, value::VARCHAR AS value_text, 'USD' AS unit
        FROM (
            SELECT
                *,
                pick(['mrr', 'customers', 'net_churn', 'gross_margin'], chance('metric', tenant_key, position, 4))
                    AS metric,
                year(day) || '-Q' || quarter(day) AS quarter,
                1000 + chance('aim', tenant_key, position, 90000) AS value
            FROM rare WHERE kind = 'target'
        )
    """,
}
"""The facts of each model, by tenant and position as a rebuild sorts them."""

_NAME: Final = f"""
    CASE
        WHEN position <= holders
            THEN CASE WHEN platform THEN 'platform.tenant_registered' ELSE 'tenancy.workspace_created' END
        WHEN position <= head THEN 'costs.allocation_ruled'
        WHEN slot < 12 THEN
            CASE slot % 3
                WHEN 0 THEN 'audience.addressee_registered'
                WHEN 1 THEN 'audience.email_claimed'
                ELSE 'audience.contact_created'
            END
        WHEN {UPDATED} THEN 'audience.contact_updated'
        WHEN {GONE} THEN CASE WHEN {ERASED} THEN 'audience.contact_erased' ELSE 'audience.contact_removed' END
        WHEN {DECIDED} THEN 'audience.permission_decided'
        WHEN {DISPATCHED} THEN 'audience.message_dispatched'
        WHEN slot = 36 THEN 'audience.opted_out'
        WHEN slot = 37 THEN CASE WHEN {LAPSED} THEN 'audience.permission_lapsed' ELSE 'audience.permission_lapsing' END
        ELSE 'audience.consent_recorded'
    END
"""

EVENTS: Final = f"""
    SELECT
        tenant_key, position, day, recorded_at, name,
        CASE
            WHEN name IN ('audience.message_dispatched', 'audience.permission_lapsed', 'audience.permission_lapsing')
                THEN 'workflow'
            ELSE pick(['api_key', 'member', 'api_key', 'workflow'], chance('actor', tenant_key, block, 4))
        END AS actor_kind,
        CASE split_part(name, '.', 1)
            WHEN 'audience' THEN CASE WHEN name LIKE '%.contact%' THEN 'contact' ELSE 'addressee' END
            ELSE split_part(name, '.', 1)
        END AS stream_category,
        CASE WHEN name <> 'audience.email_claimed' THEN id('stream', tenant_key, position) END AS stream_id
    FROM (
        SELECT tenant_key, position, day, recorded_at, block, {_NAME} AS name
        FROM ({LOG.replace("FROM spans", "FROM spans WHERE (day - DATE '2024-12-01') * $slices // 730 = $slice")})
        WHERE position <= head OR (NOT platform AND slot <> 39)
        UNION ALL
        SELECT tenant_key, position, day, recorded_at, position // 40, name
        FROM rare
        WHERE (day - DATE '2024-12-01') * $slices // 730 = $slice
    )
    ORDER BY recorded_at, tenant_key
"""  # noqa: S608 - our own SQL
"""One part of `$slices`, the `$slice`th, in order of time."""

POSITIONS: Final = """
    INSERT INTO positions BY NAME
    SELECT
        tenant_id, tenant_key, 1 AS epoch, max(position) AS position, 'live' AS state, NULL AS error,
        max(recorded_at) AS recorded_at
    FROM fact_event JOIN dim_tenant USING (tenant_key)
    GROUP BY tenant_id, tenant_key
"""
DONE: Final = "DROP TABLE rare; DROP TABLE spans; DROP TABLE season; DROP TABLE planned"
