"""Trials, invoices, payments and rates of the logs of `facts`; invoices of one line each, for a month of a plan."""

from __future__ import annotations

from typing import Final

_PRICE: Final = "pick([4900, 14900, 39900], chance('price', tenant_key, position, 3))"

PAID: Final = {
    "fact_invoice": f"""
        SELECT
            tenant_key, position, day,
            id('invoice', tenant_key, position) AS invoice_id,
            id('subscription', tenant_key, 0) AS subscription_id,
            'plan' AS kind, 'starter' AS sold, false AS proration, 'USD' AS currency,
            {_PRICE} AS amount, 0 AS discount,
            day AS covers_from, (day + 29)::DATE AS covers_to, day AS finalised_on,
            {_PRICE} AS invoice_net, {_PRICE} AS invoice_total
        FROM rare WHERE kind = 'invoiced'
    """,  # noqa: S608 - our own SQL
    "fact_payment": f"""
        SELECT
            tenant_key, position, day, 'received' AS change,
            id('payment', tenant_key, position) AS payment_id,
            NULL::UUID AS invoice_id, NULL::VARCHAR AS part, 'USD' AS currency,
            {_PRICE} AS amount, {_PRICE} * 29 // 1000 + 30 AS fee, 'USD' AS fee_currency, day AS effective_on
        FROM rare WHERE kind = 'paid'
    """,  # noqa: S608 - our own SQL
    "fact_exchange_rate": """
        SELECT
            tenant_key, position, day, base, 'USD' AS quote, day AS rate_on,
            thousandths * 1000000 AS rate_e9, (thousandths / 1000)::DECIMAL(9, 3)::VARCHAR AS rate_text
        FROM (
            SELECT
                *,
                pick(['EUR', 'EUR', 'JPY'], chance('pair', tenant_key, position, 3)) AS base,
                CASE base WHEN 'EUR' THEN 1000 + chance('rate', tenant_key, position, 150) ELSE 6 END AS thousandths
            FROM rare WHERE kind = 'rated'
        )
    """,
    "fact_trial": """
        SELECT
            tenant_key, position, day,
            CASE kind WHEN 'tried' THEN 'started' ELSE 'ended' END AS change,
            CASE kind WHEN 'tried' THEN 'starter' END AS plan,
            CASE kind WHEN 'tried_out' THEN chance('subscribed', tenant_key, 0, 3) > 0 END AS subscribed
        FROM rare WHERE kind IN ('tried', 'tried_out')
    """,
}
"""The facts of the four models, by tenant and position."""
