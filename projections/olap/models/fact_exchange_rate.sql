-- fact_exchange_rate: what a currency came to in another on a day, as it was recorded.
-- Grain: one row per recording.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: none. rate_e9 is a proportion, never summed: one unit of base came to rate_e9 / 1,000,000,000 units of quote.
-- Invariants: base and quote are two currencies; they are one pair, whichever of them is base. Of a pair and rate_on
--   the row at the highest position holds. rate_on is the day of the rate, day the one on which it was recorded;
--   rate_text is the rate as it was written.
-- Handles: finance.exchange_rate_recorded 1

-- == shape
{"base": "VARCHAR", "quote": "VARCHAR", "day": "DATE", "rate": "VARCHAR"}

-- == table
CREATE TABLE fact_exchange_rate (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    base VARCHAR NOT NULL,
    quote VARCHAR NOT NULL,
    rate_on DATE NOT NULL,
    rate_e9 BIGINT NOT NULL,
    rate_text VARCHAR NOT NULL
);

-- == problem
CASE
    WHEN fact_exchange_rate IS NULL THEN NULL
    WHEN fact_exchange_rate.base IS NULL THEN 'its payload has no base'
    WHEN fact_exchange_rate.quote IS NULL THEN 'its payload has no quote'
    WHEN fact_exchange_rate.day IS NULL THEN 'its payload has no day'
    WHEN coalesce(TRY_CAST(fact_exchange_rate.rate AS DECIMAL(18, 9)), 0) <= 0 THEN 'its rate is no decimal above 0'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_exchange_rate

-- == rows
SELECT
    tenant_key,
    position,
    day,
    fact_exchange_rate.base,
    fact_exchange_rate.quote,
    fact_exchange_rate.day AS rate_on,
    (TRY_CAST(fact_exchange_rate.rate AS DECIMAL(18, 9))::DECIMAL(38, 9) * 1000000000)::BIGINT AS rate_e9,
    fact_exchange_rate.rate AS rate_text
FROM batch
WHERE name = 'finance.exchange_rate_recorded'
