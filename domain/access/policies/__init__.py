"""The policy on the access log that holds where a tenant has none of its own: data, in a file beside this."""
