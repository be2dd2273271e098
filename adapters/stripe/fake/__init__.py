"""A Stripe of our own: its addresses, objects, errors, clocks and webhooks, in memory. It moves no money."""
