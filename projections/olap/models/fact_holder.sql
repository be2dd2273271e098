-- fact_holder: who shared costs can be divided among, and from when to when: workspaces in a tenant's log, customers in
--   the platform's.
-- Grain: one row per coming and going.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (additive within a change).
-- Invariants: each holder_id comes once, and goes once at most, after it came. day is that of the record.
-- Permission: costs.read
-- Handles: tenancy.workspace_created 2
-- Handles: tenancy.workspace_archived 1
-- Handles: platform.tenant_registered 2
-- Handles: platform.tenant_closed 1

-- == shape
{"workspace_id": "UUID", "tenant_id": "UUID"}

-- == table
CREATE TABLE fact_holder (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    holder_id UUID NOT NULL,
    change VARCHAR NOT NULL
);

-- == problem
CASE
    WHEN fact_holder IS NULL THEN NULL
    WHEN name LIKE 'tenancy.%' AND fact_holder.workspace_id IS NULL THEN 'its payload has no workspace_id'
    WHEN name LIKE 'platform.%' AND fact_holder.tenant_id IS NULL THEN 'its payload has no tenant_id'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_holder

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE WHEN context = 'platform' THEN fact_holder.tenant_id ELSE fact_holder.workspace_id END AS holder_id,
    CASE WHEN name IN ('tenancy.workspace_created', 'platform.tenant_registered') THEN 'came' ELSE 'went' END AS change
FROM batch
WHERE name IN (
    'tenancy.workspace_created', 'tenancy.workspace_archived', 'platform.tenant_registered', 'platform.tenant_closed'
)
