-- fact_allocation_rule: how pools of shared costs are divided, as it was ruled.
-- Grain: one row per rule and share; a rule without shares is one row.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: none. weight is a proportion within its rule, never summed over rules.
-- Invariants: in a month that rule of a pool holds which has the latest from_day up to its first day, and of one from_day
--   the one at the highest position. allocated_by is messages_sent, equal or weights; holder_id and weight are of weights
--   alone.
-- Permission: costs.read
-- Handles: costs.allocation_ruled 1

-- == shape
{"pool": "VARCHAR", "by": "VARCHAR", "from_day": "DATE", "shares": [{"holder_id": "UUID", "weight": "BIGINT"}]}

-- == table
CREATE TABLE fact_allocation_rule (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    pool VARCHAR NOT NULL,
    allocated_by VARCHAR NOT NULL,
    from_day DATE NOT NULL,
    holder_id UUID,
    weight BIGINT
);

-- == problem
CASE
    WHEN fact_allocation_rule IS NULL THEN NULL
    WHEN fact_allocation_rule.pool IS NULL THEN 'its payload has no pool'
    WHEN fact_allocation_rule.by IS NULL THEN 'its payload has no by'
    WHEN fact_allocation_rule.from_day IS NULL THEN 'its payload has no from_day'
END

-- == order
tenant_key, position, holder_id

-- == events
SELECT count(DISTINCT (tenant_key, position)) FROM fact_allocation_rule

-- == rows
SELECT tenant_key, position, day, pool, allocated_by, from_day, share.holder_id, share.weight
FROM (
    SELECT
        tenant_key,
        position,
        day,
        fact_allocation_rule.pool,
        fact_allocation_rule.by AS allocated_by,
        fact_allocation_rule.from_day,
        unnest(
            CASE WHEN len(fact_allocation_rule.shares) > 0 THEN fact_allocation_rule.shares ELSE [NULL] END
        ) AS share
    FROM batch
    WHERE name = 'costs.allocation_ruled'
)
