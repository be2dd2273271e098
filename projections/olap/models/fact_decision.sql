-- fact_decision: what was decided on messages: who may be mailed, by which law and rule, and why not.
-- Grain: one row per decision on one message to one person; a message that is decided on again is another row.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: the row itself (decisions, additive). An element of reasons is one reason: a decision has one for each law
--   that has a say and for each suppression, so reasons add up to more than decisions.
-- Invariants: law and rule are those of the first reason, which weighed most, and pack is the version of that law's
--   pack. NULL law: no law but a suppression, or an unknown country; NULL rule: nothing had a say. missing holds each
--   missing fact once. expires_at (UTC) is NULL unless verdict is allow. No person and no message is named: position
--   leads to them. A rebuild lays the rows by tenant and position, and so by day.
-- Handles: audience.permission_decided 2

-- == shape
{
    "workspace_id": "UUID",
    "message": {"purpose": "VARCHAR", "campaign_type": "VARCHAR"},
    "sender_country": "VARCHAR",
    "verdict": "VARCHAR",
    "decided_at": "TIMESTAMPTZ",
    "expires_at": "TIMESTAMPTZ",
    "packs": "MAP(VARCHAR, VARCHAR)",
    "reasons": [{"verdict": "VARCHAR", "law": "VARCHAR", "rule": "VARCHAR", "missing": ["VARCHAR"]}]
}

-- == table
CREATE TABLE fact_decision (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    workspace_id UUID NOT NULL,
    verdict VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    campaign_type VARCHAR,
    sender_country VARCHAR,
    law VARCHAR,
    rule VARCHAR,
    pack VARCHAR,
    reason_count INTEGER NOT NULL,
    reasons STRUCT(verdict VARCHAR, law VARCHAR, rule VARCHAR, missing VARCHAR[])[] NOT NULL,
    missing VARCHAR[] NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);

-- == problem
CASE
    WHEN fact_decision IS NULL THEN NULL
    WHEN fact_decision.workspace_id IS NULL THEN 'its payload has no workspace_id'
    WHEN fact_decision.verdict IS NULL THEN 'its payload has no verdict'
    WHEN fact_decision.message.purpose IS NULL THEN 'its payload has no purpose'
    WHEN fact_decision.decided_at IS NULL THEN 'its payload has no decided_at'
    WHEN fact_decision.reasons IS NULL THEN 'its payload has no reasons'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_decision

-- == rows
-- Moments come with their offset; without an extension DuckDB makes UTC of them by this way alone.
SELECT
    tenant_key,
    position,
    day,
    payload.workspace_id,
    payload.verdict,
    payload.message.purpose,
    payload.message.campaign_type,
    payload.sender_country,
    payload.reasons[1].law AS law,
    payload.reasons[1].rule AS rule,
    payload.packs[payload.reasons[1].law] AS pack,
    len(payload.reasons)::INTEGER AS reason_count,
    payload.reasons,
    list_sort(list_distinct(flatten([coalesce(reason.missing, []) FOR reason IN payload.reasons]))) AS missing,
    make_timestamp(epoch_us(payload.decided_at)) AS decided_at,
    make_timestamp(epoch_us(payload.expires_at)) AS expires_at
FROM (SELECT tenant_key, position, day, fact_decision AS payload FROM batch WHERE name = 'audience.permission_decided')
