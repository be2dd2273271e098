-- revenue_month: what was earned in each month: the roll-up that questions about all customers are answered from.
-- Grain: one row per month and currency in which anything is earned or goes back.
-- Tenant key: tenant_key, the customer.
-- Measures: amount (minor units of currency, signed; additive within a currency).
-- Invariants: amounts of a currency sum to those of revenue_entry. Months are whole, also those that have not come: who
--   asks about a month that is open takes its days from revenue_entry.
-- Permission: costs.read
-- Derived from: revenue_entry

-- == table
CREATE TABLE revenue_month (
    tenant_key INTEGER NOT NULL,
    month DATE NOT NULL,
    currency VARCHAR NOT NULL,
    amount BIGINT NOT NULL
);

-- == derive
WITH
    spread AS (
        SELECT
            *,
            abs(amount) // (covers_to - covers_from + 1) AS each_day,
            abs(amount) % (covers_to - covers_from + 1) AS days_with_more,
            unnest(generate_series(date_trunc('month', covers_from), covers_to, INTERVAL 1 MONTH))::DATE AS month
        FROM revenue_entry
    ),
    cut AS (
        SELECT
            *,
            greatest(month - covers_from, 0) AS days_before,
            least(last_day(month), covers_to) - covers_from + 1 AS days_by_then
        FROM spread
    )
SELECT
    tenant_key,
    month,
    currency,
    sum(
        sign(amount)::BIGINT * (
            (days_by_then - days_before) * each_day
            + least(days_by_then, days_with_more)
            - least(days_before, days_with_more)
        )
    )::BIGINT AS amount
FROM cut
GROUP BY tenant_key, month, currency
HAVING sum(amount) <> 0
