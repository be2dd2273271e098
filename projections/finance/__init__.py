"""What finance's figures mean: the definition profiles, as data."""
