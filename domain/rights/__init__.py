"""The rights of the people whose data a tenant holds: their requests, by when they are answered, and what was done."""
