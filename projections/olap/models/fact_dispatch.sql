-- fact_dispatch: messages that were handed over, each under an allow.
-- Grain: one row per message and person.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (messages, additive).
-- Invariants: a message is handed over to a person once. occurred_at (UTC) is the moment of it. A rebuild lays the rows
--   by tenant and position, and so by day.
-- Handles: audience.message_dispatched 2

-- == shape
{"workspace_id": "UUID", "occurred_at": "TIMESTAMPTZ"}

-- == table
CREATE TABLE fact_dispatch (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    workspace_id UUID NOT NULL,
    occurred_at TIMESTAMP NOT NULL
);

-- == problem
CASE
    WHEN fact_dispatch IS NULL THEN NULL
    WHEN fact_dispatch.workspace_id IS NULL THEN 'its payload has no workspace_id'
    WHEN fact_dispatch.occurred_at IS NULL THEN 'its payload has no occurred_at'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_dispatch

-- == rows
SELECT
    tenant_key,
    position,
    day,
    fact_dispatch.workspace_id,
    make_timestamp(epoch_us(fact_dispatch.occurred_at)) AS occurred_at
FROM batch
WHERE name = 'audience.message_dispatched'
