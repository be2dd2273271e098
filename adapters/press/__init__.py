"""Documents printed as PDF by Typst."""
