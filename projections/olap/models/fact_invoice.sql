-- fact_invoice: what invoices charge for, line by line, as they were made final.
-- Grain: one row per line of an invoice that was made final; of an invoice without lines one row of amount 0.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: amount (minor units of currency, after the line's discount and without tax; additive within a currency),
--   discount (the same; what was taken off). invoice_net and invoice_total are the invoice's, after discounts, without
--   tax and with it, repeated on each of its lines: never summed over lines.
-- Invariants: amounts of an invoice sum to invoice_net. The service is of the days covers_from..covers_to (UTC), both
--   included. The day on which a period ends is the first of the next one, whatever the hour, so that each day belongs to
--   one of them alone; a period that ends on the day on which it began has that day. finalised_on is the effective day
--   of the invoice. Whether it was paid is in fact_payment; where a row is posted follows from the locks before its
--   position (fact_period). Its number and reference stay behind.
-- Permission: costs.read
-- Handles: billing.invoice_finalised 1

-- == shape
{
    "invoice_id": "UUID",
    "subscription_id": "UUID",
    "currency": "VARCHAR",
    "lines": [{
        "kind": "VARCHAR", "of": "VARCHAR", "amount": "BIGINT", "discount": "BIGINT", "proration": "BOOLEAN",
        "period_start": "TIMESTAMPTZ", "period_end": "TIMESTAMPTZ"
    }],
    "subtotal": "BIGINT",
    "discount": "BIGINT",
    "total": "BIGINT",
    "finalised_at": "TIMESTAMPTZ"
}

-- == table
CREATE TABLE fact_invoice (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    invoice_id UUID NOT NULL,
    subscription_id UUID,
    kind VARCHAR NOT NULL,
    sold VARCHAR,
    proration BOOLEAN NOT NULL,
    currency VARCHAR NOT NULL,
    amount BIGINT NOT NULL,
    discount BIGINT NOT NULL,
    covers_from DATE NOT NULL,
    covers_to DATE NOT NULL,
    finalised_on DATE NOT NULL,
    invoice_net BIGINT NOT NULL,
    invoice_total BIGINT NOT NULL
);

-- == problem
CASE
    WHEN fact_invoice IS NULL THEN NULL
    WHEN fact_invoice.invoice_id IS NULL THEN 'its payload has no invoice_id'
    WHEN fact_invoice.currency IS NULL THEN 'its payload has no currency'
    WHEN fact_invoice.finalised_at IS NULL THEN 'its payload has no finalised_at'
    WHEN
        coalesce(abs(fact_invoice.subtotal), 1e16) > 1e15
        OR coalesce(abs(fact_invoice.discount), 1e16) > 1e15
        OR coalesce(abs(fact_invoice.total), 1e16) > 1e15
        THEN 'its sums are none, or more than an amount may be'
    WHEN
        NOT list_bool_and([
            coalesce(
                line.kind IS NOT NULL
                AND abs(line.amount) <= 1e15
                AND abs(coalesce(line.discount, 0)) <= 1e15
                AND line.period_start IS NOT NULL
                AND line.period_end IS NOT NULL,
                false
            )
            FOR line IN fact_invoice.lines
        ])
        THEN 'a line of it has no amount or no service period'
END

-- == order
tenant_key, position

-- == events
SELECT count(DISTINCT (tenant_key, position)) FROM fact_invoice

-- == rows
SELECT
    tenant_key,
    position,
    day,
    payload.invoice_id,
    payload.subscription_id,
    CASE WHEN line IS NULL THEN 'other' ELSE line.kind END AS kind,
    line.of AS sold,
    coalesce(line.proration, false) AS proration,
    payload.currency,
    CASE
        WHEN line IS NULL THEN 0
        WHEN abs(line.amount) <= 1e15 AND abs(coalesce(line.discount, 0)) <= 1e15
            THEN line.amount - coalesce(line.discount, 0)
    END AS amount,
    coalesce(line.discount, 0) AS discount,
    make_timestamp(epoch_us(CASE WHEN line IS NULL THEN payload.finalised_at ELSE line.period_start END))::DATE
        AS covers_from,
    CASE
        WHEN line IS NULL THEN covers_from
        ELSE greatest(covers_from, make_timestamp(epoch_us(line.period_end))::DATE - 1)
    END AS covers_to,
    make_timestamp(epoch_us(payload.finalised_at))::DATE AS finalised_on,
    CASE
        WHEN abs(payload.subtotal) <= 1e15 AND abs(payload.discount) <= 1e15 THEN payload.subtotal - payload.discount
    END AS invoice_net,
    CASE WHEN abs(payload.total) <= 1e15 THEN payload.total END AS invoice_total
FROM (
    SELECT
        tenant_key,
        position,
        day,
        fact_invoice AS payload,
        unnest(CASE WHEN len(fact_invoice.lines) > 0 THEN fact_invoice.lines ELSE [NULL] END) AS line
    FROM batch
    WHERE name = 'billing.invoice_finalised'
)
