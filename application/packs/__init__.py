"""Board packs: what they say is data, the figures are those of reports, and a sealed one never changes."""
