"""Stripe: the payment gateway over its own client, and a stateful Stripe in memory to work and test against."""
