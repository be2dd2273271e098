-- fact_usage: what came to be used of a plan, and what was given up.
-- Grain: one row per event that changes how much is used.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: delta (units of the meter, additive within a meter): of what stands (users, workspaces), what is used as of a
--   position = sum(delta) up to it; of what flows (emails), what was used in a month = sum(delta) of its rows.
-- Invariants: delta is 1 or -1, and 1 for emails. The first owner comes with tenancy.tenant_opened. month (UTC) is that of
--   occurred_at, by which a month's limit counts, and so may differ from that of day at midnight. It counts what happened
--   and not what counters say, with or without a limit; a counter that is settled says the same.
-- Handles: audience.message_dispatched 2
-- Handles: tenancy.tenant_opened 2
-- Handles: tenancy.member_invited 1
-- Handles: tenancy.invitation_revoked 1
-- Handles: tenancy.member_removed 1
-- Handles: tenancy.workspace_created 2
-- Handles: tenancy.workspace_archived 1

-- == shape
{"occurred_at": "TIMESTAMPTZ"}

-- == table
CREATE TABLE fact_usage (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    month DATE NOT NULL,
    meter VARCHAR NOT NULL,
    delta INTEGER NOT NULL
);

-- == problem
CASE
    WHEN name = 'audience.message_dispatched' AND fact_usage IS NOT NULL AND fact_usage.occurred_at IS NULL
        THEN 'its payload has no occurred_at'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_usage

-- == rows
SELECT
    tenant_key,
    position,
    day,
    date_trunc('month', coalesce(make_timestamp(epoch_us(fact_usage.occurred_at)), recorded_at))::DATE AS month,
    CASE
        WHEN name = 'audience.message_dispatched' THEN 'emails'
        WHEN name LIKE 'tenancy.workspace%' THEN 'workspaces'
        ELSE 'users'
    END AS meter,
    CASE
        WHEN name IN ('tenancy.invitation_revoked', 'tenancy.member_removed', 'tenancy.workspace_archived') THEN -1
        ELSE 1
    END AS delta
FROM batch
WHERE
    name IN (
        'audience.message_dispatched',
        'tenancy.tenant_opened',
        'tenancy.member_invited',
        'tenancy.invitation_revoked',
        'tenancy.member_removed',
        'tenancy.workspace_created',
        'tenancy.workspace_archived'
    )
