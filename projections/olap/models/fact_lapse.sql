-- fact_lapse: permissions that end by themselves, as they are announced: ahead of the end, and when it came.
-- Grain: one row per announcement; an end that is announced twice is two rows, told apart by stage.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (announcements, additive within a stage).
-- Invariants: stage is 'announced' or 'lapsed'. ends_at (UTC) is the moment of the end; law, rule and basis are those
--   that end there, rule_since what holds from then on, and NULL for what is only announced. What was announced and did
--   not lapse was renewed, opted out of, or erased before. workspace_id is that of the client whose permission it is,
--   NULL: the tenant's. A rebuild lays the rows by tenant and position, so by day.
-- Handles: audience.permission_lapsing 2
-- Handles: audience.permission_lapsed 2

-- == shape
{
    "law": "VARCHAR",
    "rule": "VARCHAR",
    "basis": "VARCHAR",
    "lapses_at": "TIMESTAMPTZ",
    "lapsed_at": "TIMESTAMPTZ",
    "verdict": "VARCHAR",
    "rule_since": "VARCHAR",
    "workspace_id": "UUID"
}

-- == table
CREATE TABLE fact_lapse (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    stage VARCHAR NOT NULL,
    law VARCHAR,
    rule VARCHAR NOT NULL,
    basis VARCHAR,
    ends_at TIMESTAMP NOT NULL,
    verdict VARCHAR,
    rule_since VARCHAR,
    workspace_id UUID
);

-- == problem
CASE
    WHEN fact_lapse IS NULL THEN NULL
    WHEN fact_lapse.rule IS NULL THEN 'its payload has no rule'
    WHEN name = 'audience.permission_lapsing' AND fact_lapse.lapses_at IS NULL THEN 'its payload has no lapses_at'
    WHEN name = 'audience.permission_lapsed' AND fact_lapse.lapsed_at IS NULL THEN 'its payload has no lapsed_at'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_lapse

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE name WHEN 'audience.permission_lapsed' THEN 'lapsed' ELSE 'announced' END AS stage,
    fact_lapse.law,
    fact_lapse.rule,
    fact_lapse.basis,
    make_timestamp(epoch_us(coalesce(fact_lapse.lapsed_at, fact_lapse.lapses_at))) AS ends_at,
    fact_lapse.verdict,
    fact_lapse.rule_since,
    fact_lapse.workspace_id
FROM batch
WHERE name IN ('audience.permission_lapsing', 'audience.permission_lapsed')
