-- fact_subject_request: what became of people's requests about their data; who asked is nowhere in it.
-- Grain: one row per step of a request: received, extended, missed, and one of fulfilled, nothing_held, refused and
--   withdrawn at its end.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (steps, additive within a step); taken_us (microseconds from receipt to end, additive).
-- Invariants: each request is received once and ends once at most. in_time is of those that were answered alone,
--   entered_late of those in time (NULL: version 1 did not tell), and taken_us of those that ended; it is never below 0. law NULL: no law sets a term, and our policy does. A rebuild lays
--   the rows by tenant and position, and so by day.
-- Handles: rights.request_received 1
-- Handles: rights.request_extended 1
-- Handles: rights.deadline_missed 1
-- Handles: rights.request_completed 2
-- Handles: rights.request_refused 2
-- Handles: rights.request_withdrawn 1

-- == shape
{"kind": "VARCHAR", "law": "VARCHAR", "terms": [{"law": "VARCHAR"}], "outcome": "VARCHAR", "in_time": "BOOLEAN", "entered_late": "BOOLEAN",
"received_at": "TIMESTAMPTZ", "completed_at": "TIMESTAMPTZ", "refused_at": "TIMESTAMPTZ", "withdrawn_at": "TIMESTAMPTZ"}

-- == table
CREATE TABLE fact_subject_request (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    step VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    law VARCHAR,
    in_time BOOLEAN,
    entered_late BOOLEAN,
    taken_us BIGINT
);

-- == problem
CASE
    WHEN fact_subject_request IS NULL THEN NULL
    WHEN fact_subject_request.kind IS NULL THEN 'its payload has no kind'
    WHEN name = 'rights.request_completed' AND fact_subject_request.outcome IS NULL THEN 'its payload has no outcome'
    WHEN
        name IN ('rights.request_completed', 'rights.request_refused', 'rights.request_withdrawn')
        AND fact_subject_request.received_at IS NULL
        THEN 'its payload has no received_at'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_subject_request

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE name
        WHEN 'rights.request_received' THEN 'received'
        WHEN 'rights.request_extended' THEN 'extended'
        WHEN 'rights.deadline_missed' THEN 'missed'
        WHEN 'rights.request_refused' THEN 'refused'
        WHEN 'rights.request_withdrawn' THEN 'withdrawn'
        ELSE payload.outcome
    END AS step,
    payload.kind,
    CASE WHEN name = 'rights.request_received' THEN payload.terms[1].law ELSE payload.law END AS law,
    payload.in_time,
    payload.entered_late,
    greatest(
        0,
        epoch_us(coalesce(payload.completed_at, payload.refused_at, payload.withdrawn_at))
        - epoch_us(payload.received_at)
    ) AS taken_us
FROM (
    SELECT tenant_key, position, day, name, fact_subject_request AS payload
    FROM batch
    WHERE name IN (
        'rights.request_received',
        'rights.request_extended',
        'rights.deadline_missed',
        'rights.request_completed',
        'rights.request_refused',
        'rights.request_withdrawn'
    )
)
