-- dim_tenant: the small key that stands for a tenant in the facts, and how far its log has been read.
-- Grain: one row per tenant.
-- Tenant key: tenant_key, given in the order in which tenants were first read; it means nothing outside this file.
-- Measures: none. position is a state, never summed over tenants.
-- Invariants: the facts of a tenant hold exactly the events 1..position of its log's epoch: rows and position commit
--   together. state is "reading" until the log's head was reached once in this epoch, then "live"; "poisoned" stops the
--   tenant before the event that error names. recorded_at (UTC) is that of the event at position.

-- == table
CREATE TABLE dim_tenant (tenant_key INTEGER NOT NULL, tenant_id UUID NOT NULL);
CREATE TABLE positions (
    tenant_id UUID NOT NULL,
    tenant_key INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    error VARCHAR,
    recorded_at TIMESTAMP
);
