-- fact_contact_change: how contacts came, moved between segments and went.
-- Grain: one row per change of a contact; a change of segment is two rows (-1 in the old, +1 in the new).
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: delta (contacts, additive): contacts of a segment as of a position = sum(delta) up to it.
-- Invariants: sum(delta) of a contact is 1 while it is there and 0 after it went; the two rows of a change of segment
--   sum to 0. country, subscriber_type and source are NULL where the event has none; reports show "unknown".
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
    step AS (
        SELECT
            *,
            unnest(
                CASE
                    WHEN name = 'audience.contact_created' THEN [{'segment': payload.segment, 'delta': 1}]
                    WHEN name <> 'audience.contact_updated' THEN [{'segment': payload.segment, 'delta': -1}]
                    WHEN payload.segment_before IS NOT DISTINCT FROM payload.segment_after
                        THEN [{'segment': payload.segment_after, 'delta': 0}]
                    ELSE
                        [
                            {'segment': payload.segment_before, 'delta': -1},
                            {'segment': payload.segment_after, 'delta': 1}
                        ]
                END
            ) AS step
        FROM change
    )
SELECT
    tenant_key,
    position,
    day,
    payload.workspace_id,
    payload.contact_id,
    split_part(name, '.contact_', 2) AS change,
    step.segment.country,
    step.segment.subscriber_type,
    step.segment.source,
    CASE WHEN step.segment IS NOT NULL THEN step.delta END AS delta
FROM step
