-- fact_trial: trials of a plan as they began and ended.
-- Grain: one row per beginning and per end of a trial.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (additive within a change).
-- Invariants: a tenant tries a plan out once, so there is one row of each change at most. subscribed is of ended alone:
--   a subscription took the trial's place. plan is of started alone. day is that of the record.
-- Permission: billing.read
-- Handles: billing.trial_started 1
-- Handles: billing.trial_ended 1

-- == shape
{"plan": "VARCHAR", "subscribed": "BOOLEAN"}

-- == table
CREATE TABLE fact_trial (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    change VARCHAR NOT NULL,
    plan VARCHAR,
    subscribed BOOLEAN,
    CHECK (CASE change WHEN 'started' THEN plan IS NOT NULL ELSE subscribed IS NOT NULL END)
);

-- == problem
CASE
    WHEN fact_trial IS NULL THEN NULL
    WHEN name = 'billing.trial_started' AND fact_trial.plan IS NULL THEN 'its payload has no plan'
    WHEN name = 'billing.trial_ended' AND fact_trial.subscribed IS NULL THEN 'its payload does not say subscribed'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_trial

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE name WHEN 'billing.trial_started' THEN 'started' ELSE 'ended' END AS change,
    fact_trial.plan,
    fact_trial.subscribed
FROM batch
WHERE name IN ('billing.trial_started', 'billing.trial_ended')
