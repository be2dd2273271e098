"""Analytics: facts in DuckDB, one SQL model a file (`models/`), filled from batches of the tenants' logs.

A fact row holds the tenant and the position of the event it came from, so that a figure opens to its events. No
value of a person and no pseudonym made of one gets here: query and models take named fields and leave everything else
behind. Ids of streams and contacts do, as the log has them; an erasure's certificate says so.
"""
