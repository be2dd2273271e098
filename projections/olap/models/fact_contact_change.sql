-- fact_contact_change: how contacts came, moved between segments and went.
-- Grain: one row per change of a contact; a change of segment is two rows (-1 in the old, +1 in the new).
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: delta (contacts, additive): contacts of a segment as of a position = sum(delta) up to it.
-- Invariants: sum(delta) of a contact is 1 while it is there and 0 after it went; the two rows of a change of segment
--   sum to 0. country, subscriber_type and source are NULL where the event has none; reports show "unknown". A rebuild
--   lays the rows by tenant and position, and so by day.
-- Handles: audience.contact_created 1
-- Handles: audience.contact_updated 1
-- Handles: audience.contact_removed 1
-- Handles: audience.contact_erased 1

-- == shape
{
    "contact_id": "UUID",
    "workspace_id": "UUID",
    "segment": {"country": "VARCHAR", "subscriber_type": "VARCHAR", "source": "VARCHAR"},
    "segment_before": {"country": "VARCHAR", "subscriber_type": "VARCHAR", "source": "VARCHAR"},
    "segment_after": {"country": "VARCHAR", "subscriber_type": "VARCHAR", "source": "VARCHAR"}
}

-- == table
CREATE TABLE fact_contact_change (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    workspace_id UUID NOT NULL,
    contact_id UUID NOT NULL,
    change VARCHAR NOT NULL,
    country VARCHAR,
    subscriber_type VARCHAR,
    source VARCHAR,
    delta INTEGER NOT NULL
);

-- == problem
CASE
    WHEN fact_contact_change IS NULL THEN NULL
    WHEN fact_contact_change.contact_id IS NULL THEN 'its payload has no contact_id'
    WHEN fact_contact_change.workspace_id IS NULL THEN 'its payload has no workspace_id'
    WHEN name <> 'audience.contact_updated' AND fact_contact_change.segment IS NULL THEN 'its payload has no segment'
    WHEN
        name = 'audience.contact_updated'
        AND (fact_contact_change.segment_before IS NULL OR fact_contact_change.segment_after IS NULL)
        THEN 'its payload has no segment_before or no segment_after'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_contact_change WHERE NOT (change = 'updated' AND delta = -1)

-- == rows
WITH
    change AS (
        SELECT tenant_key, position, day, name, fact_contact_change AS payload
        FROM batch
        WHERE
            name IN (
                'audience.contact_created',
                'audience.contact_updated',
                'audience.contact_removed',
                'audience.contact_erased'
            )
    ),
    -- CASE, not AND: DuckDB may evaluate the sides of an AND in any order, and would read the JSON of every event.
    departure AS (
        SELECT tenant_key, position, day, name, fact_contact_change AS payload
        FROM batch
        WHERE
            CASE name
                WHEN 'audience.contact_updated'
                    THEN fact_contact_change.segment_before IS DISTINCT FROM fact_contact_change.segment_after
                ELSE false
            END
    ),
    step AS (
        SELECT
            *,
            CASE name WHEN 'audience.contact_updated' THEN payload.segment_after ELSE payload.segment END AS segment,
            CASE name
                WHEN 'audience.contact_created' THEN 1
                WHEN 'audience.contact_updated'
                    THEN (payload.segment_before IS DISTINCT FROM payload.segment_after)::INTEGER
                ELSE -1
            END AS delta
        FROM change
        UNION ALL
        SELECT *, payload.segment_before, -1
        FROM departure
    )
SELECT
    tenant_key,
    position,
    day,
    payload.workspace_id,
    payload.contact_id,
    split_part(name, '.contact_', 2) AS change,
    segment.country,
    segment.subscriber_type,
    segment.source,
    CASE WHEN segment IS NOT NULL THEN delta END AS delta
FROM step
