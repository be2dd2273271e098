-- fact_cost: what things cost, as it was entered, reconciled with invoices, and taken back.
-- Grain: one row per change of an entry: entered (+), reversed (-), and of a confirmation two: what was estimated (-)
--   and what was invoiced (+).
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: amount (minor units of currency with a sign, additive within a currency).
-- Invariants: amounts of one cost_id sum to what it costs as it stands, 0 once it is reversed. It accrues evenly over the
--   days covers_from..covers_to, both included, the first days taking what is left over by the division. effective_on is
--   the day of its document. holder_id is a workspace (customer in the platform's log) where assigned is workspace or
--   customer, pool where it is pool; whatever is no invoice is approximate. Where a row is posted follows from the locks
--   before its position (fact_period): closing.py derives it, so that no row depends on the order in which it was read.
--   resource and reference stay behind.
-- Permission: costs.read
-- Handles: costs.cost_entered 1
-- Handles: costs.cost_reversed 1
-- Handles: costs.cost_confirmed 1

-- == shape
{
    "cost_id": "UUID",
    "entry": {
        "category": "VARCHAR", "amount": "BIGINT", "currency": "VARCHAR", "covers_from": "DATE", "covers_to": "DATE",
        "incurred_on": "DATE", "provider": "VARCHAR", "assigned": "VARCHAR", "workspace_id": "UUID",
        "customer_id": "UUID", "pool": "VARCHAR", "acquires": "VARCHAR", "approximate": "BOOLEAN"
    },
    "before": {
        "category": "VARCHAR", "amount": "BIGINT", "currency": "VARCHAR", "covers_from": "DATE", "covers_to": "DATE",
        "incurred_on": "DATE", "provider": "VARCHAR", "assigned": "VARCHAR", "workspace_id": "UUID",
        "customer_id": "UUID", "pool": "VARCHAR", "acquires": "VARCHAR", "approximate": "BOOLEAN"
    },
    "after": {
        "category": "VARCHAR", "amount": "BIGINT", "currency": "VARCHAR", "covers_from": "DATE", "covers_to": "DATE",
        "incurred_on": "DATE", "provider": "VARCHAR", "assigned": "VARCHAR", "workspace_id": "UUID",
        "customer_id": "UUID", "pool": "VARCHAR", "acquires": "VARCHAR", "approximate": "BOOLEAN"
    }
}

-- == table
CREATE TABLE fact_cost (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    cost_id UUID NOT NULL,
    change VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    amount BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    covers_from DATE NOT NULL,
    covers_to DATE NOT NULL,
    effective_on DATE NOT NULL,
    provider VARCHAR NOT NULL,
    assigned VARCHAR NOT NULL,
    holder_id UUID,
    pool VARCHAR,
    acquires VARCHAR,
    approximate BOOLEAN NOT NULL
);

-- == problem
CASE
    WHEN fact_cost IS NULL THEN NULL
    WHEN fact_cost.cost_id IS NULL THEN 'its payload has no cost_id'
    WHEN coalesce(fact_cost.entry.amount, fact_cost.after.amount) IS NULL THEN 'its payload has no amount'
    WHEN name = 'costs.cost_confirmed' AND fact_cost.before.amount IS NULL THEN 'its payload has no amount before'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_cost WHERE change <> 'estimated'

-- == rows
SELECT
    tenant_key,
    position,
    day,
    cost_id,
    told.change,
    told.cost.category,
    CASE WHEN told.change IN ('entered', 'confirmed') THEN told.cost.amount ELSE -told.cost.amount END AS amount,
    told.cost.currency,
    told.cost.covers_from,
    told.cost.covers_to,
    told.cost.incurred_on AS effective_on,
    told.cost.provider,
    told.cost.assigned,
    coalesce(told.cost.workspace_id, told.cost.customer_id) AS holder_id,
    told.cost.pool,
    told.cost.acquires,
    told.cost.approximate
FROM (
    SELECT
        tenant_key,
        position,
        day,
        fact_cost.cost_id,
        unnest(CASE name
            WHEN 'costs.cost_entered' THEN [{'change': 'entered', 'cost': fact_cost.entry}]
            WHEN 'costs.cost_reversed' THEN [{'change': 'reversed', 'cost': fact_cost.entry}]
            ELSE [{'change': 'estimated', 'cost': fact_cost.before}, {'change': 'confirmed', 'cost': fact_cost.after}]
        END) AS told
    FROM batch
    WHERE name IN ('costs.cost_entered', 'costs.cost_reversed', 'costs.cost_confirmed')
)
