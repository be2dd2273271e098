"""Who may be mailed: rules of many laws as dated data, and the decision by them."""
