-- customer_period: what each customer's recurring revenue did, by month, quarter and year: the roll-up that questions
--   about all customers are answered from.
-- Grain: one row per profile, currency, grain (month, quarter, year) and period in which anything of it moved.
-- Tenant key: tenant_key, the customer; opened_by, ended_by and new_by name tellings in its log.
-- Measures: new, expansion, reactivation, contraction, churn (minor units of currency, signed as in mrr_movement; additive
--   within a currency and a grain). opened and ended are balances: MRR before the period and at its end.
-- Invariants: opened + new + expansion + reactivation + contraction + churn = ended, and opened is ended of the row before;
--   by effective dates. A period without a row is one in which nothing moved. Rows hold whole periods, also what is to
--   move on days that have not come: who asks about a period that is open takes its days from mrr_movement. ended_by is
--   the last telling that had changed anything by the end, opened_by before the period, new_by the last that made new.
-- Derived from: mrr_movement

-- == table
CREATE TABLE customer_period (
    tenant_key INTEGER NOT NULL,
    profile VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    grain VARCHAR NOT NULL,
    period DATE NOT NULL,
    opened BIGINT NOT NULL,
    new BIGINT NOT NULL,
    expansion BIGINT NOT NULL,
    reactivation BIGINT NOT NULL,
    contraction BIGINT NOT NULL,
    churn BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    opened_by BIGINT,
    ended_by BIGINT NOT NULL,
    new_by BIGINT
);

-- == derive
WITH
    moved AS (
        SELECT tenant_key, profile, currency, kind, effective_on, position, sum(amount) AS amount
        FROM mrr_movement
        GROUP BY ALL
        HAVING sum(amount) <> 0
    ),
    flow AS (
        SELECT
            tenant_key,
            profile,
            currency,
            grain,
            date_trunc(grain, effective_on)::DATE AS period,
            sum(amount) AS change,
            coalesce(sum(amount) FILTER (kind = 'new'), 0)::BIGINT AS new,
            coalesce(sum(amount) FILTER (kind = 'expansion'), 0)::BIGINT AS expansion,
            coalesce(sum(amount) FILTER (kind = 'reactivation'), 0)::BIGINT AS reactivation,
            coalesce(sum(amount) FILTER (kind = 'contraction'), 0)::BIGINT AS contraction,
            coalesce(sum(amount) FILTER (kind = 'churn'), 0)::BIGINT AS churn,
            max(position) AS moved_by,
            max(position) FILTER (kind = 'new') AS new_by
        FROM moved
        CROSS JOIN (VALUES ('month'), ('quarter'), ('year')) AS grains (grain)
        GROUP BY ALL
    )
SELECT
    tenant_key,
    profile,
    currency,
    grain,
    period,
    coalesce(sum(change) OVER earlier, 0)::BIGINT AS opened,
    new,
    expansion,
    reactivation,
    contraction,
    churn,
    (coalesce(sum(change) OVER earlier, 0) + change)::BIGINT AS ended,
    max(moved_by) OVER earlier AS opened_by,
    greatest(max(moved_by) OVER earlier, moved_by) AS ended_by,
    new_by
FROM flow
WINDOW earlier AS (
    PARTITION BY tenant_key, profile, currency, grain
    ORDER BY period
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
)
