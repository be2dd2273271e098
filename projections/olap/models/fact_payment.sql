-- fact_payment: money that came in and went back, fact by fact.
-- Grain: one row per fact of an invoice's or a payment's money: paid (of an invoice), received, assigned, refunded,
--   refund_failed, disputed, won, lost (of a payment).
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: amount (minor units of currency, with tax, never below 0; additive within a currency and a change; 0 for
--   assigned, won and lost: the amount of the latter is that of the row disputed with the same payment_id and part), fee (minor units of
--   fee_currency, additive within it; may be below 0).
-- Invariants: effective_on (UTC) is the day on which it happened. part tells refunds and disputes of a payment apart.
--   invoice_id is of paid, of received where it was known for which invoice the money was, and of assigned where that
--   became known later. What refunds of a payment sum to, without those that failed, is no more than what was received.
--   Reasons and references stay behind.
-- Permission: costs.read
-- Handles: billing.invoice_paid 1
-- Handles: billing.payment_received 1
-- Handles: billing.payment_assigned 1
-- Handles: billing.refund_made 1
-- Handles: billing.refund_failed 1
-- Handles: billing.dispute_opened 1
-- Handles: billing.dispute_closed 1

-- == shape
{
    "payment_id": "UUID", "invoice_id": "UUID", "refund": "VARCHAR", "dispute": "VARCHAR", "outcome": "VARCHAR",
    "currency": "VARCHAR", "amount": "BIGINT", "fee": "BIGINT", "fee_currency": "VARCHAR",
    "paid_at": "TIMESTAMPTZ", "received_at": "TIMESTAMPTZ", "made_at": "TIMESTAMPTZ", "failed_at": "TIMESTAMPTZ",
    "opened_at": "TIMESTAMPTZ", "closed_at": "TIMESTAMPTZ"
}

-- == table
CREATE TABLE fact_payment (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    change VARCHAR NOT NULL,
    payment_id UUID,
    invoice_id UUID,
    part VARCHAR,
    currency VARCHAR,
    amount BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    fee_currency VARCHAR,
    effective_on DATE NOT NULL,
    CHECK (currency IS NOT NULL OR change IN ('assigned', 'won', 'lost')),
    CHECK (CASE change WHEN 'paid' THEN invoice_id ELSE payment_id END IS NOT NULL)
);

-- == problem
CASE
    WHEN fact_payment IS NULL THEN NULL
    WHEN
        coalesce(
            fact_payment.paid_at,
            fact_payment.received_at,
            fact_payment.made_at,
            fact_payment.failed_at,
            fact_payment.opened_at,
            fact_payment.closed_at
        ) IS NULL
        THEN 'its payload does not say when it happened'
    WHEN name = 'billing.invoice_paid' AND fact_payment.invoice_id IS NULL THEN 'its payload has no invoice_id'
    WHEN name <> 'billing.invoice_paid' AND fact_payment.payment_id IS NULL THEN 'its payload has no payment_id'
    WHEN name = 'billing.payment_assigned' AND fact_payment.invoice_id IS NULL THEN 'its payload has no invoice_id'
    WHEN
        name NOT IN ('billing.payment_assigned', 'billing.dispute_closed') AND fact_payment.currency IS NULL
        THEN 'its payload has no currency'
    WHEN
        name NOT IN ('billing.payment_assigned', 'billing.dispute_closed')
        AND (fact_payment.amount IS NULL OR fact_payment.amount NOT BETWEEN 0 AND 1000000000000000)
        THEN 'its amount is none, or more than an amount may be'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_payment

-- == rows
SELECT
    tenant_key,
    position,
    day,
    CASE name
        WHEN 'billing.invoice_paid' THEN 'paid'
        WHEN 'billing.payment_received' THEN 'received'
        WHEN 'billing.payment_assigned' THEN 'assigned'
        WHEN 'billing.refund_made' THEN 'refunded'
        WHEN 'billing.refund_failed' THEN 'refund_failed'
        WHEN 'billing.dispute_opened' THEN 'disputed'
        ELSE coalesce(payload.outcome, 'lost')
    END AS change,
    payload.payment_id,
    payload.invoice_id,
    coalesce(payload.refund, payload.dispute) AS part,
    payload.currency,
    CASE
        WHEN name IN ('billing.payment_assigned', 'billing.dispute_closed') THEN 0
        WHEN payload.amount BETWEEN 0 AND 1000000000000000 THEN payload.amount
    END AS amount,
    coalesce(payload.fee, 0) AS fee,
    payload.fee_currency,
    make_timestamp(epoch_us(
        coalesce(
            payload.paid_at,
            payload.received_at,
            payload.made_at,
            payload.failed_at,
            payload.opened_at,
            payload.closed_at
        )
    ))::DATE AS effective_on
FROM (
    SELECT tenant_key, position, day, name, fact_payment AS payload
    FROM batch
    WHERE
        name IN (
            'billing.invoice_paid',
            'billing.payment_received',
            'billing.payment_assigned',
            'billing.refund_made',
            'billing.refund_failed',
            'billing.dispute_opened',
            'billing.dispute_closed'
        )
)
