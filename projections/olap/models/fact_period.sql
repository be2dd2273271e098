-- fact_period: months of the books that were locked and reopened.
-- Grain: one row per lock and per reopening.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: none. open_from is a state, never summed: the first day that was open after this event, NULL: all days.
-- Invariants: an event at a position is posted no earlier than the open_from of the last row before it. Months are
--   locked in order and reopened in the other, so that open_from moves by a month at a time, the first lock apart.
-- Handles: finance.period_locked 1
-- Handles: finance.period_reopened 1

-- == shape
{"period": "VARCHAR", "closed_through": "VARCHAR", "reason": "VARCHAR"}

-- == table
CREATE TABLE fact_period (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    change VARCHAR NOT NULL,
    period VARCHAR NOT NULL,
    closed_through VARCHAR,
    open_from DATE,
    reason VARCHAR,
    CHECK (closed_through IS NULL OR open_from IS NOT NULL)
);

-- == problem
CASE
    WHEN fact_period IS NULL THEN NULL
    WHEN fact_period.period IS NULL THEN 'its payload has no period'
    WHEN
        fact_period.closed_through IS NOT NULL AND TRY_CAST(fact_period.closed_through || '-01' AS DATE) IS NULL
        THEN 'its closed_through is no month'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_period

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE name WHEN 'finance.period_locked' THEN 'locked' ELSE 'reopened' END AS change,
    fact_period.period,
    fact_period.closed_through,
    (TRY_CAST(fact_period.closed_through || '-01' AS DATE) + INTERVAL 1 MONTH)::DATE AS open_from,
    fact_period.reason
FROM batch
WHERE name IN ('finance.period_locked', 'finance.period_reopened')
