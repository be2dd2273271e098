"""Reviews of the access log: what was signed off, what is questioned, which alerts were raised."""
