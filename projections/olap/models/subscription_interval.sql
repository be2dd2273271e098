-- subscription_interval: what each subscription comes to a month, from moment to moment, under each definition profile.
-- Grain: one row per profile, history, subscription and stretch of time in which nothing of it changes.
-- Tenant key: tenant_key; with position it names the telling that holds in the stretch.
-- Measures: amount (MRR in minor units of currency; a balance: sum it over subscriptions, never over time or currencies).
-- Invariants: the stretches of a subscription follow one another without gap or overlap from its first telling on;
--   the last has no to_at. A telling holds from effective_at until the next in order (effective_at, rank, told_as); of
--   one that is in the log twice the first counts. A discount that ends begins another stretch, told by nobody.
--   amount is what a cycle is invoiced at, taken to a month and rounded once, halves away from zero: a year has 12
--   months, 52 weeks and 365 days. Items of one cycle are summed first; then discounts in the order told, each rounded
--   as on an invoice; an amount off lowers the cycle of the first item. It is 0 unless the profile counts the status.
--   as_of NULL: the history as it is known now; else as it was known at that position, where months were closed.
--   A stretch's moments are effective dates (UTC); posting dates are those of mrr_movement.
-- Permission: billing.read
-- Derived from: fact_subscription, fact_period

-- == table
CREATE TABLE subscription_interval (
    tenant_key INTEGER NOT NULL,
    profile VARCHAR NOT NULL,
    as_of BIGINT,
    subscription_id UUID NOT NULL,
    from_at TIMESTAMP NOT NULL,
    to_at TIMESTAMP,
    status VARCHAR NOT NULL,
    plan VARCHAR,
    currency VARCHAR NOT NULL,
    amount BIGINT NOT NULL,
    position BIGINT NOT NULL
);

-- == derive
WITH
    told AS MATERIALIZED (
        SELECT * FROM fact_subscription
        QUALIFY row_number() OVER (PARTITION BY tenant_key, subscription_id, told_as ORDER BY position) = 1
    ),
    history AS (
        SELECT DISTINCT tenant_key, NULL::BIGINT AS as_of FROM told
        UNION
        SELECT tenant_key, position FROM fact_period
    ),
    known AS (
        SELECT history.as_of, told.*
        FROM told
        JOIN history USING (tenant_key)
        WHERE history.as_of IS NULL OR told.position <= history.as_of
        -- Of tellings of one moment the last alone ever held.
        QUALIFY
            row_number() OVER (
                PARTITION BY history.as_of, tenant_key, subscription_id, effective_at ORDER BY rank DESC, told_as DESC
            ) = 1
    ),
    sequence AS MATERIALIZED (
        SELECT
            *,
            lead(effective_at) OVER in_order AS next_at,
            -- What a subscription that was canceled had before, and until when that was paid for.
            last_value(CASE WHEN status <> 'canceled' THEN position END IGNORE NULLS) OVER in_order AS before,
            last_value(
                CASE WHEN status = 'active' THEN coalesce(period_end, effective_at) END IGNORE NULLS
            ) OVER in_order AS paid_until
        FROM known
        WINDOW in_order AS (PARTITION BY as_of, tenant_key, subscription_id ORDER BY effective_at)
    ),
    kept AS MATERIALIZED (
        SELECT
            sequence.*,
            profile.profile,
            profile.metered,
            profile.coupons,
            list_contains(profile.statuses, sequence.status) AS counts,
            coalesce(
                profile.churn_at = 'cycle_end'
                AND sequence.status = 'canceled'
                AND list_contains(profile.statuses, previous.status)
                AND sequence.paid_until > sequence.effective_at,
                false
            ) AS lasts
        FROM sequence
        CROSS JOIN profile
        LEFT JOIN told AS previous ON previous.tenant_key = sequence.tenant_key AND previous.position = sequence.before
    ),
    span AS (
        SELECT
            * EXCLUDE (next_at, before, paid_until, effective_at, counts, lasts),
            effective_at AS from_at,
            CASE WHEN lasts THEN least(next_at, paid_until) ELSE next_at END AS to_at,
            CASE WHEN lasts THEN before WHEN counts THEN position END AS terms_of
        FROM kept
        UNION ALL BY NAME
        SELECT
            * EXCLUDE (next_at, before, paid_until, effective_at, counts, lasts),
            paid_until AS from_at,
            next_at AS to_at,
            NULL::BIGINT AS terms_of
        FROM kept
        WHERE lasts AND (next_at IS NULL OR paid_until < next_at)
    ),
    worded AS (
        SELECT
            span.* EXCLUDE (items, discounts, currency),
            coalesce(terms.currency, span.currency) AS currency,
            [
                item FOR item IN coalesce(terms.items, []) IF span.metered OR item.kind <> 'metered'
            ] AS items,
            [
                discount FOR discount IN coalesce(terms.discounts, [])
                IF span.coupons = 'all' OR discount.duration = 'forever'
            ] AS discounts
        FROM span
        LEFT JOIN told AS terms ON terms.tenant_key = span.tenant_key AND terms.position = span.terms_of
    ),
    stretch AS (
        SELECT * EXCLUDE (from_at, to_at, starts, stretch), stretch.from_at, coalesce(stretch.to_at, to_at) AS to_at
        FROM (
            SELECT
                *,
                unnest(
                    list_transform(starts, lambda start, i: {'from_at': start, 'to_at': starts[i + 1]})
                ) AS stretch
            FROM (
                SELECT
                    *,
                    list_sort(list_distinct([from_at] || [
                        discount.ends_on::TIMESTAMP FOR discount IN discounts
                        IF discount.ends_on::TIMESTAMP > from_at
                        AND (to_at IS NULL OR discount.ends_on::TIMESTAMP < to_at)
                    ])) AS starts
                FROM worded
            )
        )
    ),
    invoiced AS (
        SELECT
            *,
            list_transform(
                list_distinct([{'unit': item.interval, 'count': item.interval_count} FOR item IN items]),
                lambda cycle: {
                    'cycle': cycle,
                    'first': cycle.unit = items[1].interval AND cycle.count = items[1].interval_count,
                    'left': list_sum([
                        item.unit_amount::HUGEINT * CASE item.kind WHEN 'metered' THEN 1 ELSE item.quantity END
                        FOR item IN items IF item.interval = cycle.unit AND item.interval_count = cycle.count
                    ])
                }
            ) AS cycles,
            [
                {'left': 0::HUGEINT, 'percent': discount.percent_off::HUGEINT, 'amount': discount.amount_off::HUGEINT}
                FOR discount IN discounts IF discount.ends_on IS NULL OR discount.ends_on::TIMESTAMP > from_at
            ] AS lowering
        FROM stretch
    ),
    lowered AS (
        SELECT
            *,
            list_transform(
                cycles,
                lambda cycle: {
                    'cycle': cycle.cycle,
                    'left': list_reduce(
                        lowering,
                        lambda so_far, discount: {
                            'left': CASE
                                WHEN discount.percent IS NOT NULL
                                    THEN so_far.left - (2 * so_far.left * discount.percent + 10000) // 20000
                                WHEN cycle.first THEN greatest(0, so_far.left - discount.amount)
                                ELSE so_far.left
                            END,
                            'percent': NULL::HUGEINT,
                            'amount': NULL::HUGEINT
                        },
                        {'left': cycle.left::HUGEINT, 'percent': NULL::HUGEINT, 'amount': NULL::HUGEINT}
                    ).left
                }
            ) AS net
        FROM invoiced
    ),
    monthly AS MATERIALIZED (
        SELECT
            * EXCLUDE (net),
            coalesce(
                list_sum([
                    (
                        2 * cycle.left * CASE cycle.cycle.unit
                            WHEN 'month' THEN 12 WHEN 'year' THEN 1 WHEN 'week' THEN 52 ELSE 365
                        END + 12 * cycle.cycle.count
                    ) // (24 * cycle.cycle.count)
                    FOR cycle IN net
                ]),
                0
            )::BIGINT AS amount
        FROM lowered
    ),
    -- A tenant's stays: from the moment at which it pays anything until it pays nothing.
    moment AS MATERIALIZED (
        SELECT as_of, profile, tenant_key, changed_at, sum(delta) AS delta
        FROM (
            SELECT as_of, profile, tenant_key, from_at AS changed_at, amount AS delta FROM monthly
            UNION ALL
            SELECT as_of, profile, tenant_key, to_at, -amount FROM monthly WHERE to_at IS NOT NULL
        )
        WHERE profile IN (SELECT profile FROM profile WHERE short_stays = 'ignored')
        GROUP BY as_of, profile, tenant_key, changed_at
    ),
    edge AS MATERIALIZED (
        SELECT *
        FROM (
            SELECT
                *,
                sum(delta) OVER (PARTITION BY as_of, profile, tenant_key ORDER BY changed_at) AS after
            FROM moment
        )
        WHERE (after = 0) <> (after - delta = 0)
    ),
    short_stay AS (
        SELECT *
        FROM (
            SELECT
                as_of,
                profile,
                tenant_key,
                changed_at AS from_at,
                after,
                lead(changed_at) OVER (PARTITION BY as_of, profile, tenant_key ORDER BY changed_at) AS to_at
            FROM edge
        )
        WHERE after > 0 AND date_trunc('month', from_at) = date_trunc('month', to_at)
    )
SELECT
    monthly.tenant_key,
    monthly.profile,
    monthly.as_of,
    monthly.subscription_id,
    monthly.from_at,
    monthly.to_at,
    monthly.status,
    monthly.plan,
    monthly.currency,
    CASE WHEN short_stay.from_at IS NULL THEN monthly.amount ELSE 0 END AS amount,
    monthly.position
FROM monthly
LEFT JOIN short_stay
    ON
        short_stay.tenant_key = monthly.tenant_key
        AND short_stay.profile = monthly.profile
        AND short_stay.as_of IS NOT DISTINCT FROM monthly.as_of
        AND monthly.from_at >= short_stay.from_at
        AND monthly.from_at < short_stay.to_at
