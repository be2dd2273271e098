"""What a tenant pays for: plans and prices as data, subscriptions, invoices, payments, and what may be used of it."""
