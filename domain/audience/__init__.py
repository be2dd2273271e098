"""The people a tenant writes to: contacts of workspaces, the addressee behind them, lists and imports."""
