-- fact_target: what a figure should be in a period, as people said it.
-- Grain: one row per target that was set or withdrawn; the last row of a target_id is how it stands.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: none. value and value_to are aims, never summed; value_text is the same as it was written, exactly.
-- Invariants: change is set or withdrawn; a withdrawn row says nothing else. value_to is of a range alone. period NULL:
--   every period (period_kind standing). segment NULL: all.
-- Handles: finance.target_set 1
-- Handles: finance.target_withdrawn 1

-- == shape
{"target_id": "UUID", "metric": "VARCHAR", "period_kind": "VARCHAR", "period": "VARCHAR", "segment": "VARCHAR",
 "comparison": "VARCHAR", "value": "VARCHAR", "value_to": "VARCHAR", "unit": "VARCHAR"}

-- == table
CREATE TABLE fact_target (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    target_id UUID NOT NULL,
    change VARCHAR NOT NULL,
    metric VARCHAR,
    period_kind VARCHAR,
    period VARCHAR,
    segment VARCHAR,
    comparison VARCHAR,
    value DECIMAL(21, 6),
    value_to DECIMAL(21, 6),
    value_text VARCHAR,
    value_to_text VARCHAR,
    unit VARCHAR,
    CHECK (change = 'withdrawn' OR value IS NOT NULL)
);

-- == problem
CASE
    WHEN fact_target IS NULL THEN NULL
    WHEN fact_target.target_id IS NULL THEN 'its payload has no target_id'
    WHEN
        name = 'finance.target_set' AND TRY_CAST(fact_target.value AS DECIMAL(21, 6)) IS NULL
        THEN 'its value is no decimal'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_target

-- == rows
SELECT
    tenant_key,
    position,
    day,
    payload.target_id,
    CASE name WHEN 'finance.target_set' THEN 'set' ELSE 'withdrawn' END AS change,
    payload.metric,
    payload.period_kind,
    payload.period,
    payload.segment,
    payload.comparison,
    TRY_CAST(payload.value AS DECIMAL(21, 6)) AS value,
    TRY_CAST(payload.value_to AS DECIMAL(21, 6)) AS value_to,
    payload.value AS value_text,
    payload.value_to AS value_to_text,
    payload.unit
FROM (
    SELECT tenant_key, position, day, name, fact_target AS payload
    FROM batch
    WHERE name IN ('finance.target_set', 'finance.target_withdrawn')
)
