-- mrr_movement: every change of monthly recurring revenue, under each definition profile.
-- Grain: one row per profile, currency, subscription, kind, effective day, posting day and telling.
-- Tenant key: tenant_key; with position it names the telling that brought the change. What a discount's end or a paid
--   cycle's end brings is of the telling that holds then.
-- Measures: amount (minor units of currency, signed; additive over days within a currency). Summed from the beginning
--   to the end of a day it is the MRR at its end.
-- Invariants: per tenant, currency, day and profile MRR at the start + new + expansion + reactivation + contraction +
--   churn (the last two are below zero) = MRR at the end, by effective dates as by posting dates; by effective dates
--   MRR is what the stretches of subscription_interval come to. A row has the kind of its group: the changes of one unit
--   (a subscription, or the customer: the tenant) at one moment, or within the minutes that the profile groups, on one
--   day. A group that changes nothing in a currency is no movement. From nothing: new, if nothing was ever paid (or it
--   was too long ago for the profile), else reactivation; a further subscription of a customer who pays is expansion.
--   To nothing: churn. posted_on is the effective day, unless its month was closed before the telling was recorded:
--   then it is the first day of the first month open after it. What such a telling undoes is a row of the other sign.
-- Derived from: subscription_interval, fact_period

-- == table
CREATE TABLE mrr_movement (
    tenant_key INTEGER NOT NULL,
    profile VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    subscription_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    effective_on DATE NOT NULL,
    posted_on DATE NOT NULL,
    position BIGINT NOT NULL,
    amount BIGINT NOT NULL
);

-- == derive
WITH
    step AS (
        SELECT
            *,
            lag(amount, 1, 0) OVER in_order AS amount_before,
            lag(currency) OVER in_order AS currency_before
        FROM subscription_interval
        WINDOW in_order AS (PARTITION BY profile, as_of, tenant_key, subscription_id ORDER BY from_at)
    ),
    change AS MATERIALIZED (
        SELECT
            profile,
            unit,
            grouping_minutes,
            reactivation_days,
            as_of,
            tenant_key,
            subscription_id,
            CASE unit WHEN 'subscription' THEN subscription_id END AS unit_id,
            from_at AS changed_at,
            position,
            part.currency,
            part.delta
        FROM (
            SELECT
                *,
                unnest(
                    CASE
                        WHEN currency = coalesce(currency_before, currency)
                            THEN [{'currency': currency, 'delta': amount - amount_before}]
                        ELSE [
                            {'currency': currency_before, 'delta': -amount_before},
                            {'currency': currency, 'delta': amount}
                        ]
                    END
                ) AS part
            FROM step
        )
        JOIN profile USING (profile)
        WHERE part.delta <> 0
    ),
    -- Sums of several currencies are looked at for one thing alone: whether they are nothing.
    weighed AS (
        SELECT
            *,
            sum(delta) OVER (tenant_now) - sum(delta) OVER (tenant_then) AS tenant_before,
            sum(delta) OVER (tenant_now) AS tenant_after,
            sum(delta) OVER (unit_now) - sum(delta) OVER (unit_then) AS unit_before,
            sum(delta) OVER (unit_now) AS unit_after,
            min(changed_at) OVER (tenant_all) < changed_at AS tenant_known,
            max(changed_at) OVER (
                PARTITION BY profile, as_of, tenant_key
                ORDER BY changed_at
                RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
            ) AS tenant_changed_at,
            lag(changed_at) OVER (unit_now) AS at_before
        FROM change
        WINDOW
            tenant_all AS (PARTITION BY profile, as_of, tenant_key),
            tenant_now AS (PARTITION BY profile, as_of, tenant_key ORDER BY changed_at),
            tenant_then AS (PARTITION BY profile, as_of, tenant_key, changed_at),
            unit_now AS (PARTITION BY profile, as_of, tenant_key, unit_id ORDER BY changed_at),
            unit_then AS (PARTITION BY profile, as_of, tenant_key, unit_id, changed_at)
    ),
    numbered AS MATERIALIZED (
        SELECT
            *,
            sum(
                CASE
                    WHEN at_before IS NULL THEN 1
                    WHEN changed_at = at_before THEN 0
                    WHEN
                        changed_at::DATE = at_before::DATE
                        AND epoch_us(changed_at) - epoch_us(at_before) <= grouping_minutes * 60000000::BIGINT
                        THEN 0
                    ELSE 1
                END
            ) OVER (PARTITION BY profile, as_of, tenant_key, unit_id ORDER BY changed_at) AS group_no
        FROM weighed
    ),
    grouped AS (
        SELECT
            profile,
            as_of,
            tenant_key,
            unit_id,
            group_no,
            any_value(unit) AS unit,
            any_value(reactivation_days) AS reactivation_days,
            min(changed_at)::DATE AS day,
            arg_min(unit_before, changed_at) AS before,
            arg_max(unit_after, changed_at) AS after,
            arg_min(tenant_before, changed_at) AS tenant_before,
            arg_min(tenant_known, changed_at) AS tenant_known,
            arg_min(tenant_changed_at::DATE, changed_at) AS tenant_gone_on
        FROM numbered
        GROUP BY profile, as_of, tenant_key, unit_id, group_no
    ),
    remembered AS (
        SELECT
            *,
            coalesce(bool_or(after > 0) OVER earlier, false) AS unit_known,
            max(CASE WHEN before > 0 AND after = 0 THEN day END) OVER earlier AS unit_gone_on
        FROM grouped
        WINDOW earlier AS (
            PARTITION BY profile, as_of, tenant_key, unit_id
            ORDER BY group_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ),
    judged AS MATERIALIZED (
        SELECT
            profile,
            as_of,
            tenant_key,
            unit_id,
            group_no,
            day,
            CASE
                WHEN before > 0 AND after = 0 THEN 'churn'
                WHEN before > 0 OR after = 0 THEN NULL
                WHEN NOT unit_known AND (unit = 'customer' OR NOT tenant_known) THEN 'new'
                WHEN NOT unit_known AND tenant_before > 0 THEN 'expansion'
                WHEN
                    reactivation_days IS NULL
                    OR day - CASE WHEN unit_known THEN unit_gone_on ELSE tenant_gone_on END <= reactivation_days
                    THEN 'reactivation'
                ELSE 'new'
            END AS turn
        FROM remembered
    ),
    movement AS (
        SELECT
            change.profile,
            change.as_of,
            change.tenant_key,
            change.currency,
            change.subscription_id,
            change.position,
            change.delta,
            judged.day,
            judged.turn,
            sum(change.delta) OVER (
                PARTITION BY
                    change.profile, change.as_of, change.tenant_key, change.unit_id, change.group_no, change.currency
            ) AS net
        FROM numbered AS change
        JOIN judged
            ON
                judged.profile = change.profile
                AND judged.as_of IS NOT DISTINCT FROM change.as_of
                AND judged.tenant_key = change.tenant_key
                AND judged.unit_id IS NOT DISTINCT FROM change.unit_id
                AND judged.group_no = change.group_no
    ),
    known AS MATERIALIZED (
        SELECT
            * EXCLUDE (turn, net),
            coalesce(turn, CASE WHEN net > 0 THEN 'expansion' ELSE 'contraction' END) AS kind
        FROM movement
        WHERE net <> 0
    ),
    -- From one closing or reopening of a month to the next the same months are closed.
    stage AS MATERIALIZED (
        SELECT tenant_key, as_of, lag(as_of) OVER (PARTITION BY tenant_key ORDER BY as_of NULLS LAST) AS since
        FROM (
            SELECT DISTINCT tenant_key, NULL::BIGINT AS as_of FROM subscription_interval
            UNION
            SELECT tenant_key, position FROM fact_period
        )
    ),
    -- What became known in a stage: what is known at its end, less what was known at its beginning.
    learnt AS (
        SELECT known.*, known.as_of AS stage FROM known
        UNION ALL BY NAME
        SELECT known.* REPLACE (-known.delta AS delta), stage.as_of AS stage
        FROM known
        JOIN stage ON stage.tenant_key = known.tenant_key AND stage.since = known.as_of
    ),
    posted AS (
        SELECT learnt.*, greatest(learnt.day, fact_period.open_from) AS posted_on
        FROM learnt
        JOIN stage ON stage.tenant_key = learnt.tenant_key AND stage.as_of IS NOT DISTINCT FROM learnt.stage
        LEFT JOIN fact_period ON fact_period.tenant_key = stage.tenant_key AND fact_period.position = stage.since
    )
SELECT
    tenant_key,
    profile,
    currency,
    subscription_id,
    kind,
    day AS effective_on,
    posted_on,
    position,
    sum(delta)::BIGINT AS amount
FROM posted
GROUP BY tenant_key, profile, currency, subscription_id, kind, day, posted_on, position
HAVING sum(delta) <> 0
