"""The projections runtime: reads the logs of all tenants and keeps each projection's rows and positions together."""
