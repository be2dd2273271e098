"""Analytics: facts in DuckDB, one SQL model a file (`models/`), filled from batches of the tenants' logs.

A fact row holds the tenant and the position of the event it came from, so that a figure opens to its events. No
personal data and no pseudonym gets here: query and models take named fields and leave everything else behind.
"""
