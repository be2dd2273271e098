"""Deliveries: reports and packs that arrive regularly, in a folder or by mail, each due time once."""
