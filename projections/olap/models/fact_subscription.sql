-- fact_subscription: what was told of subscriptions, telling by telling.
-- Grain: one row per telling: all terms of one subscription as they are from effective_at on.
-- Tenant key: tenant_key; with position it names the event behind the row.
-- Measures: none. Terms are a state; what they come to a month is in subscription_interval.
-- Invariants: effective_at (UTC) is the moment from which the terms hold, day (UTC) the day on which they were recorded:
--   tellings come late and in any order. (effective_at, rank, told_as) orders those of a subscription; told_as names the
--   telling and says nothing of anybody. unit_amount is in minor units of currency, each interval_count intervals; of a
--   metered item for all of it. percent_off is in hundredths of a percent; amount_off in minor units a cycle; ends_on
--   is the first day on which a discount lowers nothing any more. Items come to no more than 10^15 each, so that no sum
--   of them overflows. The payer's id at Stripe is not here. A rebuild lays the rows by tenant and position.
-- Permission: billing.read
-- Handles: billing.subscription_reported 1

-- == shape
{
    "subscription_id": "UUID",
    "teller": "VARCHAR",
    "told_as": "VARCHAR",
    "effective_at": "TIMESTAMPTZ",
    "rank": "INTEGER",
    "terms": {
        "status": "VARCHAR",
        "currency": "VARCHAR",
        "items": [{
            "price": "VARCHAR", "kind": "VARCHAR", "of": "VARCHAR", "unit_amount": "BIGINT", "quantity": "BIGINT",
            "interval": "VARCHAR", "interval_count": "INTEGER"
        }],
        "discounts": [{
            "coupon": "VARCHAR", "percent_off": "INTEGER", "amount_off": "BIGINT", "duration": "VARCHAR",
            "ends_on": "DATE"
        }],
        "period_start": "TIMESTAMPTZ",
        "period_end": "TIMESTAMPTZ",
        "trial_ends_at": "TIMESTAMPTZ",
        "cancel_at": "TIMESTAMPTZ",
        "ended_at": "TIMESTAMPTZ"
    }
}

-- == table
CREATE TABLE fact_subscription (
    tenant_key INTEGER NOT NULL,
    position BIGINT NOT NULL,
    day DATE NOT NULL,
    subscription_id UUID NOT NULL,
    teller VARCHAR NOT NULL,
    told_as VARCHAR NOT NULL,
    effective_at TIMESTAMP NOT NULL,
    rank INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    plan VARCHAR,
    items STRUCT(price VARCHAR, kind VARCHAR, of VARCHAR, unit_amount BIGINT, quantity BIGINT, interval VARCHAR, interval_count INTEGER)[] NOT NULL,
    discounts STRUCT(coupon VARCHAR, percent_off INTEGER, amount_off BIGINT, duration VARCHAR, ends_on DATE)[] NOT NULL,
    period_start TIMESTAMP,
    period_end TIMESTAMP,
    trial_ends_at TIMESTAMP,
    cancel_at TIMESTAMP,
    ended_at TIMESTAMP
);

-- == problem
CASE
    WHEN fact_subscription IS NULL THEN NULL
    WHEN fact_subscription.subscription_id IS NULL THEN 'its payload has no subscription_id'
    WHEN fact_subscription.teller IS NULL THEN 'its payload has no teller'
    WHEN fact_subscription.told_as IS NULL THEN 'its payload has no told_as'
    WHEN fact_subscription.effective_at IS NULL THEN 'its payload has no effective_at'
    WHEN fact_subscription.rank IS NULL THEN 'its payload has no rank'
    WHEN fact_subscription.terms.status IS NULL THEN 'its terms have no status'
    WHEN fact_subscription.terms.currency IS NULL THEN 'its terms have no currency'
    WHEN fact_subscription.terms.items IS NULL THEN 'its terms have no items'
    WHEN
        NOT list_bool_and([
            coalesce(
                item.kind IS NOT NULL
                AND item.interval IN ('day', 'week', 'month', 'year')
                AND coalesce(item.interval_count, 1) BETWEEN 1 AND 1000000
                AND item.unit_amount BETWEEN 0 AND 1000000000000000
                AND item.quantity BETWEEN 0 AND 1000000000000000
                AND item.unit_amount::HUGEINT * item.quantity <= 1000000000000000,
                false
            )
            FOR item IN fact_subscription.terms.items
        ])
        THEN 'an item of its terms has no interval, or comes to more than an amount may'
    WHEN
        NOT list_bool_and([
            coalesce(
                discount.duration IS NOT NULL
                AND coalesce(discount.percent_off, 0) BETWEEN 0 AND 10000
                AND coalesce(discount.amount_off, 0) BETWEEN 0 AND 1000000000000000
                AND (discount.percent_off IS NULL) <> (discount.amount_off IS NULL),
                false
            )
            FOR discount IN fact_subscription.terms.discounts
        ])
        THEN 'a discount of its terms is of no percentage and of no amount'
END

-- == order
tenant_key, position

-- == events
SELECT count(*) FROM fact_subscription

-- == rows
SELECT
    tenant_key,
    position,
    day,
    payload.subscription_id,
    payload.teller,
    payload.told_as,
    make_timestamp(epoch_us(payload.effective_at)) AS effective_at,
    payload.rank,
    payload.terms.status,
    payload.terms.currency,
    [item.of FOR item IN payload.terms.items IF item.kind = 'plan'][1] AS plan,
    CASE
        WHEN list_bool_and([
            coalesce(
                item.kind IS NOT NULL
                AND item.interval IN ('day', 'week', 'month', 'year')
                AND coalesce(item.interval_count, 1) BETWEEN 1 AND 1000000
                AND item.unit_amount BETWEEN 0 AND 1000000000000000
                AND item.quantity BETWEEN 0 AND 1000000000000000
                AND item.unit_amount::HUGEINT * item.quantity <= 1000000000000000,
                false
            )
            FOR item IN payload.terms.items
        ]) IS NOT FALSE THEN [
            struct_update(item, interval_count := coalesce(item.interval_count, 1))
            FOR item IN payload.terms.items
        ]
    END AS items,
    CASE
        WHEN list_bool_and([
            coalesce(
                discount.duration IS NOT NULL
                AND coalesce(discount.percent_off, 0) BETWEEN 0 AND 10000
                AND coalesce(discount.amount_off, 0) BETWEEN 0 AND 1000000000000000
                AND (discount.percent_off IS NULL) <> (discount.amount_off IS NULL),
                false
            )
            FOR discount IN payload.terms.discounts
        ]) IS NOT FALSE THEN coalesce(payload.terms.discounts, [])
    END AS discounts,
    make_timestamp(epoch_us(payload.terms.period_start)) AS period_start,
    make_timestamp(epoch_us(payload.terms.period_end)) AS period_end,
    make_timestamp(epoch_us(payload.terms.trial_ends_at)) AS trial_ends_at,
    make_timestamp(epoch_us(payload.terms.cancel_at)) AS cancel_at,
    make_timestamp(epoch_us(payload.terms.ended_at)) AS ended_at
FROM (
    SELECT tenant_key, position, day, fact_subscription AS payload
    FROM batch
    WHERE name = 'billing.subscription_reported'
)
