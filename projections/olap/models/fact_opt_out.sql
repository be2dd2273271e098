-- fact_opt_out: that people do not want to be written to, and how long it took until that was entered.
-- Grain: one row per opt-out that was entered.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (opt-outs, additive); latency_us (microseconds, additive over those for which it is known);
--   in_time (of those that have a term, additive as a count).
-- Invariants: latency_us is from what the person said to its entry in the log, never below 0 (two clocks differ by
--   a little); NULL for what was carried over from an earlier, erased owner of the address, holds again since a
--   consent was retracted, or is what a person left of a wider one: nobody said it anew; and for what a file or a list
--   tells (import), which was said to somebody else, or nobody knows when.
--   due_law is the law, of the person or the sender, that gives the shortest term, of all laws where nobody knows where
--   the person is; due_before (UTC) is the moment at which that is over, as the packs of that day said; NULL where none
--   gives one or where the latency is NULL, and before version 3.
--   in_time: it was entered, and so took effect, before that; NULL without a term.
--   Version 1 had no kind: it follows from the channel, as it does when such an event is read elsewhere. A rebuild lays
--   the rows by tenant and position, and so by day.
-- Handles: audience.opted_out 3

-- == shape
{"kind": "VARCHAR", "channel": "VARCHAR", "scope": "VARCHAR", "occurred_at": "TIMESTAMPTZ",
 "due_law": "VARCHAR", "due_before": "TIMESTAMPTZ"}

-- == table
CREATE TABLE fact_opt_out (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    kind VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    latency_us BIGINT,
    due_law VARCHAR,
    due_before TIMESTAMP,
    in_time BOOLEAN
);

-- == problem
CASE
    WHEN fact_opt_out IS NULL THEN NULL
    WHEN fact_opt_out.channel IS NULL THEN 'its payload has no channel'
    WHEN fact_opt_out.scope IS NULL THEN 'its payload has no scope'
    WHEN fact_opt_out.occurred_at IS NULL THEN 'its payload has no occurred_at'
    WHEN schema_version > 1 AND fact_opt_out.kind IS NULL THEN 'its payload has no kind'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_opt_out

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE
        WHEN schema_version > 1 THEN payload.kind
        WHEN payload.channel = 'complaint' THEN 'complaint'
        ELSE 'unsubscribe'
    END AS kind,
    payload.channel,
    payload.scope,
    make_timestamp(epoch_us(payload.occurred_at)) AS occurred_at,
    CASE
        WHEN payload.channel NOT IN ('carried_over', 'erasure', 'reinstated', 'narrowed', 'import')
            THEN greatest(0, epoch_us(recorded_at) - epoch_us(payload.occurred_at))
    END AS latency_us,
    payload.due_law,
    make_timestamp(epoch_us(payload.due_before)) AS due_before,
    epoch_us(recorded_at) < epoch_us(payload.due_before) AS in_time
FROM (
    SELECT tenant_key, position, day, recorded_at, schema_version, fact_opt_out AS payload
    FROM batch
    WHERE name = 'audience.opted_out'
)
