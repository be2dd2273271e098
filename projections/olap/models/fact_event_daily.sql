-- fact_event_daily: the roll-up of fact_event that reports over days read.
-- Grain: tenant, day, context, name, actor kind, and the batch that brought the events: rows are only ever added, so sum
--   them. Compaction folds batches together and changes no sum.
-- Tenant key: tenant_key.
-- Measures: events (additive).
-- Invariants: sum(events) of any slice = count(*) of the same slice of fact_event.

-- == table
CREATE TABLE fact_event_daily (
    tenant_key INTEGER NOT NULL,
    day DATE NOT NULL,
    context VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    actor_kind VARCHAR NOT NULL,
    events BIGINT NOT NULL
);

-- == events
SELECT coalesce(sum(events), 0)::BIGINT FROM fact_event_daily

-- == rows
SELECT tenant_key, day, split_part(name, '.', 1) AS context, name, actor_kind, count(*) AS events
FROM batch
GROUP BY tenant_key, day, name, actor_kind
ORDER BY tenant_key, day

-- == fill
SELECT tenant_key, day, split_part(name, '.', 1) AS context, name, actor_kind, count(*) AS events
FROM fact_event
GROUP BY tenant_key, day, name, actor_kind
ORDER BY tenant_key, day

-- == compact
SELECT tenant_key, day, any_value(context) AS context, name, actor_kind, sum(events)::BIGINT AS events
FROM fact_event_daily
GROUP BY tenant_key, day, name, actor_kind
ORDER BY tenant_key, day
