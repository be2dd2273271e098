-- revenue_entry: what was earned, as it became known: lines of paid invoices, less what went back.
-- Grain: one row per line of a paid invoice, and per refund, refund that failed or lost dispute of one.
-- Tenant key: tenant_key; with position it names the event by which it became known: the last that it takes.
-- Measures: amount (minor units of currency, signed, after discounts and without tax; additive within a currency).
-- Invariants: it is earned evenly over the days covers_from..covers_to, both included, the first days taking what is left
--   over by the division; what goes back does so on one day, and takes its part of the tax along; a refund that failed
--   is revenue again, on the day on which it did. All that went back of an invoice, in the order in which it became
--   known, is rounded as one sum after each of them, halves away from zero; each is what the sum moved by. So parts that
--   come to the whole are the whole, and what did not arrive takes nothing. An invoice that nobody paid has no row.
-- Permission: costs.read
-- Derived from: fact_invoice, fact_payment

-- == table
CREATE TABLE revenue_entry (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    amount BIGINT NOT NULL,
    covers_from DATE NOT NULL,
    covers_to DATE NOT NULL
);

-- == derive
WITH
    paid AS (
        SELECT tenant_key, invoice_id, min(position) AS paid_by
        FROM fact_payment
        WHERE change = 'paid'
        GROUP BY tenant_key, invoice_id
    ),
    recognised AS (
        SELECT
            tenant_key, invoice_id, currency, invoice_net, invoice_total,
            max(greatest(position, paid_by)) AS recognised_by
        FROM fact_invoice
        JOIN paid USING (tenant_key, invoice_id)
        GROUP BY ALL
    ),
    gone_back AS (
        SELECT
            tenant_key, payment_id, currency, amount, effective_on, position,
            CASE change WHEN 'refunded' THEN 1 ELSE -1 END AS way
        FROM fact_payment
        WHERE change IN ('refunded', 'refund_failed')
        UNION ALL
        SELECT
            disputed.tenant_key, disputed.payment_id, disputed.currency, disputed.amount, disputed.effective_on,
            lost.position, 1
        FROM fact_payment AS disputed
        JOIN fact_payment AS lost
            ON
                lost.tenant_key = disputed.tenant_key
                AND lost.payment_id = disputed.payment_id
                AND lost.part = disputed.part
        WHERE disputed.change = 'disputed' AND lost.change = 'lost'
    ),
    back AS (
        SELECT
            gone_back.tenant_key, gone_back.currency, gone_back.effective_on, way * gone_back.amount AS moved,
            invoice_net, invoice_total,
            greatest(gone_back.position, received.position, recognised_by) AS known_by,
            sum(way * gone_back.amount) OVER (
                PARTITION BY gone_back.tenant_key, recognised.invoice_id, gone_back.currency
                ORDER BY greatest(gone_back.position, received.position, recognised_by), gone_back.position
            ) AS gone
        FROM gone_back
        JOIN fact_payment AS received
            ON
                received.tenant_key = gone_back.tenant_key
                AND received.payment_id = gone_back.payment_id
                AND received.change IN ('received', 'assigned')
                AND received.invoice_id IS NOT NULL
        JOIN recognised
            ON
                recognised.tenant_key = gone_back.tenant_key
                AND recognised.invoice_id = received.invoice_id
                AND recognised.currency = gone_back.currency
    ),
    rounding AS (
        SELECT
            *,
            abs(gone)::HUGEINT AS after,
            abs(gone - moved)::HUGEINT AS before
        FROM back
        WHERE invoice_total > 0
    )
SELECT
    line.tenant_key,
    greatest(line.position, paid.paid_by) AS position,
    line.currency,
    line.amount,
    line.covers_from,
    line.covers_to
FROM fact_invoice AS line
JOIN paid ON paid.tenant_key = line.tenant_key AND paid.invoice_id = line.invoice_id
UNION ALL
SELECT
    tenant_key,
    known_by,
    currency,
    (
        sign(gone - moved)::HUGEINT * ((2 * before * invoice_net + invoice_total) // (2 * invoice_total::HUGEINT))
        - sign(gone)::HUGEINT * ((2 * after * invoice_net + invoice_total) // (2 * invoice_total::HUGEINT))
    )::BIGINT,
    effective_on,
    effective_on
FROM rounding
