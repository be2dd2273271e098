-- fact_event: every event of every tenant, for counting and for opening counts to events.
-- Grain: one row per event.
-- Tenant key: tenant_key; with position it names the event in its log.
-- Measures: the row itself (events, additive).
-- Invariants: positions of a tenant are 1..N, each once. day is recorded_at's day in UTC. stream_id is NULL where the
--   stream's id is no UUID: such ids are pseudonyms and stay in Postgres. Rows lie in order of time, so that a day is
--   read from few blocks; reports count in fact_event_daily.

-- == table
CREATE TABLE fact_event (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    name VARCHAR NOT NULL,
    context VARCHAR GENERATED ALWAYS AS (split_part(name, '.', 1)) VIRTUAL,
    actor_kind VARCHAR NOT NULL,
    stream_category VARCHAR NOT NULL,
    stream_id UUID
);

-- == problem
CASE WHEN actor_kind IS NULL THEN 'its metadata does not open with an actor of a kind' END

-- == events
SELECT count(*) FROM fact_event

-- == rows
SELECT tenant_key, position, day, recorded_at, name, actor_kind, stream_category, stream_id
FROM batch
